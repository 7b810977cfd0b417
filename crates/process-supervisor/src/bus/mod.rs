//! `org.quintet.Worker1` of the supervisor: requests in, news out.

mod properties;

use std::os::fd::OwnedFd;

use bus_api::errors::{BusError, ErrorName};
use bus_api::message::{NamedFd, expects_reply, reply};
use bus_api::namespaces;
use bus_api::serve::{ClientId, Incoming, Server, default_reply, guarded};
use bus_api::supervisor as special;
use bus_api::worker::{self, Event, Request, StartOptions, UnitNotice, UnitStatus, flags};
use zbus::message::{Message, Type};

use self::properties::Extent;
use crate::core::exit::ServiceResult;
use crate::core::status::Status;
use crate::driver::{KillError, News, RequestError, Service, Start, StartRequest, Supervisor};

/// What clients see on the object.
const INTROSPECTION: &str = include_str!("introspection.xml");

/// Takes what came over the bus. News goes out by [`publish`].
pub fn take(supervisor: &mut Supervisor, server: &Server, incoming: Incoming) {
    match incoming {
        Incoming::Connected(client) => {
            // Whoever coordinates may have been away when restarts fell due.
            for (unit, service) in supervisor.services() {
                if service.machine.restart_is_due() {
                    send(server, client.id, Event::RestartDue { unit: unit.clone() }.message());
                }
            }
        }
        Incoming::Disconnected(_) => {}
        Incoming::Message(client, call) => {
            if call.message_type() != Type::MethodCall {
                return;
            }
            if server.answer_as_bus(client, &call, bus_api::names::SUPERVISOR) {
                return;
            }
            let answer = guarded(&call, || answer(supervisor, server, client, &call));
            let answer = answer.or_else(|| unknown(&call));
            if let Some(message) = answer {
                server.send(client, message);
            }
        }
    }
}

/// Tells everybody what happened. It is all saved by now.
pub fn publish(supervisor: &mut Supervisor, server: &Server) {
    for news in supervisor.take_news() {
        publish_one(supervisor, server, news);
    }
}

/// Tells one thing.
pub fn publish_one(supervisor: &Supervisor, server: &Server, news: News) {
    let event = match news {
        News::Changed { unit, status } => match supervisor.service(&unit) {
            Some(service) => Event::Changed(unit_status(&unit, service, &status, Extent::Changed)),
            None => return,
        },
        News::Log { unit, level, text } => {
            let event = Event::Log { unit, level: level.as_str().to_owned(), text };
            return server.remark(|| made(&event));
        }
        News::RestartDue { unit } => Event::RestartDue { unit },
    };
    if let Some(message) = made(&event) {
        server.broadcast(message);
    }
}

fn made(event: &Event) -> Option<Message> {
    event.message().inspect_err(|error| tracing::error!("cannot tell: {error}")).ok()
}

fn send(server: &Server, client: ClientId, message: Result<Message, zbus::Error>) {
    match message {
        Ok(message) => {
            server.send(client, message);
        }
        Err(error) => tracing::error!("cannot tell: {error}"),
    }
}

fn slice(name: &str, definition: &str) -> Result<unit_parser::Unit, BusError> {
    let wrong = |text: String| BusError::new(ErrorName::InvalidArgs, text);
    let unit: unit_parser::Unit = serde_json::from_str(definition).map_err(|error| wrong(error.to_string()))?;
    let matches = unit.name.as_str() == name && unit.name.unit_type() == unit_parser::UnitType::Slice;
    if matches { Ok(unit) } else { Err(wrong(format!("this is no definition of the slice {name}"))) }
}

/// A call of another interface, or of an unknown member.
fn unknown(call: &Message) -> Option<Message> {
    if matches!(special::Request::parse(call), Ok(Some(_)) | Err(_)) {
        return None;
    }
    match Request::parse(call) {
        Ok(None) => default_reply(call, &introspect),
        Ok(Some(_)) | Err(_) => None,
    }
}

fn introspect(path: &str) -> Option<String> {
    match path {
        bus_api::names::PATH => Some(INTROSPECTION.to_owned()),
        "/" => Some("<node><node name=\"org/quintet\"/></node>".to_owned()),
        _ => None,
    }
}

/// The answer that says no more than that it is done, where one is wanted.
fn empty(call: &Message) -> Result<Option<Message>, BusError> {
    if expects_reply(call) { reply(call, &()).map(Some).map_err(internal) } else { Ok(None) }
}

