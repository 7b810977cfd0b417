//! Random graphs and events: whatever happens, every job ends, starts heed the order, units that conflict are not both
//! active in the end, a plan is what then happens, a daemon-reload that reads only what changed comes to the same as one
//! that reads everything, and the same events lead to the same state once more.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use unit_broker::core::{Action, ActiveState, Engine, Event, Fate, JobMode, JobType, PlannedJob, Reply, Worker};
use unit_parser::{DependencyKind, UnitName};

use crate::player::Player;
use crate::world::Files;

const KINDS: [&str; 11] = [
    "Requires",
    "Wants",
    "BindsTo",
    "PartOf",
    "Requisite",
    "Conflicts",
    "After",
    "Before",
    "PropagatesStopTo",
    "Upholds",
    "OnFailure",
];

#[derive(Debug, Clone)]
enum Step {
    Job(usize, JobType, JobMode),
    Work,
    Settle,
    Dies(usize),
    Appears(usize),
    Fails(usize),
    Away,
    Back,
    Crash,
    Lose,
    Reload,
    Edit(usize, Vec<(usize, usize)>),
    Vanish(usize),
    Plug(usize),
    Unplug(usize),
    Time,
    Idle,
}

fn unit(at: usize, count: usize) -> String {
    let at = at % count;
    match at % 6 {
        0 => format!("u{at}.target"),
        4 => format!("u{at}.device"),
        // Of a service that exists.
        5 => format!("u{}.socket", at - 2),
        _ => format!("u{at}.service"),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let job = prop_oneof![
        4 => Just(JobType::Start),
        2 => Just(JobType::Stop),
        1 => Just(JobType::Restart),
        1 => Just(JobType::TryRestart),
        1 => Just(JobType::Reload),
    ];
    let mode = prop_oneof![
        6 => Just(JobMode::Replace),
        1 => Just(JobMode::Fail),
        1 => Just(JobMode::Flush),
        1 => Just(JobMode::ReplaceIrreversibly),
        1 => Just(JobMode::IgnoreDependencies),
        1 => Just(JobMode::IgnoreRequirements),
    ];
    // These go with one type of job only; with others they are refused.
    let special = prop_oneof![
        10 => Just(None),
        1 => Just(Some((JobType::Start, JobMode::Isolate))),
        1 => Just(Some((JobType::Stop, JobMode::Triggering))),
        1 => Just(Some((JobType::Start, JobMode::RestartDependencies))),
        1 => Just(Some((JobType::Restart, JobMode::Isolate))),
    ];
    prop_oneof![
        6 => (0usize..32, job, mode, special).prop_map(|(at, job, mode, special)| {
            let (job, mode) = special.unwrap_or((job, mode));
            Step::Job(at, job, mode)
        }),
        4 => Just(Step::Work),
        2 => Just(Step::Settle),
        1 => (0usize..32).prop_map(Step::Dies),
        1 => (0usize..32).prop_map(Step::Appears),
        1 => (0usize..32).prop_map(Step::Fails),
        1 => Just(Step::Away),
        1 => Just(Step::Back),
        1 => Just(Step::Crash),
        1 => Just(Step::Lose),
        2 => Just(Step::Reload),
        1 => (0usize..32, prop::collection::vec((0usize..KINDS.len(), 0usize..32), 0..4))
            .prop_map(|(at, edges)| Step::Edit(at, edges)),
        1 => (0usize..32).prop_map(Step::Vanish),
        1 => (0usize..32).prop_map(Step::Plug),
        1 => (0usize..32).prop_map(Step::Unplug),
        1 => Just(Step::Time),
        1 => Just(Step::Idle),
    ]
}

/// What every unit says, so that it can be written anew with other dependencies. Devices can't be isolated.
fn common(name: &str) -> String {
    let isolate = if name.ends_with(".device") { "" } else { "AllowIsolate=yes\n" };
    format!("StopWhenUnneeded=no\n{isolate}")
}

fn files(count: usize, edges: &[(usize, usize, usize)]) -> Files {
    let mut files = Files::default();
    for at in 0..count {
        let name = unit(at, count);
        let overlaps = if at % 5 == 2 { "X-RestartOverlap=yes\n" } else { "" };
        files.texts.insert(name.clone(), common(&name) + overlaps);
    }
    for (from, kind, to) in edges {
        let (from, to) = (unit(*from, count), unit(*to, count));
        let kind = KINDS[kind % KINDS.len()];
        files.texts.entry(from).or_default().push_str(&format!("{kind}={to}\n"));
    }
    files
}

/// The order of starts, as the notes tell it.
#[derive(Debug, Default)]
struct Order {
    /// Jobs that haven't ended, and their units.
    open: BTreeMap<u32, String>,
    /// Jobs of mode `ignore-dependencies`, or that one was merged into: they wait for nobody, and nobody for them.
    free: BTreeSet<u32>,
    /// How many notes were read.
    seen: usize,
}

impl Order {
    /// A request was made.
    fn requested(&mut self, player: &Player, mode: JobMode) {
        if let (JobMode::IgnoreDependencies, Some(Ok(Reply::Queued(queued)))) = (mode, &player.reply) {
            self.free.insert(queued.anchor.job);
        }
    }

    /// At a start no unit that comes first has a job.
    fn check(&mut self, player: &Player) {
        for line in &player.out[self.seen..] {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["+", "job", id, unit, ..] => {
                    self.open.insert(id.parse().unwrap(), (*unit).to_owned());
                }
                ["-", "job", id, ..] => {
                    self.open.remove(&id.parse().unwrap());
                }
                ["start", unit, ..] => {
                    let waits = self.open.iter().filter(|(id, _)| !self.free.contains(*id));
                    if !waits.clone().any(|(_, other)| other == unit) {
                        continue;
                    }
                    let name = UnitName::parse(unit).unwrap();
                    for before in player.engine.dependencies(&name, DependencyKind::After) {
                        let waiting = waits.clone().any(|(_, other)| other == before.as_str());
                        assert!(!waiting, "{unit} starts before {before} is done\n{}", player.out.join("\n"));
                    }
                }
                _ => {}
            }
        }
        self.seen = player.out.len();
    }
}

