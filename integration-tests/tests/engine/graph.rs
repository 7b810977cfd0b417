//! A random graph of units.

use std::collections::BTreeSet;
use std::fmt::Write;

use integration_tests::Random;

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Target,
    Oneshot,
    Notify,
    Simple,
    /// A oneshot whose `ExecCondition=` decides.
    Asks,
    /// A oneshot whose start takes longer than it may.
    Slow,
    /// `ConditionPathExists=` or `AssertPathExists=` of what isn't there.
    Condition,
    Assert,
    Missing,
    Masked,
    /// No `ExecStart=`.
    Bad,
}

impl Kind {
    const CHOICES: [(usize, Kind); 11] = [
        (20, Kind::Target),
        (20, Kind::Oneshot),
        (20, Kind::Notify),
        (20, Kind::Simple),
        (4, Kind::Asks),
        (3, Kind::Slow),
        (4, Kind::Condition),
        (3, Kind::Assert),
        (3, Kind::Missing),
        (3, Kind::Masked),
        (2, Kind::Bad),
    ];

    fn suffix(self) -> &'static str {
        if self == Kind::Target { "target" } else { "service" }
    }
}

/// Kinds of dependencies, and how often each comes.
const EDGES: [(usize, &str); 17] = [
    (10, "Wants"),
    (10, "Requires"),
    (5, "Requisite"),
    (8, "BindsTo"),
    (8, "PartOf"),
    (3, "Upholds"),
    (8, "Conflicts"),
    (12, "Before"),
    (16, "After"),
    (4, "OnFailure"),
    (3, "OnSuccess"),
    (3, "PropagatesStopTo"),
    (2, "StopPropagatedFrom"),
    (3, "PropagatesReloadTo"),
    (2, "ReloadPropagatedFrom"),
    (1, "JoinsNamespaceOf"),
    (14, "Requires+After"),
];

/// Modes of jobs that `OnFailureJobMode=` takes.
const MODES: [&str; 6] = ["fail", "replace", "replace-irreversibly", "flush", "ignore-dependencies", "isolate"];

/// One unit of a graph.
#[derive(Debug, Clone)]
pub struct Unit {
    pub name: String,
    pub kind: Kind,
    /// Its file; none for [`Kind::Missing`] and [`Kind::Masked`].
    pub text: String,
    /// Whether its jobs or starts end by themselves after a while.
    pub timed: bool,
}

/// A graph.
#[derive(Debug, Clone)]
pub struct Graph {
    pub prefix: String,
    pub units: Vec<Unit>,
    /// Which unit comes after which, by name.
    pub after: BTreeSet<(String, String)>,
}

impl Graph {
    /// The graph of a seed; `gate` is how the commands of its services begin.
    pub fn of_seed(seed: u64, gate: &str) -> Graph {
        let mut random = Random::seeded(seed);
        let prefix = format!("g{seed}-");
        let count = 2 + random.below(8);
        let kinds: Vec<Kind> = (0..count).map(|_| random.weighted(&Kind::CHOICES)).collect();
        let names: Vec<String> =
            kinds.iter().enumerate().map(|(at, kind)| format!("{prefix}{at}.{}", kind.suffix())).collect();
        let mut after = BTreeSet::new();
        let units = (0..count)
            .map(|at| {
                let mut text = "[Unit]\n".to_owned();
                for _ in 0..random.below(4) {
                    let other = &names[random.below(count)];
                    let edge = random.weighted(&EDGES);
                    for kind in edge.split('+') {
                        let _ = writeln!(text, "{kind}={other}");
                    }
                    match edge {
                        "After" | "Requires+After" => drop(after.insert((names[at].clone(), other.clone()))),
                        "Before" => drop(after.insert((other.clone(), names[at].clone()))),
                        _ => {}
                    }
                }
                let timed = settings(&mut random, &mut text, kinds[at]);
                service(&mut random, &mut text, kinds[at], &format!("{gate} {prefix}{at}"));
                Unit { name: names[at].clone(), kind: kinds[at], text, timed: timed || kinds[at] == Kind::Slow }
            })
            .collect();
        Graph { prefix, units, after }
    }
}

/// Settings of `[Unit]`; tells whether its jobs time out.
fn settings(random: &mut Random, text: &mut String, kind: Kind) -> bool {
    let mut may = |percent: usize, line: &str| {
        if random.percent(percent) {
            text.push_str(line);
            text.push('\n');
        }
    };
    may(60, "DefaultDependencies=no");
    may(8, "StopWhenUnneeded=yes");
    may(4, "RefuseManualStart=yes");
    may(4, "RefuseManualStop=yes");
    may(if kind == Kind::Target { 60 } else { 15 }, "AllowIsolate=yes");
    may(6, "IgnoreOnIsolate=yes");
    may(5, "CollectMode=inactive-or-failed");
    if random.percent(10) {
        let _ = writeln!(text, "OnFailureJobMode={}", random.one(&MODES));
    }
    if random.percent(5) {
        let _ = writeln!(text, "OnSuccessJobMode={}", random.one(&MODES));
    }
    if random.percent(85) {
        text.push_str("StartLimitIntervalSec=0\n");
    } else {
        let _ = writeln!(text, "StartLimitIntervalSec=1h\nStartLimitBurst={}", 1 + random.below(3));
    }
    match kind {
        Kind::Condition => text.push_str("ConditionPathExists=/nonexistent\n"),
        Kind::Assert => text.push_str("AssertPathExists=/nonexistent\n"),
        _ => {}
    }
    let timed = random.percent(4);
    if timed {
        text.push_str(random.one(&["JobTimeoutSec=150ms\n", "JobRunningTimeoutSec=150ms\n"]));
    }
    timed
}

/// The section `[Service]`.
fn service(random: &mut Random, text: &mut String, kind: Kind, gate: &str) {
    if matches!(kind, Kind::Target | Kind::Missing | Kind::Masked) {
        return;
    }
    text.push_str("[Service]\n");
    if kind == Kind::Bad {
        return;
    }
    let _ = match kind {
        Kind::Notify => writeln!(text, "Type=notify\nExecStart={gate} start run --notify"),
        Kind::Simple => writeln!(text, "ExecStart={gate} run"),
        Kind::Asks => writeln!(text, "Type=oneshot\nExecCondition={gate} condition\nExecStart={gate} start"),
        Kind::Slow => writeln!(text, "Type=oneshot\nTimeoutStartSec=200ms\nExecStart={gate} start"),
        _ => writeln!(text, "Type=oneshot\nExecStart={gate} start"),
    };
    let mut may = |percent: usize, line: &str| {
        if random.percent(percent) {
            let _ = writeln!(text, "{}", line.replace("GATE", gate));
        }
    };
    let oneshot = !matches!(kind, Kind::Notify | Kind::Simple);
    may(if oneshot { 50 } else { 10 }, "RemainAfterExit=yes");
    may(40, "ExecReload=GATE reload");
    may(15, "ExecStop=GATE stop");
    may(6, "ExecStartPre=GATE start-pre");
    may(6, "ExecStopPost=GATE stop-post");
    may(8, "Restart=on-failure\nRestartSec=20ms");
    if !oneshot {
        may(4, "Restart=always\nRestartSec=20ms");
    }
}
