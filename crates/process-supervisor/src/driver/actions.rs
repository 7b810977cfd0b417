//! Doing what a machine wants.

use std::rc::Rc;

use sys::cgroup::Cgroup;
use sys::notify::NotifySocket;
use unit_parser::rows::service as rows;

use super::held::Held;
use super::service::Listener;
use super::watch::{self, Input};
use super::{News, Supervisor, bus_names};
use crate::core::action::{Action, Level};
use crate::core::definition::NotifyAccess;
use crate::core::event::Event;
use crate::core::status::Status;

/// How long after its end a control group may refuse to be removed, in tries of growing pauses.
const REMOVE_TRIES: u32 = 8;

/// The name of an accepted connection among the descriptors of a start.
const CONNECTION: &str = "connection";

impl Supervisor {
    /// Does all that is queued, and what follows from it.
    pub(super) fn drain(&mut self, unit: &str) {
        while let Some(action) = self.services.get_mut(unit).and_then(|service| service.machine.next_action()) {
            match action {
                Action::Spawn(order) => {
                    // The intent must be on disk before there is a process that only it explains.
                    self.save(unit);
                    let answer = self.spawn(unit, &order);
                    let now = self.host.now();
                    if let Some(service) = self.services.get_mut(unit) {
                        let (machine, view) = service.with_view(&self.host);
                        machine.handle(now, answer, &view);
                    }
                }
                Action::Kill(order) => self.kill_announced(unit, &order),
                Action::KillInstance(order) => self.kill_instance(unit, &order),
                Action::ReleaseInstance(instance) => self.release_instance(unit, &instance),
                Action::Changed(status) => self.tell_change(unit, status),
                Action::RestartDue => self.news.push(News::RestartDue { unit: unit.to_owned() }),
                Action::Follow(pid) => self.follow(unit, pid),
                Action::WatchPidFile => self.watch_pid_file(unit),
                Action::UnwatchPidFile => {
                    if let Some(service) = self.services.get_mut(unit) {
                        service.pid_file_task = None;
                    }
                }
                Action::Prepare => {
                    self.choose_shared(unit);
                    self.count_anew(unit);
                    if let Some(service) = self.services.get_mut(unit) {
                        // The group of an earlier run may still be there.
                        service.oom_kills = service.cgroup.as_ref().map_or(0, sys::cgroup::Cgroup::oom_kills);
                    }
                    self.prepare(unit);
                }
                Action::Release { comes_back } => self.release(unit, comes_back),
                Action::ReleaseFds => self.release_fds(unit),
                Action::Clean(what) => self.begin_clean(unit, &what),
                Action::AbortClean => {
                    if let Some(service) = self.services.get_mut(unit) {
                        service.cleaning = None;
                    }
                }
                Action::Log(level, text) => self.log(unit, level, text),
            }
        }
        if let Some(service) = self.services.get_mut(unit)
            && service.invocation != service.machine.invocation()
        {
            // A new instance has taken over.
            service.invocation = service.machine.invocation().to_owned();
        }
        self.let_sockets_go(unit);
        self.forget_processes(unit);
    }

