//! What the units of a graph are, at one moment.

use std::collections::BTreeMap;

use crate::bus::{Argument, Value};
use crate::graph::Graph;
use crate::manager::{Failure, Manager};

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub active: String,
    pub sub: String,
    /// Its job: id, type and state.
    pub job: Option<(u32, String, String)>,
}

/// All units of a graph that aren't simply inactive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot(pub BTreeMap<String, State>);

impl Snapshot {
    /// Takes one.
    pub fn take(manager: &mut Manager, graph: &Graph) -> Result<Snapshot, Failure> {
        let pattern = format!("{}*", graph.prefix);
        let listed = manager.call("ListUnitsByPatterns", &[Argument::Texts(&[]), Argument::Texts(&[&pattern])])?;
        let jobs = manager.call("ListJobs", &[])?;
        let rows = |reply: &[Value]| reply.first().map_or(Vec::new(), |list| list.list().to_vec());
        let jobs = rows(&jobs);
        let mut states = BTreeMap::new();
        for unit in rows(&listed) {
            let field = |at: usize| unit.list()[at].text().to_owned();
            let (name, active, sub) = (field(0), field(3), field(4));
            let job = jobs.iter().map(Value::list).find(|job| job[1].text() == name);
            let job = job.map(|job| (job[0].number() as u32, job[2].text().to_owned(), job[3].text().to_owned()));
            if active != "inactive" || job.is_some() {
                states.insert(name, State { active, sub, job });
            }
        }
        Ok(Snapshot(states))
    }

    /// The gate at which a unit's command must be before anything else can happen; none if it has none to wait for.
    /// `Err` if the manager itself is still about something.
    pub fn gate(name: &str, state: &State) -> Result<Option<String>, ()> {
        let phase = match (state.active.as_str(), state.sub.as_str()) {
            ("inactive", "dead") | ("failed", "failed") | ("active", "active" | "exited") => None,
            ("active", "running") => Some("run"),
            ("activating", "start" | "start-pre" | "condition")
            | ("reloading", "reload")
            | ("deactivating", "stop" | "stop-post") => Some(state.sub.as_str()),
            _ => return Err(()),
        };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match (phase, &state.job) {
            // A running job of a unit whose processes do nothing is about to end.
            (None | Some("run"), Some((_, _, job_state))) if job_state == "running" => Err(()),
            (phase, _) => Ok(phase.map(|phase| format!("{stem}.{phase}"))),
        }
    }

    /// All gates where commands are to wait; `None` while something else is going on.
    pub fn gates(&self, graph: &Graph) -> Option<Vec<String>> {
        let mut gates = Vec::new();
        for (name, state) in &self.0 {
            let timed = graph.units.iter().any(|unit| unit.name == *name && unit.timed);
            if timed && (state.job.is_some() || state.active == "activating") {
                return None;
            }
            gates.extend(Snapshot::gate(name, state).ok()?);
        }
        Some(gates)
    }

    /// As lines to compare.
    pub fn lines(&self) -> Vec<String> {
        let line = |(name, state): (&String, &State)| {
            let job = state
                .job
                .as_ref()
                .map_or_else(String::new, |(_, job_type, job_state)| format!(" [{job_type} {job_state}]"));
            format!("{name} {}/{}{job}", state.active, state.sub)
        };
        self.0.iter().map(line).collect()
    }
}
