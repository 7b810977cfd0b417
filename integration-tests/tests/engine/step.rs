//! What is done to a manager: requests, and what services do.

use std::fmt;

use crate::graph::{Graph, Kind};
use crate::snapshot::Snapshot;
use integration_tests::Random;

/// One thing done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `EnqueueUnitJob`.
    Job {
        unit: String,
        job_type: &'static str,
        mode: &'static str,
    },
    /// A word for the command that waits at a gate.
    Tell {
        gate: String,
        word: &'static str,
    },
    /// Cancels the unit's job.
    Cancel {
        unit: String,
    },
    /// Cancels all jobs.
    ClearJobs,
    ResetFailed {
        unit: String,
    },
    /// daemon-reload
    Reload,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Job { unit, job_type, mode } => write!(f, "{job_type} {unit} {mode}"),
            Step::Tell { gate, word } => write!(f, "{gate}: {word}"),
            Step::Cancel { unit } => write!(f, "cancel {unit}"),
            Step::ClearJobs => write!(f, "cancel all"),
            Step::ResetFailed { unit } => write!(f, "reset-failed {unit}"),
            Step::Reload => write!(f, "daemon-reload"),
        }
    }
}

const TYPES: [(usize, &str); 8] = [
    (40, "start"),
    (16, "stop"),
    (10, "restart"),
    (5, "try-restart"),
    (6, "reload"),
    (4, "reload-or-restart"),
    (3, "reload-or-try-restart"),
    (3, "verify-active"),
];

const MODES: [(usize, &str); 6] = [
    (64, "replace"),
    (12, "fail"),
    (5, "replace-irreversibly"),
    (4, "flush"),
    (4, "ignore-dependencies"),
    (4, "ignore-requirements"),
];

impl Step {
    /// A next step in this situation.
    pub fn random(random: &mut Random, graph: &Graph, now: &Snapshot) -> Step {
        let gates: Vec<String> = now.0.iter().filter_map(|(name, state)| Snapshot::gate(name, state).ok()?).collect();
        let waiting: Vec<&String> = gates.iter().filter(|gate| !gate.ends_with(".run")).collect();
        let running: Vec<&String> = gates.iter().filter(|gate| gate.ends_with(".run")).collect();
        let unit = graph.units[random.below(graph.units.len())].name.clone();
        loop {
            return match random.below(20) {
                0..8 if !waiting.is_empty() => {
                    let word = random.weighted(&[(70, "ok"), (20, "fail"), (10, "crash")]);
                    Step::Tell { gate: waiting[random.below(waiting.len())].clone(), word }
                }
                8..10 if !running.is_empty() => Step::Tell {
                    gate: running[random.below(running.len())].clone(),
                    word: random.one(&["ok", "fail", "crash"]),
                },
                10..18 => Step::job(random, graph, unit),
                18 => match random.below(4) {
                    0 => match now.0.iter().find(|(_, state)| state.job.is_some()) {
                        Some((unit, _)) => Step::Cancel { unit: unit.clone() },
                        None => continue,
                    },
                    1 => Step::ClearJobs,
                    _ => match now.0.iter().find(|(_, state)| state.active == "failed") {
                        Some((unit, _)) => Step::ResetFailed { unit: unit.clone() },
                        None => continue,
                    },
                },
                19 if random.percent(40) => Step::Reload,
                _ => continue,
            };
        }
    }

    fn job(random: &mut Random, graph: &Graph, unit: String) -> Step {
        let job_type = random.weighted(&TYPES);
        let mode = random.weighted(&MODES);
        let mode = match job_type {
            "start" if random.percent(8) => "isolate",
            "stop" if random.percent(8) => "triggering",
            _ => mode,
        };
        if mode == "isolate" {
            // Mostly of something that allows it.
            let targets: Vec<_> = graph.units.iter().filter(|unit| unit.kind == Kind::Target).collect();
            if !targets.is_empty() {
                return Step::Job { unit: targets[random.below(targets.len())].name.clone(), job_type, mode };
            }
        }
        Step::Job { unit, job_type, mode }
    }
}
