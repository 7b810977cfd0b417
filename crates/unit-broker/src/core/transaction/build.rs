//! Building: the anchor and all that it pulls in. Depth first with a stack of its own, for chains may be long.

use unit_parser::{DependencyKind, LoadState, UnitType};

use super::{Place, Pull, Refused, Transaction};
use crate::core::api::error::EngineError;
use crate::core::api::types::{JobMode, JobType};
use crate::core::engine::Engine;
use crate::core::graph::{Atom, UnitId};
use crate::core::jobs::kind::{collapse, stops};

/// A job that is still to be added.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    unit: UnitId,
    job_type: JobType,
    pull: Pull,
    matters: bool,
    conflicts: bool,
    /// Whether the pulling job is refused if this one is.
    required: bool,
}

/// A job whose dependencies are being added.
struct Frame {
    place: Place,
    /// Where what is wanted for it begins in the list of all that is still to be added; the next one is the last.
    begin: usize,
    /// The `required` of the link that led here.
    required: bool,
}

impl Engine {
    /// Adds a job with all that it pulls in.
    pub(in crate::core) fn plan_job(
        &self,
        plan: &mut Transaction,
        unit: UnitId,
        job_type: JobType,
        by: Option<(Place, Pull)>,
    ) -> Result<Place, EngineError> {
        let (ignore_requirements, ignore_order) = match plan.mode {
            JobMode::IgnoreDependencies => (true, true),
            JobMode::IgnoreRequirements => (true, false),
            _ => (false, false),
        };
        let (anchor, is_new) = self.plan_one(plan, unit, job_type, by, ignore_order)?;
        plan.link(by.map(|(place, _)| place), anchor, true, false);
        if !is_new || ignore_requirements {
            return Ok(anchor);
        }
        let mut all_wanted = Vec::new();
        self.pull_in(plan, anchor, &mut all_wanted);
        let mut stack = vec![Frame { place: anchor, begin: 0, required: true }];
        while let Some(Frame { place: by, begin, .. }) = stack.last() {
            let by = *by;
            let Some(wanted) = (all_wanted.len() > *begin).then(|| all_wanted.pop()).flatten() else {
                stack.pop();
                continue;
            };
            match self.plan_one(plan, wanted.unit, wanted.job_type, Some((by, wanted.pull)), ignore_order) {
                Ok((place, is_new)) => {
                    plan.link(Some(by), place, wanted.matters, wanted.conflicts);
                    if is_new {
                        stack.push(Frame { place, begin: all_wanted.len(), required: wanted.required });
                        self.pull_in(plan, place, &mut all_wanted);
                    }
                }
                // A type of job that the other unit doesn't know is never a reason to refuse this one.
                Err(EngineError::NotApplicable(..)) => {}
                Err(error) if !wanted.required => {
                    let Wanted { unit, job_type, pull, .. } = wanted;
                    plan.refused.push(Refused { unit, job_type, by, pull, error });
                }
                Err(error) => {
                    // The job that needs it is refused, and what needs that, up to somebody who can do without.
                    loop {
                        let Some(frame) = stack.pop().filter(|_| !stack.is_empty()) else { return Err(error) };
                        all_wanted.truncate(frame.begin);
                        if !frame.required {
                            self.note_refused(plan, frame.place, error);
                            break;
                        }
                    }
                }
            }
        }
        Ok(anchor)
    }

    /// A job that somebody can do without was given up, since one that it needs is refused.
    fn note_refused(&self, plan: &mut Transaction, place: Place, error: EngineError) {
        let Some(job) = plan.jobs.get(place) else { return };
        let Some((by, pull)) = job.pulled_by else { return };
        let (unit, job_type) = (job.unit, job.job_type);
        plan.refused.push(Refused { unit, job_type, by, pull, error });
    }

    fn plan_one(
        &self,
        plan: &mut Transaction,
        unit: UnitId,
        job_type: JobType,
        by: Option<(Place, Pull)>,
        ignore_order: bool,
    ) -> Result<(Place, bool), EngineError> {
        if job_type != JobType::Stop {
            self.check_loaded(unit)?;
        }
        if !self.is_applicable(unit, job_type) {
            let name = self.graph[unit].name.to_string();
            return Err(EngineError::NotApplicable(job_type.to_string(), name));
        }
        let (place, is_new) = plan.add_job(unit, job_type, by);
        if let Some(job) = plan.jobs.get_mut(place) {
            job.ignore_order |= ignore_order;
        }
        Ok((place, is_new))
    }

    /// Whether the unit's files allow to do anything with it but stop it.
    pub(in crate::core) fn check_loaded(&self, unit: UnitId) -> Result<(), EngineError> {
        let record = &self.graph[unit];
        let name = record.name.to_string();
        match record.load_state {
            LoadState::Loaded => Ok(()),
            LoadState::Masked => Err(EngineError::Masked(name)),
            LoadState::BadSetting => Err(EngineError::BadSetting(name)),
            LoadState::Error => {
                let unknown = || {
                    let text = format!("Unit {name} failed to load properly.");
                    ("org.freedesktop.systemd1.LoadFailed".to_owned(), text)
                };
                let (error, text) = record.definition.load_error.clone().unwrap_or_else(unknown);
                Err(EngineError::LoadFailed(error, text))
            }
            LoadState::NotFound | LoadState::Stub | LoadState::Merged => Err(EngineError::NoSuchUnit(name)),
        }
    }

