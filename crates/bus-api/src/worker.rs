//! `org.quintet.Worker1`: the units of a worker, and what it is told to do with them.
//!
//! [`Request`] is what the broker calls, [`Event`] what the worker signals; each is written and read here only, so that
//! no daemon spells a member name.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::message::Message;
use zbus::{OwnedVariant, Type};

use crate::errors::BusError;
use crate::message::{NamedFd, arguments, call, is_call_of, is_signal_of, member, reply, signal, tell};
use crate::names::WORKER;

/// systemd's `UNIT_NOTIFY_*`: what a state change means for the unit's job beyond the states themselves.
pub mod flags {
    /// A reload failed, though the unit stays active.
    pub const RELOAD_FAILURE: u32 = 1;
    /// The unit went down and will be started again by its own `Restart=`.
    pub const WILL_AUTO_RESTART: u32 = 2;
    /// `ExecCondition=` ended the start without failure.
    pub const SKIP_CONDITION: u32 = 4;
}

/// State of one unit as its worker sees it; sent once per transition, intermediate ones included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct UnitStatus {
    /// Full unit name.
    pub unit: String,
    /// ActiveState: active, reloading, inactive, failed, activating, deactivating, maintenance.
    pub active: String,
    /// SubState in the terms of the unit type.
    pub sub: String,
    /// Result in the terms of the unit type (`success`, `exit-code`, ...).
    pub result: String,
    /// [`flags`].
    pub flags: u32,
    /// Why the unit changed, for `unitctl why` ("main process exited, code=exited, status=1").
    pub cause: String,
    /// Runtime properties under their public D-Bus names and with their exact types. In `List` all of them; in `Changed` those
    /// that are missing are as they were told last, or else as those of a unit that was never started.
    pub properties: HashMap<String, OwnedVariant>,
}

/// What a start carries besides the definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct StartOptions {
    /// 16 random bytes; the same id sent twice starts once.
    pub invocation_id: Vec<u8>,
    /// Job id at the broker, 0 for none.
    pub job: u32,
    /// Variables that only this start sees (`TRIGGER_UNIT=`, `MONITOR_SERVICE_RESULT=`, ...).
    pub environment: Vec<String>,
    /// The manager's own environment block for services (`systemctl set-environment`), without the unit's.
    pub manager_environment: Vec<String>,
    /// Why it starts, for logs and `why`.
    pub cause: String,
}

/// What a stop carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct StopOptions {
    /// Job id at the broker, 0 for none.
    pub job: u32,
    /// The stop half of a restart job: `RestartKillSignal=` counts, and the fd store is kept.
    pub restart: bool,
    /// Why it stops.
    pub cause: String,
}

/// What a worker has to tell of a unit beyond its state: CLOCK_REALTIME of the last time (µs), `warning` or `info`, one line,
/// how often. Oldest first, a bounded number.
pub type UnitNotice = (u64, String, String, u64);

/// A process of a unit: control group (relative to the manager's root, or empty), PID, command line.
pub type UnitProcess = (String, u32, String);

