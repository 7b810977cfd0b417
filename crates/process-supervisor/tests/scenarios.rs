//! Scenarios: a unit, a script of events, and what the machine does about each.
//!
//! A folder below `scenarios/` holds the unit and a `script`. Lines at the margin are events, indented lines what must follow,
//! in order, and nothing else. `QUINTET_BLESS=1 cargo test` writes what followed instead of comparing: read it before you
//! believe it.
//!
//! ```text
//! start | stop | restart-stop | overlap [ID] | reload | reset-failed | refuse RESULT | empty | oom | exec
//! exit main|control|PID N      it exits with status N       kill|dump main|control SIGNAL
//! notify [main|control|PID] FIELD=VALUE...                  (uid=N: of that user)
//! wait USEC|Ns|Nms             time passes; deadlines on the way count
//! bus-name taken|lost [PID]    pid-file-changed
//! clean WHAT...                cleaned | clean-fails
//! set populated yes|no|unknown, set owner PID unit|other|manager|nobody, set orphans PID..., set pid-file PID [root|user] [link]
//! set instance-empty RUN       none of the instance's processes is left
//! set pid-file none, set spawn fails|works
//! save                         the machine goes to disk and back
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use process_supervisor::core::action::Action;
use process_supervisor::core::definition::Definition;
use process_supervisor::core::event::{Event, StartOrder};
use process_supervisor::core::exit::{Exit, ServiceResult};
use process_supervisor::core::instance::Instance;
use process_supervisor::core::machine::Machine;
use process_supervisor::core::notification::Notification;
use process_supervisor::core::status::Status;
use process_supervisor::core::time::Stamp;
use process_supervisor::core::view::{Owner, PidFile, View};
use unit_parser::{LoadPath, Loader, Mode};

/// The world of a scenario: what was set, else what follows from the processes that were made.
#[derive(Default)]
struct World {
    alive: Vec<u32>,
    populated: Option<Option<bool>>,
    owners: BTreeMap<u32, Owner>,
    orphans: Vec<u32>,
    pid_file: Option<PidFile>,
    spawn_fails: bool,
    no_watchdogs: bool,
    /// Instances by process.
    runs: BTreeMap<u32, u64>,
    /// Instances of which nothing is left.
    empty: Vec<u64>,
}

impl View for World {
    fn populated(&self) -> Option<bool> {
        self.populated.unwrap_or(Some(!self.alive.is_empty()))
    }

    fn owner(&self, pid: u32) -> Owner {
        match self.owners.get(&pid) {
            Some(owner) => *owner,
            None if self.alive.contains(&pid) => Owner::Unit,
            None => Owner::Nobody,
        }
    }

    fn orphans(&self) -> Vec<u32> {
        self.orphans.clone()
    }

    fn watchdogs(&self) -> bool {
        !self.no_watchdogs
    }

    fn instance_populated(&self, instance: &Instance) -> Option<bool> {
        let of = |pid: &u32| self.runs.get(pid).copied().unwrap_or(0);
        Some(!self.empty.contains(&instance.run) && self.alive.iter().any(|pid| of(pid) == instance.run))
    }

    fn is_of_instance(&self, pid: u32, instance: &Instance) -> bool {
        self.alive.contains(&pid) && self.runs.get(&pid).copied().unwrap_or(0) == instance.run
    }

    fn pid_file(&self) -> Result<PidFile, String> {
        self.pid_file.ok_or_else(|| "no such file".into())
    }
}

struct Run {
    machine: Machine,
    world: World,
    now: u64,
    next_pid: u32,
    out: String,
}

impl Run {
    fn feed(&mut self, event: Event) {
        let now = Stamp { monotonic: self.now, realtime: self.now };
        self.machine.handle(now, event, &self.world);
        while let Some(action) = self.machine.next_action() {
            let answer = self.show(&action);
            if let Some(answer) = answer {
                self.machine.handle(now, answer, &self.world);
            }
        }
    }

