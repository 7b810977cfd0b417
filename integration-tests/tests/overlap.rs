//! `X-RestartOverlap=`: the new instance takes the sockets before the old one has finished, and no daemon's death in between
//! changes that.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::time::Duration;

use integration_tests::{Builder, Place, needs, repository, wait};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);
/// A connection that waits for a start takes longer, for the starts here do.
const AT_ONCE: u64 = 1_000;

const SOCKET: &str = "[Socket]\nListenStream=/run/over.sock\nListenStream=3250\nTriggerLimitIntervalSec=0\n";
const SERVICE: &str = "[Unit]\nStartLimitIntervalSec=0\n\
    [Service]\nType=notify\nX-RestartOverlap=yes\nTimeoutStopSec=60\n\
    ExecStart=/usr/bin/python3 /run/place/dir/overlap_server.py\n";

fn boot(builder: Builder) -> Place {
    let place = builder
        .unit("over.socket", SOCKET)
        .unit("over.service", SERVICE)
        .unit(
            "user.service",
            "[Unit]\nRequires=over.service\nAfter=over.service\n[Service]\nExecStart=/bin/sleep 1000\n",
        )
        .boot();
    for program in ["overlap_server.py", "steady.py"] {
        let from = repository().join("integration-tests/programs").join(program);
        std::fs::copy(from, place.dir().join(program)).expect("a program");
    }
    place.systemctl(&["start", "over.socket", "user.service"]).good();
    place.wait_state("over.service", "active/running");
    place
}

fn main_pid(place: &Place) -> String {
    place.property("over.service", "MainPID")
}

/// A connection that the server is not done with.
struct Slow {
    client: Child,
    lines: BufReader<ChildStdout>,
}

