//! Users that live as long as a service runs (systemd.exec(5), `DynamicUser=`): a number for each name, held by files that all
//! daemons see. A user's number is made from its name, so that it nearly always gets the same one again.
//!
//! So that others see names instead of numbers (`ps`, `ls`), each has records where nss-systemd looks for those of others.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Gid, Group, Uid, User};

/// What systemd sets aside for them.
const FIRST: u32 = 61184;
const LAST: u32 = 65519;

/// Where they are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicUsers {
    directory: PathBuf,
    records: PathBuf,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicUser {
    /// Its name; the group's as well.
    pub name: String,
    /// Its number; the group's as well.
    pub uid: u32,
    holders: Vec<String>,
}

impl DynamicUsers {
    /// Those of the system.
    pub fn system() -> Self {
        Self { directory: "/run/systemd/dynamic-uid".into(), records: "/run/userdb".into() }
    }

    /// Elsewhere, for tests.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.join("users"), records: directory.join("records") }
    }

    /// All of them, by number.
    pub fn list(&self) -> Vec<DynamicUser> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut found: Vec<DynamicUser> = entries.filter_map(|entry| read(&entry.path())).collect();
        found.sort_by_key(|user| user.uid);
        found
    }

    /// The number of a user that is held.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.list().into_iter().find(|user| user.name == name).map(|user| user.uid)
    }

    /// Holds a user for a unit, until [`DynamicUsers::release`]; a second time it is the same.
    ///
    /// # Errors
    /// When the files can't be written, or no number is free.
    pub fn hold(&self, name: &str, unit: &str) -> io::Result<u32> {
        let _lock = self.lock()?;
        let all = self.list();
        let found = all.iter().find(|user| user.name == name).cloned();
        let is_new = found.is_none();
        let mut user = match found {
            Some(user) => user,
            None => {
                let free = |uid: &u32| !all.iter().any(|user| user.uid == *uid) && !is_taken(*uid);
                let uid = candidates(name).find(free).ok_or(io::ErrorKind::QuotaExceeded)?;
                DynamicUser { name: name.to_owned(), uid, holders: Vec::new() }
            }
        };
        if !user.holders.iter().any(|holder| holder == unit) {
            user.holders.push(unit.to_owned());
            self.write(&user)?;
        }
        if is_new {
            // Only for those who look.
            let _ = self.write_records(&user);
        }
        Ok(user.uid)
    }

    /// A unit is down: users that it was the last to hold are gone.
    pub fn release(&self, unit: &str) {
        if !self.list().iter().any(|user| user.holders.iter().any(|holder| holder == unit)) {
            return;
        }
        let Ok(_lock) = self.lock() else { return };
        for mut user in self.list() {
            let before = user.holders.len();
            user.holders.retain(|holder| holder != unit);
            if user.holders.is_empty() {
                let _ = fs::remove_file(self.directory.join(user.uid.to_string()));
                for file in records(&user).map(|(file, _)| file) {
                    let _ = fs::remove_file(self.records.join(file));
                }
            } else if user.holders.len() != before
                && let Err(error) = self.write(&user)
            {
                tracing::warn!(%error, "the user {} is held longer than needed", user.name);
            }
        }
    }

    fn lock(&self) -> io::Result<Flock<File>> {
        fs::create_dir_all(&self.directory)?;
        let file = File::create(self.directory.join(".lock"))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
    }

    fn write(&self, user: &DynamicUser) -> io::Result<()> {
        let path = self.directory.join(user.uid.to_string());
        let temporary = self.directory.join(format!(".{}", user.uid));
        let mut file = File::create(&temporary)?;
        file.write_all(format!("{}\n{}\n", user.name, user.holders.join("\n")).as_bytes())?;
        fs::rename(temporary, path)
    }

    fn write_records(&self, user: &DynamicUser) -> io::Result<()> {
        fs::create_dir_all(&self.records)?;
        for (file, text) in records(user) {
            fs::write(self.records.join(file), text)?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Option<DynamicUser> {
    let uid = path.file_name()?.to_str()?.parse().ok()?;
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().map(str::to_owned);
    Some(DynamicUser { name: lines.next()?, uid, holders: lines.collect() })
}

/// All numbers, from one that the name leads to.
fn candidates(name: &str) -> impl Iterator<Item = u32> {
    // FNV-1a: the same on all machines and in all versions.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let count = LAST - FIRST + 1;
    (0..count).map(move |step| FIRST + (hash % count + step) % count)
}

/// Whether somebody else has the number.
fn is_taken(uid: u32) -> bool {
    matches!(User::from_uid(Uid::from_raw(uid)), Ok(Some(_)))
        || matches!(Group::from_gid(Gid::from_raw(uid)), Ok(Some(_)))
}

/// Records of the user and its group by name and by number (nss-systemd(8)).
fn records(user: &DynamicUser) -> [(String, String); 4] {
    let (name, uid) = (&user.name, user.uid);
    let of_user = format!(
        "{{\"userName\":\"{name}\",\"uid\":{uid},\"gid\":{uid},\"realName\":\"Dynamic User\",\"homeDirectory\":\"/\",\
         \"shell\":\"/usr/sbin/nologin\",\"locked\":true,\"disposition\":\"dynamic\"}}\n"
    );
    let of_group = format!("{{\"groupName\":\"{name}\",\"gid\":{uid},\"disposition\":\"dynamic\"}}\n");
    [
        (format!("{name}.user"), of_user.clone()),
        (format!("{uid}.user"), of_user),
        (format!("{name}.group"), of_group.clone()),
        (format!("{uid}.group"), of_group),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_until_the_last_unit_is_down() {
        let top = std::env::temp_dir().join(format!("quintet-dynamic-{}", std::process::id()));
        let users = DynamicUsers::at(&top);
        let uid = users.hold("web", "a.service").unwrap();
        assert!((FIRST..=LAST).contains(&uid));
        assert_eq!(users.hold("web", "a.service").unwrap(), uid);
        assert_eq!(users.hold("web", "b.service").unwrap(), uid);
        let other = users.hold("db", "c.service").unwrap();
        assert_ne!(other, uid);
        assert_eq!(users.find("db"), Some(other));
        users.release("a.service");
        assert_eq!(users.find("web"), Some(uid));
        assert!(users.records.join(format!("{uid}.user")).exists());
        users.release("b.service");
        assert_eq!((users.find("web"), users.list().len()), (None, 1));
        assert!(!users.records.join(format!("{uid}.user")).exists());
        assert_eq!(users.hold("web", "b.service").unwrap(), uid, "the same number again");
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn every_number_is_tried_once() {
        let mut all: Vec<u32> = candidates("x").collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(FIRST..=LAST));
    }
}
