//! On a message bus, for any client: `org.quintet.Devices1` with an object a unit. [`face`] knows what is answered and
//! signalled; this file is the connection. Everybody may read, nobody may change anything.
//!
//! A bus that is away (or not there yet) is looked for after a second, two, four ... up to a minute; nothing else of the
//! daemon waits for it.

mod face;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bus_api::connect::{CallError, PeerEvent, PeerEvents};
use bus_api::devices::DeviceUnit;
use bus_api::message_bus::{Bus, Request, is_owner, sockets};
use daemon_runtime::paths::user_runtime_dir;
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::message::Message;

use crate::core::objects::Objects;
use crate::driver::database::Source;
use crate::driver::presence::Presence;

/// Our name there.
pub const NAME: &str = "org.quintet.Devices1";
/// Where the system bus is unless `$DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";
/// How long the bus may take to greet us.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before the second attempt to connect; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// Which message bus to serve on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MessageBus {
    /// None: the private socket only.
    #[default]
    None,
    /// The machine's.
    System,
    /// The user's.
    Session,
}

impl MessageBus {
    fn sockets(self) -> Vec<PathBuf> {
        let (variable, default) = match self {
            MessageBus::None => return Vec::new(),
            MessageBus::System => ("DBUS_SYSTEM_BUS_ADDRESS", PathBuf::from(SYSTEM_BUS)),
            MessageBus::Session => ("DBUS_SESSION_BUS_ADDRESS", user_runtime_dir().join("bus")),
        };
        match std::env::var(variable) {
            Ok(addresses) if !addresses.is_empty() => sockets(&addresses),
            Ok(_) | Err(_) => vec![default],
        }
    }
}

/// What happens on the bus, and to it.
#[derive(Debug)]
pub enum BusEvent {
    /// Connected.
    Connected(Bus),
    /// Not connected (any more).
    Away(String),
    /// A call for us.
    Call(Message),
    /// The answer to [`Request::RequestName`].
    Named(u32, Result<Message, CallError>),
}

/// The daemon's face on the bus.
pub struct Public {
    objects: Objects,
    bus: Option<Bus>,
    events: UnboundedReceiver<BusEvent>,
    /// Said already that it is away.
    told: bool,
    naming: Option<u32>,
    source: Source,
}

impl Public {
    /// Starts to look for the bus; `None` when none is wanted.
    pub fn start(which: MessageBus, source: Source) -> Option<Public> {
        let sockets = which.sockets();
        if which == MessageBus::None {
            return None;
        }
        let (tell, events) = unbounded_channel();
        tokio::task::spawn_local(stay_connected(sockets, tell));
        Some(Public { objects: Objects::default(), bus: None, events, told: false, naming: None, source })
    }

    /// What happens next.
    pub async fn next(&mut self) -> Option<BusEvent> {
        self.events.recv().await
    }

    /// Units that changed.
    pub fn update(&mut self, units: &[DeviceUnit]) {
        for change in self.objects.update(units) {
            if self.bus.is_none() {
                continue;
            }
            for message in face::signals(&change) {
                match message {
                    Ok(message) => self.send(&message),
                    Err(error) => tracing::error!(%error, "a change could not be told on the message bus"),
                }
            }
        }
    }

    /// Takes what happened.
    pub fn handle(&mut self, event: BusEvent) {
        match event {
            BusEvent::Connected(bus) => {
                self.told = false;
                self.naming = Request::RequestName(NAME).message().ok().and_then(|message| bus.send(&message).ok());
                self.bus = Some(bus);
            }
            BusEvent::Away(reason) => {
                self.bus = None;
                if !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(reason, "not on the message bus until it is there");
                }
            }
            BusEvent::Call(call) => {
                if let Some(answer) = face::answer(&self.objects, &|| Presence::look(self.source), &call) {
                    self.send(&answer);
                }
            }
            BusEvent::Named(serial, result) if self.naming == Some(serial) => {
                match result.map(|reply| is_owner(&reply)) {
                    Ok(Ok(true)) => tracing::info!("on the message bus as {NAME}"),
                    Ok(Ok(false)) => tracing::error!("somebody else is {NAME} on the message bus"),
                    Ok(Err(error)) => tracing::error!(%error, "the message bus does not let us be {NAME}"),
                    Err(error) => tracing::error!(%error, "the message bus does not let us be {NAME}"),
                }
            }
            BusEvent::Named(..) => {}
        }
    }

    fn send(&self, message: &Message) {
        let Some(bus) = &self.bus else { return };
        match bus.send(message) {
            Ok(_) | Err(CallError::Away) => {}
            Err(error) => tracing::error!(%error, "a message that the bus doesn't take"),
        }
    }
}

async fn stay_connected(sockets: Vec<PathBuf>, tell: UnboundedSender<BusEvent>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let reason = match connect(&sockets).await {
            Ok((bus, events)) => {
                pause = FIRST_PAUSE;
                if tell.send(BusEvent::Connected(bus)).is_err() {
                    return;
                }
                forward(events, &tell).await
            }
            Err(reason) => reason.to_string(),
        };
        if tell.send(BusEvent::Away(reason)).is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn connect(sockets: &[PathBuf]) -> io::Result<(Bus, PeerEvents)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address of a kind that is understood");
    for socket in sockets {
        match Bus::connect(socket, TIMEOUT).await {
            Ok(connected) => return Ok(connected),
            Err(error) => last = io::Error::new(error.kind(), format!("{}: {error}", socket.display())),
        }
    }
    Err(last)
}

/// Passes on what concerns us until the connection is over; returns why it is.
async fn forward(mut events: PeerEvents, tell: &UnboundedSender<BusEvent>) -> String {
    while let Some(event) = events.recv().await {
        let told = match event {
            PeerEvent::Call(message) => tell.send(BusEvent::Call(message)),
            PeerEvent::Reply { serial, result } => tell.send(BusEvent::Named(serial, result)),
            PeerEvent::Signal(_) | PeerEvent::Back => Ok(()),
            PeerEvent::Away { reason } => return reason,
        };
        if told.is_err() {
            break;
        }
    }
    "the connection is over".to_owned()
}

/// Waits for the bus if there is to be one.
pub async fn next(public: Option<&mut Public>) -> BusEvent {
    match public {
        Some(public) => match public.next().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// For `GetManagedObjects`: interfaces with their properties.
type Interfaces<'a> = BTreeMap<&'a str, BTreeMap<&'a str, zbus::Variant<'a>>>;
