//! Thousands of listening sockets: they are there, survive the activator, and each starts the service.

use std::fmt::Write;
use std::time::Duration;

use integration_tests::{Place, needs, wait};

/// Units, and sockets of each: as many as a process may have open files where nobody may raise the limit to more.
const UNITS: usize = 80;
const SOCKETS: usize = 200;

const SERVICE: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

#[test]
fn sixteen_thousand_sockets_survive_the_activator() {
    if !needs::root() {
        return;
    }
    let mut builder = Place::system();
    for unit in 0..UNITS {
        let mut socket = String::from("[Socket]\n");
        for number in 0..SOCKETS {
            let _ = writeln!(socket, "ListenStream=/run/many/{unit}.{number}");
        }
        let name = format!("a-long-name-for-a-socket-{unit}");
        builder = builder.unit(&format!("{name}.socket"), &socket).unit(&format!("{name}.service"), SERVICE);
    }
    let place = builder.boot();
    let all: Vec<String> = (0..UNITS).map(|unit| format!("a-long-name-for-a-socket-{unit}.socket")).collect();
    let start: Vec<&str> = ["start"].into_iter().chain(all.iter().map(String::as_str)).collect();
    place.systemctl(&start).good();
    assert_eq!(place.bash("ls /run/many | wc -l").good(), (UNITS * SOCKETS).to_string());
    place.kill_daemon("socket-activator");
    let path = format!("/run/many/{}.{}", UNITS - 1, SOCKETS - 1);
    let connect = format!("import socket; s = socket.socket(socket.AF_UNIX); s.connect('{path}')");
    place.run(&["python3", "-c", &connect]).good();
    let service = format!("a-long-name-for-a-socket-{}.service", UNITS - 1);
    let started = wait::until(Duration::from_secs(20), || place.state(&service) == "active/running");
    assert!(started, "a connection to {path} starts its service");
    let pid = place.property(&service, "MainPID");
    let got = format!("tr '\\0' '\\n' </proc/{pid}/environ | grep ^LISTEN_FDS=");
    assert_eq!(place.bash(&got).good(), format!("LISTEN_FDS={SOCKETS}"));
    assert!(!place.log().contains("did not survive"), "no socket was opened anew");
}
