//! A socket unit starts its server with the first connection.

use std::time::Duration;

use integration_tests::{Place, needs, wait};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

const SOCKET: &str = "[Socket]\nListenStream=3233\n[Install]\nWantedBy=sockets.target\n";
const SERVICE: &str = "[Service]\nExecStart=/usr/local/bin/my_server\n";

#[test]
fn the_first_connection_starts_the_server() {
    if !needs::root() {
        return;
    }
    let place = Place::system().unit("my_server.socket", SOCKET).unit("my_server.service", SERVICE).boot();
    place.systemctl(&["enable", "--now", "my_server.socket"]).good();
    assert_eq!(place.state("my_server.socket"), "active/listening");
    assert_eq!(place.state("my_server.service"), "inactive/dead");
    assert_eq!(place.property("my_server.service", "MainPID"), "0");
    assert!(place.systemctl(&["list-sockets", "--no-legend"]).good().contains("my_server.socket"));

    assert_eq!(place.greet(3233).as_deref(), Ok("Hello from the server!"));
    place.wait_state("my_server.service", "active/running");
    assert_eq!(place.state("my_server.socket"), "active/running");
    let pid = place.property("my_server.service", "MainPID");
    assert_eq!(place.greet(3233).as_deref(), Ok("Hello from the server!"));
    assert_eq!(place.property("my_server.service", "MainPID"), pid, "one server for all connections");

    place.systemctl(&["stop", "my_server.service"]).good();
    place.wait_state("my_server.socket", "active/listening");
    assert_eq!(place.greet(3233).as_deref(), Ok("Hello from the server!"));
    place.wait_state("my_server.service", "active/running");
    assert_ne!(place.property("my_server.service", "MainPID"), pid);

    place.systemctl(&["stop", "my_server.socket", "my_server.service"]).good();
    assert!(place.greet(3233).is_err(), "nobody listens any more");
}

#[test]
fn the_server_binds_by_itself_when_run_alone() {
    if !needs::root() {
        return;
    }
    let service = "[Service]\nExecStart=/usr/local/bin/my_server\n";
    let place = Place::system().unit("alone.service", service).boot();
    place.systemctl(&["start", "alone.service"]).good();
    let greeted = integration_tests::wait::until(std::time::Duration::from_secs(5), || {
        place.greet(3233).as_deref() == Ok("Hello from the server!")
    });
    assert!(greeted);
}

#[test]
fn an_accepting_socket_starts_an_instance_per_connection() {
    if !needs::root() {
        return;
    }
    let socket = "[Socket]\nListenStream=3234\nAccept=yes\n";
    let service =
        "[Service]\nExecStart=/bin/sh -c 'echo hello $REMOTE_ADDR'\nStandardInput=socket\nStandardOutput=socket\n";
    let place = Place::system().unit("echo.socket", socket).unit("echo@.service", service).boot();
    place.systemctl(&["start", "echo.socket"]).good();
    for _ in 0..5 {
        assert_eq!(place.greet(3234).as_deref(), Ok("hello 127.0.0.1"));
    }
    assert_eq!(place.property("echo.socket", "NAccepted"), "5");
    assert_eq!(place.state("echo.socket"), "active/listening");
}

#[test]
fn a_pause_at_the_trigger_limit_is_said_and_ends_by_itself() {
    if !needs::root() {
        return;
    }
    let socket = "[Socket]\nListenStream=/run/often.sock\nTriggerLimitBurst=3\nTriggerLimitIntervalSec=1\n\
        X-TriggerLimitPauseSec=2\n";
    let service =
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo start >>/run/starts'\n";
    let place = Place::system().unit("often.socket", socket).unit("often.service", service).boot();
    place.systemctl(&["start", "often.socket"]).good();
    let said = || place.property("often.socket", "StatusText");
    assert_eq!(said(), "");
    // Nobody accepts it: the service is started again and again.
    let connect =
        "import socket, time; s = socket.socket(socket.AF_UNIX); s.connect('/run/often.sock'); time.sleep(60)";
    let mut client = place.spawn(&format!("exec python3 -c \"{connect}\""));
    let paused = wait::until(LONG, || said().starts_with("Trigger limit hit, activation pauses for 2 s"));
    assert!(paused, "{}", place.log());
    let status = || place.systemctl(&["status", "often.socket"]).out;
    assert!(wait::until(LONG, || status().contains("Status: \"Trigger limit hit")), "{}", status());
    place.wait_state("often.socket", "active/listening");
    let starts = || place.lines("/run/starts").len();
    let before = starts();
    place.kill_daemon("socket-activator");
    assert!(wait::until(LONG, || starts() > before), "it goes on");
    assert!(wait::until(LONG, || said().contains("pauses for 4 s")), "the next one is longer");
    let _ = client.kill();
    let _ = client.wait();
}

#[test]
fn a_connection_whose_instance_cannot_be_started_is_not_held() {
    if !needs::root() {
        return;
    }
    let service = "[Unit]\nRequires=no-such.service\n[Service]\nExecStart=/bin/true\n";
    let place = Place::system()
        .unit("bad.socket", "[Socket]\nListenStream=3243\nAccept=yes\n")
        .unit("bad@.service", service)
        .boot();
    place.systemctl(&["start", "bad.socket"]).good();
    let _ = place.greet(3243);
    place.wait_state("bad.socket", "failed/failed");
    assert_eq!(place.property("bad.socket", "Result"), "resources");
    assert_eq!(place.property("bad.socket", "NAccepted"), "1");
    wait::equal("0", || place.property("bad.socket", "NConnections"));
}

/// The supervisor has had copies of the sockets: they must not keep a port that its unit has given back.
#[test]
fn a_stopped_socket_is_closed_though_its_service_is_up() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("idle.socket", "[Socket]\nListenStream=3233\n")
        .unit("idle.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
        .boot();
    place.systemctl(&["start", "idle.socket"]).good();
    place.systemctl(&["start", "idle.service"]).good();
    place.systemctl(&["stop", "idle.socket"]).good();
    let refused = || place.bash(": </dev/tcp/127.0.0.1/3233").code != 0;
    assert!(wait::until(LONG, refused), "the port is free");
    assert_eq!(place.state("idle.service"), "active/exited");
}
