//! Graphs of ten thousand units: nothing recurses, and nothing is looked at over and over.

use unit_broker::core::{ActiveState, JobMode, JobType};
use unit_parser::UnitName;

use crate::player::Player;
use crate::world::Files;

const COUNT: usize = 10_000;

/// Units of which each has a dependency on the next one, the last on the first.
fn ring(pulls: &str) -> Player {
    let mut files = Files::default();
    for at in 0..COUNT {
        let next = (at + 1) % COUNT;
        files.texts.insert(format!("u{at}.service"), format!("{pulls}=u{next}.service\nAfter=u{next}.service\n"));
    }
    Player::new(files)
}

fn active(player: &Player) -> usize {
    let units = player.engine.units();
    let is_active = |name: &&&UnitName| player.engine.unit(name).unwrap().active == ActiveState::Active;
    units.iter().filter(|name| name.as_str().starts_with('u')).filter(is_active).count()
}

#[test]
fn a_ring_that_can_be_broken() {
    let mut player = ring("Wants");
    player.request("u0.service", JobType::Start, JobMode::Replace);
    while player.work() {}
    // The job goes from which the search came back to its start (that of u1, which runs before u0), as in systemd, and
    // with it all that only it pulled in; not the one that was asked for.
    assert_eq!(active(&player), 1);
    assert_eq!(player.engine.unit(&UnitName::parse("u0.service").unwrap()).unwrap().active, ActiveState::Active);
    // The whole cycle is told.
    let dropped = player.engine.why(&UnitName::parse("u5000.service").unwrap());
    let told = dropped.iter().find(|entry| entry.change.starts_with("Ordering cycle found")).unwrap();
    assert_eq!(told.change.matches(" runs before ").count(), COUNT);
    assert!(told.change.contains("(u5000.service:2)"), "the line of each edge");
}

#[test]
fn a_ring_that_cannot_be_broken() {
    let mut player = ring("Requires");
    player.request("u0.service", JobType::Start, JobMode::Replace);
    assert!(player.out.iter().any(|line| line.starts_with("error")), "{:?}", player.out.first());
    assert_eq!((player.engine.job_count(), active(&player)), (0, 0));
}

#[test]
fn many_small_cycles() {
    let mut files = Files::default();
    let mut all = "Wants=".to_owned();
    for at in (0..COUNT).step_by(2) {
        let other = at + 1;
        files.texts.insert(format!("u{at}.service"), format!("After=u{other}.service\n"));
        files.texts.insert(format!("u{other}.service"), format!("After=u{at}.service\n"));
        all.push_str(&format!("u{at}.service u{other}.service "));
    }
    files.texts.insert("all.target".to_owned(), all);
    let mut player = Player::new(files);
    player.request("all.target", JobType::Start, JobMode::Replace);
    while player.work() {}
    assert_eq!(active(&player), COUNT / 2);
}