/// What the broker (or any client with the right uid) asks of a worker.
#[derive(Debug)]
pub enum Request {
    /// Start a unit; answered as soon as it is accepted and saved, the result comes as [`Event::Changed`].
    Start {
        /// Full unit name.
        unit: String,
        /// `unit_parser::Unit` as JSON.
        definition: String,
        /// Job, environment, cause.
        options: StartOptions,
        /// Descriptors for the service: sockets, an accepted `connection`; namespaces that the unit may join.
        fds: Vec<NamedFd>,
    },
    /// Start a new instance of a service that is running, which takes over when it is up (`X-RestartOverlap=`): the old one
    /// keeps running until then, and is ended afterwards. The unit goes from active over reloading to active; a change with
    /// [`flags::RELOAD_FAILURE`] says that the new instance failed and the old one stays, one with the invocation id of the
    /// options that it has taken over. The same id sent twice is one restart, whose end is told again.
    Overlap {
        /// Full unit name.
        unit: String,
        /// `unit_parser::Unit` as JSON.
        definition: String,
        /// Job, environment, cause.
        options: StartOptions,
        /// Descriptors for the service.
        fds: Vec<NamedFd>,
    },
    /// Stop a unit.
    Stop {
        /// Full unit name.
        unit: String,
        /// Job, cause.
        options: StopOptions,
    },
    /// Reload a unit (`ExecReload=`).
    Reload {
        /// Full unit name.
        unit: String,
    },
    /// Send a signal to a unit's processes.
    Kill {
        /// Full unit name.
        unit: String,
        /// `main`, `control` or `all`, also with `-fail` (systemctl(1), `--kill-whom=`).
        whom: String,
        /// Signal number.
        signal: i32,
    },
    /// Forget that the unit failed.
    ResetFailed {
        /// Full unit name.
        unit: String,
    },
    /// The definition as it is after a daemon-reload.
    Update {
        /// Full unit name.
        unit: String,
        /// `unit_parser::Unit` as JSON.
        definition: String,
    },
    /// Drop a dead unit.
    Forget {
        /// Full unit name.
        unit: String,
    },
    /// All units with their states; reply by [`list_reply`].
    List,
    /// The processes of a unit; reply by [`processes_reply`].
    Processes {
        /// Full unit name.
        unit: String,
    },
    /// What there is to tell of a unit beyond its state; reply by [`notices_reply`].
    Notices {
        /// Full unit name.
        unit: String,
    },
    /// The network and IPC namespace that a unit made, whoever uses them now, named as a start takes them
    /// ([`crate::namespaces`]); reply by [`namespaces_reply`].
    Namespaces {
        /// Full name of that unit, which may be one of another worker.
        owner: String,
    },
    /// Remove what a unit that is down has left behind (`systemctl clean`); answered when that has begun. `UnitBusy` when
    /// the unit is not down.
    Clean {
        /// Full unit name.
        unit: String,
        /// `unit_parser::Unit` as JSON: the worker need not have heard of the unit.
        definition: String,
        /// `runtime`, `state`, `cache`, `logs`, `configuration`, `fdstore`.
        what: Vec<String>,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`WORKER`] or the member is unknown (answer that with
    /// [`crate::serve::default_reply`]).
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, WORKER) {
            return Ok(None);
        }
        let request = match member(message).as_str() {
            "Start" => {
                let (unit, definition, options, fds) = arguments(message)?;
                Request::Start { unit, definition, options, fds }
            }
            "Overlap" => {
                let (unit, definition, options, fds) = arguments(message)?;
                Request::Overlap { unit, definition, options, fds }
            }
            "Stop" => {
                let (unit, options) = arguments(message)?;
                Request::Stop { unit, options }
            }
            "Reload" => Request::Reload { unit: arguments::<(String,)>(message)?.0 },
            "Kill" => {
                let (unit, whom, signal) = arguments(message)?;
                Request::Kill { unit, whom, signal }
            }
            "ResetFailed" => Request::ResetFailed { unit: arguments::<(String,)>(message)?.0 },
            "Update" => {
                let (unit, definition) = arguments(message)?;
                Request::Update { unit, definition }
            }
            "Forget" => Request::Forget { unit: arguments::<(String,)>(message)?.0 },
            "List" => Request::List,
            "Processes" => Request::Processes { unit: arguments::<(String,)>(message)?.0 },
            "Notices" => Request::Notices { unit: arguments::<(String,)>(message)?.0 },
            "Namespaces" => Request::Namespaces { owner: arguments::<(String,)>(message)?.0 },
            "Clean" => {
                let (unit, definition, what) = arguments(message)?;
                Request::Clean { unit, definition, what }
            }
            _ => return Ok(None),
        };
        Ok(Some(request))
    }

    /// The call as a message, for [`crate::connect::Peer`].
    ///
    /// # Errors
    /// When it cannot be serialized (a NUL byte in a string, more than 253 descriptors fail later, at sending).
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::Start { unit, definition, options, fds } => {
                call(WORKER, "Start", &(unit, definition, options, fds))
            }
            Request::Overlap { unit, definition, options, fds } => {
                call(WORKER, "Overlap", &(unit, definition, options, fds))
            }
            Request::Stop { unit, options } => call(WORKER, "Stop", &(unit, options)),
            Request::Reload { unit } => call(WORKER, "Reload", &(unit,)),
            Request::Kill { unit, whom, signal } => call(WORKER, "Kill", &(unit, whom, signal)),
            Request::ResetFailed { unit } => call(WORKER, "ResetFailed", &(unit,)),
            Request::Update { unit, definition } => call(WORKER, "Update", &(unit, definition)),
            Request::Forget { unit } => tell(WORKER, "Forget", &(unit,)),
            Request::List => call(WORKER, "List", &()),
            Request::Processes { unit } => call(WORKER, "Processes", &(unit,)),
            Request::Notices { unit } => call(WORKER, "Notices", &(unit,)),
            Request::Namespaces { owner } => call(WORKER, "Namespaces", &(owner,)),
            Request::Clean { unit, definition, what } => call(WORKER, "Clean", &(unit, definition, what)),
        }
    }
}

/// What a worker signals to every client.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A unit changed its state; one per transition, in order.
    Changed(UnitStatus),
    /// What `status` and `why` should tell.
    Log {
        /// Full unit name.
        unit: String,
        /// `error`, `warning`, `info` or `debug`.
        level: String,
        /// One line.
        text: String,
    },
    /// The auto-restart timer of a service elapsed; whoever coordinates enqueues a restart job.
    RestartDue {
        /// Full unit name.
        unit: String,
    },
}

impl Event {
    /// Reads a signal; `None` when it is not one of [`WORKER`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Event>, BusError> {
        if !is_signal_of(message, WORKER) {
            return Ok(None);
        }
        let event = match member(message).as_str() {
            "Changed" => Event::Changed(arguments::<(UnitStatus,)>(message)?.0),
            "Log" => {
                let (unit, level, text) = arguments(message)?;
                Event::Log { unit, level, text }
            }
            "RestartDue" => Event::RestartDue { unit: arguments::<(String,)>(message)?.0 },
            _ => return Ok(None),
        };
        Ok(Some(event))
    }

    /// The signal as a message, for [`crate::serve::Server::broadcast`].
    ///
    /// # Errors
    /// When it cannot be serialized (a NUL byte in a string).
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Event::Changed(status) => signal(WORKER, "Changed", &(status,)),
            Event::Log { unit, level, text } => signal(WORKER, "Log", &(unit, level, text)),
            Event::RestartDue { unit } => signal(WORKER, "RestartDue", &(unit,)),
        }
    }
}

