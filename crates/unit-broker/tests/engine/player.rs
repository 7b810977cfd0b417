//! Plays a script on an engine and writes down what it does.
//!
//! A script line is an event: `start UNIT [MODE]` (and the other verbs), `status UNIT ACTIVE SUB [result=R]
//! [reload-failure] [auto-restart] [skip]`, `settle` (the workers carry out all they were told), `plug`, `unplug`,
//! `change DEVICE [wants=A,B] [following=D]`, `trigger ID SOCKET SERVICE [connection]`, `restart-due UNIT`,
//! `away|back|list WORKER ...`, `time SECONDS`, `boot TARGET`, `cancel JOB`, `reload`, `idle`, `reset-failed [UNIT]`,
//! `file UNIT LINE;LINE`, `crash` (the broker restarts), `states`, `why UNIT`, `cycle UNIT`, `plan VERB UNIT [MODE]`,
//! `simulate plug|unplug|connect|exit|time ...`, `mounted UNIT ..` (all that are).

use std::collections::{BTreeMap, BTreeSet};

use unit_broker::core::{
    Action, ActiveState, Cause, Device, DeviceAction, DeviceState, Engine, EngineError, Event, ExitInfo, Happening,
    JobMode, JobRequest, JobType, Options, PlannedJob, Reply, Status, StatusFlags, Time, WhyEntry, Worker,
};
use unit_parser::{UnitName, UnitType};

use crate::world::Files;

pub struct Player {
    pub engine: Engine,
    pub files: Files,
    pub now: Time,
    /// Units whose start fails.
    pub fails: BTreeSet<String>,
    /// What workers were told and haven't done.
    pub pending: Vec<Action>,
    /// What workers would list.
    pub running: BTreeMap<UnitName, Status>,
    pub plugged: BTreeMap<UnitName, Device>,
    /// What the last event came to.
    pub reply: Option<Result<Reply, EngineError>>,
    /// Units that are to be on disk.
    saved: BTreeSet<UnitName>,
    /// Starts that were carried out: the same id twice is one start.
    started: BTreeSet<[u8; 16]>,
    pub out: Vec<String>,
    /// The engine and its files when it was made, or restored.
    born: (Engine, Files),
    /// What happened to it since.
    log: Vec<Logged>,
}

/// Something that a replay does again.
enum Logged {
    Event(Time, Box<Event>),
    /// A unit's file was written.
    File(String, String),
    /// A unit's file was removed.
    NoFile(String),
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn worker_of(unit: &UnitName) -> Worker {
    if unit.unit_type() == UnitType::Socket { Worker::Activator } else { Worker::Supervisor }
}

impl Player {
    pub fn new(mut files: Files) -> Player {
        let now = Time { monotonic_usec: 1_000_000, realtime_usec: 1_700_000_000_000_000 };
        let engine = Engine::new(Options::default(), now, &mut files);
        let mut player = Player {
            born: (engine.clone(), files.clone()),
            log: Vec::new(),
            engine,
            files,
            now,
            fails: BTreeSet::new(),
            pending: Vec::new(),
            running: BTreeMap::new(),
            plugged: BTreeMap::new(),
            reply: None,
            saved: BTreeSet::new(),
            started: BTreeSet::new(),
            out: Vec::new(),
        };
        player.everybody_back();
        player.out.clear();
        player
    }

    pub fn everybody_back(&mut self) {
        for worker in [Worker::Supervisor, Worker::Activator] {
            let units = self.running.values().filter(|status| status.worker == worker).cloned().collect();
            self.event(Event::List { worker, units });
            self.event(Event::WorkerBack(worker));
        }
        self.event(Event::DeviceList(self.plugged.values().cloned().collect()));
        self.event(Event::WorkerBack(Worker::Watcher));
    }

    pub fn event(&mut self, event: Event) {
        self.log.push(Logged::Event(self.now, Box::new(event.clone())));
        let reply = self.engine.handle(self.now, event, &mut self.files);
        self.reply = Some(reply.clone());
        match reply {
            Ok(Reply::Queued(queued)) => self.out.push(format!("reply job {}", queued.anchor.job)),
            Ok(Reply::Unit(unit)) => self.out.push(format!("reply {unit}")),
            Ok(Reply::Done) => {}
            Err(error) => self.out.push(format!("error {error}")),
        }
        for action in self.engine.drain() {
            if let Action::Save(units) = &action {
                self.saved.extend(units.iter().cloned());
            }
            self.note(&action);
        }
    }

