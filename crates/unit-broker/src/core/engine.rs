//! The engine as the driver uses it: takes an event, works until everything has settled, keeps what is to be done.

use std::collections::{BTreeMap, BTreeSet};

use unit_parser::UnitName;

use super::api::action::Action;
use super::api::cause::Cause;
use super::api::error::EngineError;
use super::api::event::{Event, Worker};
use super::api::reply::Reply;
use super::api::types::Time;
use super::api::world::World;
use super::graph::{Graph, UnitId, UnitSet};
use super::jobs::Jobs;
use super::kinds;
use super::states::deferred::Deferred;
use super::states::startup::Startup;
use super::states::sync::Workers;
use super::states::triggers::RecentTriggers;
use super::why::Trail;

/// What the manager as a whole is configured to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A user manager.
    pub user: bool,
    /// `DefaultStartLimitIntervalSec=` (µs) and `DefaultStartLimitBurst=`.
    pub start_limit: (u64, u32),
    /// `DefaultDeviceTimeoutSec=`, µs.
    pub device_timeout: u64,
    /// Devices can't become units here (a read-only /sys, as in most containers): a start of one ends at once.
    pub no_device_units: bool,
    /// How long jobs wait, after the broker's start, for workers that haven't been heard of yet, µs.
    pub worker_grace: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            user: false,
            start_limit: (10_000_000, 5),
            device_timeout: 90_000_000,
            no_device_units: false,
            worker_grace: 10_000_000,
        }
    }
}

/// What an event is handled with.
pub(super) struct Cx<'a> {
    pub now: Time,
    pub world: &'a mut dyn World,
}

/// Units, edges, jobs. A clone of it can play "what if".
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) options: Options,
    pub(super) graph: Graph,
    pub(super) jobs: Jobs,
    pub(super) workers: Workers,
    pub(super) startup: Startup,
    pub(super) deferred: Deferred,
    pub(super) trail: Trail,
    /// Units of one device, by the one of its sysfs path.
    pub(super) followers: BTreeMap<UnitName, BTreeSet<UnitName>>,
    /// Units to be looked at by the garbage collection.
    pub(super) gc: BTreeSet<UnitId>,
    pub(super) failed: BTreeSet<UnitId>,
    pub(super) recent_triggers: RecentTriggers,
    /// Mounts that were looked for in vain during this event: thousands of units have the same paths above theirs.
    pub(super) absent_mounts: BTreeSet<UnitName>,
    /// All mounts that were looked for in vain since the last daemon-reload, which looks for them again.
    pub(super) missed_mounts: BTreeSet<UnitName>,
    pub(super) actions: Vec<Action>,
    changed: UnitSet,
    unsaved: UnitSet,
    /// The same of units that aren't loaded.
    unsaved_past: Vec<UnitName>,
}

impl Engine {
    /// A manager with nothing but its perpetual units (`-.slice`, `system.slice`, `init.scope`, `-.mount`).
    pub fn new(options: Options, now: Time, world: &mut dyn World) -> Engine {
        let mut engine = Engine {
            workers: Workers::new(now.monotonic_usec.saturating_add(options.worker_grace)),
            options,
            graph: Graph::default(),
            jobs: Jobs::default(),
            startup: Startup::default(),
            deferred: Deferred::default(),
            trail: Trail::default(),
            followers: BTreeMap::new(),
            gc: BTreeSet::new(),
            failed: BTreeSet::new(),
            recent_triggers: RecentTriggers::default(),
            absent_mounts: BTreeSet::new(),
            missed_mounts: BTreeSet::new(),
            actions: Vec::new(),
            changed: UnitSet::default(),
            unsaved: UnitSet::default(),
            unsaved_past: Vec::new(),
        };
        let mut cx = Cx { now, world };
        for name in kinds::perpetual_units(engine.options.user) {
            engine.load(&mut cx, &name);
        }
        engine
    }

    /// Takes an event. An error is a refused request; events that aren't requests are never refused.
    pub fn handle(&mut self, now: Time, event: Event, world: &mut dyn World) -> Result<Reply, EngineError> {
        world.begin_event();
        let mut cx = Cx { now, world };
        let cause = cause_of(&event);
        let outer = self.trail.root(&cause);
        let reply = self.dispatch(&mut cx, event);
        self.settle(&mut cx);
        self.absent_mounts.clear();
        self.trail.leave(outer);
        reply
    }

