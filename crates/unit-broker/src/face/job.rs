//! Methods of jobs.

use super::call::{Answered, Call, object_path};
use super::object::job_path;
use super::{dispatch, errors};
use crate::core::{Event, JobView};
use crate::driver::Broker;

/// A row of `ListJobs`: id, unit, type, state, job path, unit path.
pub type JobRow = (u32, String, String, String, zbus::OwnedObjectPath, zbus::OwnedObjectPath);
/// A row of `GetJobAfter` and `GetJobBefore`.
type JobRelation = (u32, String, String, String, zbus::OwnedObjectPath, zbus::OwnedObjectPath);

/// The row of a job.
#[must_use]
pub fn row(job: &JobView<'_>) -> JobRow {
    (
        job.id,
        job.unit.to_string(),
        job.job_type.to_string(),
        job.state.to_string(),
        object_path(&job_path(job.id)),
        object_path(&job.unit.bus_path()),
    )
}

/// Answers `Cancel`, `GetAfter`, `GetBefore`.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call, id: u32, member: &str) -> Answered {
    match member {
        "Cancel" => {
            broker.request(Event::CancelJob(id))?;
            call.reply(&())
        }
        "GetAfter" => call.reply(&(related(broker, id, true),)),
        "GetBefore" => call.reply(&(related(broker, id, false),)),
        _ => Err(errors::unknown_method(member, &call.interface)),
    }
}

/// Jobs that come after this one, for they wait for it; or (`after` is false) that it waits for.
#[must_use]
pub fn related(broker: &Broker, id: u32, after: bool) -> Vec<JobRelation> {
    let engine = &broker.model.engine;
    let waits: Vec<u32> = engine.job(id).map(|job| job.waits_for).unwrap_or_default();
    let jobs = engine.jobs();
    let wanted = |job: &&JobView<'_>| if after { job.waits_for.contains(&id) } else { waits.contains(&job.id) };
    jobs.iter().filter(wanted).map(row).collect()
}

/// The target that a job's methods act on, for the manager's methods that take an id.
///
/// # Errors
/// `NoSuchJob`.
pub fn check(broker: &Broker, id: u32) -> Result<dispatch::Target, bus_api::errors::BusError> {
    match broker.model.engine.job(id) {
        Some(_) => Ok(dispatch::Target::Job(id)),
        None => Err(errors::of_engine(&crate::core::EngineError::NoSuchJob(id))),
    }
}