    fn note(&mut self, action: &Action) {
        let line = match action {
            Action::Start(_, unit, command) => {
                let verb = if command.overlap { "overlap" } else { "start" };
                let mut line = format!("{verb} {unit}");
                let names = |units: &[UnitName]| units.iter().map(UnitName::as_str).collect::<Vec<_>>().join(",");
                let (sockets, joined) = (names(&command.sockets), names(&command.joined));
                for (key, values) in [("sockets", sockets), ("joined", joined), ("env", command.environment.join(","))]
                {
                    if !values.is_empty() {
                        line.push_str(&format!(" {key}={values}"));
                    }
                }
                if let Some(id) = command.connection {
                    line.push_str(&format!(" connection={id}"));
                }
                self.pending.push(action.clone());
                line
            }
            Action::Stop(_, unit, _, restart, _) => {
                self.pending.push(action.clone());
                format!("stop {unit}{}", if *restart { " for restart" } else { "" })
            }
            Action::ReloadUnit(_, unit) => {
                self.pending.push(action.clone());
                format!("reload {unit}")
            }
            Action::JobNew(id, unit) => {
                let job_type = self.engine.job(*id).map_or("ended", |job| job.job_type.as_str());
                format!("+ job {id} {unit} {job_type}")
            }
            Action::JobRemoved(id, unit, result) => format!("- job {id} {unit} {result}"),
            Action::SocketServiceState(socket, service, active, result) => {
                format!("tell {socket}: {service} {active} {result}")
            }
            Action::SocketFail(socket, result) => format!("fail {socket} {result}"),
            Action::TriggerAck(id) => format!("ack {id}"),
            Action::TriggerDrop(id) => format!("drop {id}"),
            Action::Power(power) => format!("power {} ({})", power.action, power.reason),
            Action::ExitStatus(status) => format!("exit status {status}"),
            Action::RebootArgument(argument) => format!("reboot argument {argument}"),
            Action::StartupFinished => "startup finished".to_owned(),
            Action::UnitRemoved(unit) => format!("unloaded {unit}"),
            Action::ResetFailed(_, unit) => format!("reset {unit}"),
            Action::Kill(_, unit, whom, signal) => format!("kill {unit} {whom} {signal}"),
            Action::ManagerChanged => "manager changed".to_owned(),
            Action::Save(_)
            | Action::Update(..)
            | Action::Slice(_)
            | Action::Forget(..)
            | Action::UnitNew(_)
            | Action::UnitChanged(_)
            | Action::JobChanged(_)
            | Action::Reloading(_)
            | Action::Log(..)
            | Action::Why(_) => return,
        };
        self.out.push(line);
    }

    /// The workers do the first thing they were told.
    pub fn work(&mut self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        match self.pending.remove(0) {
            Action::Start(_, _, command) if !self.started.insert(command.invocation) => {}
            Action::Start(_, unit, command) if command.overlap => {
                self.report(&unit, ActiveState::Reloading, "reload", "success", None);
                let mut status = self.status(&unit, ActiveState::Active, "running", "success");
                status.flags.reload_failure = self.fails.contains(unit.as_str());
                status.invocation = Some(command.invocation).filter(|_| !status.flags.reload_failure);
                self.tell(status);
            }
            Action::Start(_, unit, command) => {
                let invocation = Some(command.invocation);
                let up = if unit.unit_type() == UnitType::Socket { "listening" } else { "running" };
                self.report(&unit, ActiveState::Activating, "start", "success", invocation);
                if self.fails.contains(unit.as_str()) {
                    self.report(&unit, ActiveState::Failed, "failed", "exit-code", invocation);
                } else {
                    self.report(&unit, ActiveState::Active, up, "success", invocation);
                }
            }
            Action::Stop(_, unit, ..) => {
                let waits = self.running.get(&unit).filter(|status| status.sub == "auto-restart");
                if let Some(result) = waits.map(|status| status.result.clone()) {
                    // Nothing runs that would have to be stopped.
                    self.report(&unit, ActiveState::Inactive, "dead", &result, None);
                    return true;
                }
                self.report(&unit, ActiveState::Deactivating, "stop", "success", None);
                self.report(&unit, ActiveState::Inactive, "dead", "success", None);
            }
            Action::ReloadUnit(_, unit) => {
                self.report(&unit, ActiveState::Reloading, "reload", "success", None);
                let mut status = self.status(&unit, ActiveState::Active, "running", "success");
                status.flags.reload_failure = self.fails.contains(unit.as_str());
                self.tell(status);
            }
            other => panic!("{other:?} is nothing to do"),
        }
        true
    }