    fn show(&mut self, action: &Action) -> Option<Event> {
        let mut answer = None;
        let line = match action {
            Action::Spawn(order) => {
                let mut text = format!("spawn {}[{}]", order.kind.property(), order.index);
                if let Some(pid) = order.main_pid {
                    let _ = write!(text, " MAINPID={pid}");
                }
                if let Some((result, exit)) = &order.result {
                    let _ = write!(text, " result={result}");
                    if let Some((code, status)) = exit {
                        let _ = write!(text, "/{code}/{status}");
                    }
                }
                if let Some(usec) = order.watchdog {
                    let _ = write!(text, " watchdog={usec}");
                }
                if order.notify_socket {
                    text.push_str(" notify");
                }
                if order.pass_fds {
                    text.push_str(" fds");
                }
                if let Some(instance) = &order.instance {
                    let _ = write!(text, " run-{} {}", instance.run, instance.invocation);
                }
                if self.world.spawn_fails {
                    text.push_str(": fails");
                    answer = Some(Event::SpawnFailed { error: "no".into() });
                } else {
                    let pid = self.next_pid;
                    self.next_pid += 1;
                    self.world.alive.push(pid);
                    self.world.runs.insert(pid, order.instance.as_ref().map_or(0, |instance| instance.run));
                    let _ = write!(text, ": {pid}");
                    answer = Some(Event::Spawned { pid });
                }
                text
            }
            Action::Kill(order) => {
                let mut text = format!("kill {}", order.signal);
                for (word, pid) in [("main", order.main), ("control", order.control)] {
                    if let Some(pid) = pid {
                        let _ = write!(text, " {word}={pid}");
                    }
                }
                if order.group {
                    text.push_str(" group");
                }
                if order.hangup {
                    text.push_str(" and HUP");
                }
                text
            }
            Action::KillInstance(order) => {
                self.machine.instance_signalled(&order.instance);
                let mut text = format!("kill {} of run-{}", order.signal, order.instance.run);
                if let Some(pid) = order.instance.main {
                    let _ = write!(text, " main={pid}");
                }
                text.push_str(if order.group { " group" } else { "" });
                text.push_str(if order.hangup { " and HUP" } else { "" });
                text
            }
            Action::ReleaseInstance(instance) => format!("release run-{}", instance.run),
            Action::Changed(status) => show_status(status),
            Action::Follow(pid) => format!("follow {pid}"),
            Action::RestartDue => "restart due".into(),
            Action::WatchPidFile => "watch pid file".into(),
            Action::UnwatchPidFile => "unwatch pid file".into(),
            Action::Prepare => "prepare".into(),
            Action::Release { .. } => "release".into(),
            Action::Clean(what) => format!("clean {}", what.join(" ")),
            Action::AbortClean => "abort-clean".into(),
            Action::ReleaseFds => "release fds".into(),
            Action::Log(level, text) => format!("log {}: {text}", level.as_str()),
        };
        let _ = writeln!(self.out, "    {line}");
        answer
    }

