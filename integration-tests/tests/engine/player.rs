//! Takes steps and writes down what came of each.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::bus::{Argument, Value};
use crate::graph::{Graph, Kind};
use crate::manager::{Failure, Manager};
use crate::snapshot::Snapshot;
use crate::step::Step;
use integration_tests::Random;

/// A step and what was seen after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub step: Step,
    pub lines: Vec<String>,
}

/// How long a graph may take to settle.
const LIMIT: Duration = Duration::from_secs(4);

/// Plays a graph on a manager.
pub struct Player<'a> {
    pub manager: &'a mut Manager,
    pub graph: &'a Graph,
    pub now: Snapshot,
}

impl<'a> Player<'a> {
    pub fn new(manager: &'a mut Manager, graph: &'a Graph) -> Player<'a> {
        manager.signals.clear();
        Player { manager, graph, now: Snapshot::default() }
    }

    /// Takes random steps; ends early with a graph that doesn't settle.
    pub fn random(&mut self, random: &mut Random, count: usize) -> Vec<Seen> {
        let mut all = Vec::new();
        for _ in 0..count {
            let step = Step::random(random, self.graph, &self.now);
            let seen = self.take(&step);
            let settled = seen.is_settled();
            all.push(seen);
            if !settled {
                break;
            }
        }
        all
    }

    /// Takes the same steps as in another run.
    pub fn again(&mut self, steps: &[Seen]) -> Vec<Seen> {
        let mut all = Vec::new();
        for step in steps {
            let seen = self.take(&step.step);
            let settled = seen.is_settled();
            all.push(seen);
            if !settled {
                break;
            }
        }
        all
    }

    /// Takes a step and waits until all is quiet.
    pub fn take(&mut self, step: &Step) -> Seen {
        let reply = self.begin(step);
        self.end(step, reply)
    }

    /// Takes a step; its reply.
    pub fn begin(&mut self, step: &Step) -> String {
        match self.act(step) {
            Ok(reply) => format!("reply {reply}"),
            // Of several units with such jobs, systemd names the first one of a hash table.
            Err(Failure::Reply { name, .. })
                if name.ends_with(".TransactionJobsConflicting") || name.ends_with(".TransactionIsDestructive") =>
            {
                format!("error {name}")
            }
            Err(Failure::Reply { name, text }) => format!("error {name}: {text}"),
            Err(Failure::Lost) => "lost".to_owned(),
        }
    }

    /// Waits until all is quiet, and looks.
    pub fn end(&mut self, step: &Step, reply: String) -> Seen {
        let mut lines = vec![reply];
        let settled = self.settle();
        let removed = self.removed();
        match settled {
            true => {
                lines.extend(removed);
                lines.extend(self.now.lines());
                lines.extend(self.results());
            }
            // How far it came meanwhile says nothing.
            false => lines.push(UNSETTLED.to_owned()),
        }
        Seen { step: step.clone(), lines }
    }

    fn act(&mut self, step: &Step) -> Result<String, Failure> {
        match step {
            Step::Job { unit, job_type, mode } => {
                let reply =
                    self.manager.call("EnqueueUnitJob", &[unit.as_str(), job_type, mode].map(Argument::Text))?;
                let affected = reply.get(5).map_or(&[][..], Value::list).iter().map(Value::list);
                let mut others: Vec<String> = affected
                    .filter(|other| other[2].text().starts_with(&self.graph.prefix))
                    .map(|other| format!("{} {}", other[4].text(), other[2].text()))
                    .collect();
                others.sort();
                let text = |at: usize| reply.get(at).map_or("", Value::text);
                Ok(format!("{} {}; {}", text(4), text(2), others.join(", ")))
            }
            Step::Tell { gate, word } => {
                self.manager.tell(gate, word);
                Ok(String::new())
            }
            Step::Cancel { unit } => {
                let job = self.now.0.get(unit).and_then(|state| state.job.as_ref()).map_or(0, |job| job.0);
                self.manager.call("CancelJob", &[Argument::Uint(job)]).map_err(without_number).map(nothing)
            }
            Step::ClearJobs => self.manager.call("ClearJobs", &[]).map(nothing),
            Step::ResetFailed { unit } => self.manager.call("ResetFailedUnit", &[Argument::Text(unit)]).map(nothing),
            Step::Reload => self.manager.call("Reload", &[]).map(nothing),
        }
    }

    /// Waits until two looks in a row show the same, with every command at its gate.
    pub fn settle(&mut self) -> bool {
        let end = Instant::now() + LIMIT;
        let mut last = None;
        while Instant::now() < end {
            let Ok(now) = Snapshot::take(self.manager, self.graph) else {
                if !self.manager.reconnect() {
                    return false;
                }
                continue;
            };
            let quiet = now.gates(self.graph).is_some_and(|gates| gates.iter().all(|gate| self.manager.waits(gate)));
            if quiet && last.as_ref() == Some(&now) {
                self.now = now;
                return true;
            }
            last = quiet.then_some(now);
            sleep(Duration::from_millis(3));
        }
        false
    }

    /// The ends of jobs since the last time, and in which order they came where that is promised.
    fn removed(&mut self) -> Vec<String> {
        let mut ended = Vec::new();
        for signal in std::mem::take(&mut self.manager.signals) {
            if signal.member == "JobRemoved" {
                let text = |at: usize| signal.body.get(at).map_or("", Value::text).to_owned();
                let (unit, result) = (text(2), text(3));
                if unit.starts_with(&self.graph.prefix) {
                    ended.push((unit, result));
                }
            }
        }
        for (unit, result) in &mut ended {
            // Without an order between them, a service without a `Type=` may be up before what it requires has failed.
            // systemd starts it at once, Quintet when the supervisor says so.
            let simple = self.graph.units.iter().any(|other| other.name == *unit && other.kind == Kind::Simple);
            if simple && result == "dependency" && self.now.0.get(unit).is_some_and(|state| state.sub == "running") {
                "done".clone_into(result);
            }
        }
        let mut lines: Vec<String> = ended.iter().map(|(unit, result)| format!("job of {unit}: {result}")).collect();
        lines.sort();
        let mut count = BTreeMap::new();
        for (unit, _) in &ended {
            *count.entry(unit).or_insert(0) += 1;
        }
        let place = |unit: &String| {
            let once = count.get(unit) == Some(&1);
            // Only what was carried out has a place in the order.
            ended.iter().position(|(other, result)| once && other == unit && result == "done")
        };
        for (later, earlier) in &self.graph.after {
            if let (Some(later_at), Some(earlier_at)) = (place(later), place(earlier)) {
                let (first, second) = if later_at < earlier_at { (later, earlier) } else { (earlier, later) };
                if first != second {
                    lines.push(format!("job of {first} ended before that of {second}"));
                }
            }
        }
        lines
    }

    /// `Result` of the services that are there.
    fn results(&mut self) -> Vec<String> {
        let names: Vec<String> = self.now.0.keys().filter(|name| name.ends_with(".service")).cloned().collect();
        let mut lines = Vec::new();
        for name in names {
            let Ok(path) = self.manager.call("GetUnit", &[Argument::Text(&name)]) else { continue };
            let of = (path.first().map_or("", Value::text), "org.freedesktop.DBus.Properties");
            let wanted = ["org.freedesktop.systemd1.Service", "Result"].map(Argument::Text);
            if let Ok(value) = self.manager.call_on(of, "Get", &wanted) {
                lines.push(format!("{name} result {}", value.first().map_or("", Value::text)));
            }
        }
        lines
    }

    /// Leaves nothing of the graph behind. False when that can't be done: the manager is too busy with itself to listen.
    pub fn clean(&mut self) -> bool {
        let mut is_clean = false;
        let end = Instant::now() + 2 * LIMIT;
        while Instant::now() < end {
            let _ = self.manager.call("ClearJobs", &[]);
            let Ok(now) = Snapshot::take(self.manager, self.graph) else { continue };
            if now.0.is_empty() {
                is_clean = true;
                break;
            }
            for (name, state) in &now.0 {
                if state.active == "failed" {
                    let _ = self.manager.call("ResetFailedUnit", &[Argument::Text(name)]);
                    continue;
                }
                let stop = [name.as_str(), "stop", "ignore-dependencies"].map(Argument::Text);
                let _ = self.manager.call("EnqueueUnitJob", &stop);
                let kill = [Argument::Text(name), Argument::Text("all"), Argument::Int(9)];
                let _ = self.manager.call("KillUnit", &kill);
            }
            sleep(Duration::from_millis(5));
        }
        self.manager.signals.clear();
        self.now = Snapshot::default();
        is_clean
    }
}

/// What is written down when a graph doesn't settle.
const UNSETTLED: &str = "does not settle";

impl Seen {
    /// Whether all was quiet in the end.
    pub fn is_settled(&self) -> bool {
        !self.lines.iter().any(|line| line == UNSETTLED)
    }
}

fn nothing(_: Vec<Value>) -> String {
    String::new()
}

/// Job numbers differ.
fn without_number(failure: Failure) -> Failure {
    match failure {
        Failure::Reply { name, .. } => Failure::Reply { name, text: String::new() },
        Failure::Lost => Failure::Lost,
    }
}