fn play(player: &mut Player, order: &mut Order, step: &Step, count: usize) {
    match step {
        Step::Job(at, job_type, mode) => {
            let before = states(player);
            let planned = player.planned(&unit(*at, count), *job_type, *mode);
            assert_eq!(states(player), before, "a plan changed something");
            player.request(&unit(*at, count), *job_type, *mode);
            order.requested(player, *mode);
            check_plan(player, &planned);
        }
        Step::Work => {
            player.work();
        }
        Step::Settle => settle(player),
        Step::Dies(at) | Step::Appears(at) => {
            let name = unit(*at, count);
            if !name.ends_with(".service") {
                return;
            }
            let name = UnitName::parse(&name).unwrap();
            let state = player.engine.unit(&name).map(|view| view.active).unwrap_or_default();
            match (step, state) {
                (Step::Dies(_), ActiveState::Active) if player.running.contains_key(&name) => {
                    player.report(&name, ActiveState::Failed, "failed", "signal", None);
                }
                (Step::Appears(_), ActiveState::Inactive) => {
                    player.report(&name, ActiveState::Active, "running", "success", None);
                }
                _ => {}
            }
        }
        Step::Fails(at) => {
            let name = unit(*at, count);
            if !player.fails.remove(&name) {
                player.fails.insert(name);
            }
        }
        Step::Away => {
            player.play("away supervisor");
            // A worker that is away does nothing, and what it was just told is lost.
            player.pending.retain(|action| told(action) != Some(Worker::Supervisor));
        }
        Step::Back => player.play("back supervisor"),
        Step::Crash => player.crash(),
        Step::Lose => {
            player.pending.clear();
            for worker in ["supervisor", "activator"] {
                player.play(&format!("away {worker}"));
                player.play(&format!("back {worker}"));
            }
        }
        Step::Reload => {
            player.play("reload");
            check_reload(player);
        }
        Step::Edit(at, edges) => {
            let mut text = common(&unit(*at, count));
            for (kind, to) in edges {
                text.push_str(&format!("{}={}\n", KINDS[kind % KINDS.len()], unit(*to, count)));
            }
            player.write(&unit(*at, count), text);
        }
        Step::Vanish(at) => {
            let name = unit(*at, count);
            player.vanish(&name);
        }
        Step::Plug(at) | Step::Unplug(at) => {
            let name = unit(*at, count);
            if name.ends_with(".device") {
                let verb = if matches!(step, Step::Plug(_)) { "plug" } else { "unplug" };
                player.play(&format!("{verb} {name}"));
            }
        }
        Step::Time => player.play("time 3"),
        Step::Idle => player.play("idle"),
    }
}

