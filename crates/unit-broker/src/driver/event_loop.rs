//! The loop: one input at a time, the engine's deadline, and garbage collection when nothing else is to be done.

use std::io;
use std::time::Duration;

use daemon_runtime::args::CommonArgs;
use daemon_runtime::shutdown::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};
use unit_parser::UnitName;

use super::generators::Purpose;
use super::mounts::MountWatch;
use super::setup::{Ready, setup};
use super::{Broker, Config};
use crate::core::{Cause, Event, Worker};

/// The unit that is booted without `QUINTET_DEFAULT_UNIT`.
const DEFAULT_UNIT: &str = "default.target";
/// How long queued replies may take to leave at the end.
const DRAIN: Duration = Duration::from_millis(500);

/// Runs the broker until it is told to end.
///
/// # Errors
/// When its sockets, state directory or signal handlers can't be had.
pub async fn run(args: &CommonArgs, config: &Config) -> io::Result<()> {
    let mut shutdown = Shutdown::install()?;
    let mut signals = Signals::install()?;
    let Ready { mut broker, mut incoming, mut workers, mut bus, first } = setup(args, config)?;
    let mut mounts = MountWatch::open();
    broker.look_at_mounts();
    broker.restore_references();
    if first {
        broker.generate(Purpose::Boot);
    }
    broker.settle();
    broker.watch_all_names();
    broker.look_for_bus();
    broker.runner.ready("serving");
    tracing::debug!("serving");
    // Something happened since the last garbage collection.
    let mut busy = true;
    while !broker.quit {
        let deadline = broker.model.engine.next_deadline().map(until);
        tokio::select! {
            biased;
            name = shutdown.requested() => {
                tracing::info!("{name}: ending, all state is saved");
                break;
            }
            request = signals.next() => broker.on_signal_request(request),
            Some(event) = workers.supervisor.recv() => broker.on_supervisor(event, &mut workers.supervisor),
            Some(event) = workers.activator.recv() => broker.on_worker(Worker::Activator, event),
            Some(event) = workers.watcher.recv() => broker.on_worker(Worker::Watcher, event),
            Some(message) = incoming.recv() => broker.on_client(message),
            () = broker.generation.finished() => broker.on_generated(),
            () = mounts.changed() => broker.look_at_mounts(),
            Some(event) = bus.recv() => broker.on_bus(event),
            () = sleep(deadline), if deadline.is_some() => broker.apply(Event::Time),
            // Only when all of the above have nothing: yielding lets the connections' tasks run first.
            () = tokio::task::yield_now(), if busy => {
                busy = false;
                broker.apply(Event::Idle);
                continue;
            }
        }
        busy = true;
    }
    broker.runner.stopping();
    broker.server.drain(DRAIN).await;
    broker.drain_bus(DRAIN).await;
    Ok(())
}

async fn sleep(duration: Option<Duration>) {
    let duration = duration.unwrap_or_default();
    // Even the shortest sleep takes a millisecond.
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// Time from now to a moment of CLOCK_MONOTONIC, µs; rounded up, so that the moment is over when it ends.
fn until(deadline: u64) -> Duration {
    Duration::from_micros(deadline.saturating_sub(sys::clock::monotonic()))
}

/// What a signal asks for.
enum SignalRequest {
    Reload,
    Shutdown(&'static str),
}

/// The signals that ask for something besides the end of this process (systemd(1), "Signals").
struct Signals {
    reload: Signal,
    halt: Signal,
    poweroff: Signal,
    reboot: Signal,
    kexec: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        let realtime = |offset: i32| signal(SignalKind::from_raw(sys::signals::rtmin() + offset));
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            halt: realtime(3)?,
            poweroff: realtime(4)?,
            reboot: realtime(5)?,
            kexec: realtime(6)?,
        })
    }

    async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.reload.recv() => SignalRequest::Reload,
            _ = self.halt.recv() => SignalRequest::Shutdown("halt"),
            _ = self.poweroff.recv() => SignalRequest::Shutdown("poweroff"),
            _ = self.reboot.recv() => SignalRequest::Shutdown("reboot"),
            _ = self.kexec.recv() => SignalRequest::Shutdown("kexec"),
        }
    }
}

impl Broker {
    pub(super) fn boot(&mut self) {
        self.model.facts.saved.unbooted = false;
        self.store.save_facts(&self.model.facts.saved);
        let wanted = std::env::var("QUINTET_DEFAULT_UNIT").ok().filter(|name| !name.is_empty());
        let name = wanted.as_deref().unwrap_or(DEFAULT_UNIT);
        let target = match UnitName::parse(name) {
            Ok(target) => target,
            Err(error) => {
                tracing::error!(name, %error, "the unit to boot has an invalid name");
                return;
            }
        };
        if let Err(error) = self.handle(Event::Boot { target }) {
            tracing::error!(unit = name, "boot: {error}");
        }
    }

    fn on_signal_request(&mut self, request: SignalRequest) {
        match request {
            SignalRequest::Reload => self.generate(Purpose::Reload(Cause::Manager("SIGHUP".to_owned()), None)),
            SignalRequest::Shutdown(kind) => self.begin_shutdown(kind),
        }
    }
}
