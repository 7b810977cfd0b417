//! Debian packages that a test wants to see running, without installing them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use crate::programs::target_directory;

/// A directory with what the packages and their dependencies contain, as [`crate::Builder::root`] takes it; `None` (and
/// a word about it) where there is no apt or no archive. Downloaded once, kept in the target directory.
pub fn unpacked(packages: &[&str]) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let root = target_directory().join("debian").join(packages.join("+"));
    if root.exists() {
        return Some(root);
    }
    let made = download(packages, &root.with_extension("new"));
    if let Err(why) = made.and_then(|new| fs::rename(new, &root).map_err(|e| e.to_string())) {
        println!("SKIPPED: needs the Debian packages {}: {why}", packages.join(", "));
        return None;
    }
    Some(root)
}

fn download(packages: &[&str], root: &Path) -> Result<PathBuf, String> {
    let _ = fs::remove_dir_all(root);
    let archive = root.join("archive");
    fs::create_dir_all(&archive).map_err(|e| e.to_string())?;
    let wanted = missing(packages).or_else(|_| {
        run(Command::new("apt-get").args(["update", "-q"]))?;
        missing(packages)
    })?;
    run(Command::new("apt-get").args(["download", "-q"]).args(wanted).current_dir(&archive))?;
    for entry in fs::read_dir(&archive).map_err(|e| e.to_string())? {
        let file = entry.map_err(|e| e.to_string())?.path();
        // Through tar, so that a package's /lib becomes /usr/lib as on the machine.
        let line = r#"dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --transform 's,^\./\(bin\|sbin\|lib\)\(/\|$\),./usr/\1\2,'"#;
        run(Command::new("bash").args(["-ec", line, "bash"]).arg(&file).arg(root))?;
    }
    fs::remove_dir_all(&archive).map_err(|e| e.to_string())?;
    Ok(root.to_owned())
}

/// What installing them would install. Those that are there already are downloaded too: a package that the machine has
/// is seen inside anyway, but its unit files are not.
fn missing(packages: &[&str]) -> Result<Vec<String>, String> {
    let output = run(Command::new("apt-get").args(["install", "-s", "--no-install-recommends"]).args(packages))?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let new = listed.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next()).map(str::to_owned);
    let mut names: Vec<String> = packages.iter().map(|name| (*name).to_owned()).chain(new).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(output);
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