/// Who was told to do this.
fn told(action: &Action) -> Option<Worker> {
    match action {
        Action::Start(worker, ..) | Action::Stop(worker, ..) | Action::ReloadUnit(worker, _) => Some(*worker),
        _ => None,
    }
}

/// Everything that a plan must leave alone.
fn states(player: &Player) -> Vec<String> {
    let jobs = player.engine.jobs().into_iter().map(|job| format!("{job:?}"));
    let units = player.engine.units().into_iter().map(|unit| format!("{:?}", player.engine.saved_unit(unit)));
    units.chain(jobs).collect()
}

/// Everything that the definitions say.
fn graph(engine: &Engine) -> Vec<String> {
    let mut lines = Vec::new();
    for unit in engine.units() {
        let view = engine.unit(unit).unwrap();
        lines.push(format!("{unit} {} {:?}", view.load_state.as_str(), view.names));
        for kind in DependencyKind::ALL {
            for other in engine.dependencies(unit, *kind) {
                lines.push(format!("{unit} {}={other} {:?}", kind.as_str(), engine.sources(unit, *kind, other)));
            }
        }
    }
    lines.sort();
    lines
}

/// Reading everything again changes nothing.
fn check_reload(player: &Player) {
    let (mut engine, mut files) = (player.engine.clone(), player.files.clone());
    files.forgetful = true;
    engine.handle(player.now, Event::Reload, &mut files).unwrap();
    engine.drain();
    assert_eq!(graph(&player.engine), graph(&engine), "{}", player.out.join("\n"));
}

/// The same events come to the same.
fn check_replay(player: &Player) {
    let again = player.replay();
    let told = |engine: &Engine| {
        let units = engine.units().into_iter().map(|unit| format!("{:?}", engine.saved_unit(unit)));
        units.chain(engine.jobs().into_iter().map(|job| format!("{job:?}"))).collect::<Vec<_>>()
    };
    assert_eq!(told(&player.engine), told(&again));
    assert_eq!(player.engine.saved_manager(), again.saved_manager());
}

/// The request came to what was planned.
fn check_plan(player: &Player, planned: &[PlannedJob]) {
    let mut wanted: Vec<(String, JobType)> = planned
        .iter()
        .filter(|job| matches!(job.fate, Fate::New | Fate::Merged | Fate::Replaces))
        .map(|job| (job.unit.to_string(), job.job_type))
        .collect();
    let mut made = match &player.reply {
        Some(Ok(Reply::Queued(queued))) => std::iter::once(&queued.anchor)
            .chain(&queued.others)
            .map(|job| (job.unit.to_string(), job.job_type))
            .collect(),
        Some(Err(error)) => {
            let refused = planned.iter().find(|job| job.parent.is_none() && job.fate == Fate::Refused);
            assert_eq!(refused.map(|job| job.error.as_str()), Some(error.dbus_name()), "{planned:?}");
            Vec::new()
        }
        other => panic!("{other:?}"),
    };
    wanted.sort();
    made.sort();
    assert_eq!(wanted, made, "{planned:?}\n{}", player.out.join("\n"));
}