impl Slow {
    fn begin(place: &Place) -> Slow {
        let line = "exec 3<>/dev/tcp/127.0.0.1/3250; echo slow >&3; exec cat <&3";
        let mut client = place.spawn(line);
        let lines = BufReader::new(client.stdout.take().expect("its output"));
        Slow { client, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn steady(place: &Place) -> Child {
    place.spawn("exec python3 /run/place/dir/steady.py /run/enough /run/over.sock 3250")
}

/// None refused, none lost, and none had to wait for anybody.
fn check_steady(place: &Place, client: Child) {
    place.bash("touch /run/enough").good();
    let output = client.wait_with_output().expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    println!("{text}");
    let numbers: Vec<u64> = text.split(' ').map(|word| word.parse().expect("a number")).collect();
    let [good, refused, lost, slowest] = numbers.as_slice() else { panic!("{text}") };
    assert_eq!((*refused, *lost), (0, 0), "{text}");
    assert!(*good > 10 && *slowest < AT_ONCE, "{text}");
}

fn alive(place: &Place, pid: &str) -> bool {
    place.run(&["test", "-d", &format!("/proc/{pid}")]).code == 0
}

/// Restarts, with daemons that are killed at each step.
fn restart(place: &Place, killed: &[&str]) {
    let kill = || killed.iter().for_each(|daemon| place.kill_daemon(daemon));
    let old = main_pid(place);
    let (user, run) = (place.property("user.service", "MainPID"), place.property("over.service", "InvocationID"));
    let mut slow = Slow::begin(place);
    assert_eq!(slow.line(), format!("begun {old}"));
    let client = steady(place);

    // The new one starts, and the old one serves.
    place.bash("touch /run/slow-start").good();
    let job = place.spawn("exec systemctl restart over.service");
    place.wait_state("over.service", "reloading/reload");
    kill();
    place.wait_state("over.service", "reloading/reload");
    assert_eq!(main_pid(place), old);
    std::thread::sleep(Duration::from_millis(300));

    // It takes over, and the old one finishes.
    place.bash("rm /run/slow-start").good();
    place.wait_state("over.service", "active/running");
    let new = main_pid(place);
    assert_ne!(new, old);
    assert_ne!(place.property("over.service", "InvocationID"), run);
    let done = job.wait_with_output().expect("systemctl");
    assert!(done.status.success() || !killed.is_empty(), "{done:?}");
    kill();
    std::thread::sleep(Duration::from_millis(300));
    assert!(alive(place, &old), "it has a connection");
    assert_eq!(main_pid(place), new);
    place.bash("touch /run/finish").good();
    assert_eq!(slow.line(), format!("done {old}"));
    drop(slow);
    assert!(wait::until(LONG, || !alive(place, &old)), "it has nothing to do any more");
    place.bash("rm /run/finish").good();

    check_steady(place, client);
    place.bash("rm /run/enough").good();
    assert_eq!(place.state("over.service"), "active/running");
    assert_eq!(main_pid(place), new);
    assert_eq!(place.property("user.service", "MainPID"), user, "what requires it was left alone");
}

/// The new one fails: the old one stays, and the cause is told.
fn restart_in_vain(place: &Place) {
    let old = main_pid(place);
    place.bash("touch /run/fail").good();
    let client = steady(place);
    assert_ne!(place.systemctl(&["restart", "over.service"]).code, 0);
    place.bash("rm /run/fail").good();
    assert_eq!(place.state("over.service"), "active/running");
    assert_eq!(main_pid(place), old);
    check_steady(place, client);
    place.bash("rm /run/enough").good();
    let why = place.run(&[&place.inner_bin().join("unitctl").display().to_string(), "why", "over.service"]).good();
    assert!(why.contains("the overlapping restart failed: main process"), "{why}");
}

#[test]
fn the_new_instance_takes_the_sockets_before_the_old_one_has_finished() {
    if !needs::root() {
        return;
    }
    let place = boot(Place::system());
    restart(&place, &[]);
    let pid = main_pid(&place);
    assert!(place.run(&["cat", &format!("/proc/{pid}/cgroup")]).good().ends_with("/over.service/run-1"));
    restart(&place, &[]);
    restart_in_vain(&place);
    // A stop ends both.
    let (old, mut slow) = (main_pid(&place), Slow::begin(&place));
    assert_eq!(slow.line(), format!("begun {old}"));
    place.systemctl(&["restart", "over.service"]).good();
    let new = main_pid(&place);
    assert!(alive(&place, &old) && old != new);
    let job = place.spawn("exec systemctl stop over.socket over.service");
    assert!(wait::until(LONG, || !alive(&place, &new)));
    assert!(alive(&place, &old), "it has its time to finish");
    place.bash("touch /run/finish").good();
    assert_eq!(slow.line(), format!("done {old}"));
    assert!(job.wait_with_output().expect("systemctl").status.success());
    assert_eq!(place.state("over.service"), "inactive/dead");
    assert!(!alive(&place, &old));
}

#[test]
fn daemons_are_killed_while_two_instances_run() {
    if !needs::root() {
        return;
    }
    let place = boot(Place::system());
    restart(&place, &["process-supervisor"]);
    restart(&place, &["process-supervisor", "unit-broker"]);
    restart(&place, &["unit-broker", "socket-activator"]);
    restart_in_vain(&place);
}

#[test]
fn without_control_groups_instances_are_told_apart_too() {
    if !needs::root() {
        return;
    }
    let place = boot(Place::system().no_cgroup());
    restart(&place, &[]);
    restart(&place, &["process-supervisor"]);
    restart_in_vain(&place);
}

#[test]
fn an_old_instance_that_does_not_end_is_killed_in_time_whoever_died() {
    if !needs::root() {
        return;
    }
    let service = "[Service]\nX-RestartOverlap=yes\nTimeoutStopSec=3\n\
        ExecStart=/bin/sh -c 'trap \"\" TERM; sleep 1000 & while :; do sleep 1000; done'\n";
    let place = Place::system().unit("stubborn.service", service).boot();
    place.systemctl(&["start", "stubborn.service"]).good();
    let old = place.property("stubborn.service", "MainPID");
    place.systemctl(&["restart", "stubborn.service"]).good();
    let new = place.property("stubborn.service", "MainPID");
    assert_ne!(old, new);
    assert!(alive(&place, &old));
    place.kill_daemon("process-supervisor");
    assert!(alive(&place, &old));
    assert!(wait::until(LONG, || !alive(&place, &old)));
    // What it had started is gone too, and nothing of the new one.
    wait::equal("2", || place.bash("pgrep -xc sleep").out);
    assert_eq!(place.property("stubborn.service", "MainPID"), new);
    assert_eq!(place.state("stubborn.service"), "active/running");
}
