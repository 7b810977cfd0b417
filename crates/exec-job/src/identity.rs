//! `User=`, `Group=`, `SupplementaryGroups=`: names and numbers looked up in the user database.

use std::ffi::CString;

use daemon_runtime::dynamic_users::DynamicUsers;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use sys::executor;
use thiserror::Error;
use unit_parser::Unit;
use unit_parser::rows::exec;

/// Who a process becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For the executor.
    pub user: executor::User,
    /// `$USER`, `$LOGNAME`.
    pub name: Option<String>,
    /// `$HOME`
    pub home: Option<String>,
    /// `$SHELL`
    pub shell: Option<String>,
    /// The groups that the user database gives the user, without `SupplementaryGroups=`.
    own_groups: Option<Vec<u32>>,
}

/// Why there is no such identity; with systemd's exit status.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// 217/USER
    #[error("USER: user {0} does not exist")]
    User(String),
    /// 217/USER
    #[error("USER: no dynamic user {0}: {1}")]
    Dynamic(String, String),
    /// 216/GROUP
    #[error("GROUP: group {0} does not exist")]
    Group(String),
}

impl IdentityError {
    /// The exit status of a process that fails so.
    pub fn status(&self) -> u8 {
        match self {
            IdentityError::User(_) | IdentityError::Dynamic(..) => 217,
            IdentityError::Group(_) => 216,
        }
    }
}

impl Identity {
    /// Of a unit; `None` when it sets neither user nor group.
    ///
    /// # Errors
    /// [`IdentityError`] when a name is unknown.
    pub fn of(unit: &Unit) -> Result<Option<Identity>, IdentityError> {
        Identity::with(unit, None)
    }

    /// The same of a unit whose user is a dynamic one of this number ([`dynamic_user`]).
    ///
    /// # Errors
    /// [`IdentityError`] when a name is unknown.
    pub fn with(unit: &Unit, dynamic: Option<u32>) -> Result<Option<Identity>, IdentityError> {
        let (user, group) = (unit.str(exec::USER), unit.str(exec::GROUP));
        let more = unit.list(exec::SUPPLEMENTARY_GROUPS);
        let at_home = unit.str(exec::WORKING_DIRECTORY).trim_start_matches('-') == "~";
        if user.is_empty() && group.is_empty() && more.is_empty() {
            return Ok((at_home && !unit.user_manager).then(Identity::at_home));
        }
        let found = match dynamic {
            // It has no home and no shell.
            Some(uid) => {
                Some(Found { uid: Some(uid), gid: Some(uid), name: Some(user.to_owned()), ..Found::default() })
            }
            None if user.is_empty() => None,
            // Nor has one that was there already.
            None if unit.bool(exec::DYNAMIC_USER) => Some(Found { home: None, shell: None, ..lookup_user(user)? }),
            None => Some(lookup_user(user)?),
        };
        let gid = match (group.is_empty(), &found) {
            (false, Some(found)) if dynamic.is_some() && group == user => found.gid,
            (false, _) => Some(lookup_group(group)?),
            (true, Some(found)) => found.gid,
            (true, None) => None,
        };
        let of_user = match (&found, gid) {
            (Some(_), Some(gid)) if dynamic.is_some() => Some(vec![gid]),
            // Those of root are never looked up.
            (Some(Found { name: Some(name), .. }), Some(gid)) if gid != 0 => Some(initgroups(name, gid)),
            _ => None,
        };
        let more = more.iter().map(|name| lookup_group(name)).collect::<Result<Vec<u32>, _>>()?;
        // Without a user the manager's groups stay, unless others are named.
        let groups = (of_user.is_some() || !more.is_empty()).then(|| {
            let mut groups: Vec<u32> = of_user.iter().flatten().copied().chain(more).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        });
        let mut found = found.unwrap_or_default();
        // As in systemd: whoever has no home is in the manager's then.
        if at_home && found.home.is_none() {
            found.home = manager_home();
        }
        Ok(Some(Identity {
            user: executor::User { uid: found.uid, gid, groups, home: found.home.clone().map(Into::into) },
            name: found.name,
            home: found.home,
            shell: found.shell,
            own_groups: of_user,
        }))
    }

    /// For a command: one that keeps the manager's identity (`+`, `!`) has the user's groups all the same, as in systemd.
    #[must_use]
    pub fn of_command(self, keeps_ours: bool) -> executor::User {
        if keeps_ours { executor::User { groups: self.own_groups, ..self.user } } else { self.user }
    }

    /// Nothing changes, but there is a home to go to: root's.
    fn at_home() -> Identity {
        let home = manager_home();
        let user = executor::User { home: home.clone().map(Into::into), ..executor::User::default() };
        Identity { user, name: None, home, shell: None, own_groups: None }
    }
}

/// The user of a unit with `DynamicUser=`, held for it from now on ([`release_dynamic_user`]); `None` where it has none: not
/// set, for one user's units, and where there is a user of that name anyway.
///
/// # Errors
/// [`IdentityError`] when no user can be had.
pub(super) fn dynamic_user(unit: &Unit) -> Result<Option<u32>, IdentityError> {
    let name = unit.str(exec::USER);
    if !unit.bool(exec::DYNAMIC_USER) || unit.user_manager || name.is_empty() {
        return Ok(None);
    }
    let users = DynamicUsers::system();
    // One that is held already is found in the user database as well.
    if users.find(name).is_none() && lookup_user(name).is_ok() {
        return Ok(None);
    }
    let held = users.hold(name, unit.name.as_str());
    held.map(Some).map_err(|error| IdentityError::Dynamic(name.to_owned(), error.to_string()))
}

