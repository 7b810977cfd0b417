//! User and groups.

use super::report::At;
use super::{Failure, Job, Step};
use nix::unistd::{Gid, Uid, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid};
use std::collections::BTreeSet;

/// Groups first: they need the rights that go with the user. What is right already is left alone, so that a user's manager
/// may start units that name the user itself.
pub(super) fn groups(job: &Job) -> Result<(), Failure> {
    let Some(user) = &job.user else { return Ok(()) };
    if let Some(groups) = &user.groups {
        let wanted: BTreeSet<u32> = groups.iter().copied().collect();
        let current: BTreeSet<u32> = getgroups().at(Step::Group, "getgroups")?.into_iter().map(Gid::as_raw).collect();
        if wanted != current {
            let list: Vec<Gid> = wanted.into_iter().map(Gid::from_raw).collect();
            setgroups(&list).at(Step::Group, format!("supplementary groups {groups:?}"))?;
        }
    }
    let Some(gid) = user.gid.map(Gid::from_raw).filter(|_| !job.full_privileges && !job.keep_credentials) else {
        return Ok(());
    };
    let now = getresgid().at(Step::Group, "getresgid")?;
    if [now.real, now.effective, now.saved] != [gid; 3] {
        setresgid(gid, gid, gid).at(Step::Group, format!("group {gid}"))?;
    }
    Ok(())
}

/// Real, effective and saved user id.
pub(super) fn user(job: &Job) -> Result<(), Failure> {
    let Some(uid) = new_uid(job) else { return Ok(()) };
    setresuid(uid, uid, uid).at(Step::User, format!("user {uid}"))
}

/// The user to change to, if that is a change.
pub(super) fn new_uid(job: &Job) -> Option<Uid> {
    let uid = Uid::from_raw(job.user.as_ref()?.uid?);
    let now = getresuid().ok()?;
    ([now.real, now.effective, now.saved] != [uid; 3]).then_some(uid)
}

/// Whether a change to this user, with its groups, changes nothing.
pub(crate) fn is_own(user: &super::User) -> bool {
    let (Ok(groups), Ok(uids), Ok(gids)) = (getgroups(), getresuid(), getresgid()) else { return false };
    let current: BTreeSet<u32> = groups.into_iter().map(Gid::as_raw).collect();
    user.groups.as_ref().is_none_or(|wanted| wanted.iter().copied().collect::<BTreeSet<u32>>() == current)
        && user.uid.is_none_or(|uid| [uids.real, uids.effective, uids.saved] == [Uid::from_raw(uid); 3])
        && user.gid.is_none_or(|gid| [gids.real, gids.effective, gids.saved] == [Gid::from_raw(gid); 3])
}
