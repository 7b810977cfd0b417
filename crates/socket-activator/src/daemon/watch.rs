//! What wakes the daemon: traffic, control processes, timers. Every task waits for one thing and sends an [`Input`].

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::time::Duration;

use sys::net;
use sys::pidfd::PidFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};

use super::unit::TaskGuard;
use crate::core::event::{Exit, Trigger};
use crate::sockets::port::SharedFd;

/// Something that a task saw.
#[derive(Debug)]
pub enum Input {
    /// A socket is ready.
    Ready {
        /// The unit.
        unit: Rc<str>,
        /// The port.
        slot: u32,
        /// `POLLIN`, `POLLHUP`, `POLLERR`.
        readiness: i16,
        /// Dropped or used when the traffic was looked at: the task looks again.
        done: oneshot::Sender<()>,
    },
    /// A socket can't be watched.
    Unwatchable {
        /// The unit.
        unit: Rc<str>,
        /// Why.
        text: String,
    },
    /// A control process ended.
    Exited {
        /// The unit.
        unit: Rc<str>,
        /// Its PID.
        pid: u32,
        /// How.
        exit: Exit,
    },
    /// Without a broker: a trigger that we serve ourselves, once everything about its event is done.
    Trigger {
        /// The unit.
        unit: Rc<str>,
        /// The trigger.
        trigger: Trigger,
    },
    /// The time of a unit's timer has come.
    Timer {
        /// The unit.
        unit: Rc<str>,
    },
}

/// Where tasks send to.
pub type Inputs = mpsc::UnboundedSender<Input>;

/// Waits for traffic on a port until the guard is dropped.
pub fn port(unit: Rc<str>, slot: u32, fd: SharedFd, inputs: Inputs) -> TaskGuard {
    let task = async move {
        let failed = |error: std::io::Error| {
            let text = format!("Failed to watch listening sockets: {}", net::message(&error));
            Input::Unwatchable { unit: unit.clone(), text }
        };
        let watched = match register(fd.clone()) {
            Ok(watched) => watched,
            Err(error) => return drop(inputs.send(failed(error))),
        };
        loop {
            let mut guard = match watched.readable().await {
                Ok(guard) => guard,
                Err(error) => return drop(inputs.send(failed(error))),
            };
            let readiness = match net::readiness(fd.as_fd()) {
                Ok(0) => {
                    guard.clear_ready();
                    continue;
                }
                Ok(readiness) => readiness,
                Err(error) => return drop(inputs.send(failed(error))),
            };
            let (done, looked_at) = oneshot::channel();
            if inputs.send(Input::Ready { unit: unit.clone(), slot, readiness, done }).is_err() {
                return;
            }
            let _ = looked_at.await;
        }
    };
    TaskGuard(tokio::task::spawn_local(task).abort_handle())
}

/// Waits for the end of a control process.
pub fn process(unit: Rc<str>, pidfd: PidFd, inputs: Inputs) -> TaskGuard {
    let task = async move {
        let pid = u32::try_from(pidfd.pid()).unwrap_or(0);
        if !pidfd.ended()
            && let Ok(watched) = pidfd.try_clone().and_then(register)
        {
            let _ = watched.readable().await;
        }
        let exit = match pidfd.exit_status() {
            Ok(Some(sys::ExitStatus::Exited(code))) => Exit::Code(code),
            Ok(Some(sys::ExitStatus::Killed(signal))) => Exit::Signal(signal),
            Ok(Some(sys::ExitStatus::Dumped(signal))) => Exit::CoreDump(signal),
            Ok(None) | Err(_) => {
                tracing::warn!(pid, "{unit}: a control process ended while we were away; taken for a success");
                Exit::Code(0)
            }
        };
        let _ = inputs.send(Input::Exited { unit, pid, exit });
    };
    TaskGuard(tokio::task::spawn_local(task).abort_handle())
}

/// Waits until `deadline` (µs of CLOCK_BOOTTIME).
pub fn timer(unit: Rc<str>, deadline: u64, inputs: Inputs) -> TaskGuard {
    let task = async move {
        let wait = deadline.saturating_sub(sys::clock::boottime());
        tokio::time::sleep(Duration::from_micros(wait)).await;
        let _ = inputs.send(Input::Timer { unit });
    };
    TaskGuard(tokio::task::spawn_local(task).abort_handle())
}

/// Without a duplicate of the descriptor, unlike [`daemon_runtime::readiness`]: there may be 16,000 of them.
#[expect(
    deprecated,
    reason = "the successor is unsafe, for descriptors that may be closed meanwhile; SharedFd and PidFd own theirs"
)]
fn register<T: AsRawFd>(fd: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}
