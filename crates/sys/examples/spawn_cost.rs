//! What spawning costs: medians in µs of the call, and of the whole life of /bin/true. Pass a process-executor to measure
//! with; without one this program is its own.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use std::time::Instant;
use sys::cgroup::CgroupRoot;
use sys::executor::{Job, Stdio};
use sys::spawn::{Executor, Method, SpawnRequest, spawn_by};

const ROUNDS: usize = 1_000;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    if argument.as_ref().is_some_and(|a| a.parse::<i32>().is_ok()) {
        return sys::executor::main();
    }
    let program = argument.map_or_else(|| std::env::current_exe().expect("own path"), Into::into);
    let executor = Executor::open(&program).expect("executor");
    let env = (0..20).map(|n| (format!("VARIABLE_{n}"), "some value".to_owned())).collect();
    let job = Job { path: "/bin/true".into(), env, stdin: Stdio::Null, ..Job::default() };
    let cgroup =
        CgroupRoot::detect().ok().and_then(|root| root.create(&format!("spawn-cost-{}", std::process::id())).ok());

    measure("std Command", || {
        let mut child = Command::new("/bin/true").stdin(File::open("/dev/null").expect("null")).spawn().expect("spawn");
        let called = Instant::now();
        child.wait().expect("wait");
        called
    });
    for (name, method, cgroup) in [
        ("direct", Method::Direct, None),
        ("direct, into a cgroup", Method::Direct, cgroup.as_ref()),
        ("clone3", Method::Clone3, None),
        ("clone3 into a cgroup", Method::Clone3, cgroup.as_ref()),
        ("clone3, then attach", Method::Clone3Attach, cgroup.as_ref()),
        ("fork", Method::Fork, None),
    ] {
        measure(name, || {
            let child = spawn_by(method, &SpawnRequest { executor: &executor, job: &job, cgroup }).expect("spawn");
            let called = Instant::now();
            let mut poll = [nix::poll::PollFd::new(child.pidfd.as_fd(), nix::poll::PollFlags::POLLIN)];
            nix::poll::poll(&mut poll, nix::poll::PollTimeout::NONE).expect("poll");
            assert!(child.pidfd.reap().expect("reap").is_some_and(sys::ExitStatus::success));
            called
        });
    }
    if let Some(cgroup) = cgroup {
        cgroup.remove().expect("remove");
    }
    ExitCode::SUCCESS
}

/// `round` returns when its call had returned.
fn measure(name: &str, round: impl Fn() -> Instant) {
    let (mut calls, mut lives): (Vec<u128>, Vec<u128>) = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let called = round();
            (called.duration_since(start).as_micros(), start.elapsed().as_micros())
        })
        .unzip();
    calls.sort_unstable();
    lives.sort_unstable();
    let median = |sorted: &[u128]| sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    println!("{name:24} call {:6} µs   to the end {:6} µs", median(&calls), median(&lives));
}
