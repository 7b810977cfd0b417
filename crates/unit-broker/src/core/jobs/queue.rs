//! The table of installed jobs and the queue of those to be tried next.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use unit_parser::{UnitName, UnitType};

use super::{Job, JobId};
use crate::core::api::types::JobState;
use crate::core::graph::UnitId;

/// Jobs that may run are tried in this order: types that are quick and that others wait for first, then by name, as
/// systemd does. It makes the order of independent jobs reproducible.
/// The begin of the name tells most of them apart without a look at the rest.
type Turn = (Reverse<u8>, [u8; 16], UnitName, JobId);

/// For how many jobs there is room when there are none.
const KEPT: usize = 64;

/// Jobs are looked up all the time, by numbers that nobody else chooses: they need no strong hash.
#[derive(Debug, Clone, Copy, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 / golden ratio: neighbours go far apart.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// All installed jobs.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Jobs {
    table: HashMap<JobId, Job, BuildHasherDefault<IdHasher>>,
    runnable: BTreeSet<Turn>,
    deadlines: BTreeSet<(u64, JobId)>,
    devices: BTreeSet<JobId>,
    /// The last id given away.
    pub last_id: u32,
    /// Installed since the start.
    pub installed: u32,
    /// Failed since the start.
    pub failed: u32,
}

fn rank(unit_type: UnitType) -> u8 {
    match unit_type {
        UnitType::Service => 0,
        UnitType::Mount => 1,
        UnitType::Swap => 2,
        UnitType::Socket => 3,
        UnitType::Target => 4,
        UnitType::Device => 5,
        UnitType::Automount => 6,
        UnitType::Timer => 7,
        UnitType::Path => 8,
        UnitType::Slice => 9,
        UnitType::Scope => 10,
    }
}

fn turn(job: &Job) -> Turn {
    let mut begin = [0; 16];
    for (to, from) in begin.iter_mut().zip(job.name.as_str().bytes()) {
        *to = from;
    }
    (Reverse(rank(job.name.unit_type())), begin, job.name.clone(), job.id)
}

impl Jobs {
    /// A number for a new job.
    pub fn next_id(&mut self) -> JobId {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        JobId(self.last_id)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, count: usize) {
        self.table.reserve(count);
    }

    /// Adds a job.
    pub fn insert(&mut self, job: Job) {
        if job.name.unit_type() == UnitType::Device {
            self.devices.insert(job.id);
        }
        if let Some(deadline) = job.deadline {
            self.deadlines.insert((deadline, job.id));
        }
        self.table.insert(job.id, job);
    }

    /// Takes a job out; whoever waited for it is to be tried again.
    pub fn remove(&mut self, id: JobId) -> Option<Job> {
        let job = self.table.remove(&id)?;
        if self.table.is_empty() {
            // Booting has thousands of jobs, the rest of the time a few.
            self.table.shrink_to(KEPT);
        }
        self.devices.remove(&id);
        if job.queued {
            self.runnable.remove(&turn(&job));
        }
        if let Some(deadline) = job.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        Some(job)
    }

    /// An installed job.
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.table.get(&id)
    }

    /// An installed job, to change.
    pub fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.table.get_mut(&id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        let mut jobs: Vec<&Job> = self.table.values().collect();
        jobs.sort_unstable_by_key(|job| job.id);
        jobs.into_iter()
    }

    /// The units that have jobs.
    pub fn units(&self) -> impl Iterator<Item = UnitId> + '_ {
        self.table.values().map(|job| job.unit)
    }

    /// Jobs of devices, by id.
    pub fn of_devices(&self) -> impl Iterator<Item = &Job> {
        self.devices.iter().filter_map(|id| self.table.get(id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// None left.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Has a job tried again soon.
    pub fn wake(&mut self, id: JobId) {
        let Some(job) = self.table.get_mut(&id).filter(|job| !job.queued) else { return };
        job.queued = true;
        self.runnable.insert(turn(job));
    }

    /// The next job to try.
    pub fn pop(&mut self) -> Option<JobId> {
        let (.., id) = self.runnable.pop_first()?;
        if let Some(job) = self.table.get_mut(&id) {
            job.queued = false;
        }
        Some(id)
    }

    /// Ids of jobs in this state.
    pub fn in_state(&self, state: JobState) -> Vec<JobId> {
        let mut ids: Vec<JobId> = self.table.values().filter(|job| job.state == state).map(|job| job.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Sets when a job times out.
    pub fn set_deadline(&mut self, id: JobId, deadline: Option<u64>) {
        let Some(job) = self.table.get_mut(&id) else { return };
        if let Some(old) = job.deadline {
            self.deadlines.remove(&(old, id));
        }
        job.deadline = deadline;
        if let Some(new) = deadline {
            self.deadlines.insert((new, id));
        }
    }

    /// The earliest time-out.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// A job whose time is up.
    pub fn overdue(&self, now_usec: u64) -> Option<JobId> {
        self.deadlines.first().filter(|(at, _)| *at <= now_usec).map(|(_, id)| *id)
    }
}
