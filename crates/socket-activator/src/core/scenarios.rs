//! Runs `scenarios/*`: a policy, then events (`@TIME EVENT`), each followed by the actions that must come of it.

use std::fmt::Write;

use super::event::{Action, Event, Exit};
use super::instance::Endpoint;
use super::{Machine, Policy, SocketResult};

fn policy(words: &str) -> Policy {
    let mut policy = Policy {
        unit: "a.socket".into(),
        accept: false,
        service: "a.service".into(),
        prefix: "a".into(),
        flush_pending: false,
        max_connections: 64,
        max_connections_per_source: 0,
        trigger_limit_interval: 2_000_000,
        trigger_limit_burst: 20,
        trigger_pause: 0,
        trigger_pause_max: 0,
        timeout: 1000,
        chown: false,
        send_sigkill: true,
        kill_signal: 15,
        restart_kill_signal: 10,
        final_kill_signal: 9,
        start_pre: Vec::new(),
        start_post: Vec::new(),
        stop_pre: Vec::new(),
        stop_post: Vec::new(),
    };
    // A command that fails is written `n`, one whose failure is ignored `-`.
    let commands = |text: &str| text.chars().map(|c| c == '-').collect();
    for word in words.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "accept" => policy.accept = true,
            "flush" => policy.flush_pending = true,
            "chown" => policy.chown = true,
            "no-sigkill" => policy.send_sigkill = false,
            "max" => policy.max_connections = value.parse().unwrap(),
            "max-per-source" => policy.max_connections_per_source = value.parse().unwrap(),
            "burst" => policy.trigger_limit_burst = value.parse().unwrap(),
            "interval" => policy.trigger_limit_interval = value.parse().unwrap(),
            "pause" => policy.trigger_pause = value.parse().unwrap(),
            "pause-max" => policy.trigger_pause_max = value.parse().unwrap(),
            "start-pre" => policy.start_pre = commands(value),
            "start-post" => policy.start_post = commands(value),
            "stop-pre" => policy.stop_pre = commands(value),
            "stop-post" => policy.stop_post = commands(value),
            _ => panic!("policy {word}"),
        }
    }
    policy
}

fn event(line: &str) -> Event {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    match words[0] {
        "start" => Event::Start,
        "stop" => Event::Stop { restart: words.get(1) == Some(&"restart") },
        "reset-failed" => Event::ResetFailed,
        "opened" => Event::Opened,
        "open-failed" => Event::OpenFailed { text: words[1..].join(" ") },
        "spawned" => Event::Spawned { pid: number(1) as u32 },
        "spawn-failed" => Event::SpawnFailed { text: words[1..].join(" ") },
        "exited" => Event::Exited(Exit::Code(number(1) as i32)),
        "killed" => Event::Exited(Exit::Signal(number(1) as i32)),
        "timeout" => Event::Timeout,
        "traffic" => Event::Traffic { id: number(1) },
        "connection" => {
            let peer = match words[2].split_once('/') {
                Some((pid, uid)) => Endpoint::Unix(Some((pid.parse().unwrap(), uid.parse().unwrap()))),
                None => Endpoint::Inet(words[2].parse().unwrap()),
            };
            let local = Endpoint::Inet("[::1]:80".parse().unwrap());
            Event::Connection { id: number(1), cookie: number(1) + 100, local, peer }
        }
        "broken" => Event::Broken { text: words[1..].join(" ") },
        "service" => Event::Service {
            name: words[1].into(),
            sub: words[2].into(),
            start_limit_hit: words.get(3) == Some(&"start-limit-hit"),
        },
        "fail" => Event::Fail(SocketResult::from_word(words[1])),
        "ack" => Event::Ack { id: number(1) },
        _ => panic!("event {line}"),
    }
}

fn render(action: &Action, machine: &Machine) -> String {
    match action {
        Action::Open => "open".into(),
        Action::Close => "close".into(),
        Action::Flush => "flush".into(),
        Action::Poll(on) => format!("poll {}", if *on { "on" } else { "off" }),
        Action::Spawn { phase, index } => format!("spawn {} {index}", phase.as_str()),
        Action::Kill { signal, last } => format!("kill {signal}{}", if *last { " all" } else { "" }),
        Action::Timer(Some(at)) => format!("timer {at}"),
        Action::Timer(None) => "timer off".into(),
        Action::Trigger(t) => format!("trigger {} {} {}", t.id, t.service, t.environment.join(" ")).trim_end().into(),
        Action::Forget { cookie } => format!("forget {cookie}"),
        Action::Refuse { cookie } => format!("refuse {cookie}"),
        Action::Changed { state, result, .. } => {
            format!("changed {}/{} {}", state.active(), state.sub(), result.as_str())
        }
        Action::Updated => format!(
            "updated {} accepted {} held {} refused",
            machine.connections.accepted,
            machine.connections.count(),
            machine.connections.refused
        ),
        Action::Log { level, text } => format!("log {level} {text}"),
    }
}

#[test]
fn scenarios() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(!names.is_empty());
    let mut failures = String::new();
    for name in names {
        let expected = std::fs::read_to_string(&name).unwrap();
        let mut seen = String::new();
        let mut machine: Option<Machine> = None;
        for line in expected.lines() {
            if let Some(words) = line.strip_prefix("policy") {
                writeln!(seen, "{line}").unwrap();
                machine = Some(Machine::new(policy(words).into()));
            } else if let Some(rest) = line.strip_prefix('@') {
                writeln!(seen, "{line}").unwrap();
                let machine = machine.as_mut().expect("policy first");
                let (now, what) = rest.split_once(' ').unwrap();
                let now = now.parse().unwrap();
                let actions = if what == "restart of the daemon" {
                    let saved = serde_json::to_string(&machine).unwrap();
                    let policy = machine.policy.clone();
                    *machine = serde_json::from_str(&saved).unwrap();
                    machine.policy = policy;
                    machine.resume(now)
                } else {
                    machine.handle(now, event(what))
                };
                for action in &actions {
                    writeln!(seen, "  {}", render(action, machine)).unwrap();
                }
                let state = machine.state();
                writeln!(seen, "= {}/{} {}", state.active(), state.sub(), machine.result().as_str()).unwrap();
            } else if line.starts_with('#') || line.is_empty() {
                writeln!(seen, "{line}").unwrap();
            }
        }
        if seen != expected {
            writeln!(failures, "{}:\n{seen}", name.display()).unwrap();
        }
        if std::env::var_os("WRITE_SCENARIOS").is_some() {
            std::fs::write(&name, seen).unwrap();
        }
    }
    assert!(failures.is_empty(), "what happened instead:\n{failures}");
}