fn settle(player: &mut Player) {
    let mut left = 10_000;
    while player.work() {
        left -= 1;
        assert!(left > 0, "no end\n{}", player.out[player.out.len() - 60..].join("\n"));
    }
}

fn conflicts(files: &Files) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for (name, text) in &files.texts {
        for line in text.lines() {
            if let Some(other) = line.strip_prefix("Conflicts=").filter(|other| other != name) {
                pairs.insert((name.clone(), other.to_owned()));
            }
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_job_ends(
        count in 2usize..12,
        edges in prop::collection::vec((0usize..12, 0usize..KINDS.len(), 0usize..12), 0..28),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let files = files(count, &edges);
        let mut player = Player::new(files.clone());
        let mut order = Order::default();
        for step in &steps {
            player.out.push(format!("> {step:?}"));
            play(&mut player, &mut order, step, count);
            order.check(&player);
        }
        player.play("back supervisor");
        settle(&mut player);
        order.check(&player);
        check_replay(&player);
        // Nothing waits any more for a device, or for its next try.
        for device in (0..count).map(|at| unit(at, count)).filter(|name| name.ends_with(".device")) {
            player.play(&format!("plug {device}"));
        }
        for _ in 0..3 {
            player.play("time 100");
            settle(&mut player);
            order.check(&player);
        }
        let ids = |player: &Player| player.engine.jobs().iter().map(|job| job.id).collect::<BTreeSet<u32>>();
        let before = ids(&player);
        for _ in 0..2 {
            player.play("time 100");
            settle(&mut player);
            order.check(&player);
        }
        let after = ids(&player);
        // Units may keep each other going for ever: one that is upheld and conflicts with a plugged device, which can't be
        // stopped, or one whose OnFailure= requires it. Each job ends, but there is always another one; and who waits for
        // these waits on.
        let mut lines = files.texts.values().chain(player.files.texts.values()).flat_map(|text| text.lines());
        let endless = lines.any(|line| line.starts_with("Upholds=") || line.starts_with("OnFailure="));
        // A daemon-reload may bring an order in which queued jobs wait for each other; they do so in systemd, too.
        let edited = steps.iter().any(|step| matches!(step, Step::Edit(..)));
        for id in before.intersection(&after) {
            let waits = player.engine.job(*id).is_some_and(|job| !job.waits_for.is_empty());
            prop_assert!((edited || endless) && waits, "job {id}\n{}", player.out.join("\n"));
        }
        prop_assert!(order.open.keys().all(|id| after.contains(id)), "{order:?}");
        prop_assert!(edited || endless || after.is_empty(), "{after:?}\n{}", player.out.join("\n"));
        if !after.is_empty() {
            return Ok(());
        }
        // Where stops propagate, a stop may be dropped because what it takes along is wanted: then both run, as in
        // systemd. The same goes for mode `fail`, which starts after the fact use too.
        let harmless = ["Wants=", "Conflicts=", "After=", "Before=", "OnFailure=", "StopWhenUnneeded=", "AllowIsolate="];
        let strict = files.texts.values().flat_map(|text| text.lines()).all(|line| {
            harmless.iter().any(|kind| line.starts_with(kind))
        }) && steps.iter().all(|step| match step {
            Step::Job(_, _, mode) => {
                !matches!(mode, JobMode::Fail | JobMode::IgnoreDependencies | JobMode::IgnoreRequirements)
            }
            Step::Appears(_) | Step::Edit(..) | Step::Vanish(_) | Step::Plug(_) => false,
            _ => true,
        });
        for (one, other) in conflicts(&files).into_iter().filter(|_| strict) {
            let active = |name: &str| {
                let view = player.engine.unit(&UnitName::parse(name).unwrap());
                view.is_some_and(|view| view.active == ActiveState::Active)
            };
            prop_assert!(!(active(&one) && active(&other)), "{one} and {other}\n{}", player.out.join("\n"));
        }
    }
}
