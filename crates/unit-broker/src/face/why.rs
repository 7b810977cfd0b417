//! `org.quintet.Broker1`: the causal chain of a unit's last changes, what would follow from what, and the reload of one unit.

use std::collections::HashMap;

use bus_api::broker::{self, Request, WhyEntry, why_reply};
use bus_api::errors::{BusError, ErrorName};
use bus_api::worker::{self, UnitNotice, parse_notices};
use unit_parser::UnitName;

use super::call::{Answer, Answered, Call};
use super::unit::Verb;
use super::{errors, unit};
use crate::core::{self, Event, ExitInfo, Happening, JobMode, JobRequest, PlannedJob};
use crate::driver::Broker;

/// Answers a method.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call) -> Answered {
    let message = match Request::parse(&call.message)? {
        Some(Request::Why { unit }) => {
            let chain = broker.model.engine.why(&parse(&unit)?);
            why_reply(&call.message, &entries(&chain))
        }
        Some(Request::Cycle { unit }) => {
            let chain = broker.model.engine.cycle(&parse(&unit)?);
            why_reply(&call.message, &entries(&chain))
        }
        Some(Request::Notices { unit }) => return notices(broker, call, &parse(&unit)?),
        Some(Request::Plan { verb, units, mode }) => {
            let jobs = plan(broker, call, &verb, &units, &mode)?;
            broker::plan_reply(&call.message, &jobs)
        }
        Some(Request::Simulate { what, arguments }) => {
            let happening = happening(&what, &arguments)?;
            let chain = broker.simulate(happening).map_err(|error| errors::of_engine(&error))?;
            why_reply(&call.message, &entries(&chain))
        }
        Some(Request::ReloadUnitDefinition { unit }) => {
            broker.request(Event::ReloadUnit(parse(&unit)?))?;
            broker.model.forget_unit_file_states();
            return call.reply(&());
        }
        None => return Err(errors::unknown_method(&call.member, &call.interface)),
    };
    message.map(Answer::Reply).map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
}

fn parse(unit: &str) -> Result<UnitName, BusError> {
    UnitName::parse(unit).map_err(|_| errors::invalid_name(unit))
}

/// What the worker has to tell of a unit beyond its state.
fn notices(broker: &mut Broker, call: &Call, unit: &UnitName) -> Answered {
    let worker = core::worker(unit.unit_type()).filter(|worker| *worker != core::Worker::Watcher);
    match worker.filter(|_| broker.model.runtime.has(unit)) {
        Some(worker) => {
            let request = worker::Request::Notices { unit: unit.to_string() };
            broker.ask_worker(worker, &request, call, |call, message| call.reply(&(parse_notices(&message)?,)))
        }
        None => call.reply(&(Vec::<UnitNotice>::new(),)),
    }
}

/// Entries on the wire: parents by place.
fn entries(chain: &[core::WhyEntry]) -> Vec<WhyEntry> {
    let places: HashMap<u64, i32> = chain.iter().zip(0i32..).map(|(entry, place)| (entry.sequence, place)).collect();
    let place = |parent: Option<u64>| parent.and_then(|parent| places.get(&parent).copied()).unwrap_or(-1);
    chain
        .iter()
        .map(|entry| WhyEntry {
            realtime_usec: entry.realtime_usec,
            unit: entry.unit.to_string(),
            change: entry.change.to_string(),
            cause: entry.cause.to_string(),
            source: entry.source.clone(),
            parent: place(entry.parent),
        })
        .collect()
}

fn plan(
    broker: &mut Broker,
    call: &Call,
    verb: &str,
    units: &[String],
    mode: &str,
) -> Result<Vec<broker::PlannedJob>, BusError> {
    let verb = Verb::of_job_type(verb)?;
    let mode = JobMode::parse(mode).ok_or_else(|| BusError::invalid_args(format!("Job mode {mode} invalid")))?;
    let requests: Result<Vec<JobRequest>, BusError> =
        units.iter().map(|name| Ok(unit::request(parse(name)?, verb, mode, call.cause()))).collect();
    Ok(broker.plan(requests?).into_iter().map(planned).collect())
}

fn planned(job: PlannedJob) -> broker::PlannedJob {
    broker::PlannedJob {
        unit: job.unit.to_string(),
        job_type: job.job_type.to_string(),
        cause: job.cause,
        source: job.source,
        fate: job.fate.as_str().to_owned(),
        reason: job.reason,
        error: job.error,
        parent: job.parent.and_then(|parent| i32::try_from(parent).ok()).unwrap_or(-1),
    }
}

/// What is to happen, from words.
fn happening(what: &str, arguments: &[String]) -> Result<Happening, BusError> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (what, arguments.as_slice()) {
        ("plug", [device]) => Ok(Happening::Plug(parse(device)?)),
        ("unplug", [device]) => Ok(Happening::Unplug(parse(device)?)),
        ("connect", [socket]) => Ok(Happening::Connect(parse(socket)?)),
        ("exit", [service, status]) => Ok(Happening::Exit(parse(service)?, exit(status)?)),
        ("time", [seconds]) => {
            let valid = seconds.parse::<f64>().ok().filter(|seconds| (0.0..1e9).contains(seconds));
            let seconds =
                valid.ok_or_else(|| BusError::invalid_args(format!("Invalid number of seconds {seconds}")))?;
            Ok(Happening::Time((seconds * 1e6) as u64))
        }
        _ => Err(BusError::invalid_args(
            "Only these can be simulated: plug DEVICE, unplug DEVICE, connect SOCKET, exit SERVICE STATUS, time SECONDS",
        )),
    }
}

/// An exit status, or the name of a signal.
fn exit(text: &str) -> Result<ExitInfo, BusError> {
    const EXITED: i32 = 1;
    const KILLED: i32 = 2;
    if let Ok(status) = text.parse::<u8>() {
        return Ok(ExitInfo { code: EXITED, status: status.into() });
    }
    let full = if text.starts_with("SIG") { text.to_owned() } else { format!("SIG{text}") };
    let signal = full.parse::<nix::sys::signal::Signal>();
    let signal = signal.map_err(|_| BusError::invalid_args(format!("Invalid exit status or signal {text}")))?;
    Ok(ExitInfo { code: KILLED, status: signal as i32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn happenings_are_read() {
        let read = |what: &str, arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
            happening(what, &arguments).ok()
        };
        let service = UnitName::parse("a.service").unwrap();
        let exited = |code, status| Some(Happening::Exit(service.clone(), ExitInfo { code, status }));
        assert_eq!(read("exit", &["a.service", "3"]), exited(1, 3));
        assert_eq!(read("exit", &["a.service", "KILL"]), exited(2, 9));
        assert_eq!(read("exit", &["a.service", "SIGTERM"]), exited(2, 15));
        assert_eq!(read("time", &["1.5"]), Some(Happening::Time(1_500_000)));
        for (what, arguments) in [
            ("exit", vec!["a.service"]),
            ("exit", vec!["a.service", "300"]),
            ("exit", vec!["a", "1"]),
            ("time", vec!["-1"]),
            ("time", vec!["NaN"]),
            ("plug", vec![]),
            ("explode", vec!["a.service"]),
        ] {
            assert_eq!(read(what, &arguments), None, "{what} {arguments:?}");
        }
    }
}