    fn wait(&mut self, usec: u64) {
        let end = self.now + usec;
        while let Some(at) = self.machine.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let _ = writeln!(self.out, "    at {}ms", self.now / 1000);
            self.feed(Event::Tick);
            if self.machine.deadline().is_some_and(|next| next <= at) {
                let _ = writeln!(self.out, "    (the same deadline again)");
                break;
            }
        }
        self.now = end;
    }

    fn pid(&self, word: &str) -> u32 {
        match word {
            "main" => self.machine.main_pid().unwrap_or(0),
            "control" => self.machine.control_pid().unwrap_or(0),
            number => number.parse().expect("a process"),
        }
    }

    fn ended(&mut self, word: &str, exit: Exit) {
        let pid = self.pid(word);
        self.world.alive.retain(|alive| *alive != pid);
        self.feed(Event::ProcessExited { pid, exit });
    }

    fn event(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let signal = |name: &str| unit_parser::parse::signal::parse(name).expect("a signal");
        match words.as_slice() {
            ["start"] => {
                self.feed(Event::Start(StartOrder { invocation: "ab".into(), cause: "asked".into(), random: 7 }));
            }
            ["overlap", rest @ ..] => {
                let invocation = (*rest.first().unwrap_or(&"cd")).to_owned();
                self.feed(Event::Overlap(StartOrder { invocation, cause: "asked".into(), random: 7 }));
            }
            ["stop"] => self.feed(Event::Stop { restart: false, cause: "asked".into() }),
            ["restart-stop"] => self.feed(Event::Stop { restart: true, cause: "asked".into() }),
            ["reload"] => self.feed(Event::Reload { cause: "asked".into() }),
            ["reset-failed"] => self.feed(Event::ResetFailed),
            ["refuse", "start-limit-hit"] => {
                self.feed(Event::Refused { result: ServiceResult::StartLimitHit, cause: "too often".into() });
            }
            ["empty"] => self.feed(Event::Empty),
            ["oom"] => self.feed(Event::OutOfMemory),
            ["exec", pid] => self.feed(Event::ExecSucceeded { pid: self.pid(pid) }),
            ["exec"] => self.feed(Event::ExecSucceeded { pid: self.pid("main") }),
            ["exit", who, code] => self.ended(who, Exit::Exited(code.parse().expect("a status"))),
            ["kill", who, name] => self.ended(who, Exit::Killed(signal(name))),
            ["dump", who, name] => self.ended(who, Exit::Dumped(signal(name))),
            ["notify", rest @ ..] => self.notify(rest),
            ["wait", span] => self.wait(span_of(span)),
            ["bus-name", "taken", rest @ ..] => {
                let pid = rest.first().map_or(0, |word| self.pid(word));
                self.feed(Event::BusNameChanged { owned: true, pid });
            }
            ["bus-name", "lost"] => self.feed(Event::BusNameChanged { owned: false, pid: 0 }),
            ["clean", what @ ..] => {
                let what = what.iter().map(|word| (*word).to_owned()).collect();
                self.feed(Event::Clean { what, cause: "systemctl clean".into() });
            }
            ["cleaned"] => self.feed(Event::Cleaned { error: None }),
            ["clean-fails"] => self.feed(Event::Cleaned { error: Some("cannot remove /var/lib/a".into()) }),
            ["pid-file-changed"] => self.feed(Event::PidFileChanged),
            ["set", rest @ ..] => self.set(rest),
            ["save"] => {
                let text = serde_json::to_string(&self.machine).expect("saved");
                let definition = self.machine.definition().clone();
                self.machine = serde_json::from_str(&text).expect("restored");
                self.machine.redefine(definition);
            }
            other => panic!("what is {other:?}?"),
        }
    }

    fn notify(&mut self, words: &[&str]) {
        let mut sender = self.pid("main");
        let mut uid = 1000;
        let mut fields = Vec::new();
        for word in words {
            match word.split_once('=') {
                None => sender = self.pid(word),
                Some(("uid", number)) => uid = number.parse().expect("a user"),
                Some((key, value)) => fields.push((key, value)),
            }
        }
        self.feed(Event::Notify { sender, uid, message: Notification::from_fields(fields) });
    }

    fn set(&mut self, words: &[&str]) {
        match words {
            ["populated", "yes"] => self.world.populated = Some(Some(true)),
            ["populated", "no"] => self.world.populated = Some(Some(false)),
            ["populated", "unknown"] => self.world.populated = Some(None),
            ["populated", "auto"] => self.world.populated = None,
            ["owner", pid, owner] => {
                let owner = match *owner {
                    "unit" => Owner::Unit,
                    "other" => Owner::Other,
                    "manager" => Owner::Manager,
                    "nobody" => Owner::Nobody,
                    other => panic!("what is {other}?"),
                };
                self.world.owners.insert(pid.parse().expect("a process"), owner);
            }
            ["instance-empty", run] => self.world.empty.push(run.parse().expect("an instance")),
            ["alive", pid] => self.world.alive.push(pid.parse().expect("a process")),
            ["watchdogs", on] => self.world.no_watchdogs = *on == "no",
            ["orphans", pids @ ..] => {
                self.world.orphans = pids.iter().map(|pid| pid.parse().expect("a process")).collect();
            }
            ["pid-file", "none"] => self.world.pid_file = None,
            ["pid-file", pid, flags @ ..] => {
                self.world.pid_file = Some(PidFile {
                    pid: pid.parse().expect("a process"),
                    root_owned: !flags.contains(&"user"),
                    questionable: flags.contains(&"link"),
                });
            }
            ["spawn", how] => self.world.spawn_fails = *how == "fails",
            other => panic!("what is {other:?}?"),
        }
    }
}