    /// A listening socket that its unit closes must not live on with us: once the service has it, our copy goes. Whoever
    /// coordinates brings it anew with each start. A connection stays until the service is down, as in systemd.
    fn let_sockets_go(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit).filter(|_| self.coordinated) else { return };
        if service.fds.is_empty() || !service.machine.state().has_its_sockets() {
            return;
        }
        let (kept, gone) =
            std::mem::take(&mut service.fds).into_iter().partition(|held| held.record.name == CONNECTION);
        service.fds = kept;
        gone.into_iter().for_each(|held: Held| held.release(&self.host.runner));
    }

    /// Tells a change. Of changes of properties alone that nobody has heard of yet the last is enough: a service may say
    /// `STATUS=` faster than anybody reads.
    pub(super) fn tell_change(&mut self, unit: &str, status: Box<Status>) {
        if let Some(News::Changed { unit: of, status: last }) = self.news.last_mut()
            && of == unit
            && (last.state, last.active, last.result, &last.cause)
                == (status.state, status.active, status.result, &status.cause)
            && !(last.will_restart || last.reload_failed || status.will_restart || status.reload_failed)
        {
            *last = status;
            return;
        }
        self.news.push(News::Changed { unit: unit.to_owned(), status });
    }

    /// A start begins: the notify socket.
    pub(super) fn prepare(&mut self, unit: &str) {
        let wanted = self
            .services
            .get(unit)
            .is_some_and(|service| service.machine.notify_access() != NotifyAccess::None && service.listener.is_none());
        if wanted && let Err(error) = self.listen(unit) {
            self.log(unit, Level::Warning, format!("No notify socket: {error}"));
        }
        self.watch_bus_name(unit);
    }

    /// Watches the name of a service that has one, unless somebody else does and tells.
    pub(super) fn watch_bus_name(&mut self, unit: &str) {
        if self.coordinated {
            return;
        }
        let (mode, inputs) = (self.host.mode, self.inputs.clone());
        let Some(service) = self.services.get_mut(unit) else { return };
        if service.bus_task.is_none() {
            let name = service.machine.definition().bus_name.clone();
            service.bus_task = name.map(|name| bus_names::watch(name, mode, inputs));
        }
    }

    fn listen(&mut self, unit: &str) -> std::io::Result<()> {
        let Some(service) = self.services.get_mut(unit) else { return Ok(()) };
        let directory = self.host.runtime.notify();
        let path = directory.join(format!("unit-{}", service.key));
        let socket = match NotifySocket::bind(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                daemon_runtime::paths::create_dir(&directory)?;
                NotifySocket::bind(&path)?
            }
            bound => bound?,
        };
        // Services run as other users.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        let id = format!("n.{}", service.key);
        self.host.runner.store(&id, &[std::os::fd::AsFd::as_fd(socket.as_owned())], false);
        self.adopt_listener(unit, socket)
    }

    /// Listens on a notify socket, a new one or one that came back.
    pub(super) fn adopt_listener(&mut self, unit: &str, socket: NotifySocket) -> std::io::Result<()> {
        let inputs = self.inputs.clone();
        let Some(service) = self.services.get_mut(unit) else { return Ok(()) };
        let path = self.host.runtime.notify().join(format!("unit-{}", service.key));
        let socket = Rc::new(watch::watched(socket, tokio::io::Interest::READABLE)?);
        let name = unit.to_owned();
        let task = watch::readable(socket.clone(), inputs, move |more| Input::Notify { unit: name.clone(), more });
        service.listener = Some(Listener { socket, path: path.to_string_lossy().into_owned(), task });
        Ok(())
    }

    /// The service is down: nothing of the run stays.
    fn release(&mut self, unit: &str, comes_back: bool) {
        let Some(service) = self.services.get_mut(unit) else { return };
        if let Some(listener) = service.listener.take() {
            self.host.runner.remove(&format!("n.{}", service.key));
            let _ = std::fs::remove_file(&listener.path);
        }
        service.pid_file_task = None;
        service.report_task = None;
        let directories = exec_job::runtime_directories(&service.unit, self.host.mode, comes_back);
        exec_job::remove_runtime(&directories);
        exec_job::remove_credentials(&service.unit, self.host.mode);
        if !comes_back {
            exec_job::release_dynamic_user(&service.unit);
        }
        if let Some(path) = &service.pid_file {
            // Out of date now; a missing one is what we want.
            let _ = std::fs::remove_file(path);
        }
        self.release_shared(unit);
        let Some(service) = self.services.get(unit) else { return };
        if service.unit.word(rows::FILE_DESCRIPTOR_STORE_PRESERVE) == "no" {
            // Not even for the run that follows.
            self.release_store(unit);
        }
        let Some(service) = self.services.get(unit) else { return };
        // A service that comes back keeps its control group: making a new one costs more than the process.
        if service.machine.state().is_down() {
            exec_job::withdraw_log_settings(&service.unit, self.host.mode);
            self.count_last(unit);
            self.remove_cgroup(unit, 0);
        }
    }

    /// Removes the control group of a service that is down, again later while the kernel is not done with it.
    pub(super) fn remove_cgroup(&mut self, unit: &str, tries: u32) {
        let Some(service) = self.services.get(unit) else { return };
        let Some(cgroup) = service.cgroup.as_ref().filter(|_| service.machine.state().is_down()) else { return };
        if let Some(watcher) = &mut self.watcher {
            watcher.remove(cgroup);
        }
        let gone = match std::fs::remove_dir(cgroup.path()) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            // Below it the service made groups of its own.
            Err(_) if tries >= 2 => cgroup.remove().unwrap_or(false),
            Err(_) => false,
        };
        if gone || cgroup.populated().unwrap_or(false) || tries >= REMOVE_TRIES {
            return;
        }
        let (inputs, unit) = (self.inputs.clone(), unit.to_owned());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(std::time::Duration::from_millis(1 << tries)).await;
            let _ = inputs.send(Input::RemoveCgroup { unit, tries: tries + 1 }).await;
        });
    }

    fn release_fds(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        for held in std::mem::take(&mut service.fds) {
            held.release(&self.host.runner);
        }
        // The store is kept on request.
        if service.unit.word(rows::FILE_DESCRIPTOR_STORE_PRESERVE) != "yes" {
            self.release_store(unit);
        }
    }

    fn release_store(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        for (held, _) in std::mem::take(&mut service.store) {
            held.release(&self.host.runner);
        }
    }

    /// `Type=exec`: how the executor did.
    pub(super) fn reported(&mut self, unit: &str, pid: u32, content: &[u8]) {
        match sys::executor::ExecReport::parse(content) {
            sys::executor::ExecReport::Started => self.feed(unit, Event::ExecSucceeded { pid }),
            // Its exit status says the same, and is on its way.
            sys::executor::ExecReport::Failed(text) => {
                self.log(unit, Level::Warning, text);
            }
            sys::executor::ExecReport::Vanished => {}
        }
    }
}

/// Removes what is left of the control group of a service that is forgotten: groups that it made for itself below, or that the
/// kernel was not done with.
pub(super) fn remove_left(cgroup: Cgroup) {
    let gone = move || match std::fs::remove_dir(cgroup.path()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        // Somebody is in there; a service of that name may have been started again.
        Err(_) => cgroup.populated().unwrap_or(true) || cgroup.remove().unwrap_or(false),
        Ok(()) => true,
    };
    if gone() {
        return;
    }
    tokio::task::spawn_local(async move {
        for tries in 0..REMOVE_TRIES {
            tokio::time::sleep(std::time::Duration::from_millis(1 << tries)).await;
            if gone() {
                return;
            }
        }
    });
}
