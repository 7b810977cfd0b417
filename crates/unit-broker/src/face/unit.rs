//! Methods of units; the manager's methods that take a unit's name come here too.

use bus_api::errors::{BusError, ErrorName};
use bus_api::worker::Request;
use unit_parser::{UnitName, UnitType};
use zbus::OwnedVariant;

use super::call::{Answered, Call, object_path};
use super::object::job_path;
use super::{clean, errors, processes, set_properties};
use crate::core::{Cause, Event, JobMode, JobRequest, JobType, Queued, Reply, worker};
use crate::driver::Broker;

/// Answers a method of the interface `Unit`.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call, unit: &UnitName, member: &str) -> Answered {
    match member {
        "EnqueueJob" => {
            let (job_type, mode): (String, String) = call.arguments()?;
            enqueue_any(broker, call, unit, &job_type, &mode)
        }
        "Kill" => {
            let (whom, signal): (String, i32) = call.arguments()?;
            kill(broker, call, unit, whom, signal)
        }
        "ResetFailed" => {
            broker.request(Event::ResetFailed(Some(unit.clone())))?;
            call.reply(&())
        }
        "Ref" | "Unref" => broker.reference(call, unit, member == "Ref"),
        "Freeze" => processes::freeze(broker, call, unit, true),
        "Thaw" => processes::freeze(broker, call, unit, false),
        "Clean" => {
            let (what,): (Vec<String>,) = call.arguments()?;
            clean::clean(broker, call, unit, &what)
        }
        "SetProperties" => {
            let (runtime, properties): (bool, Vec<(String, OwnedVariant)>) = call.arguments()?;
            set_properties::handle(broker, call, unit, runtime, &properties)
        }
        _ => {
            let Some(verb) = Verb::of_method(member) else {
                return Err(errors::unknown_method(member, &call.interface));
            };
            let (mode,): (String,) = call.arguments()?;
            enqueue(broker, call, unit, verb, &mode)
        }
    }
}

/// What a method name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb {
    job_type: JobType,
    reload_if_possible: bool,
}

impl Verb {
    /// `Start`, or the manager's `StartUnit`, and so on.
    #[must_use]
    pub fn of_method(member: &str) -> Option<Self> {
        let (job_type, reload_if_possible) = match member.strip_suffix("Unit").unwrap_or(member) {
            "Start" => (JobType::Start, false),
            "Stop" => (JobType::Stop, false),
            "Reload" => (JobType::Reload, false),
            "Restart" => (JobType::Restart, false),
            "TryRestart" => (JobType::TryRestart, false),
            "ReloadOrRestart" => (JobType::Restart, true),
            "ReloadOrTryRestart" => (JobType::TryRestart, true),
            _ => return None,
        };
        Some(Self { job_type, reload_if_possible })
    }

    /// A job type of `EnqueueUnitJob`, or one of systemctl's conditional reloads.
    ///
    /// # Errors
    /// `InvalidArgs`.
    pub fn of_job_type(word: &str) -> Result<Self, BusError> {
        match word {
            "reload-or-restart" => Ok(Verb { job_type: JobType::Restart, reload_if_possible: true }),
            "reload-or-try-restart" => Ok(Verb { job_type: JobType::TryRestart, reload_if_possible: true }),
            word => {
                let job_type =
                    JobType::parse(word).ok_or_else(|| BusError::invalid_args(format!("Job type {word} invalid")))?;
                Ok(Verb { job_type, reload_if_possible: false })
            }
        }
    }
}

/// Enqueues a job and answers with its path.
///
/// # Errors
/// What the caller is told.
pub fn enqueue(broker: &mut Broker, call: &Call, unit: &UnitName, verb: Verb, mode: &str) -> Answered {
    let queued = queue(broker, call, unit, verb, mode)?;
    broker.reply_before_end_of(queued.anchor.job);
    call.reply_path(&job_path(queued.anchor.job))
}

/// A request by hand.
#[must_use]
pub fn request(unit: UnitName, verb: Verb, mode: JobMode, cause: Cause) -> JobRequest {
    let Verb { job_type, reload_if_possible } = verb;
    JobRequest { unit, job_type, mode, reload_if_possible, manual: true, cause }
}

/// Enqueues a job.
///
/// # Errors
/// What the caller is told.
pub fn queue(broker: &mut Broker, call: &Call, unit: &UnitName, verb: Verb, mode: &str) -> Result<Queued, BusError> {
    let mode = JobMode::parse(mode).ok_or_else(|| BusError::invalid_args(format!("Job mode {mode} invalid")))?;
    let request = request(unit.clone(), verb, mode, call.cause());
    match broker.request(Event::Enqueue(request))? {
        Reply::Queued(queued) => {
            broker.follow_job(call, queued.anchor.job);
            Ok(queued)
        }
        Reply::Done | Reply::Unit(_) => Err(BusError::new(ErrorName::Failed, "No job was made.")),
    }
}