    pub fn report(
        &mut self,
        unit: &UnitName,
        active: ActiveState,
        sub: &str,
        result: &str,
        invocation: Option<[u8; 16]>,
    ) {
        let mut status = self.status(unit, active, sub, result);
        status.invocation = invocation;
        self.tell(status);
    }

    pub fn status(&self, unit: &UnitName, active: ActiveState, sub: &str, result: &str) -> Status {
        Status {
            worker: worker_of(unit),
            unit: unit.clone(),
            active,
            sub: sub.to_owned(),
            result: result.to_owned(),
            flags: StatusFlags::default(),
            cause: "as told".to_owned(),
            invocation: None,
            exit: (result == "exit-code").then_some(ExitInfo { code: 1, status: 3 }),
            changed_at: None,
        }
    }

    fn tell(&mut self, status: Status) {
        if status.active == ActiveState::Inactive {
            self.running.remove(&status.unit);
        } else {
            let mut listed = status.clone();
            listed.flags = StatusFlags::default();
            let earlier = self.running.get(&status.unit).and_then(|earlier| earlier.invocation);
            listed.invocation = listed.invocation.or(earlier);
            self.running.insert(status.unit.clone(), listed);
        }
        self.event(Event::Status(status));
    }

    pub fn request(&mut self, unit: &str, job_type: JobType, mode: JobMode) {
        self.event(Event::Enqueue(Self::job(unit, job_type, mode)));
    }

    fn job(unit: &str, job_type: JobType, mode: JobMode) -> JobRequest {
        let cause = Cause::Client { client: 1, text: format!("systemctl {job_type} {unit}") };
        let mut request = JobRequest::manual(name(unit), job_type, cause);
        request.mode = mode;
        request
    }

    /// What a request would come to.
    pub fn planned(&mut self, unit: &str, job_type: JobType, mode: JobMode) -> Vec<PlannedJob> {
        self.engine.preview_plan(self.now, vec![Self::job(unit, job_type, mode)], &mut self.files)
    }

    fn plan(&mut self, verb: &str, unit: &str, mode: &[&str]) {
        let job_type = JobType::parse(verb).unwrap();
        let mode = mode.first().map_or(JobMode::Replace, |word| JobMode::parse(word).unwrap());
        for job in self.planned(unit, job_type, mode) {
            let parent = job.parent.map_or(String::new(), |parent| format!(" <- {parent}"));
            let source = if job.source.is_empty() { String::new() } else { format!(" [{}]", job.source) };
            let reason = if job.reason.is_empty() { String::new() } else { format!(" ({})", job.reason) };
            let fate = job.fate.as_str();
            self.out
                .push(format!("{} {} {fate}{reason}{parent} because {}{source}", job.unit, job.job_type, job.cause));
        }
    }

    fn simulate(&mut self, words: &[&str]) {
        let happening = match words {
            ["plug", unit] => Happening::Plug(name(unit)),
            ["unplug", unit] => Happening::Unplug(name(unit)),
            ["connect", unit] => Happening::Connect(name(unit)),
            ["exit", unit, status] => {
                Happening::Exit(name(unit), ExitInfo { code: 1, status: status.parse().unwrap() })
            }
            ["time", seconds] => Happening::Time(seconds.parse::<u64>().unwrap() * 1_000_000),
            other => panic!("what is {other:?}?"),
        };
        match self.engine.simulate(self.now, happening, &mut self.files) {
            Ok(entries) => {
                for entry in &entries {
                    let parent = entries.iter().position(|other| Some(other.sequence) == entry.parent);
                    let parent = parent.map_or(String::new(), |parent| format!(" <- {parent}"));
                    let after = entry.realtime_usec.saturating_sub(self.now.realtime_usec) / 1000;
                    self.out
                        .push(format!("+{after} ms {}: {} because {}{parent}", entry.unit, entry.change, entry.cause));
                }
            }
            Err(error) => self.out.push(format!("error {error}")),
        }
    }

    /// The broker dies and comes back; what it was told to save is all that it has.
    pub fn crash(&mut self) {
        let saved: Vec<_> = self.saved.iter().filter_map(|unit| self.engine.saved_unit(unit)).collect();
        let text = serde_json::to_string(&saved).unwrap();
        let saved = serde_json::from_str(&text).unwrap();
        let manager = self.engine.saved_manager();
        self.engine = Engine::restore(Options::default(), manager, saved, self.now, &mut self.files);
        self.born = (self.engine.clone(), self.files.clone());
        self.log.clear();
        self.everybody_back();
    }

