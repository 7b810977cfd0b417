//! The namespaces that the processes of a unit share, and units that are joined (`JoinsNamespaceOf=`): as in systemd 252, and
//! over the death of the supervisor.

use std::collections::BTreeSet;
use std::fs;

use integration_tests::{Builder, Place, needs};

/// Tells which command of which unit sees what: `UNIT COMMAND net:[1] ipc:[2] lo,own0`.
const SEE: &str = "/bin/sh -c 'echo %n $0 $$(readlink /proc/self/ns/net /proc/self/ns/ipc) \
                   $$(ip -o link show up | cut -d: -f2 | cut -d@ -f1 | xargs) >>/run/seen'";

/// A unit that stays, without a process of its own, when its commands are done.
fn unit(head: &str, settings: &str, commands: &str) -> String {
    let commands: String = commands
        .lines()
        .map(|line| match line.split_once("=see ") {
            Some((directive, name)) => format!("{directive}={SEE} {name}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    format!("[Unit]\n{head}\n[Service]\nType=oneshot\nRemainAfterExit=yes\n{settings}\n{commands}")
}

fn places() -> Vec<(bool, Builder)> {
    let mut places = vec![(true, Place::system())];
    if needs::systemd() {
        let targets = ["default", "sysinit", "basic", "shutdown"];
        let bare = |name: &&str| (format!("{name}.target"), "[Unit]\nDefaultDependencies=no\n");
        let systemd =
            targets.iter().map(bare).fold(Place::system().systemd(), |place, (name, text)| place.unit(&name, text));
        places.push((false, systemd));
    }
    places
}

/// What the commands saw since the last time: a word for the command (`a:start`), and what it told.
fn seen(place: &Place) -> Vec<(String, String)> {
    let lines = place.lines("/run/seen");
    place.bash(": >/run/seen").good();
    let parse = |line: &String| {
        let (unit, rest) = line.split_once(".service ")?;
        let (command, told) = rest.split_once(' ')?;
        Some((format!("{unit}:{command}"), told.to_owned()))
    };
    lines.iter().filter_map(parse).collect()
}

fn commands(seen: &[(String, String)]) -> Vec<&str> {
    seen.iter().map(|(command, _)| command.as_str()).collect()
}

fn different(seen: &[(String, String)]) -> usize {
    seen.iter().map(|(_, told)| told).collect::<BTreeSet<_>>().len()
}

/// The namespaces that a daemon holds by descriptors.
fn held(place: &Place, daemon: &str) -> usize {
    let links = fs::read_dir(format!("/proc/{}/fd", place.daemon(daemon))).expect("its descriptors");
    let targets = links.flatten().filter_map(|link| fs::read_link(link.path()).ok());
    targets.filter(|target| ["net:", "ipc:"].iter().any(|kind| target.to_string_lossy().starts_with(kind))).count()
}

const PRIVATE: &str = "PrivateNetwork=yes\nPrivateIPC=yes";

#[test]
fn all_processes_of_a_run_are_in_the_same() {
    if !needs::root() {
        return;
    }
    let text = unit(
        "",
        PRIVATE,
        "ExecStartPre=ip link add own0 type veth peer name own1\nExecStartPre=ip link set own0 up\n\
         ExecStartPre=see pre\nExecStart=see start\nExecStartPost=see post\nExecReload=see reload\nExecStop=see stop\n\
         ExecStopPost=see stop-post",
    );
    for (ours, builder) in places() {
        let place = builder.unit("a.service", &text).boot();
        let kill = || {
            if ours {
                place.kill_daemon("process-supervisor");
            }
        };
        place.systemctl(&["start", "a.service"]).good();
        kill();
        place.systemctl(&["reload", "a.service"]).good();
        kill();
        place.systemctl(&["restart", "a.service"]).good();
        let all = seen(&place);
        let wanted = ["a:pre", "a:start", "a:post", "a:reload", "a:stop", "a:stop-post", "a:pre", "a:start", "a:post"];
        assert_eq!(commands(&all), wanted, "the interface could be made again: it was another network");
        let (first, second) = all.split_at(6);
        assert_eq!((different(first), different(second)), (1, 1), "{all:?}");
        assert!(all.iter().all(|(_, told)| told.ends_with(" lo own0")), "a loopback that is up: {all:?}");
        if ours {
            assert_eq!((held(&place, "process-supervisor"), held(&place, "quintet")), (2, 2));
            place.systemctl(&["stop", "a.service"]).good();
            assert_eq!((held(&place, "process-supervisor"), held(&place, "quintet")), (0, 0));
        }
    }
}

#[test]
fn units_are_joined_as_long_as_one_is_up() {
    if !needs::root() {
        return;
    }
    let start = "ExecStart=see start";
    for (ours, builder) in places() {
        let place = builder
            .unit("a.service", &unit("", PRIVATE, start))
            .unit("b.service", &unit("JoinsNamespaceOf=a.service", PRIVATE, start))
            .unit("c.service", &unit("JoinsNamespaceOf=b.service", PRIVATE, start))
            .unit("d.service", &unit("JoinsNamespaceOf=a.service", "PrivateIPC=yes", start))
            .boot();
        let kill = || {
            if ours {
                place.kill_daemon("process-supervisor");
            }
        };
        place.systemctl(&["start", "a.service"]).good();
        place.systemctl(&["start", "b.service"]).good();
        let all = seen(&place);
        assert_eq!((commands(&all), different(&all)), (vec!["a:start", "b:start"], 1), "{all:?}");
        kill();
        // It outlives the unit that made it, which finds it again.
        place.systemctl(&["stop", "a.service"]).good();
        kill();
        place.systemctl(&["start", "a.service"]).good();
        let again = seen(&place);
        assert_eq!(again, all[..1], "{all:?}");
        // Whoever joins b.service doesn't get what that has of another.
        place.systemctl(&["start", "c.service"]).good();
        let third = seen(&place);
        assert_ne!(third[0].1, all[0].1);
        // What is not asked for is not private.
        place.systemctl(&["start", "d.service"]).good();
        let fourth = seen(&place);
        let parts = |told: &str| told.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (of_a, of_d) = (parts(&all[0].1), parts(&fourth[0].1));
        assert!(of_a[0] != of_d[0] && of_a[1] == of_d[1], "{of_a:?}, {of_d:?}");
        if ours {
            place.systemctl(&["stop", "a.service", "b.service", "c.service"]).good();
            assert_eq!((held(&place, "process-supervisor"), held(&place, "quintet")), (1, 1), "that of d.service");
        }
    }
}

#[test]
fn a_path_wins() {
    if !needs::root() {
        return;
    }
    let network = "PrivateNetwork=yes\nNetworkNamespacePath=/run/given";
    for (_, builder) in places() {
        let place = builder
            .unit("a.service", &unit("", network, "ExecStart=see start"))
            .unit("b.service", &unit("JoinsNamespaceOf=a.service", "PrivateNetwork=yes", "ExecStart=see start"))
            .unit("ipc.service", &unit("", "PrivateIPC=yes\nIPCNamespacePath=/run/missing", "ExecStart=see start"))
            .boot();
        let status = |unit: &str| {
            assert_ne!(place.systemctl(&["start", unit]).code, 0);
            place.property(unit, "ExecMainStatus")
        };
        assert_eq!(status("a.service"), "225");
        place.bash("echo >/run/given").good();
        assert_eq!(status("a.service"), "225", "a file that is no namespace");
        assert_eq!(status("ipc.service"), "226");
        place.bash("unshare -n --propagation unchanged mount --bind /proc/self/ns/net /run/given").good();
        place.systemctl(&["start", "a.service", "b.service"]).good();
        let all = seen(&place);
        let given = place.bash("stat -L -c net:[%i] /run/given").good();
        assert!(!all.is_empty() && all.iter().all(|(_, told)| told.starts_with(&given)), "{given}: {all:?}");
    }
}

/// A socket opened in the network of a service, a service in that of a socket, and sockets among themselves.
#[test]
fn sockets_and_services_share() {
    if !needs::root() {
        return;
    }
    let socket = |head: &str, port: u16| {
        let see = SEE.replace("%n", "%p.service");
        format!(
            "[Unit]\n{head}\n[Socket]\nListenStream=127.0.0.1:{port}\n{PRIVATE}\nService=idle.service\nExecStartPost={see} open\n"
        )
    };
    for (ours, builder) in places() {
        let place = builder
            .unit("idle.service", "[Service]\nExecStart=/bin/sleep 1000\n")
            .unit("first.service", &unit("", PRIVATE, "ExecStart=see start"))
            .unit("second.socket", &socket("JoinsNamespaceOf=first.service", 3300))
            .unit("third.socket", &socket("", 3300))
            .unit("fourth.socket", &socket("JoinsNamespaceOf=third.socket", 3301))
            .unit("fifth.service", &unit("JoinsNamespaceOf=third.socket", PRIVATE, "ExecStart=see start"))
            .boot();
        let kill = || {
            if ours {
                place.kill_daemon("socket-activator");
                place.kill_daemon("process-supervisor");
            }
        };
        let start = |unit: &str| {
            place.systemctl(&["start", unit]).good();
            seen(&place).pop().expect("its command has run").1
        };
        let first = start("first.service");
        kill();
        assert_eq!(start("second.socket"), first);
        // What a socket still has is found again by the service that made it.
        place.systemctl(&["stop", "first.service"]).good();
        kill();
        assert_eq!(start("first.service"), first);
        let third = start("third.socket");
        assert_ne!(third, first);
        kill();
        assert_eq!((start("fourth.socket"), start("fifth.service")), (third.clone(), third.clone()));
        place.systemctl(&["stop", "third.socket", "fourth.socket"]).good();
        kill();
        assert_eq!(start("third.socket"), third, "fifth.service has them");
        place.systemctl(&["stop", "third.socket", "second.socket", "fifth.service", "first.service"]).good();
        assert_ne!(start("third.socket"), third);
        if ours {
            assert_eq!((held(&place, "process-supervisor"), held(&place, "socket-activator")), (0, 2));
            assert_eq!(held(&place, "quintet"), 2, "those of third.socket");
        }
    }
}