fn show_status(status: &Status) -> String {
    let mut text = format!("{}/{} {}", status.active.as_str(), status.state.sub(), status.result.as_str());
    for (word, pid) in [("main", status.main_pid), ("control", status.control_pid)] {
        if pid != 0 {
            let _ = write!(text, " {word}={pid}");
        }
    }
    for (set, word) in
        [(status.will_restart, "will-restart"), (status.reload_failed, "reload-failed"), (status.skipped, "skipped")]
    {
        if set {
            let _ = write!(text, " {word}");
        }
    }
    if status.clean_result != ServiceResult::Success {
        let _ = write!(text, " clean={}", status.clean_result.as_str());
    }
    if status.restarts > 0 {
        let _ = write!(text, " restarts={}", status.restarts);
    }
    if !status.status_text.is_empty() {
        let _ = write!(text, " status={:?}", status.status_text);
    }
    let _ = write!(text, "  ({})", status.cause);
    text
}

fn span_of(text: &str) -> u64 {
    let number = |text: &str| text.parse::<u64>().expect("a time span");
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(ms), _) => number(ms) * 1000,
        (None, Some(s)) => number(s) * 1_000_000,
        (None, None) => number(text),
    }
}

fn transcript(folder: &Path, script: &str) -> String {
    let unit_file = std::fs::read_dir(folder)
        .expect("folder")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "service"))
        .expect("a unit file");
    let path = LoadPath { dirs: Vec::new() };
    let loader = Loader::new(path, Mode::System, unit_parser::Host::default());
    let unit = loader.load_file(&unit_file).expect("a unit name");
    let complaints: Vec<String> =
        unit.diagnostics.iter().map(|d| d.message.clone()).filter(|m| !m.contains("no effect")).collect();
    assert!(complaints.is_empty(), "{}: {complaints:?}", unit_file.display());
    let mut run = Run {
        machine: Machine::new(Definition::from_unit(&unit)),
        world: World::default(),
        now: 0,
        next_pid: 100,
        out: String::new(),
    };
    for line in script.lines() {
        if line.starts_with('#') || line.is_empty() {
            let _ = writeln!(run.out, "{line}");
        } else if !line.starts_with(' ') {
            let _ = writeln!(run.out, "{line}");
            run.event(line);
        }
    }
    run.out
}

#[test]
fn scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let bless = std::env::var_os("QUINTET_BLESS").is_some();
    let mut folders: Vec<_> =
        std::fs::read_dir(&root).expect("scenarios").flatten().map(|entry| entry.path()).collect();
    folders.sort();
    assert!(folders.len() > 20, "only {} scenarios found", folders.len());
    let mut failed = Vec::new();
    for folder in folders {
        let file = folder.join("script");
        let script = std::fs::read_to_string(&file).expect("script");
        let got = transcript(&folder, &script);
        if bless {
            std::fs::write(&file, &got).expect("written");
        } else if got != script {
            let at = got.lines().zip(script.lines()).position(|(a, b)| a != b);
            let line = at.unwrap_or_else(|| got.lines().count().min(script.lines().count()));
            let shown = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
            failed.push(format!("{}:{}\n  want {}\n  have {}", file.display(), line + 1, shown(&script), shown(&got)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
