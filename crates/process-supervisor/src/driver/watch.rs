//! Tasks that wait for descriptors and tell the supervisor; they decide nothing.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// What a task tells.
#[derive(Debug)]
pub enum Input {
    /// A service's notify socket has something. Answer with whether more may be waiting.
    Notify {
        /// The unit.
        unit: String,
        /// Tells the task to look again (true) or to wait (false).
        more: oneshot::Sender<bool>,
    },
    /// A control group changed.
    Cgroups(oneshot::Sender<bool>),
    /// The launcher told of exits.
    Exits(oneshot::Sender<bool>),
    /// A process that is not our child ended.
    Ended {
        /// The unit.
        unit: String,
        /// The process.
        pid: u32,
    },
    /// The executor of a `Type=exec` service is done.
    Report {
        /// The unit.
        unit: String,
        /// The process.
        pid: u32,
        /// What it wrote.
        content: Vec<u8>,
    },
    /// Something happened where a PID file is awaited.
    PidFile {
        /// The unit.
        unit: String,
    },
    /// A stored descriptor was hung up.
    Hangup {
        /// The unit.
        unit: String,
        /// Its name at the runner.
        id: String,
    },
    /// A control group that could not be removed at once may be removed now.
    RemoveCgroup {
        /// The unit.
        unit: String,
        /// How often it was tried.
        tries: u32,
    },
    /// `systemctl clean` is done.
    Cleaned {
        /// The unit.
        unit: String,
        /// What could not be removed.
        error: Option<String>,
    },
    /// The owner of a bus name.
    BusName {
        /// The name.
        name: String,
        /// It has one.
        owned: bool,
        /// Its process, 0 if unknown.
        pid: u32,
    },
}

/// The supervisor's end of the channel that tasks use.
pub type Inputs = mpsc::Receiver<Input>;

/// A task that ends with its owner.
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a future until it ends or its handle is dropped.
pub fn task(future: impl Future<Output = ()> + 'static) -> Task {
    Task(tokio::task::spawn_local(future))
}

/// Registers a descriptor with the event loop. The only types that come here own their descriptor and never change it,
/// which is what tokio's unsafe successor of this function asks for.
///
/// # Errors
/// When it cannot be watched (a plain file).
#[allow(deprecated, reason = "the replacement is unsafe, which only the sys crate may be")]
pub fn watched<F: AsRawFd>(fd: F, interest: Interest) -> std::io::Result<AsyncFd<F>> {
    AsyncFd::with_interest(fd, interest)
}

/// Tells each time the descriptor is readable, and waits for the answer before it looks again.
pub fn readable<F: AsRawFd + 'static>(
    fd: Rc<AsyncFd<F>>,
    inputs: mpsc::Sender<Input>,
    make: impl Fn(oneshot::Sender<bool>) -> Input + 'static,
) -> Task {
    task(async move {
        loop {
            let Ok(mut guard) = fd.readable().await else { return };
            let (answer, answered) = oneshot::channel();
            if inputs.send(make(answer)).await.is_err() {
                return;
            }
            match answered.await {
                Ok(true) => guard.retain_ready(),
                Ok(false) => guard.clear_ready(),
                Err(_) => return,
            }
        }
    })
}

/// Tells once when the descriptor is readable (a pidfd whose process has ended, a hung-up pipe).
pub fn once(fd: OwnedFd, inputs: mpsc::Sender<Input>, input: Input) -> std::io::Result<Task> {
    let fd = watched(fd, Interest::READABLE)?;
    Ok(task(async move {
        if fd.readable().await.is_ok() {
            let _ = inputs.send(input).await;
        }
    }))
}

/// Reads a pipe to its end.
pub fn pipe(fd: OwnedFd, inputs: mpsc::Sender<Input>, make: impl FnOnce(Vec<u8>) -> Input + 'static) -> Task {
    task(async move {
        let mut content = Vec::new();
        if let Ok(mut pipe) = tokio::net::unix::pipe::Receiver::from_owned_fd(fd) {
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut pipe, &mut content).await;
        }
        let _ = inputs.send(make(content)).await;
    })
}
