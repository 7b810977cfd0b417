//! Scenarios: daemons that end, and ends that take their time.

use super::*;

const POWER_OFF: EndRequest = EndRequest { end: End::PowerOff, status: 0 };

fn booted() -> Launcher {
    booted_with(5_000)
}

fn booted_with(longest_wait: u64) -> Launcher {
    let mut launcher = Launcher::new(longest_wait);
    assert_eq!(launcher.handle(0, Event::Boot).len(), 4);
    for (pid, daemon) in (10..).zip(Daemon::ALL) {
        assert_eq!(launcher.handle(0, Event::Spawned(daemon, pid)), []);
    }
    launcher
}

fn exited(pid: i32) -> Event {
    Event::Exited { pid, code: 1, status: 0 }
}

fn spawns(actions: &[Action]) -> Vec<Daemon> {
    actions.iter().filter_map(|action| if let Action::Spawn(daemon) = action { Some(*daemon) } else { None }).collect()
}

#[test]
fn a_daemon_that_ends_is_back_at_once() {
    let mut launcher = booted();
    assert_eq!(spawns(&launcher.handle(60_000, exited(12))), [Daemon::DeviceWatcher]);
    assert_eq!(launcher.deadline(), None);
}

#[test]
fn a_daemon_that_cannot_stay_up_is_tried_slower_and_slower() {
    let mut launcher = booted();
    let (mut now, mut waits) = (60_000, Vec::new());
    let mut actions = launcher.handle(now, exited(13));
    for pid in 100..110 {
        while spawns(&actions).is_empty() {
            let due = launcher.deadline().expect("a restart is due");
            waits.push(due - now);
            now = due;
            actions = launcher.handle(now, Event::Tick);
        }
        launcher.handle(now, Event::Spawned(Daemon::UnitBroker, pid));
        now += 1;
        actions = launcher.handle(now, exited(pid));
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
}

#[test]
fn without_a_wait_it_is_back_at_once_however_often() {
    let mut launcher = booted_with(0);
    for (now, pid) in (60_000..60_020).zip(100..) {
        let last = if pid == 100 { 13 } else { pid - 1 };
        assert_eq!(spawns(&launcher.handle(now, exited(last))), [Daemon::UnitBroker]);
        launcher.handle(now, Event::Spawned(Daemon::UnitBroker, pid));
    }
}

#[test]
fn an_orphans_exit_status_goes_to_the_supervisor() {
    let mut launcher = booted();
    let actions = launcher.handle(5, Event::Exited { pid: 77, code: 2, status: 9 });
    assert_eq!(actions, [Action::ForwardExit { pid: 77, code: 2, status: 9 }]);
}

#[test]
fn an_end_in_order() {
    let mut launcher = booted();
    assert_eq!(launcher.handle(5, Event::Leave(POWER_OFF)), [Action::AskBroker(13, POWER_OFF)]);
    assert_eq!(
        launcher.handle(6, Event::UnitsStopped(POWER_OFF)),
        [Action::Terminate(11), Action::Terminate(12), Action::Terminate(13)]
    );
    assert_eq!(launcher.handle(7, exited(11)), []);
    assert_eq!(launcher.handle(7, exited(12)), []);
    assert_eq!(launcher.handle(7, exited(13)), [Action::Terminate(10)]);
    assert_eq!(launcher.handle(8, exited(10)), [Action::Sweep(false)]);
    assert_eq!(launcher.handle(9, Event::Alone), [Action::Finish(POWER_OFF)]);
    assert_eq!(launcher.deadline(), None);
}

#[test]
fn a_broker_that_was_away_is_asked_when_it_is_back() {
    let mut launcher = booted();
    launcher.handle(60_000, exited(13));
    assert_eq!(launcher.handle(60_000, Event::Leave(POWER_OFF)), []);
    launcher.handle(60_001, Event::Spawned(Daemon::UnitBroker, 20));
    assert_eq!(launcher.handle(60_002, Event::Ready(Daemon::UnitBroker)), [Action::AskBroker(20, POWER_OFF)]);
}

#[test]
fn every_limit_leads_on_to_the_end() {
    let mut launcher = booted();
    launcher.handle(0, Event::Leave(POWER_OFF));
    let mut seen = Vec::new();
    for _ in 0..20 {
        let Some(deadline) = launcher.deadline() else { break };
        let actions = launcher.handle(deadline, Event::Tick);
        let killed: Vec<i32> =
            actions.iter().filter_map(|a| if let Action::Kill(pid) = a { Some(*pid) } else { None }).collect();
        seen.extend(actions);
        for pid in killed {
            seen.extend(launcher.handle(deadline, exited(pid)));
        }
    }
    assert_eq!(seen.last(), Some(&Action::Finish(POWER_OFF)));
    assert!(seen.contains(&Action::Sweep(true)));
}

#[test]
fn the_third_request_is_taken_seriously() {
    let mut launcher = booted();
    launcher.handle(0, Event::Leave(POWER_OFF));
    assert_eq!(launcher.handle(1, Event::Leave(POWER_OFF)), []);
    assert!(launcher.handle(2, Event::Leave(POWER_OFF)).contains(&Action::Terminate(13)));
}

#[test]
fn renewed_daemons_come_back_unless_we_are_leaving() {
    let mut launcher = booted();
    assert_eq!(launcher.handle(60_000, Event::Renew), [10, 11, 12, 13].map(Action::Terminate));
    assert_eq!(spawns(&launcher.handle(60_001, exited(10))), [Daemon::ProcessSupervisor]);
    launcher.handle(60_002, Event::UnitsStopped(POWER_OFF));
    assert_eq!(launcher.handle(60_003, Event::Renew), []);
}