    /// Whether this type of job makes sense for the unit at all.
    pub(in crate::core) fn is_applicable(&self, unit: UnitId, job_type: JobType) -> bool {
        match job_type {
            // Also for what can't be started or stopped by us, for it may become active or go away by itself.
            JobType::Start | JobType::VerifyActive | JobType::Nop => true,
            JobType::Stop => !self.graph[unit].perpetual,
            JobType::Restart | JobType::TryRestart => self.can_stop(unit) && self.can_start(unit),
            JobType::Reload | JobType::TryReload => self.can_reload(unit),
            JobType::ReloadOrStart => self.can_reload(unit) && self.can_start(unit),
        }
    }

    /// Adds the jobs that a new job pulls in directly, in the reverse of systemd's order.
    fn pull_in(&self, plan: &Transaction, place: Place, wanted: &mut Vec<Wanted>) {
        let Some(job) = plan.jobs.get(place) else { return };
        let (unit, job_type) = (job.unit, job.job_type);
        if job_type == JobType::Nop {
            return;
        }
        let begin = wanted.len();
        for other in self.following_set(unit) {
            let pull = Pull::Following;
            wanted.push(Wanted { unit: other, job_type, pull, matters: false, conflicts: false, required: false });
        }
        let mut add = |atom: Atom, job_type: JobType, matters, conflicts, required| {
            for (kind, other) in self.graph.with_atom(unit, atom) {
                let job_type = collapse(job_type, self.graph[other].active);
                if job_type != JobType::Nop {
                    let pull = Pull::Dependency(kind);
                    wanted.push(Wanted { unit: other, job_type, pull, matters, conflicts, required });
                }
            }
        };
        if matches!(job_type, JobType::Start | JobType::Restart) {
            add(Atom::PullInStart, JobType::Start, true, false, true);
            add(Atom::PullInStartIgnored, JobType::Start, false, false, false);
            add(Atom::PullInVerify, JobType::VerifyActive, true, false, true);
            add(Atom::PullInStop, JobType::Stop, true, true, true);
            add(Atom::PullInStopIgnored, JobType::Stop, false, false, false);
        }
        // The mode concerns what depends on the unit that was named, not what depends on its dependencies (systemctl(1)).
        let as_restart = plan.mode == JobMode::RestartDependencies && job.pulled_by.is_none();
        if (stops(job_type) && !self.overlaps(job)) || (job_type == JobType::Start && as_restart) {
            if job_type == JobType::Stop {
                add(Atom::PropagateStop, JobType::Stop, true, false, true);
            } else {
                add(Atom::PropagateRestart, JobType::TryRestart, true, false, true);
            }
        }
        if job_type == JobType::Reload {
            for other in self.graph.of_kind(unit, DependencyKind::PropagatesReloadTo) {
                let job_type = collapse(JobType::TryReload, self.graph[other].active);
                if job_type != JobType::Nop {
                    let pull = Pull::Dependency(DependencyKind::PropagatesReloadTo);
                    let (matters, conflicts, required) = (false, false, false);
                    wanted.push(Wanted { unit: other, job_type, pull, matters, conflicts, required });
                }
            }
        }
        if let Some(new) = wanted.get_mut(begin..) {
            new.reverse();
        }
    }

    /// Mode `isolate`: a stop for everything that is up and not part of the plan.
    pub(in crate::core) fn plan_isolate(&self, plan: &mut Transaction) {
        for unit in self.graph.ids() {
            let record = &self.graph[unit];
            let idle = record.active.is_down() && record.job.is_none();
            if !idle && self.stops_on_isolate(plan, unit) {
                let by = Some((plan.anchor, Pull::Isolate));
                // What can't be stopped (perpetual units) stays.
                let _refused = self.plan_job(plan, unit, JobType::Stop, by);
            }
        }
    }

    /// Units that stay: those of the plan, those that say so, and those triggered by one that stays.
    fn stops_on_isolate(&self, plan: &Transaction, unit: UnitId) -> bool {
        let stays = |unit: UnitId| self.graph[unit].settings.ignore_on_isolate || !plan.of_unit(unit).is_empty();
        !stays(unit) && !self.graph.of_kind(unit, DependencyKind::TriggeredBy).any(stays)
    }

    /// Mode `triggering`: a stop for the active units that would start the anchor again.
    pub(in crate::core) fn plan_triggering(&self, plan: &mut Transaction, unit: UnitId) -> Result<(), EngineError> {
        for trigger in self.graph.of_kind(unit, DependencyKind::TriggeredBy) {
            let record = &self.graph[trigger];
            if (record.active.is_down() && record.job.is_none()) || !plan.of_unit(trigger).is_empty() {
                continue;
            }
            self.plan_job(plan, trigger, JobType::Stop, Some((plan.anchor, Pull::Triggering)))?;
        }
        Ok(())
    }

    /// The other units of the same device.
    pub(in crate::core) fn following_set(&self, unit: UnitId) -> Vec<UnitId> {
        let record = &self.graph[unit];
        if record.name.unit_type() != UnitType::Device {
            return Vec::new();
        }
        let head = record.device.as_ref().and_then(|device| device.following.as_ref()).unwrap_or(&record.name);
        let others = self.followers.get(head).into_iter().flatten().chain([head]);
        others.filter_map(|name| self.graph.find(name)).filter(|other| *other != unit).collect()
    }
}
