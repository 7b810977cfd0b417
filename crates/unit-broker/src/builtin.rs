//! Units that the manager brings along: the targets of systemd.special(7) that other units refer to.
//!
//! They are written to a directory of their own at the end of the load path, so that a container with nothing but its own
//! units has a `default.target` to boot, `basic.target` to be after and `shutdown.target` to conflict with. Any file of
//! the same name elsewhere on the path wins, drop-ins and `.wants/` directories add to them as usual. With
//! `SYSTEMD_UNIT_PATH=` set, exactly that path counts and these don't (systemd.unit(5)).

use std::fs;
use std::io;
use std::path::Path;

use unit_parser::LoadPath;

/// Fragment text by unit name.
const TARGETS: [(&str, &str); 24] = [
    (
        "basic.target",
        "[Unit]\nDescription=Basic System\nRequires=sysinit.target\nWants=sockets.target timers.target paths.target slices.target\nAfter=sysinit.target sockets.target paths.target slices.target\n",
    ),
    (
        "default.target",
        "[Unit]\nDescription=Default Target\nRequires=multi-user.target\nAfter=multi-user.target\nAllowIsolate=yes\n",
    ),
    ("emergency.target", "[Unit]\nDescription=Emergency Mode\nAllowIsolate=yes\n"),
    (
        "exit.target",
        "[Unit]\nDescription=Exit\nDefaultDependencies=no\nRequires=shutdown.target\nAfter=shutdown.target\nAllowIsolate=yes\n",
    ),
    (
        "final.target",
        "[Unit]\nDescription=Late Shutdown\nDefaultDependencies=no\nRefuseManualStart=yes\nAfter=shutdown.target umount.target\n",
    ),
    (
        "graphical.target",
        "[Unit]\nDescription=Graphical Interface\nRequires=multi-user.target\nAfter=multi-user.target\nAllowIsolate=yes\n",
    ),
    (
        "halt.target",
        "[Unit]\nDescription=Halt\nDefaultDependencies=no\nRequires=shutdown.target umount.target\nAfter=shutdown.target umount.target final.target\nAllowIsolate=yes\n",
    ),
    (
        "kexec.target",
        "[Unit]\nDescription=Reboot by kexec\nDefaultDependencies=no\nRequires=shutdown.target umount.target\nAfter=shutdown.target umount.target final.target\nAllowIsolate=yes\n",
    ),
    ("local-fs.target", "[Unit]\nDescription=Local File Systems\nDefaultDependencies=no\nConflicts=shutdown.target\n"),
    (
        "multi-user.target",
        "[Unit]\nDescription=Multi-User System\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n",
    ),
    ("network-online.target", "[Unit]\nDescription=Network is Online\nAfter=network.target\n"),
    ("network.target", "[Unit]\nDescription=Network\n"),
    (
        "paths.target",
        "[Unit]\nDescription=Path Units\nDefaultDependencies=no\nBefore=shutdown.target\nConflicts=shutdown.target\n",
    ),
    (
        "poweroff.target",
        "[Unit]\nDescription=Power Off\nDefaultDependencies=no\nRequires=shutdown.target umount.target\nAfter=shutdown.target umount.target final.target\nAllowIsolate=yes\n",
    ),
    (
        "reboot.target",
        "[Unit]\nDescription=Reboot\nDefaultDependencies=no\nRequires=shutdown.target umount.target\nAfter=shutdown.target umount.target final.target\nAllowIsolate=yes\n",
    ),
    (
        "rescue.target",
        "[Unit]\nDescription=Rescue Mode\nRequires=sysinit.target\nAfter=sysinit.target\nAllowIsolate=yes\n",
    ),
    ("shutdown.target", "[Unit]\nDescription=Shutdown\nDefaultDependencies=no\nRefuseManualStart=yes\n"),
    (
        "slices.target",
        "[Unit]\nDescription=Slice Units\nDefaultDependencies=no\nBefore=shutdown.target\nConflicts=shutdown.target\n",
    ),
    (
        "sockets.target",
        "[Unit]\nDescription=Socket Units\nDefaultDependencies=no\nBefore=shutdown.target\nConflicts=shutdown.target\n",
    ),
    (
        "swap.target",
        "[Unit]\nDescription=Swaps\nDefaultDependencies=no\nBefore=shutdown.target\nConflicts=shutdown.target\n",
    ),
    (
        "sysinit.target",
        "[Unit]\nDescription=System Initialization\nDefaultDependencies=no\nConflicts=emergency.target\nWants=local-fs.target swap.target\nAfter=local-fs.target swap.target emergency.target\n",
    ),
    ("time-sync.target", "[Unit]\nDescription=System Time is Synchronized\nRefuseManualStart=yes\n"),
    (
        "timers.target",
        "[Unit]\nDescription=Timer Units\nDefaultDependencies=no\nBefore=shutdown.target\nConflicts=shutdown.target\n",
    ),
    ("umount.target", "[Unit]\nDescription=Unmount All File Systems\nDefaultDependencies=no\nRefuseManualStart=yes\n"),
];

/// Writes the units below `dir` and puts that at the end of the load path.
///
/// # Errors
/// When a file can't be written.
pub fn add(load_path: &mut LoadPath, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for (name, text) in TARGETS {
        let file = dir.join(name);
        // Untouched files keep their time: a rewritten one would ask for a daemon-reload.
        if fs::read_to_string(&file).ok().as_deref() != Some(text) {
            fs::write(file, text)?;
        }
    }
    load_path.dirs.push(dir.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_sorted_and_written_once() {
        assert!(TARGETS.is_sorted_by_key(|(name, _)| *name));
        let dir = std::env::temp_dir().join(format!("builtin-{}", std::process::id()));
        let mut path = LoadPath { dirs: Vec::new() };
        add(&mut path, &dir).unwrap();
        let first = fs::metadata(dir.join("basic.target")).unwrap().modified().unwrap();
        add(&mut path, &dir).unwrap();
        assert_eq!(fs::metadata(dir.join("basic.target")).unwrap().modified().unwrap(), first);
        assert_eq!(path.dirs.first(), Some(&dir));
        fs::remove_dir_all(dir).unwrap();
    }
}