    /// Writes a unit's file.
    pub fn write(&mut self, unit: &str, text: String) {
        self.log.push(Logged::File(unit.to_owned(), text.clone()));
        self.files.texts.insert(unit.to_owned(), text);
    }

    /// Removes a unit's file.
    pub fn vanish(&mut self, unit: &str) {
        self.log.push(Logged::NoFile(unit.to_owned()));
        self.files.texts.remove(unit);
    }

    /// The same events once more, from the beginning.
    pub fn replay(&self) -> Engine {
        let (mut engine, mut files) = self.born.clone();
        for logged in &self.log {
            match logged {
                Logged::Event(now, event) => {
                    let _reply = engine.handle(*now, (**event).clone(), &mut files);
                    engine.drain();
                }
                Logged::File(unit, text) => {
                    files.texts.insert(unit.clone(), text.clone());
                }
                Logged::NoFile(unit) => {
                    files.texts.remove(unit);
                }
            }
        }
        engine
    }

    fn device(&self, unit: &str, state: DeviceState, words: &[&str]) -> Device {
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).unwrap_or_default();
        let list = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(name).collect();
        Device {
            unit: name(unit),
            state,
            following: Some(value("following=")).filter(|text| !text.is_empty()).map(name),
            sysfs_path: "/sys/x".to_owned(),
            description: String::new(),
            wants: list(value("wants=")),
            cause: "udev event".to_owned(),
        }
    }

    fn devices(&mut self, action: DeviceAction, device: Device) {
        if device.state == DeviceState::Dead {
            self.plugged.remove(&device.unit);
        } else {
            self.plugged.insert(device.unit.clone(), device.clone());
        }
        self.event(Event::Devices { action, units: vec![device] });
    }

    fn status_line(&mut self, words: &[&str]) {
        let [unit, active, sub, rest @ ..] = words else { panic!("status UNIT ACTIVE SUB") };
        let result = rest.iter().find_map(|word| word.strip_prefix("result=")).unwrap_or("success");
        let active = ActiveState::parse(active).unwrap_or_else(|| panic!("no state {active}"));
        let mut status = self.status(&name(unit), active, sub, result);
        status.flags = StatusFlags {
            reload_failure: rest.contains(&"reload-failure"),
            will_auto_restart: rest.contains(&"auto-restart"),
            skip_condition: rest.contains(&"skip"),
        };
        self.tell(status);
    }

    fn worker(word: &str) -> Worker {
        match word {
            "supervisor" => Worker::Supervisor,
            "activator" => Worker::Activator,
            "watcher" => Worker::Watcher,
            other => panic!("no worker {other}"),
        }
    }

