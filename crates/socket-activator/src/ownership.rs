//! The owner of socket files: `SocketUser=`, `SocketGroup=`. Runs as a process of its own, since the name service may be
//! slow, or itself be started by a socket of ours.

use std::os::unix::fs::lchown;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::{Group, User};

/// systemd's exit statuses (systemd.exec(5), "Process Exit Codes").
const EXIT_GROUP: u8 = 216;
const EXIT_USER: u8 = 217;
const EXIT_CHOWN: u8 = 235;

/// Sets owner and group of the files. With a user alone, the group is that of the user. Numbers have to be of users and
/// groups that there are, as in systemd.
pub fn chown(user: &str, group: &str, paths: &[PathBuf]) -> ExitCode {
    let (uid, own_gid) = match find_user(user) {
        Ok(found) => found,
        Err(text) => return fail(&text, EXIT_USER),
    };
    let gid = match find_group(group) {
        Ok(found) => found.or(own_gid),
        Err(text) => return fail(&text, EXIT_GROUP),
    };
    for path in paths {
        if let Err(error) = lchown(path, uid, gid) {
            return fail(&format!("Failed to chown {}: {error}", path.display()), EXIT_CHOWN);
        }
    }
    ExitCode::SUCCESS
}

fn find_user(name: &str) -> Result<(Option<u32>, Option<u32>), String> {
    if name.is_empty() {
        return Ok((None, None));
    }
    let found = match name.parse::<u32>() {
        Ok(uid) => User::from_uid(uid.into()),
        Err(_) => User::from_name(name),
    };
    match found {
        Ok(Some(user)) => Ok((Some(user.uid.as_raw()), Some(user.gid.as_raw()))),
        Ok(None) => Err(format!("Failed to resolve user {name}: no such user")),
        Err(error) => Err(format!("Failed to resolve user {name}: {error}")),
    }
}

fn find_group(name: &str) -> Result<Option<u32>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let found = match name.parse::<u32>() {
        Ok(gid) => Group::from_gid(gid.into()),
        Err(_) => Group::from_name(name),
    };
    match found {
        Ok(Some(group)) => Ok(Some(group.gid.as_raw())),
        Ok(None) => Err(format!("Failed to resolve group {name}: no such group")),
        Err(error) => Err(format!("Failed to resolve group {name}: {error}")),
    }
}

fn fail(text: &str, status: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(status)
}
