//! What `Plan` says is what `EnqueueUnitJob` then makes: the same jobs, or the same refusal.
//!
//! `QUINTET_GRAPHS` and `QUINTET_SEED` as for [`crate::differential`].

use integration_tests::{Random, needs, number};

use crate::bus::{Argument, Value};
use crate::graph::Graph;
use crate::manager::{BROKER, GATE, Manager};
use crate::player::Player;
use crate::step::Step;

/// The jobs that are planned, or the error that is.
fn planned(manager: &mut Manager, graph: &Graph, unit: &str, job_type: &str, mode: &str) -> String {
    let arguments = [Argument::Text(job_type), Argument::Texts(&[unit]), Argument::Text(mode)];
    let reply = match manager.call_on(BROKER, "Plan", &arguments) {
        Ok(reply) => reply,
        Err(failure) => return format!("{failure:?}"),
    };
    let jobs = reply.first().map_or(&[][..], Value::list).iter().map(Value::list);
    let text = |job: &[Value], at: usize| job[at].text().to_owned();
    if let Some(refused) = jobs.clone().find(|job| text(job, 4) == "refused" && job[7].number() == u64::from(u32::MAX))
    {
        return format!("error {}", text(refused, 6));
    }
    let mut made: Vec<String> = jobs
        .filter(|job| ["new", "merged", "replaces"].contains(&job[4].text()))
        .filter(|job| text(job, 0).starts_with(&graph.prefix))
        .map(|job| format!("{} {}", text(job, 1), text(job, 0)))
        .collect();
    made.sort();
    made.join(", ")
}

/// The same from what a player wrote down.
fn made(reply: &str) -> String {
    if let Some(error) = reply.strip_prefix("error ") {
        return format!("error {}", error.split(':').next().unwrap_or_default());
    }
    let reply = reply.strip_prefix("reply ").unwrap_or(reply);
    let mut jobs: Vec<&str> =
        reply.split("; ").flat_map(|part| part.split(", ")).filter(|job| !job.is_empty()).collect();
    jobs.sort_unstable();
    jobs.join(", ")
}

#[test]
fn a_plan_is_what_happens() {
    if !needs::root() {
        return;
    }
    let first = number("QUINTET_SEED", 1);
    let graphs: Vec<Graph> =
        (first..first + number("QUINTET_GRAPHS", 25)).map(|seed| Graph::of_seed(seed, GATE)).collect();
    let mut manager = Manager::boot(false, &graphs);
    let mut plans = 0;
    for (graph, seed) in graphs.iter().zip(first..) {
        let mut player = Player::new(&mut manager, graph);
        let mut random = Random::seeded(seed ^ 0x91a5);
        for _ in 0..12 {
            let step = Step::random(&mut random, graph, &player.now);
            let Step::Job { unit, job_type, mode } = &step else {
                player.take(&step);
                continue;
            };
            let wanted = planned(player.manager, graph, unit, job_type, mode);
            let before = player.now.clone();
            let seen = player.take(&step);
            plans += 1;
            let got = made(&seen.lines[0]);
            assert_eq!(wanted, got, "{}: {step}\nbefore: {:#?}\n{:#?}", graph.prefix, before.lines(), graph.units);
        }
        player.clean();
    }
    println!("{plans} plans");
    assert!(plans > 0);
}