/// The reply to [`Request::List`].
///
/// # Errors
/// When it cannot be serialized.
pub fn list_reply(call: &Message, units: &[UnitStatus]) -> Result<Message, zbus::Error> {
    reply(call, &(units,))
}

/// Reads the reply to [`Request::List`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_list(reply: &Message) -> Result<Vec<UnitStatus>, BusError> {
    Ok(arguments::<(Vec<UnitStatus>,)>(reply)?.0)
}

/// The reply to [`Request::Processes`].
///
/// # Errors
/// When it cannot be serialized.
pub fn processes_reply(call: &Message, processes: &[UnitProcess]) -> Result<Message, zbus::Error> {
    reply(call, &(processes,))
}

/// Reads the reply to [`Request::Processes`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_processes(reply: &Message) -> Result<Vec<UnitProcess>, BusError> {
    Ok(arguments::<(Vec<UnitProcess>,)>(reply)?.0)
}

/// The reply to [`Request::Namespaces`], which [`crate::sockets::parse_fds`] reads.
///
/// # Errors
/// When it cannot be serialized.
pub fn namespaces_reply(call: &Message, fds: &[NamedFd]) -> Result<Message, zbus::Error> {
    reply(call, &(fds,))
}

/// The reply to [`Request::Notices`].
///
/// # Errors
/// When it cannot be serialized.
pub fn notices_reply(call: &Message, notices: &[UnitNotice]) -> Result<Message, zbus::Error> {
    reply(call, &(notices,))
}

/// Reads the reply to [`Request::Notices`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_notices(reply: &Message) -> Result<Vec<UnitNotice>, BusError> {
    Ok(arguments::<(Vec<UnitNotice>,)>(reply)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_round_trip() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let requests = [
            Request::Start {
                unit: "a.service".into(),
                definition: "{}".into(),
                options: StartOptions {
                    invocation_id: vec![7; 16],
                    job: 3,
                    cause: "test".into(),
                    ..Default::default()
                },
                fds: vec![("connection".into(), std::os::fd::OwnedFd::from(null).into())],
            },
            Request::Overlap {
                unit: "a.service".into(),
                definition: "{}".into(),
                options: StartOptions { invocation_id: vec![8; 16], ..Default::default() },
                fds: Vec::new(),
            },
            Request::Stop {
                unit: "a.service".into(),
                options: StopOptions { job: 4, restart: true, ..Default::default() },
            },
            Request::Reload { unit: "a.service".into() },
            Request::Kill { unit: "a.service".into(), whom: "main".into(), signal: 15 },
            Request::ResetFailed { unit: "a.service".into() },
            Request::Update { unit: "a.service".into(), definition: "{}".into() },
            Request::Forget { unit: "a.service".into() },
            Request::List,
            Request::Processes { unit: "a.service".into() },
            Request::Notices { unit: "a.service".into() },
            Request::Namespaces { owner: "a.socket".into() },
            Request::Clean { unit: "a.service".into(), definition: "{}".into(), what: vec!["state".into()] },
        ];
        for request in requests {
            let message = request.message().unwrap();
            let read = Request::parse(&message).unwrap().unwrap();
            // Descriptors are duplicated on the way, so their numbers differ: compare without.
            let text = |r: &Request| match r {
                Request::Start { unit, definition, options, fds } => {
                    format!("{unit} {definition} {options:?} {} {}", fds.len(), fds[0].0)
                }
                other => format!("{other:?}"),
            };
            assert_eq!(text(&read), text(&request));
        }
    }

    #[test]
    fn events_round_trip() {
        let status = UnitStatus {
            unit: "a.service".into(),
            active: "active".into(),
            sub: "running".into(),
            result: "success".into(),
            flags: flags::RELOAD_FAILURE,
            cause: "test".into(),
            properties: HashMap::from([("MainPID".to_owned(), OwnedVariant::from(7u32))]),
        };
        let events = [
            Event::Changed(status),
            Event::Log { unit: "a.service".into(), level: "info".into(), text: "hello".into() },
            Event::RestartDue { unit: "a.service".into() },
        ];
        for event in events {
            assert_eq!(Event::parse(&event.message().unwrap()).unwrap().unwrap(), event);
        }
    }

    #[test]
    fn wrong_arguments_are_an_error_and_unknown_members_are_not_ours() {
        let wrong = call(WORKER, "Start", &("a.service",)).unwrap();
        assert_eq!(Request::parse(&wrong).unwrap_err().name, crate::errors::ErrorName::InvalidArgs);
        let unknown = call(WORKER, "Frobnicate", &()).unwrap();
        assert!(Request::parse(&unknown).unwrap().is_none());
    }
}
