//! Something happens to a copy of the engine, and this answers in the workers' place.
//!
//! What is assumed: workers succeed, at once. A started service is active (a oneshot has finished), a stopped unit is
//! down, a reload works. The supervisor's own rule that the engine doesn't have, `Restart=`, is followed. What workers
//! had been told before stays as it is, as if nothing else happened.

use std::collections::{BTreeSet, VecDeque};

use unit_parser::{DependencyKind, UnitName, UnitType, rows};

use super::exit;
use super::quiet::Quiet;
use crate::core::api::action::Action;
use crate::core::api::error::EngineError;
use crate::core::api::event::{
    Device, DeviceAction, DeviceState, Event, ExitInfo, Invocation, Status, StatusFlags, Worker,
};
use crate::core::api::types::{ActiveState, JobResult, Time};
use crate::core::api::world::World;
use crate::core::engine::{Cx, Engine};
use crate::core::why::WhyEntry;

/// Entries told at most; what is simulated may go on forever.
const LIMIT: usize = 5_000;

/// What could happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A device is plugged.
    Plug(UnitName),
    /// A device is unplugged.
    Unplug(UnitName),
    /// Somebody connects to a socket, or sends something to it.
    Connect(UnitName),
    /// The main process of a service ends.
    Exit(UnitName, ExitInfo),
    /// Nothing else happens for this long (µs).
    Time(u64),
}

/// What a worker was told.
enum Task {
    Start(UnitName, Invocation),
    Stop(UnitName),
    Reload(UnitName),
}

struct Simulation<'a> {
    engine: Engine,
    world: Quiet<'a>,
    now: Time,
    todo: VecDeque<Task>,
    /// Automatic restarts: when (monotonic, µs), of which.
    restarts: BTreeSet<(u64, UnitName)>,
    told: Vec<WhyEntry>,
}

impl Engine {
    /// What would follow, in order: changes of units and their jobs, each with the entry that led to it.
    ///
    /// # Errors
    /// When it can't happen: an unknown unit, a device that is plugged already, a service that doesn't run.
    pub fn simulate(
        &self,
        now: Time,
        happening: Happening,
        world: &mut dyn World,
    ) -> Result<Vec<WhyEntry>, EngineError> {
        let mut engine = self.clone();
        // What the real one has still to do isn't the copy's.
        engine.drain();
        let world = Quiet::new(world);
        let (todo, restarts) = (VecDeque::new(), BTreeSet::new());
        let mut simulation = Simulation { engine, world, now, todo, restarts, told: Vec::new() };
        simulation.happen(happening)?;
        Ok(simulation.told)
    }

    /// When waiting services are started again.
    fn pending_restarts(&self) -> BTreeSet<(u64, UnitName)> {
        let waiting = self.graph.iter().filter(|record| record.sub == "auto-restart");
        waiting
            .map(|record| {
                let pause = record.definition.usec(rows::service::RESTART_SEC);
                (record.stamps.state_change.monotonic_usec.saturating_add(pause), record.name.clone())
            })
            .collect()
    }
}

