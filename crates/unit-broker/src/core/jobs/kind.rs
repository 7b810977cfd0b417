//! The algebra of job types: what merges, what is redundant, what comes first.

use crate::core::api::types::{ActiveState, JobType};

/// The one type that does what both do; `None` if they contradict each other. Only for installable types.
pub(in crate::core) fn merge(a: JobType, b: JobType) -> Option<JobType> {
    use JobType::*;
    match (a, b) {
        (Nop, other) | (other, Nop) => Some(other),
        (Start, Start) | (Start, VerifyActive) | (VerifyActive, Start) => Some(Start),
        (VerifyActive, VerifyActive) => Some(VerifyActive),
        (Stop, Stop) => Some(Stop),
        (Stop, _) | (_, Stop) => None,
        (Reload, Start) | (Start, Reload) => Some(ReloadOrStart),
        (Reload, VerifyActive) | (VerifyActive, Reload) | (Reload, Reload) => Some(Reload),
        (Restart, Start | VerifyActive | Reload | Restart) | (Start | VerifyActive | Reload, Restart) => Some(Restart),
        // The types that are never installed have collapsed before anything is merged.
        (TryRestart | TryReload | ReloadOrStart, _) | (_, TryRestart | TryReload | ReloadOrStart) => None,
    }
}

/// Whether both can't be done.
pub(in crate::core) fn conflicts(a: JobType, b: JobType) -> bool {
    merge(a, b).is_none()
}

/// Whether doing `a` includes doing `b`.
pub(in crate::core) fn covers(a: JobType, b: JobType) -> bool {
    merge(a, b) == Some(a)
}

/// The installable type that a conditional one comes to in this state.
pub(in crate::core) fn collapse(job_type: JobType, state: ActiveState) -> JobType {
    match job_type {
        JobType::TryRestart if state.is_down_or_going() => JobType::Nop,
        JobType::TryRestart => JobType::Restart,
        JobType::TryReload if !state.is_up() => JobType::Nop,
        JobType::TryReload => JobType::Reload,
        // What is about to start will have read its files.
        JobType::ReloadOrStart if !state.is_up() => JobType::Start,
        JobType::ReloadOrStart => JobType::Reload,
        JobType::Start | JobType::VerifyActive | JobType::Stop | JobType::Reload | JobType::Restart | JobType::Nop => {
            job_type
        }
    }
}

/// [`merge`], then [`collapse`].
pub(in crate::core) fn merge_and_collapse(a: JobType, b: JobType, state: ActiveState) -> Option<JobType> {
    merge(a, b).map(|merged| collapse(merged, state))
}

/// Whether the unit is already where the job would bring it.
pub(in crate::core) fn is_redundant(job_type: JobType, state: ActiveState) -> bool {
    match job_type {
        JobType::Start | JobType::VerifyActive => state.is_up(),
        JobType::Stop => state.is_down(),
        JobType::Reload => state == ActiveState::Reloading,
        JobType::Nop => true,
        JobType::Restart | JobType::TryRestart | JobType::TryReload | JobType::ReloadOrStart => false,
    }
}

/// Whether a job that has begun may take another one of type `job_type` in. A reload may not: the files may have
/// changed since it began.
pub(in crate::core) const fn merges_late(job_type: JobType) -> bool {
    !matches!(job_type, JobType::Reload)
}

/// Stops come first, whatever the order of the units.
pub(in crate::core) const fn stops(job_type: JobType) -> bool {
    matches!(job_type, JobType::Stop | JobType::Restart | JobType::TryRestart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use JobType::*;

    #[test]
    fn merging_is_symmetric_and_idempotent() {
        let all = [Start, VerifyActive, Stop, Reload, Restart, Nop];
        for a in all {
            assert_eq!(merge(a, a), Some(a));
            for b in all {
                assert_eq!(merge(a, b), merge(b, a), "{a} {b}");
            }
        }
    }

    #[test]
    fn stops_contradict_everything_else() {
        assert!([Start, VerifyActive, Reload, Restart].into_iter().all(|other| conflicts(Stop, other)));
        assert!(covers(Restart, Start) && covers(Start, VerifyActive) && !covers(Start, Reload));
        assert_eq!(merge_and_collapse(Start, Reload, ActiveState::Active), Some(Reload));
        assert_eq!(merge_and_collapse(Start, Reload, ActiveState::Inactive), Some(Start));
        assert_eq!(merge_and_collapse(Start, Reload, ActiveState::Activating), Some(Start));
        assert_eq!(collapse(TryReload, ActiveState::Activating), Nop);
    }
}
