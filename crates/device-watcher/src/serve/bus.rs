//! `org.quintet.Devices1`.

use bus_api::devices::{DeviceUnit, Event, Request, list_reply, status_reply};
use bus_api::errors::{BusError, ErrorName};
use bus_api::message::reply;
use bus_api::names::PATH;
use bus_api::serve::{Incoming, default_reply, guarded};
use zbus::message::Message;

use super::Daemon;
use crate::command::recording::check;
use crate::core::event::{DeviceEvent, Origin};
use crate::core::table::Input;
use crate::driver::presence::Presence;

const INTROSPECTION: &str = r#"<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
 <interface name="org.quintet.Devices1">
  <method name="List"><arg name="units" type="a(sssssasass)" direction="out"/></method>
  <method name="Status"><arg name="available" type="b" direction="out"/><arg name="reason" type="s" direction="out"/></method>
  <method name="Inject"><arg name="event" type="s" direction="in"/></method>
  <signal name="Changed"><arg name="action" type="s"/><arg name="units" type="a(sssssasass)"/></signal>
  <signal name="Availability"><arg name="available" type="b"/><arg name="reason" type="s"/></signal>
 </interface>
 <interface name="org.freedesktop.DBus.Peer"><method name="Ping"/></interface>
</node>
"#;

impl Daemon {
    pub(super) fn handle(&mut self, happened: Incoming) {
        match happened {
            // A client asks for what it wants to know; signals go to everyone.
            Incoming::Connected(_) | Incoming::Disconnected(_) => {}
            Incoming::Message(client, message) => {
                if self.server.answer_as_bus(client, &message, bus_api::names::DEVICES) {
                    return;
                }
                let answer = match Request::parse(&message) {
                    Ok(Some(request)) => guarded(&message, || self.answer(&message, request).map(Some)),
                    Ok(None) => default_reply(&message, &introspect),
                    Err(error) => bus_api::serve::error_reply(&message, &error),
                };
                if let Some(answer) = answer {
                    self.server.send(client, answer);
                }
            }
        }
    }

    fn answer(&mut self, call: &Message, request: Request) -> Result<Message, BusError> {
        let built = match request {
            Request::List => list_reply(call, &self.table.units()),
            Request::Status => {
                // Not what was last noticed: the death of an udevd in another PID namespace leaves no trace.
                let now = Presence::look(self.source);
                if now != self.presence {
                    self.presence = now;
                    self.tell_availability();
                }
                let (well, reason) = self.presence.status();
                status_reply(call, well, reason)
            }
            Request::Inject { event } => {
                self.inject(&event)?;
                reply(call, &())
            }
        };
        built.map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
    }

    fn inject(&mut self, event: &str) -> Result<(), BusError> {
        if !self.allow_replay {
            let text = "replay is not allowed: start device-watcher with --allow-replay, or set allow_replay = true in \
                        device-watcher.toml";
            return Err(BusError::new(ErrorName::AccessDenied, text));
        }
        let event: DeviceEvent =
            serde_json::from_str(event).map_err(|error| BusError::invalid_args(error.to_string()))?;
        check(&event).map_err(BusError::invalid_args)?;
        self.apply(Input::Event(Origin::Replay, event));
        Ok(())
    }

    /// Whether udev's events come has changed.
    pub(super) fn tell_availability(&self) {
        let (available, reason) = self.presence.status();
        match (Event::Availability { available, reason: reason.to_owned() }).message() {
            Ok(message) => self.server.broadcast(message),
            Err(error) => tracing::error!("a change could not be told: {error}"),
        }
    }

    pub(super) fn announce(&self, action: &str, units: Vec<DeviceUnit>) {
        if units.is_empty() {
            return;
        }
        match (Event::Changed { action: action.to_owned(), units }).message() {
            Ok(message) => self.server.broadcast(message),
            Err(error) => tracing::error!("a change could not be told: {error}"),
        }
    }
}

fn introspect(path: &str) -> Option<String> {
    match path {
        PATH => Some(INTROSPECTION.to_owned()),
        "/" => Some("<node><node name=\"org/quintet\"/></node>".to_owned()),
        _ => None,
    }
}
