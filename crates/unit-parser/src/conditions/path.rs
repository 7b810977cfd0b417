//! Conditions on files.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

pub fn exists(path: &str) -> bool {
    fs::metadata(path).is_ok()
}

pub fn is_directory(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

pub fn is_symbolic_link(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Follows a symbolic link, as systemd does.
pub fn is_mount_point(path: &str) -> bool {
    let Ok(path) = fs::canonicalize(path) else { return false };
    if path == Path::new("/") {
        return true;
    }
    // Field 5 of mountinfo is the mount point, with octal escapes for white space (proc(5)).
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return false };
    let wanted = path.to_string_lossy().replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(&wanted))
}

pub fn is_read_write(path: &str) -> bool {
    statvfs(path).is_ok_and(|info| !info.flags().contains(FsFlags::ST_RDONLY))
}

/// Whether a path is known to be on a file system that can't be written to.
pub fn is_read_only(path: &str) -> bool {
    statvfs(path).is_ok_and(|info| info.flags().contains(FsFlags::ST_RDONLY))
}

/// The block device below a path, or one that this is built on, is a dm-crypt volume.
pub fn is_encrypted(path: &str) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    let device = if metadata.file_type().is_block_device() { metadata.rdev() } else { metadata.dev() };
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    block_device_is_encrypted(&PathBuf::from(format!("/sys/dev/block/{major}:{minor}")), 16)
}

fn block_device_is_encrypted(device: &Path, depth: u32) -> bool {
    if fs::read_to_string(device.join("dm/uuid")).is_ok_and(|uuid| uuid.starts_with("CRYPT-")) {
        return true;
    }
    let Ok(below) = fs::read_dir(device.join("slaves")) else { return false };
    let below: Vec<PathBuf> = below.flatten().map(|entry| entry.path()).collect();
    // Encrypted only if all parts are.
    depth > 0 && !below.is_empty() && below.iter().all(|part| block_device_is_encrypted(part, depth - 1))
}

/// Hidden and backup files don't count.
pub fn directory_not_empty(path: &str) -> bool {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && !name.ends_with('~')
        }),
        // What can't be read isn't known to be empty.
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

pub fn file_not_empty(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

pub fn file_is_executable(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// `/etc` or `/var` is older than `/usr`: the stamp file `.updated` in it tells.
pub fn needs_update(path: &str) -> bool {
    // Only what is known to be read-only can't be updated.
    if is_read_only(path) {
        return false;
    }
    let Ok(usr) = fs::metadata("/usr") else { return true };
    match fs::metadata(Path::new(path).join(".updated")) {
        Err(_) => true,
        Ok(stamp) => (usr.mtime(), usr.mtime_nsec()) > (stamp.mtime(), stamp.mtime_nsec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_every_kind() {
        let dir = std::env::temp_dir().join(format!("conditions-{}", std::process::id()));
        fs::create_dir_all(dir.join("empty")).unwrap();
        fs::write(dir.join("file"), "x").unwrap();
        fs::write(dir.join("nothing"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.join("link")).unwrap();
        let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();

        assert!(exists(&at("file")) && !exists(&at("link")) && !exists(&at("missing")));
        assert!(is_symbolic_link(&at("link")) && !is_symbolic_link(&at("file")));
        assert!(is_directory(&at("empty")) && !is_directory(&at("file")));
        assert!(directory_not_empty(dir.to_str().unwrap()) && !directory_not_empty(&at("empty")));
        assert!(!directory_not_empty(&at("file")) && !directory_not_empty(&at("missing")));
        fs::write(dir.join("empty/.hidden"), "").unwrap();
        assert!(!directory_not_empty(&at("empty")));
        assert!(file_not_empty(&at("file")) && !file_not_empty(&at("nothing")) && !file_not_empty(&at("empty")));
        assert!(!file_is_executable(&at("file")) && file_is_executable("/bin/sh"));
        assert!(is_mount_point("/proc") && is_mount_point("/") && !is_mount_point(&at("empty")));
        assert!(is_read_write(&at("empty")) && !is_read_write(&at("missing")));
        fs::remove_dir_all(dir).unwrap();
    }
}
