//! `BusName=` without a broker (which otherwise tells of names): who owns a name on the message bus.
//!
//! One connection for each service that has a name. A bus that restarts, or is started by this very supervisor, is connected
//! to again.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bus_api::connect::PeerEvent;
use bus_api::message_bus::{Bus, Event, Request, credentials, sockets};
use daemon_runtime::paths::{Mode, user_runtime_dir};
use tokio::sync::mpsc;

use super::watch::{self, Input, Task};

/// Pauses between attempts to reach the bus: doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long the bus may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Tells each change of the owner of a name, the present one first, until the task is dropped.
pub fn watch(name: String, mode: Mode, inputs: mpsc::Sender<Input>) -> Task {
    watch::task(async move {
        let mut pause = RETRY.0;
        loop {
            match follow(&name, mode, &inputs).await {
                // Nobody listens to us any more.
                Ok(()) => return,
                Err(error) => tracing::debug!(name, "no message bus, trying again: {error}"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY.1);
        }
    })
}

/// Until the connection ends (an error), or nobody listens any more.
async fn follow(name: &str, mode: Mode, inputs: &mpsc::Sender<Input>) -> io::Result<()> {
    let socket = address(mode).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let (bus, mut events) = Bus::connect(&socket, TIMEOUT).await?;
    let send = |request: Request<'_>| {
        let message = request.message().map_err(io::Error::other)?;
        bus.send(&message).map_err(io::Error::other)
    };
    send(Request::WatchName(name))?;
    // Asked after the match: a change in between is told twice rather than never.
    let mut owner_asked = Some(send(Request::NameOwner(name))?);
    let mut process_asked = None;
    while let Some(event) = events.recv().await {
        let told = match event {
            PeerEvent::Signal(message) => match Event::parse(&message) {
                Ok(Some(Event::NameOwnerChanged { name: changed, owner })) if changed == name => Some(owner),
                Ok(_) | Err(_) => None,
            },
            PeerEvent::Reply { serial, result } if owner_asked == Some(serial) => {
                owner_asked = None;
                let reply = result.ok();
                reply.and_then(|reply| bus_api::message::arguments::<(String,)>(&reply).ok()).map(|(owner,)| owner)
            }
            PeerEvent::Reply { serial, result } if process_asked == Some(serial) => {
                process_asked = None;
                let pid = result.ok().and_then(|reply| credentials(&reply).ok()).map_or(0, |found| found.pid);
                if inputs.send(Input::BusName { name: name.to_owned(), owned: true, pid }).await.is_err() {
                    return Ok(());
                }
                None
            }
            PeerEvent::Away { reason } => return Err(io::Error::other(reason)),
            PeerEvent::Back | PeerEvent::Reply { .. } | PeerEvent::Call(_) => None,
        };
        match told {
            None => {}
            Some(owner) if owner.is_empty() => {
                let lost = Input::BusName { name: name.to_owned(), owned: false, pid: 0 };
                if inputs.send(lost).await.is_err() {
                    return Ok(());
                }
            }
            Some(owner) => process_asked = Some(send(Request::Credentials(&owner))?),
        }
    }
    Err(io::Error::from(io::ErrorKind::ConnectionReset))
}

/// The system bus, or the user's.
fn address(mode: Mode) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    match mode {
        Mode::System => match variable("DBUS_SYSTEM_BUS_ADDRESS") {
            Some(text) => sockets(&text).into_iter().next(),
            None => Some("/run/dbus/system_bus_socket".into()),
        },
        Mode::User => match variable("DBUS_SESSION_BUS_ADDRESS") {
            Some(text) => sockets(&text).into_iter().next(),
            None => Some(user_runtime_dir().join("bus")),
        },
    }
}
