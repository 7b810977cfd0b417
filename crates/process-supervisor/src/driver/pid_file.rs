//! Waiting for a PID file: its directory is watched, or the nearest one above that exists.

use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::Supervisor;
use super::watch::{self, Input, Task};
use crate::core::action::Level;
use crate::core::event::Event;

impl Supervisor {
    pub(super) fn watch_pid_file(&mut self, unit: &str) {
        let Some(path) = self.services.get(unit).and_then(|service| service.pid_file.clone()) else { return };
        match watch(Path::new(&path), unit, &self.inputs) {
            Ok(task) => {
                if let Some(service) = self.services.get_mut(unit) {
                    service.pid_file_task = Some(task);
                }
            }
            Err(error) => self.log(unit, Level::Warning, format!("Can't watch for the PID file {path}: {error}")),
        }
    }

    /// Something happened there.
    pub(super) fn pid_file_stirred(&mut self, unit: &str) {
        self.feed(unit, Event::PidFileChanged);
        // A directory may have come into being: look closer from now on.
        if self.services.get(unit).is_some_and(|service| service.machine.watches_pid_file()) {
            self.watch_pid_file(unit);
        }
    }
}

fn watch(path: &Path, unit: &str, inputs: &tokio::sync::mpsc::Sender<Input>) -> std::io::Result<Task> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let existing = path.ancestors().skip(1).find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    let flags = AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_DELETE_SELF;
    inotify.add_watch(existing, flags)?;
    let (inputs, unit) = (inputs.clone(), unit.to_owned());
    let fd = watch::watched(std::os::fd::OwnedFd::from(inotify), tokio::io::Interest::READABLE)?;
    Ok(watch::task(async move {
        // Once: the answer to this is a new watch, if it is still wanted.
        if fd.readable().await.is_ok() {
            let _ = inputs.send(Input::PidFile { unit }).await;
        }
    }))
}