    /// What is to be done since the last call, in order.
    pub fn drain(&mut self) -> Vec<Action> {
        for id in self.changed.take() {
            if self.graph.contains(id) {
                self.actions.push(Action::UnitChanged(self.graph[id].name.clone()));
            }
        }
        let mut unsaved = std::mem::take(&mut self.unsaved_past);
        let loaded = self.unsaved.take().into_iter().filter(|id| self.graph.contains(*id));
        unsaved.extend(loaded.map(|id| self.graph[id].name.clone()));
        let mut actions = std::mem::take(&mut self.actions);
        if !unsaved.is_empty() {
            actions.insert(0, Action::Save(unsaved));
        }
        actions
    }

    /// When [`Event::Time`] is due: CLOCK_MONOTONIC, µs.
    pub fn next_deadline(&self) -> Option<u64> {
        [self.jobs.next_deadline(), self.workers.hold_until(), self.deferred.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Works until nothing follows from anything any more.
    fn settle(&mut self, cx: &mut Cx) {
        loop {
            let mut busy = self.run_deferred(cx);
            if !self.workers.holds(cx.now.monotonic_usec) {
                busy |= self.run_queue(cx);
            }
            self.collect_jobs(cx);
            if !busy {
                return;
            }
        }
    }

    /// Something that clients see changed.
    pub(super) fn changed(&mut self, id: UnitId) {
        self.changed.insert(id);
    }

    /// The unit's change is to be told before what comes next.
    pub(super) fn flush_changed(&mut self, id: UnitId) {
        if self.changed.remove(id) {
            self.actions.push(Action::UnitChanged(self.graph[id].name.clone()));
        }
    }

    /// Something that must survive a restart of the broker changed.
    pub(super) fn save(&mut self, id: UnitId) {
        self.unsaved.insert(id);
    }

    /// What is saved of a unit that isn't loaded changed.
    pub(super) fn unsave(&mut self, unit: UnitName) {
        self.unsaved_past.push(unit);
    }

    /// A unit's place is about to be given up.
    pub(super) fn forget_place(&mut self, id: UnitId) {
        self.unsaved.remove(id);
        self.unsaved_past.push(self.graph[id].name.clone());
        self.changed.remove(id);
        self.gc.remove(&id);
        if self.failed.remove(&id) {
            self.actions.push(Action::ManagerChanged);
        }
        self.deferred.forget(id);
    }
}

/// What an event says of its own cause.
fn cause_of(event: &Event) -> Cause {
    match event {
        Event::Boot { target } => Cause::Manager(format!("boot into {target}")),
        Event::Enqueue(request) => request.cause.clone(),
        Event::Status(status) => Cause::Worker(status.cause.clone()),
        Event::RestartDue(_) => Cause::AutoRestart,
        Event::Trigger { cause, .. } => Cause::Traffic(cause.clone()),
        Event::Devices { units, .. } => {
            Cause::Device(units.first().map_or_else(String::new, |device| device.cause.clone()))
        }
        Event::DeviceList(_) => Cause::Device("devices that are there".to_owned()),
        Event::List { worker, .. } | Event::WorkerBack(worker) | Event::WorkerAway(worker) => {
            let name = match worker {
                Worker::Supervisor => "process-supervisor",
                Worker::Activator => "socket-activator",
                Worker::Watcher => "device-watcher",
            };
            Cause::Worker(format!("connection to {name}"))
        }
        Event::Mounts(_) => Cause::Manager("the table of mounts".to_owned()),
        Event::Reload | Event::ReloadUnit(_) => Cause::Manager("daemon-reload".to_owned()),
        Event::CancelJob(_) | Event::ClearJobs => Cause::Manager("job canceled by hand".to_owned()),
        Event::ResetFailed(_) => Cause::Manager("reset-failed".to_owned()),
        Event::Time => Cause::Manager("time".to_owned()),
        Event::Load(_)
        | Event::Define(_)
        | Event::Mark(..)
        | Event::Ref { .. }
        | Event::Unref { .. }
        | Event::ClientGone(_)
        | Event::Kill { .. }
        | Event::DevicesAvailable { .. }
        | Event::Idle => Cause::Manager(String::new()),
    }
}