/// A unit is down: nobody needs its dynamic user any more.
pub fn release_dynamic_user(unit: &Unit) {
    if unit.bool(exec::DYNAMIC_USER) {
        DynamicUsers::system().release(unit.name.as_str());
    }
}

#[derive(Default)]
struct Found {
    uid: Option<u32>,
    gid: Option<u32>,
    name: Option<String>,
    home: Option<String>,
    shell: Option<String>,
}

/// The user that owns nothing: it has neither a home nor a shell, whatever the user database says.
const NOBODY: u32 = 65534;

/// Shells that only say no: as good as none, and left out of the environment as in systemd.
const NO_SHELLS: &[&str] = &[
    "/bin/nologin",
    "/sbin/nologin",
    "/usr/bin/nologin",
    "/usr/sbin/nologin",
    "/bin/false",
    "/usr/bin/false",
    "/bin/true",
    "/usr/bin/true",
];

impl From<User> for Found {
    fn from(user: User) -> Found {
        let somebody = user.uid.as_raw() != NOBODY;
        let home = user.dir.into_os_string().into_string().ok();
        let shell = user.shell.into_os_string().into_string().ok();
        Found {
            uid: Some(user.uid.as_raw()),
            gid: Some(user.gid.as_raw()),
            name: Some(user.name),
            home: home.filter(|dir| somebody && dir.starts_with('/')),
            shell: shell.filter(|shell| somebody && shell.starts_with('/') && !NO_SHELLS.contains(&shell.as_str())),
        }
    }
}

/// root works without a user database.
fn lookup_user(text: &str) -> Result<Found, IdentityError> {
    let unknown = || IdentityError::User(text.to_owned());
    let root = || Found {
        uid: Some(0),
        gid: Some(0),
        name: Some("root".into()),
        home: Some("/root".into()),
        shell: Some("/bin/sh".into()),
    };
    if let Ok(uid) = text.parse::<u32>() {
        return Ok(match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => user.into(),
            Ok(None) | Err(_) if uid == 0 => root(),
            // As systemd: a number that nobody has is nobody.
            Ok(None) | Err(_) => return Err(unknown()),
        });
    }
    match User::from_name(text) {
        Ok(Some(user)) => Ok(user.into()),
        Ok(None) | Err(_) if text == "root" => Ok(root()),
        Ok(None) | Err(_) => Err(unknown()),
    }
}

/// The home of the system's manager: root's.
fn manager_home() -> Option<String> {
    lookup_user("root").ok().and_then(|root| root.home)
}

fn lookup_group(text: &str) -> Result<u32, IdentityError> {
    if let Ok(gid) = text.parse::<u32>() {
        return match Group::from_gid(Gid::from_raw(gid)) {
            Ok(Some(_)) => Ok(gid),
            Ok(None) | Err(_) if gid == 0 => Ok(0),
            Ok(None) | Err(_) => Err(IdentityError::Group(text.to_owned())),
        };
    }
    match Group::from_name(text) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) | Err(_) if text == "root" => Ok(0),
        Ok(None) | Err(_) => Err(IdentityError::Group(text.to_owned())),
    }
}

fn initgroups(name: &str, gid: u32) -> Vec<u32> {
    CString::new(name)
        .ok()
        .and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok())
        .map_or_else(|| vec![gid], |groups| groups.into_iter().map(Gid::as_raw).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    fn unit(settings: &[(unit_parser::RowId, &str)]) -> Unit {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        for (row, text) in settings {
            unit.set(*row, Value::Str((*text).into()), Origin::default());
        }
        unit
    }

    #[test]
    fn names_numbers_and_unknowns() {
        assert_eq!(Identity::of(&unit(&[])), Ok(None));
        let root = Identity::of(&unit(&[(exec::USER, "root")])).unwrap().unwrap();
        assert_eq!((root.user.uid, root.user.gid, root.name.as_deref()), (Some(0), Some(0), Some("root")));
        let number = Identity::of(&unit(&[(exec::USER, "0"), (exec::GROUP, "0")])).unwrap().unwrap();
        assert_eq!((number.user.uid, number.user.gid, number.name.as_deref()), (Some(0), Some(0), Some("root")));
        let group = Identity::of(&unit(&[(exec::GROUP, "0")])).unwrap().unwrap();
        assert_eq!((group.user.uid, group.user.gid, group.user.groups), (None, Some(0), None));
        let home = Identity::of(&unit(&[(exec::WORKING_DIRECTORY, "~")])).unwrap().unwrap();
        assert_eq!((home.user.uid, home.home.is_some(), home.name), (None, true, None));
        let dynamic =
            Identity::with(&unit(&[(exec::USER, "web"), (exec::GROUP, "web")]), Some(61200)).unwrap().unwrap();
        assert_eq!(
            (dynamic.user.uid, dynamic.user.gid, dynamic.user.groups),
            (Some(61200), Some(61200), Some(vec![61200]))
        );
        assert_eq!((dynamic.name.as_deref(), dynamic.home), (Some("web"), None));
        let homeless =
            Identity::of(&unit(&[(exec::USER, "nobody"), (exec::WORKING_DIRECTORY, "-~")])).unwrap().unwrap();
        assert_eq!(homeless.home, manager_home(), "the manager's");
        assert_eq!(Identity::of(&unit(&[(exec::USER, "4242424")])).unwrap_err().status(), 217);
        assert_eq!(Identity::of(&unit(&[(exec::GROUP, "4242424")])).unwrap_err().status(), 216);
        let error = Identity::of(&unit(&[(exec::USER, "no-such-user")])).unwrap_err();
        assert_eq!(error.status(), 217);
        let error = Identity::of(&unit(&[(exec::GROUP, "no-such-group")])).unwrap_err();
        assert_eq!(error.status(), 216);
    }
}