fn answer(
    supervisor: &mut Supervisor,
    server: &Server,
    client: ClientId,
    call: &Message,
) -> Result<Option<Message>, BusError> {
    if let Some(request) = special::Request::parse(call)? {
        match request {
            special::Request::Idle => supervisor.idle(),
            special::Request::Quiet => server.quieten(client),
            special::Request::Start { unit } => supervisor.start_known(&unit).map_err(request_error)?,
            special::Request::Slice { unit, definition } if definition.is_empty() => supervisor.slice_down(&unit),
            special::Request::Slice { unit, definition } => supervisor.slice(slice(&unit, &definition)?),
            special::Request::Watchdogs { on } => supervisor.heed_watchdogs(on),
            special::Request::BusName { name, owner, pid } => supervisor.bus_name(&name, !owner.is_empty(), pid),
            special::Request::Refuse { unit, result, cause } => {
                let result = ServiceResult::parse(&result)
                    .ok_or_else(|| BusError::invalid_args(format!("{result} is no result of a service.")))?;
                supervisor.refuse(&unit, result, &cause);
            }
        }
        publish(supervisor, server);
        return empty(call);
    }
    let Some(request) = Request::parse(call)? else { return Ok(None) };
    match request {
        Request::Start { unit, definition, options, fds } => {
            supervisor.start_as(&unit, definition, start_request(options, fds)).map_err(request_error)?;
        }
        Request::Overlap { unit, definition, options, fds } => {
            supervisor.overlap(&unit, definition, start_request(options, fds)).map_err(request_error)?;
        }
        Request::Stop { unit, options } => {
            supervisor.stop(&unit, options.restart, options.cause).map_err(request_error)?;
        }
        Request::Reload { unit } => supervisor.reload(&unit, String::new()).map_err(request_error)?,
        Request::Kill { unit, whom, signal } => supervisor.kill(&unit, &whom, signal).map_err(kill_error)?,
        Request::ResetFailed { unit } => supervisor.reset_failed(&unit),
        Request::Update { unit, definition } => {
            if supervisor.service(&unit).is_some() {
                supervisor.define_as(&unit, definition).map_err(request_error)?;
            }
        }
        Request::Forget { unit } => supervisor.forget(&unit).map_err(request_error)?,
        Request::Clean { unit, definition, what } => {
            supervisor.clean(&unit, definition, what, "systemctl clean".into()).map_err(request_error)?;
        }
        Request::List => {
            publish(supervisor, server);
            let units: Vec<UnitStatus> = supervisor
                .services()
                .map(|(unit, service)| unit_status(unit, service, &service.machine.status(), Extent::All))
                .collect();
            return worker::list_reply(call, &units).map(Some).map_err(internal);
        }
        Request::Notices { unit } => {
            let notices = supervisor.service(&unit).map(notices).unwrap_or_default();
            return worker::notices_reply(call, &notices).map(Some).map_err(internal);
        }
        Request::Namespaces { owner } => {
            let namespaces = supervisor.namespaces_of(&owner);
            return worker::namespaces_reply(call, &namespaces).map(Some).map_err(internal);
        }
        Request::Processes { unit } => {
            let processes = supervisor.processes(&unit);
            return worker::processes_reply(call, &processes).map(Some).map_err(internal);
        }
    }
    // What the call made happen is told before the call is answered: a client that has its answer has heard all.
    publish(supervisor, server);
    empty(call)
}

fn start_request(options: StartOptions, fds: Vec<NamedFd>) -> StartRequest {
    let (fds, offers) = namespaces::split(fds);
    StartRequest {
        invocation: options.invocation_id.iter().map(|byte| format!("{byte:02x}")).collect(),
        start: Start { environment: options.environment, manager_environment: options.manager_environment },
        fds: owned(fds),
        offers,
        cause: options.cause,
    }
}

fn owned(fds: Vec<NamedFd>) -> Vec<(String, OwnedFd)> {
    fds.into_iter().map(|(name, fd)| (name, OwnedFd::from(fd))).collect()
}

fn unit_status(unit: &str, service: &Service, status: &Status, extent: Extent) -> UnitStatus {
    let mut bits = 0;
    for (set, flag) in [
        (status.reload_failed, flags::RELOAD_FAILURE),
        (status.will_restart, flags::WILL_AUTO_RESTART),
        (status.skipped, flags::SKIP_CONDITION),
    ] {
        if set {
            bits |= flag;
        }
    }
    UnitStatus {
        unit: unit.to_owned(),
        active: status.active.as_str().to_owned(),
        sub: status.state.sub().to_owned(),
        result: status.result.as_str().to_owned(),
        flags: bits,
        cause: status.cause.clone(),
        properties: properties::of(service, status, extent),
    }
}

/// What is told of a service beyond its state.
fn notices(service: &Service) -> Vec<UnitNotice> {
    let notices = service.notices.iter();
    notices.map(|it| (it.realtime_usec, it.level.clone(), it.text.clone(), it.count)).collect()
}

fn internal(error: zbus::Error) -> BusError {
    BusError::new(ErrorName::Failed, error.to_string())
}

fn request_error(error: RequestError) -> BusError {
    let name = match &error {
        RequestError::Unknown(_) => ErrorName::NoSuchUnit,
        RequestError::State { .. } | RequestError::Busy => ErrorName::UnitBusy,
        RequestError::Coordinated => ErrorName::NotSupported,
        RequestError::Definition { .. } => ErrorName::InvalidArgs,
    };
    BusError::new(name, error.to_string())
}

fn kill_error(error: KillError) -> BusError {
    let name = match &error {
        KillError::Unknown(_) => ErrorName::NoSuchUnit,
        KillError::Whom(_) | KillError::Signal => ErrorName::InvalidArgs,
        KillError::NoMain | KillError::NoControl | KillError::Nobody => ErrorName::NoSuchProcess,
    };
    BusError::new(name, error.to_string())
}
