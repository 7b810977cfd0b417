//! The broker is killed at random moments while graphs are played: every unit ends up as in a run that nobody disturbed,
//! and every command was started as often.
//!
//! `QUINTET_KILLS` says how often it is killed (default: 40), `QUINTET_SEED` which graph is the first.

use std::path::PathBuf;
use std::thread::{self, sleep};
use std::time::Duration;

use integration_tests::{Place, Random, needs, number, signal, wait};

use crate::graph::{Graph, Kind};
use crate::manager::{GATE, Manager};
use crate::player::{Player, Seen};

/// Graphs whose outcome doesn't hang on how long something took, and that leave nothing behind: each is played twice.
fn graphs(first: u64, count: usize) -> Vec<Graph> {
    let timed = |graph: &Graph| {
        graph.units.iter().any(|unit| {
            // What is stopped as soon as it is up (StopWhenUnneeded=) may or may not come to tell that it ran.
            let left_alone = ["Restart=", "Upholds=", "RefuseManualStop=", "StopWhenUnneeded=yes"];
            unit.timed || unit.kind == Kind::Slow || left_alone.iter().any(|setting| unit.text.contains(setting))
        })
    };
    (first..).map(|seed| Graph::of_seed(seed, GATE)).filter(|graph| !timed(graph)).take(count).collect()
}

/// The states after a step; how the jobs ended is told to nobody while the broker is away.
fn states(seen: &[Seen]) -> Vec<(String, Vec<String>)> {
    let lasting = |line: &&String| !line.starts_with("job of ");
    seen.iter().map(|seen| (seen.step.to_string(), seen.lines.iter().filter(lasting).cloned().collect())).collect()
}

/// What was played.
fn tell(graph: &Graph, seen: &[Seen]) -> String {
    let mut text = graph.prefix.clone();
    for unit in &graph.units {
        text += &format!("\n--- {} {:?}\n{}", unit.name, unit.kind, unit.text);
    }
    for seen in seen {
        text += &format!("\n> {}\n    {}", seen.step, seen.lines.join("\n    "));
    }
    text
}

#[test]
fn the_broker_is_killed() {
    if !needs::root() {
        return;
    }
    let (first, wanted_kills) = (number("QUINTET_SEED", 1), number("QUINTET_KILLS", 40));
    let graphs = graphs(first, (wanted_kills as usize).div_ceil(4));
    // By default a daemon that keeps dying is started more and more slowly.
    let mut manager = Manager::boot_as(Place::system().argument("--restart-delay-max=0"), &graphs);
    let mut random = Random::seeded(first ^ 0xdead);
    let mut kills = 0;
    for graph in &graphs {
        let mut player = Player::new(&mut manager, graph);
        let begin = player.manager.ran().len();
        let undisturbed = player.random(&mut random, 10);
        let mut expected = player.manager.ran().split_off(begin);
        player.clean();
        let begin = player.manager.ran().len();
        let mut disturbed = Vec::new();
        for seen in &undisturbed {
            // Right after the reply, or a little later.
            let killer = random.percent(60).then(|| {
                let broker = player.manager.place.daemon("unit-broker");
                let gone = PathBuf::from(format!("/proc/{broker}/root/run"));
                let delay = Duration::from_micros(random.below(20_000) as u64);
                move || {
                    sleep(delay);
                    signal(broker, "KILL");
                    assert!(wait::until(Duration::from_secs(10), || !gone.exists()), "it is dead");
                }
            });
            let reply = player.begin(&seen.step);
            let killer = killer.map(thread::spawn);
            if let Some(killer) = killer {
                kills += 1;
                killer.join().expect("it is dead");
                player.manager.connect();
            }
            disturbed.push(player.end(&seen.step, reply));
        }
        let mut ran = player.manager.ran().split_off(begin);
        player.clean();
        expected.sort();
        ran.sort();
        for (want, got) in states(&undisturbed).iter().zip(states(&disturbed)) {
            assert_eq!(*want, got, "{}", tell(graph, &undisturbed));
        }
        assert_eq!(expected, ran, "{}", tell(graph, &undisturbed));
        if kills >= wanted_kills {
            break;
        }
    }
    println!("{kills} kills");
    assert!(kills > 0);
}
