//! The engine as the driver uses it.

use unit_parser::{DependencyKind, Source, UnitName};

use super::api::action::Action;
use super::api::error::EngineError;
use super::api::event::Event;
use super::api::reply::Reply;
use super::api::types::{SystemState, Time};
use super::api::view::{JobView, UnitView};
use super::api::world::World;
use super::saved::{SavedManager, SavedUnit};
use super::why::WhyEntry;

/// What the manager as a whole is configured to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A user manager.
    pub user: bool,
    /// `DefaultStartLimitIntervalSec=` (µs) and `DefaultStartLimitBurst=`.
    pub start_limit: (u64, u32),
    /// `DefaultDeviceTimeoutSec=`, µs.
    pub device_timeout: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { user: false, start_limit: (10_000_000, 5), device_timeout: 90_000_000 }
    }
}

/// Units, edges, jobs.
#[derive(Debug, Clone)]
pub struct Engine {
    options: Options,
    actions: Vec<Action>,
}

impl Engine {
    /// A manager with nothing but its perpetual units (`-.slice`, `init.scope`, `-.mount`).
    pub fn new(options: Options, _now: Time, _world: &mut dyn World) -> Engine {
        Engine { options, actions: Vec::new() }
    }

    /// A manager after a restart: loads the saved units, installs their jobs. The workers' lists are to follow.
    pub fn restore(
        options: Options,
        _saved: SavedManager,
        _units: Vec<SavedUnit>,
        now: Time,
        world: &mut dyn World,
    ) -> Engine {
        Engine::new(options, now, world)
    }

    /// Takes an event. An error is a refused request; events that aren't requests are never refused.
    pub fn handle(&mut self, _now: Time, _event: Event, _world: &mut dyn World) -> Result<Reply, EngineError> {
        Ok(Reply::Done)
    }

    /// What is to be done since the last call.
    pub fn drain(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// When [`Event::Time`] is due: CLOCK_MONOTONIC, µs.
    pub fn next_deadline(&self) -> Option<u64> {
        None
    }

    /// A loaded unit, by any of its names.
    pub fn unit(&self, _name: &UnitName) -> Option<UnitView<'_>> {
        None
    }

    /// All loaded units' primary names.
    pub fn units(&self) -> Vec<&UnitName> {
        Vec::new()
    }

    /// All installed jobs, by id.
    pub fn jobs(&self) -> Vec<JobView<'_>> {
        Vec::new()
    }

    /// An installed job.
    pub fn job(&self, _id: u32) -> Option<JobView<'_>> {
        None
    }

    /// A unit's dependencies of one kind, inverse kinds included; in order of loading.
    pub fn dependencies(&self, _unit: &UnitName, _kind: DependencyKind) -> Vec<&UnitName> {
        Vec::new()
    }

    /// Why one unit depends on the other in that way: every place that says so.
    pub fn sources(&self, _unit: &UnitName, _kind: DependencyKind, _other: &UnitName) -> Vec<&Source> {
        Vec::new()
    }

    /// `SystemState`.
    pub fn system_state(&self) -> SystemState {
        SystemState::Initializing
    }

    /// `NFailedUnits`.
    pub fn failed_units(&self) -> usize {
        0
    }

    /// `NInstalledJobs` and `NFailedJobs`: since the start.
    pub fn job_counts(&self) -> (u32, u32) {
        (0, 0)
    }

    /// The causal chain of a unit's last changes, newest first; parents (of other units too) follow their children.
    pub fn why(&self, _unit: &UnitName) -> Vec<WhyEntry> {
        Vec::new()
    }

    /// What is to be on disk for a unit; `None`: nothing.
    pub fn saved_unit(&self, _unit: &UnitName) -> Option<SavedUnit> {
        None
    }

    /// What is to be on disk for the manager.
    pub fn saved_manager(&self) -> SavedManager {
        SavedManager::default()
    }
}
