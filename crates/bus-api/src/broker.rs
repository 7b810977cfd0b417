//! `org.quintet.Broker1`: what Quintet's broker offers beyond `org.freedesktop.systemd1`.

use serde::{Deserialize, Serialize};
use zbus::Type;
use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{arguments, call, is_call_of, member, reply};
use crate::names::BROKER;

/// One link of the causal chain of a unit's last changes, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct WhyEntry {
    /// CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// The unit that changed.
    pub unit: String,
    /// What happened: `inactive (dead) -> activating (start)`, `job 12 start queued`, ...
    pub change: String,
    /// What caused it: a client (pid, uid, command), an event of a worker, or an edge of the graph.
    pub cause: String,
    /// Where the edge is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// Index of the entry in this list that caused this one; -1 for a root cause.
    pub parent: i32,
}

/// One job of a transaction that is told instead of made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PlannedJob {
    /// Its unit.
    pub unit: String,
    /// Its type (`start`, `stop`, ...).
    pub job_type: String,
    /// What pulled it in first.
    pub cause: String,
    /// Where that is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// `new`, `merged` (into the unit's queued job), `replaces` (that job), `dropped`, `canceled` (a queued job) or
    /// `refused`.
    pub fate: String,
    /// Why, where there is more to say.
    pub reason: String,
    /// The D-Bus name of the error for what is refused, else empty.
    pub error: String,
    /// Index of the job in this list that pulled it in; -1 for the job of a requested unit.
    pub parent: i32,
}

/// What a client asks of the broker beyond `org.freedesktop.systemd1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Why a unit is in its state; reply by [`why_reply`].
    Why {
        /// Full unit name.
        unit: String,
    },
    /// The ordering cycle because of which a unit doesn't run, and what led to it; reply as to `Why`, empty if that isn't why.
    Cycle {
        /// Full unit name.
        unit: String,
    },
    /// What the unit's worker has to tell of it beyond its state; reply as to [`crate::worker::Request::Notices`].
    Notices {
        /// Full unit name.
        unit: String,
    },
    /// What jobs a request would make; reply by [`plan_reply`].
    Plan {
        /// A job type of systemd (`start`, `stop`, `restart`, `reload-or-restart`, ...).
        verb: String,
        /// Full unit names, one request each, one after the other.
        units: Vec<String>,
        /// Job mode (`replace`, `fail`, `isolate`, ...).
        mode: String,
    },
    /// What would follow if something happened; reply by [`why_reply`], in order of time.
    Simulate {
        /// `plug`, `unplug`, `connect`, `exit` or `time`.
        what: String,
        /// A unit; for `exit` also a status (or the name of a signal); for `time` seconds.
        arguments: Vec<String>,
    },
    /// Reads the files of one loaded unit again, as daemon-reload does for all; the reply is empty.
    ReloadUnitDefinition {
        /// Full unit name.
        unit: String,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`BROKER`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, BROKER) {
            return Ok(None);
        }
        match member(message).as_str() {
            "Why" => Ok(Some(Request::Why { unit: arguments::<(String,)>(message)?.0 })),
            "Cycle" => Ok(Some(Request::Cycle { unit: arguments::<(String,)>(message)?.0 })),
            "Notices" => Ok(Some(Request::Notices { unit: arguments::<(String,)>(message)?.0 })),
            "Plan" => {
                let (verb, units, mode) = arguments(message)?;
                Ok(Some(Request::Plan { verb, units, mode }))
            }
            "Simulate" => {
                let (what, arguments) = arguments(message)?;
                Ok(Some(Request::Simulate { what, arguments }))
            }
            "ReloadUnitDefinition" => {
                Ok(Some(Request::ReloadUnitDefinition { unit: arguments::<(String,)>(message)?.0 }))
            }
            _ => Ok(None),
        }
    }

    /// The call as a message.
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::Why { unit } => call(BROKER, "Why", &(unit,)),
            Request::Cycle { unit } => call(BROKER, "Cycle", &(unit,)),
            Request::Notices { unit } => call(BROKER, "Notices", &(unit,)),
            Request::Plan { verb, units, mode } => call(BROKER, "Plan", &(verb, units, mode)),
            Request::Simulate { what, arguments } => call(BROKER, "Simulate", &(what, arguments)),
            Request::ReloadUnitDefinition { unit } => call(BROKER, "ReloadUnitDefinition", &(unit,)),
        }
    }
}

/// The reply to [`Request::Why`] and its like.
///
/// # Errors
/// When it cannot be serialized.
pub fn why_reply(call: &Message, entries: &[WhyEntry]) -> Result<Message, zbus::Error> {
    reply(call, &(entries,))
}

/// Reads the reply to [`Request::Why`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_why(reply: &Message) -> Result<Vec<WhyEntry>, BusError> {
    Ok(arguments::<(Vec<WhyEntry>,)>(reply)?.0)
}

/// The reply to [`Request::Plan`].
///
/// # Errors
/// When it cannot be serialized.
pub fn plan_reply(call: &Message, jobs: &[PlannedJob]) -> Result<Message, zbus::Error> {
    reply(call, &(jobs,))
}

/// Reads the reply to [`Request::Plan`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_plan(reply: &Message) -> Result<Vec<PlannedJob>, BusError> {
    Ok(arguments::<(Vec<PlannedJob>,)>(reply)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_round_trips() {
        let call = Request::Why { unit: "a.service".into() }.message().unwrap();
        assert_eq!(Request::parse(&call).unwrap(), Some(Request::Why { unit: "a.service".into() }));
        let entry = WhyEntry {
            realtime_usec: 1,
            unit: "a.service".into(),
            change: "start queued".into(),
            cause: "client".into(),
            source: String::new(),
            parent: -1,
        };
        let reply = why_reply(&call, std::slice::from_ref(&entry)).unwrap();
        assert_eq!(parse_why(&reply).unwrap(), vec![entry]);
    }

    #[test]
    fn previews_round_trip() {
        let plan = Request::Plan { verb: "start".into(), units: vec!["a.service".into()], mode: "replace".into() };
        let simulate = Request::Simulate { what: "exit".into(), arguments: vec!["a.service".into(), "1".into()] };
        let notices = Request::Notices { unit: "a.service".into() };
        let cycle = Request::Cycle { unit: "a.service".into() };
        for request in [plan.clone(), simulate, notices, cycle] {
            assert_eq!(Request::parse(&request.message().unwrap()).unwrap(), Some(request));
        }
        let job = PlannedJob {
            unit: "a.service".into(),
            job_type: "start".into(),
            cause: "client".into(),
            source: String::new(),
            fate: "new".into(),
            reason: String::new(),
            error: String::new(),
            parent: -1,
        };
        let reply = plan_reply(&plan.message().unwrap(), std::slice::from_ref(&job)).unwrap();
        assert_eq!(parse_plan(&reply).unwrap(), vec![job]);
    }
}