impl Simulation<'_> {
    fn happen(&mut self, happening: Happening) -> Result<(), EngineError> {
        match happening {
            Happening::Plug(unit) => {
                self.device(&unit, DeviceState::Plugged)?;
                self.go_on(None);
            }
            Happening::Unplug(unit) => {
                self.device(&unit, DeviceState::Dead)?;
                self.go_on(None);
            }
            Happening::Connect(unit) => {
                self.connect(&unit)?;
                self.go_on(None);
            }
            Happening::Exit(unit, exit) => {
                self.exit(&unit, exit)?;
                self.go_on(None);
            }
            Happening::Time(usec) => {
                self.restarts = self.engine.pending_restarts();
                self.go_on(Some(self.now.monotonic_usec.saturating_add(usec)));
            }
        }
        Ok(())
    }

    /// Answers for the workers until nothing follows. With `until` (monotonic, µs) time-outs elapse too; without, only
    /// the restarts that followed.
    fn go_on(&mut self, until: Option<u64>) {
        for _ in 0..LIMIT {
            if self.told.len() >= LIMIT {
                break;
            }
            if let Some(task) = self.todo.pop_front() {
                self.work(task);
                continue;
            }
            let deadline = until.and(self.engine.next_deadline());
            let restart = self.restarts.first().map(|(at, _)| *at);
            let Some(next) = [deadline, restart].into_iter().flatten().min() else { return };
            if until.is_some_and(|until| next > until) || next == u64::MAX {
                return;
            }
            let passed = next.saturating_sub(self.now.monotonic_usec);
            self.now.monotonic_usec += passed;
            self.now.realtime_usec += passed;
            if restart == Some(next)
                && let Some((_, unit)) = self.restarts.pop_first()
            {
                self.feed(Event::RestartDue(unit));
            } else {
                self.feed(Event::Time);
            }
        }
        let Some(last) = self.told.last().cloned() else { return };
        let change = "it goes on like this: the simulation ends here".into();
        let sequence = self.next_sequence();
        self.told.push(WhyEntry { sequence, change, source: String::new(), parent: Some(last.sequence), ..last });
    }

    fn next_sequence(&mut self) -> u64 {
        self.engine.trail.next += 1;
        self.engine.trail.next - 1
    }

    fn feed(&mut self, event: Event) {
        // None of these events is a request, so none is refused.
        let _never = self.engine.handle(self.now, event, &mut self.world);
        for action in self.engine.drain() {
            self.note(action);
        }
    }

    fn note(&mut self, action: Action) {
        match action {
            Action::Why(entry) => self.told.push((*entry).clone()),
            Action::Start(_, unit, command) => self.todo.push_back(Task::Start(unit, command.invocation)),
            Action::Stop(_, unit, ..) => self.todo.push_back(Task::Stop(unit)),
            Action::ReloadUnit(_, unit) => self.todo.push_back(Task::Reload(unit)),
            // Other ends are entries already.
            Action::JobRemoved(id, unit, JobResult::Done) => self.tell(unit, format!("job {id} ended: done")),
            Action::SocketFail(socket, result) => self.tell(socket, format!("the socket fails: {result}")),
            Action::Power(power) => {
                let unit = self.told.last().map(|entry| entry.unit.clone());
                if let Some(unit) = unit {
                    self.tell(unit, format!("{} of the manager: {}", power.action, power.reason));
                }
            }
            Action::Save(_)
            | Action::ExitStatus(_)
            | Action::RebootArgument(_)
            | Action::Kill(..)
            | Action::ResetFailed(..)
            | Action::Update(..)
            | Action::Slice(..)
            | Action::Forget(..)
            | Action::SocketServiceState(..)
            | Action::TriggerAck(_)
            | Action::TriggerDrop(_)
            | Action::UnitNew(_)
            | Action::UnitRemoved(_)
            | Action::UnitChanged(_)
            | Action::JobNew(..)
            | Action::JobChanged(_)
            | Action::JobRemoved(..)
            | Action::Reloading(_)
            | Action::StartupFinished
            | Action::ManagerChanged
            | Action::Log(..) => {}
        }
    }

    /// Something that follows from the last thing that was told of the unit.
    fn tell(&mut self, unit: UnitName, change: String) {
        let parent = self.told.iter().rev().find(|entry| entry.unit == unit).map(|entry| entry.sequence);
        let sequence = self.next_sequence();
        let (realtime_usec, cause, source) = (self.now.realtime_usec, "".into(), String::new());
        self.told.push(WhyEntry { sequence, realtime_usec, unit, change: change.into(), cause, source, parent });
    }

    /// A worker does what it was told, at once and well.
    fn work(&mut self, task: Task) {
        match task {
            Task::Start(unit, invocation) => {
                let (active, sub) = self.started(&unit);
                let mut status = status(&unit, active, sub, "started (assumed to work)");
                status.invocation = Some(invocation);
                self.feed(Event::Status(status));
            }
            Task::Stop(unit) => {
                self.feed(Event::Status(status(&unit, ActiveState::Inactive, "dead", "stopped (assumed to work)")));
            }
            Task::Reload(unit) => {
                self.feed(Event::Status(status(&unit, ActiveState::Active, "running", "reloaded (assumed to work)")));
            }
        }
    }

    fn started(&self, unit: &UnitName) -> (ActiveState, &'static str) {
        let Some(view) = self.engine.unit(unit) else { return (ActiveState::Inactive, "dead") };
        if unit.unit_type() == UnitType::Socket {
            return (ActiveState::Active, "listening");
        }
        let oneshot = view.definition.word(rows::service::TYPE) == "oneshot";
        match (oneshot, view.definition.bool(rows::service::REMAIN_AFTER_EXIT)) {
            (true, true) => (ActiveState::Active, "exited"),
            (true, false) => (ActiveState::Inactive, "dead"),
            (false, _) => (ActiveState::Active, "running"),
        }
    }

    /// The device comes or goes, with all its other names.
    fn device(&mut self, unit: &UnitName, state: DeviceState) -> Result<(), EngineError> {
        let comes = state == DeviceState::Plugged;
        if unit.unit_type() != UnitType::Device {
            return Err(EngineError::WrongState(unit.to_string(), "it is no device".to_owned()));
        }
        let mut cx = Cx { now: self.now, world: &mut self.world };
        let id = self.engine.load(&mut cx, unit);
        if comes == (self.engine.graph[id].active == ActiveState::Active) {
            let text = if comes { "it is plugged" } else { "it is not plugged" };
            return Err(EngineError::WrongState(unit.to_string(), text.to_owned()));
        }
        self.engine.drain();
        let mut names = vec![self.engine.graph[id].name.clone()];
        names.extend(self.engine.following_set(id).into_iter().map(|other| self.engine.graph[other].name.clone()));
        let units = names.into_iter().map(|name| self.describe(name, state)).collect();
        let action = if comes { DeviceAction::Add } else { DeviceAction::Remove };
        self.feed(Event::Devices { action, units });
        Ok(())
    }

    /// What is known of the device from when it was there last; what udev would say of a new one nobody knows.
    fn describe(&self, unit: UnitName, state: DeviceState) -> Device {
        let known = self.engine.graph.find(&unit).and_then(|id| self.engine.graph[id].device.as_deref());
        let known = known.cloned().unwrap_or_default();
        let verb = if state == DeviceState::Plugged { "plugged" } else { "unplugged" };
        Device {
            cause: format!("{unit} is {verb} (simulated)"),
            unit,
            state,
            following: known.following,
            sysfs_path: known.sysfs_path,
            description: known.description,
            wants: known.wants,
        }
    }

    fn connect(&mut self, socket: &UnitName) -> Result<(), EngineError> {
        let wrong = |text: &str| EngineError::WrongState(socket.to_string(), text.to_owned());
        if socket.unit_type() != UnitType::Socket {
            return Err(wrong("it is no socket"));
        }
        let id = self.engine.graph.find(socket).ok_or_else(|| EngineError::NotLoaded(socket.to_string()))?;
        let record = &self.engine.graph[id];
        if record.active != ActiveState::Active {
            return Err(wrong("it does not listen"));
        }
        let connection = record.settings.accept;
        let service = if connection {
            let template = format!("{}@simulated.service", record.name.prefix());
            UnitName::parse(&template).map_err(|_| wrong("its service has no valid name"))?
        } else {
            let triggered = self.engine.graph.of_kind(id, DependencyKind::Triggers).next();
            let triggered = triggered.map(|other| self.engine.graph[other].name.clone());
            triggered.ok_or_else(|| wrong("it starts nothing"))?
        };
        self.feed(Event::Trigger {
            id: u64::MAX,
            socket: socket.clone(),
            service,
            environment: Vec::new(),
            connection,
            cause: format!("traffic on {socket} (simulated)"),
        });
        Ok(())
    }

    fn exit(&mut self, service: &UnitName, exit: ExitInfo) -> Result<(), EngineError> {
        let wrong = |text: &str| EngineError::WrongState(service.to_string(), text.to_owned());
        if service.unit_type() != UnitType::Service {
            return Err(wrong("it is no service"));
        }
        let id = self.engine.graph.find(service).ok_or_else(|| EngineError::NotLoaded(service.to_string()))?;
        let record = &self.engine.graph[id];
        if !record.active.is_up() || record.sub == "exited" {
            return Err(wrong("it does not run"));
        }
        let definition = record.definition.clone();
        let result = exit::result(&definition, exit);
        let again = exit::restarts(&definition, exit, result);
        let verb = if exit.code == 1 { "exited with status" } else { "was ended by signal" };
        let cause = format!("the main process {verb} {} (simulated)", exit.status);
        let (active, sub) = match result {
            "success" if !again && definition.bool(rows::service::REMAIN_AFTER_EXIT) => (ActiveState::Active, "exited"),
            "success" => (ActiveState::Inactive, "dead"),
            _ => (ActiveState::Failed, "failed"),
        };
        let mut ended = status(&record.name, active, sub, &cause);
        ended.result = result.to_owned();
        ended.exit = Some(exit);
        ended.flags.will_auto_restart = again;
        self.feed(Event::Status(ended.clone()));
        if again {
            let pause = definition.usec(rows::service::RESTART_SEC);
            ended.flags = StatusFlags::default();
            (ended.active, ended.sub) = (ActiveState::Activating, "auto-restart".to_owned());
            self.restarts.insert((self.now.monotonic_usec.saturating_add(pause), ended.unit.clone()));
            self.feed(Event::Status(ended));
        }
        Ok(())
    }
}

fn status(unit: &UnitName, active: ActiveState, sub: &'static str, cause: &str) -> Status {
    let worker = match unit.unit_type() {
        UnitType::Socket => Worker::Activator,
        _ => Worker::Supervisor,
    };
    Status {
        worker,
        unit: unit.clone(),
        active,
        sub: sub.to_owned(),
        result: "success".to_owned(),
        flags: StatusFlags::default(),
        cause: cause.to_owned(),
        invocation: None,
        exit: None,
        changed_at: None,
    }
}