    /// One line of a script.
    pub fn play(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["settle"] => while self.work() {},
            ["work"] => assert!(self.work(), "the workers have nothing to do"),
            ["lose"] => self.pending.clear(),
            ["fails", units @ ..] => self.fails = units.iter().map(|unit| (*unit).to_owned()).collect(),
            ["status", rest @ ..] => self.status_line(rest),
            ["plug", unit, rest @ ..] => {
                let device = self.device(unit, DeviceState::Plugged, rest);
                self.devices(DeviceAction::Add, device);
            }
            ["change", unit, rest @ ..] => {
                let device = self.device(unit, DeviceState::Plugged, rest);
                self.devices(DeviceAction::Change, device);
            }
            ["unplug", unit] => {
                let device = self.device(unit, DeviceState::Dead, &[]);
                self.devices(DeviceAction::Remove, device);
            }
            ["mounted", units @ ..] => self.event(Event::Mounts(units.iter().map(|unit| name(unit)).collect())),
            ["no-devices", reason] => {
                self.event(Event::DevicesAvailable { available: false, reason: (*reason).to_owned() });
            }
            ["trigger", id, socket, service, rest @ ..] => self.event(Event::Trigger {
                id: id.parse().unwrap(),
                socket: name(socket),
                service: name(service),
                environment: Vec::new(),
                connection: rest.contains(&"connection"),
                cause: "traffic".to_owned(),
            }),
            ["restart-due", unit] => self.event(Event::RestartDue(name(unit))),
            ["away", worker] => self.event(Event::WorkerAway(Self::worker(worker))),
            ["back", worker] => {
                let worker = Self::worker(worker);
                let units = self.running.values().filter(|status| status.worker == worker).cloned().collect();
                self.event(Event::List { worker, units });
                self.event(Event::WorkerBack(worker));
            }
            ["gone", unit] => {
                self.running.remove(&name(unit));
            }
            ["time", seconds] => {
                let usec = (seconds.parse::<f64>().unwrap() * 1e6) as u64;
                self.now.monotonic_usec += usec;
                self.now.realtime_usec += usec;
                self.event(Event::Time);
            }
            ["deadline"] => {
                let left = self.engine.next_deadline().map(|at| at.saturating_sub(self.now.monotonic_usec));
                self.out.push(left.map_or("none".to_owned(), |left| format!("in {} ms", left / 1000)));
            }
            ["boot", target] => self.event(Event::Boot { target: name(target) }),
            ["cancel", job] => self.event(Event::CancelJob(job.parse().unwrap())),
            ["client-gone"] => self.event(Event::ClientGone(1)),
            ["load", unit] => self.event(Event::Load(name(unit))),
            ["reload-one", unit] => self.event(Event::ReloadUnit(name(unit))),
            ["reload"] => self.event(Event::Reload),
            ["idle"] => self.event(Event::Idle),
            ["reset-failed"] => self.event(Event::ResetFailed(None)),
            ["reset-failed", unit] => self.event(Event::ResetFailed(Some(name(unit)))),
            ["crash"] => self.crash(),
            ["file", unit, ..] => {
                let text = line.splitn(3, ' ').nth(2).unwrap_or_default().replace(';', "\n");
                self.write(unit, text);
            }
            ["no-file", unit] => {
                self.vanish(unit);
            }
            ["states"] => self.states(),
            ["system"] => {
                let text = format!("{} failed={}", self.engine.system_state(), self.engine.failed_units());
                self.out.push(text);
            }
            ["jobs"] => {
                let jobs = self.engine.jobs();
                let lines: Vec<String> =
                    jobs.iter().map(|job| format!("{} {} {} {}", job.id, job.unit, job.job_type, job.state)).collect();
                self.out.extend(lines);
            }
            ["why", unit] => self.chain(&self.engine.why(&name(unit))),
            ["cycle", unit] => self.chain(&self.engine.cycle(&name(unit))),
            ["plan", verb, unit, mode @ ..] => self.plan(verb, unit, mode),
            ["simulate", rest @ ..] => self.simulate(rest),
            ["show", unit] => self.show(unit),
            ["deps", unit] => self.deps(unit),
            [verb, unit, mode @ ..] => {
                let job_type = JobType::parse(verb).unwrap_or_else(|| panic!("no verb {line}"));
                let mode = mode.first().map_or(JobMode::Replace, |word| JobMode::parse(word).unwrap());
                self.request(unit, job_type, mode);
            }
            _ => panic!("what is {line}?"),
        }
    }

    fn states(&mut self) {
        let mut lines: Vec<String> = Vec::new();
        for unit in self.engine.units() {
            let view = self.engine.unit(unit).unwrap();
            if !view.perpetual {
                lines.push(format!("{unit}: {}/{} {}", view.active, view.sub, view.result));
            }
        }
        lines.sort();
        self.out.extend(lines);
    }

    fn chain(&mut self, entries: &[WhyEntry]) {
        for entry in entries {
            let parent = entry.parent.map_or(String::new(), |parent| format!(" <- {parent}"));
            let source = if entry.source.is_empty() { String::new() } else { format!(" [{}]", entry.source) };
            self.out.push(format!(
                "{}{parent} {}: {} because {}{source}",
                entry.sequence, entry.unit, entry.change, entry.cause
            ));
        }
    }

    fn show(&mut self, unit: &str) {
        let view = self.engine.unit(&name(unit)).unwrap();
        let lines = format!(
            "{unit} {} can start={} stop={} reload={} isolate={} condition={}{:?} assert={}",
            view.load_state.as_str(),
            view.can_start,
            view.can_stop,
            view.can_reload,
            view.can_isolate,
            view.conditions.result,
            view.conditions.each,
            view.asserts.result,
        );
        self.out.push(lines);
    }

    fn deps(&mut self, unit: &str) {
        for kind in unit_parser::DependencyKind::ALL {
            let mut others: Vec<String> =
                self.engine.dependencies(&name(unit), *kind).iter().map(ToString::to_string).collect();
            others.sort();
            if !others.is_empty() {
                self.out.push(format!("{}={}", kind.as_str(), others.join(" ")));
            }
        }
    }
}
