//! OnFailure= and OnSuccess=, traffic on sockets, and what sockets learn of their services.

use std::collections::BTreeSet;

use unit_parser::{DependencyKind, LoadState, UnitName, UnitType};

use super::change::Reached;
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::{ActiveState, JobMode, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::graph::record::PendingTrigger;

/// OnFailure= and OnSuccess= of one unit are triggered this often within the interval.
const HANDLER_BURST: u32 = 32;
const HANDLER_INTERVAL: u64 = 10_000_000;

/// Triggers that were taken lately. The activator numbers them, ever higher, and sends each until it is acknowledged.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct RecentTriggers(BTreeSet<u64>);

/// More than can be without acknowledgement.
const RECENT_TRIGGERS: usize = 16_384;

impl RecentTriggers {
    /// Whether it is new.
    fn insert(&mut self, id: u64) -> bool {
        let new = self.0.insert(id);
        if self.0.len() > RECENT_TRIGGERS {
            self.0.pop_first();
        }
        new
    }
}

impl Engine {
    pub(in crate::core) fn trigger_on_failure(&mut self, cx: &mut Cx, id: UnitId) {
        let mode = self.graph[id].settings.on_failure_mode;
        self.trigger_dependencies(cx, id, DependencyKind::OnFailure, mode);
    }

    pub(in crate::core) fn trigger_on_success(&mut self, cx: &mut Cx, id: UnitId) {
        let mode = self.graph[id].settings.on_success_mode;
        self.trigger_dependencies(cx, id, DependencyKind::OnSuccess, mode);
    }

    fn trigger_dependencies(&mut self, cx: &mut Cx, id: UnitId, kind: DependencyKind, mode: JobMode) {
        let others: Vec<UnitId> = self.graph.of_kind(id, kind).collect();
        let now = cx.now.monotonic_usec;
        if others.is_empty() {
            return;
        }
        if !self.graph[id].handlers.allow(now, HANDLER_INTERVAL, HANDLER_BURST) {
            let text = format!("{}= not triggered: this happened too often recently", kind.as_str());
            self.record_job(cx, id, text.clone());
            let name = self.graph[id].name.clone();
            self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
            return;
        }
        for other in others {
            self.enqueue_for_edge(cx, (id, kind, other), JobType::Start, mode);
        }
    }

    /// `MONITOR_*` for a service that another one's OnFailure= or OnSuccess= starts: only if it can be but one.
    pub(in crate::core) fn monitor_environment(&self, id: UnitId) -> Vec<String> {
        let mut sources = self
            .graph
            .of_kind(id, DependencyKind::OnFailureOf)
            .chain(self.graph.of_kind(id, DependencyKind::OnSuccessOf));
        let (Some(source), None) = (sources.next(), sources.next()) else { return Vec::new() };
        let record = &self.graph[source];
        if record.name.unit_type() != UnitType::Service {
            return Vec::new();
        }
        let mut variables = vec![format!("MONITOR_SERVICE_RESULT={}", record.result)];
        let (code, status) = (record.exit.code, record.exit.status);
        if code != 0 {
            let (word, status) = match code {
                1 => ("exited", status.to_string()),
                2 => ("killed", signal_name(status)),
                _ => ("dumped", signal_name(status)),
            };
            variables.push(format!("MONITOR_EXIT_CODE={word}"));
            variables.push(format!("MONITOR_EXIT_STATUS={status}"));
        }
        if record.invocation != [0; 16] {
            let id: String = record.invocation.iter().map(|byte| format!("{byte:02x}")).collect();
            variables.push(format!("MONITOR_INVOCATION_ID={id}"));
        }
        variables.push(format!("MONITOR_UNIT={}", record.name));
        variables
    }

    /// Tells the sockets of a service how it is, once it has no job any more.
    pub(in crate::core) fn notify_triggers(&mut self, id: UnitId) {
        let record = &self.graph[id];
        let sockets: Vec<UnitId> = self
            .graph
            .of_kind(id, DependencyKind::TriggeredBy)
            .filter(|other| self.graph[*other].name.unit_type() == UnitType::Socket)
            .filter(|other| self.graph[*other].active.is_up_or_coming())
            .collect();
        for socket in sockets {
            let trigger = &self.graph[socket];
            let name = trigger.name.clone();
            if trigger.settings.accept {
                // Only the end of a connection's service matters: it makes room for another connection.
                if !record.active.is_down() || record.job.is_some() {
                    continue;
                }
            } else if record.start_limit_hit {
                let fail = Action::SocketFail(name, "service-start-limit-hit".to_owned());
                if !self.actions.contains(&fail) {
                    self.actions.push(fail);
                }
                continue;
            } else if record.job.is_some() {
                continue;
            }
            let (service, result) = (record.name.clone(), record.result.to_string());
            let tell = Action::SocketServiceState(name, service, record.active, result);
            if !self.actions.contains(&tell) {
                self.actions.push(tell);
            }
        }
    }

    /// Traffic on a socket.
    pub(in crate::core) fn triggered(
        &mut self,
        cx: &mut Cx,
        id: u64,
        socket: &UnitName,
        service: &UnitName,
        environment: Vec<String>,
        connection: bool,
    ) {
        let Some(socket_id) = self.graph.find(socket) else {
            self.actions.push(Action::TriggerDrop(id));
            return;
        };
        let stopping = self.graph[socket_id]
            .job
            .and_then(|job| self.jobs.get(job))
            .is_some_and(|job| matches!(job.job_type, JobType::Stop | JobType::Restart));
        if stopping {
            self.actions.push(Action::TriggerDrop(id));
            return;
        }
        let service_id = self.load(cx, service);
        // Sent again by an activator or to a broker that was restarted: the start is on its way with it.
        if connection && self.graph[service_id].trigger.as_ref().is_some_and(|trigger| trigger.connection == Some(id)) {
            return;
        }
        // Its service may have ended since.
        if !self.recent_triggers.insert(id) {
            self.actions.push(Action::TriggerDrop(id));
            return;
        }
        let known = self.graph[service_id].active.is_up_or_coming() || self.is_start_pending(service_id);
        if known {
            // Told twice, or on its way already.
            self.actions.push(if connection { Action::TriggerDrop(id) } else { Action::TriggerAck(id) });
            return;
        }
        let files_gone = self.graph[socket_id].load_state != LoadState::Loaded
            && !self.graph.of_kind(socket_id, DependencyKind::Triggers).any(|other| other == service_id);
        if files_gone && !connection {
            // The service isn't the socket's any more, and would start without it. Who calls is to know.
            let text = "Its unit file is gone: it can start no service any more.".to_owned();
            self.actions.push(Action::Log(Some(socket.clone()), LogLevel::Warning, text));
            self.actions.extend([Action::TriggerDrop(id), Action::SocketFail(socket.clone(), "resources".to_owned())]);
            return;
        }
        if connection {
            self.accepted_by(cx, service_id, socket.clone());
            let pending = PendingTrigger { environment, connection: Some(id) };
            self.graph[service_id].trigger = Some(Box::new(pending));
        } else if !environment.is_empty() {
            self.graph[service_id].trigger = Some(Box::new(PendingTrigger { environment, connection: None }));
        }
        match self.enqueue(cx, service_id, JobType::Start, JobMode::Replace, None) {
            // Acknowledged when the supervisor has it.
            Ok(_) if connection => {}
            Ok(_) => self.actions.push(Action::TriggerAck(id)),
            Err(error) => {
                self.graph[service_id].trigger = None;
                let text = format!("Failed to queue service startup job: {error}");
                let log = Action::Log(Some(socket.clone()), LogLevel::Warning, text);
                self.actions.extend([log, Action::TriggerDrop(id)]);
                if connection {
                    // Nobody holds it: it doesn't count any more.
                    let (service, down) = (service.clone(), self.graph[service_id].active);
                    self.actions.push(Action::SocketServiceState(socket.clone(), service, down, "success".to_owned()));
                }
                self.actions.push(Action::SocketFail(socket.clone(), "resources".to_owned()));
            }
        }
    }

    fn is_start_pending(&self, id: UnitId) -> bool {
        let job = self.graph[id].job.and_then(|job| self.jobs.get(job));
        job.is_some_and(|job| matches!(job.job_type, JobType::Start | JobType::Restart | JobType::Reload))
    }

    /// The supervisor says that the time before an automatic restart is over.
    pub(in crate::core) fn restart_due(&mut self, cx: &mut Cx, unit: &UnitName) {
        let Some(id) = self.graph.find(unit) else { return };
        let record = &self.graph[id];
        let job = record.job.and_then(|job| self.jobs.get(job)).map(|job| job.job_type);
        // Nothing to restart if it is going down anyway, or has been started meanwhile.
        if job == Some(JobType::Stop) || record.sub != "auto-restart" {
            self.record_job(cx, id, "automatic restart skipped".to_owned());
            return;
        }
        // A start touches no other unit, unlike the stop in a restart.
        let job_type = if record.settings.restart_direct { JobType::Start } else { JobType::Restart };
        if !self.enqueue_by_rule(cx, id, job_type, JobMode::Replace) {
            self.give_up_restart(cx, id);
        }
    }

    /// The restart is refused: the unit has failed, and its worker waits for nothing any more.
    fn give_up_restart(&mut self, cx: &mut Cx, id: UnitId) {
        let cause = "its automatic restart was refused".to_owned();
        let record = &mut self.graph[id];
        record.own_failure = true;
        if let Some(worker) = crate::core::kinds::worker(record.name.unit_type()) {
            self.actions.push(Action::Stop(worker, record.name.clone(), 0, false, cause.clone()));
        }
        // The reason of the last failure stays: it is what the restart was for.
        let last = record.result.clone();
        let mut failed = Reached::own(ActiveState::Failed, "failed");
        failed.result = if last == "success" { "resources".into() } else { last };
        failed.cause = cause;
        self.reached(cx, id, failed);
    }
}

/// A signal's name without SIG, or its number.
fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ];
    let at = usize::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    at.and_then(|at| NAMES.get(at)).map_or_else(|| signal.to_string(), |name| (*name).to_owned())
}