/// `EnqueueJob` and `EnqueueUnitJob`: any type of job, and the whole transaction in the answer.
///
/// # Errors
/// What the caller is told.
pub fn enqueue_any(broker: &mut Broker, call: &Call, unit: &UnitName, job_type: &str, mode: &str) -> Answered {
    let verb = Verb::of_job_type(job_type)?;
    let queued = queue(broker, call, unit, verb, mode)?;
    broker.reply_before_end_of(queued.anchor.job);
    let others: Vec<_> = queued
        .others
        .iter()
        .map(|job| {
            (
                job.job,
                object_path(&job_path(job.job)),
                job.unit.to_string(),
                object_path(&job.unit.bus_path()),
                job.job_type.to_string(),
            )
        })
        .collect();
    let anchor = &queued.anchor;
    call.reply(&(
        anchor.job,
        object_path(&job_path(anchor.job)),
        anchor.unit.as_str(),
        object_path(&anchor.unit.bus_path()),
        anchor.job_type.as_str(),
        others,
    ))
}

/// `KillUnit`: asked of the worker, whose answer is passed on.
///
/// # Errors
/// What the caller is told.
pub fn kill(broker: &mut Broker, call: &Call, unit: &UnitName, whom: String, signal: i32) -> Answered {
    const WHOM: [&str; 6] = ["main", "control", "all", "main-fail", "control-fail", "all-fail"];
    let whom = if whom.is_empty() { "all".to_owned() } else { whom };
    if !WHOM.contains(&whom.as_str()) {
        return Err(BusError::invalid_args(format!("Invalid who argument {whom}")));
    }
    if !(1..=64).contains(&signal) {
        return Err(BusError::invalid_args("Signal number out of range."));
    }
    if unit.unit_type() == UnitType::Slice {
        processes::kill_slice(broker, unit, &whom, signal)?;
        return call.reply(&());
    }
    let Some(worker) = worker(unit.unit_type()) else {
        // It has no processes of its own.
        return Err(BusError::new(ErrorName::NotSupported, "Operation not supported"));
    };
    let down = broker.model.engine.unit(unit).is_none_or(|view| view.active.is_down());
    if down && whom.starts_with("all") && unit.unit_type() == UnitType::Service {
        processes::kill_left(broker, unit, &whom, signal)?;
        return call.reply(&());
    }
    let request = Request::Kill { unit: unit.to_string(), whom, signal };
    broker.ask_worker(worker, &request, call, |call, _| call.reply(&()))
}

/// A service that is loaded no more, but has left processes behind: systemd keeps it loaded as long as they are there.
pub fn left_behind(broker: &mut Broker, name: &str) -> Option<UnitName> {
    UnitName::parse(name).ok().filter(|name| name.unit_type() == UnitType::Service)?;
    let unit = load(broker, name).ok()?;
    broker.model.left_cgroup_directory(&unit).map(|_| unit)
}

/// The unit of a name, loaded if it wasn't.
///
/// # Errors
/// `InvalidArgs` for what is no name.
pub fn load(broker: &mut Broker, name: &str) -> Result<UnitName, BusError> {
    let parsed = UnitName::parse(name).map_err(|_| errors::invalid_name(name))?;
    if parsed.is_template() {
        return Err(BusError::invalid_args(format!("Unit name {name} is missing the instance name.")));
    }
    match broker.request(Event::Load(parsed.clone()))? {
        Reply::Unit(primary) => Ok(primary),
        Reply::Done | Reply::Queued(_) => Ok(parsed),
    }
}

/// The unit of a name, if it is loaded; the caller's own for the empty name.
///
/// # Errors
/// `NoSuchUnit`.
pub fn loaded(broker: &mut Broker, call: &Call, name: &str) -> Result<UnitName, BusError> {
    if name.is_empty() {
        return processes::unit_of_pid(broker, call.caller.pid);
    }
    let parsed = UnitName::parse(name).map_err(|_| errors::not_loaded(name))?;
    let view = broker.model.engine.unit(&parsed).ok_or_else(|| errors::not_loaded(name))?;
    Ok(view.name.clone())
}

/// The unit of a name, loaded, and usable.
///
/// # Errors
/// Why it isn't usable.
pub fn usable(broker: &mut Broker, name: &str) -> Result<UnitName, BusError> {
    let unit = load(broker, name)?;
    broker.model.engine.usable(&unit).map(|()| unit).map_err(|error| errors::of_engine(&error))
}
