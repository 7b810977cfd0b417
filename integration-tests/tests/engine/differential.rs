//! The same graphs, requests and outcomes on Debian's systemd and on Quintet: the same replies, results of jobs and states
//! after every step.
//!
//! `QUINTET_GRAPHS` says how many graphs (default: 20), `QUINTET_SEED` which is the first.

use integration_tests::{Random, needs, number};

use crate::graph::Graph;
use crate::manager::{GATE, Manager};
use crate::player::{Player, Seen};

/// Steps for each graph.
const STEPS: usize = 14;

/// Where two runs differ first.
fn difference(one: &[Seen], other: &[Seen]) -> Option<usize> {
    (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at))
}

/// systemd takes a restart for a stop when it looks for ordering cycles. Where there is one among the starts that
/// follow, the jobs wait for each other forever; Quintet refuses them, or drops one (docs/compatibility.md).
fn is_deadlock(wanted: &[Seen], got: &[Seen], at: usize) -> bool {
    let has =
        |seen: &[Seen], text: &str| seen.get(at).is_some_and(|seen| seen.lines.iter().any(|line| line.contains(text)));
    let replied = |seen: &[Seen]| seen.get(at).and_then(|seen| seen.lines.first().cloned());
    let waiting = |seen: &[Seen]| {
        let lines = seen.get(at).map_or(&[][..], |seen| seen.lines.as_slice());
        lines.iter().filter(|line| line.contains(" waiting]")).count()
    };
    let unsettled = wanted.get(at).is_some_and(|seen| !seen.is_settled());
    let by_request = has(wanted, "reply restart ")
        && (waiting(wanted) > 1 || unsettled)
        && (has(got, ".TransactionOrderIsCyclic") || replied(wanted) != replied(got));
    // An automatic restart: refused, the unit has failed.
    let by_itself =
        has(wanted, "[restart waiting]") && waiting(wanted) > 1 && waiting(got) == 0 && has(got, " failed/");
    by_request || by_itself
}

fn play(manager: &mut Manager, graph: &Graph, steps: &[Seen]) -> Vec<Seen> {
    let mut player = Player::new(manager, graph);
    let seen = player.again(steps);
    player.clean();
    seen
}

/// Tells of a difference at a step.
fn tell(graph: &Graph, wanted: &[Seen], got: &[Seen], at: usize) -> String {
    let mut text = format!("=== graph {}, step {at}\n", graph.prefix);
    for unit in &graph.units {
        text += &format!("--- {} {:?}\n{}", unit.name, unit.kind, unit.text);
    }
    for seen in &wanted[..at] {
        text += &format!("> {}\n    {}\n", seen.step, seen.lines.join("\n    "));
    }
    if let Some(seen) = wanted.get(at) {
        let mut ours = got.get(at).map_or(Vec::new(), |seen| seen.lines.clone());
        text += &format!("> {}\n", seen.step);
        for line in &seen.lines {
            let same = ours.iter().position(|other| other == line).map(|at| ours.remove(at));
            text += &format!("  {} {line}\n", if same.is_some() { " " } else { "S" });
        }
        for line in ours {
            text += &format!("  Q {line}\n");
        }
    }
    text
}

#[test]
fn what_systemd_does() {
    if !needs::systemd() {
        return;
    }
    let first = number("QUINTET_SEED", 1);
    let graphs: Vec<Graph> =
        (first..first + number("QUINTET_GRAPHS", 20)).map(|seed| Graph::of_seed(seed, GATE)).collect();
    let mut theirs = Manager::boot(true, &graphs);
    let mut ours = Manager::boot(false, &graphs);
    let (mut differ, mut undecided, mut deadlocks, mut spins, mut steps) = (Vec::new(), 0, 0, 0, 0);
    for (graph, seed) in graphs.iter().zip(first..) {
        let mut player = Player::new(&mut theirs, graph);
        let wanted = player.random(&mut Random::seeded(seed ^ 0x5eed), STEPS);
        if !player.clean() {
            // Some graphs keep systemd busy for ever, and then it answers nothing about the others either.
            theirs = Manager::boot(true, &graphs);
            spins += 1;
            continue;
        }
        steps += wanted.len();
        let got = play(&mut ours, graph, &wanted);
        let Some(at) = difference(&wanted, &got) else { continue };
        if is_deadlock(&wanted, &got, at) {
            deadlocks += 1;
            continue;
        }
        // systemd visits units in the order of a hash table. What it doesn't decide twice in the same way is no difference.
        let mut agreed = at;
        let same = (0..3).any(|_| {
            let again = play(&mut theirs, graph, &wanted);
            agreed = agreed.max(difference(&again, &got).unwrap_or(usize::MAX));
            agreed > at
        });
        if same {
            undecided += 1;
        } else {
            println!("{}", tell(graph, &wanted, &got, at));
            differ.push(seed);
        }
    }
    println!(
        "{} graphs, {steps} steps, {undecided} where systemd itself is undecided, {deadlocks} where its jobs wait forever, {spins} \
         that it never came back from",
        graphs.len()
    );
    assert!(differ.is_empty(), "they differ with the seeds {differ:?}");
}
