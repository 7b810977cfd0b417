//! pidfds, reaping and cgroups with real processes.

use crate::harness::{executor, shell, wait};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use sys::ExitStatus;
use sys::cgroup::{CgroupRoot, Watcher};
use sys::executor::Stdio;
use sys::pidfd::PidFd;
use sys::spawn::{Executor, Method, SpawnRequest, spawn, spawn_by};

type Test = fn() -> Result<(), String>;

pub const TABLE: [(&str, Test); 8] = [
    ("exit status of what others reaped", reaped_elsewhere),
    ("orphans come to a subreaper", orphans),
    ("a pidfd by its descriptor alone", from_fd),
    ("born in a cgroup, watched, killed, removed", in_cgroup),
    ("a cgroup whose processes were killed takes new ones", reused_cgroup),
    ("no chain of forks outruns a kill", fork_chain),
    ("all ways of spawning into a cgroup", methods),
    ("an executor that is gone", no_executor),
];

fn start(script: &str) -> sys::spawn::Spawned {
    let mut job = shell(script);
    job.stdin = Stdio::Null;
    spawn(&SpawnRequest { executor: &executor(), job: &job, cgroup: None }).unwrap()
}

fn same<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("  got {got:?}, expected {expected:?}")) }
}

fn readable(fd: impl AsFd) {
    poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
}

fn reaped_elsewhere() -> Result<(), String> {
    let child = start("exit 9");
    let other = child.pidfd.try_clone().unwrap();
    same(other.ended() || wait(&child.pidfd) == ExitStatus::Exited(9), true)?;
    readable(&child.pidfd);
    let _ = child.pidfd.reap(); // ECHILD when `wait` has done it
    same(other.send_signal(0).map_err(|e| e.raw_os_error()), Err(Some(libc::ESRCH)))?;
    match other.exit_status().unwrap() {
        None => {
            println!("left out, this kernel does not keep exit statuses of reaped processes");
            Ok(())
        }
        exit => same(exit, Some(ExitStatus::Exited(9))),
    }
}

fn orphans() -> Result<(), String> {
    sys::subreaper::enable().unwrap();
    let me = std::process::id() as i32;
    // The shell starts a grandchild that outlives it, and ends.
    let child = start("sleep 1000 & exit 3");
    same(wait(&child.pidfd), ExitStatus::Exited(3))?;
    let children = sys::process::children(me).unwrap();
    same(children.len(), 1)?;
    same(sys::process::descendants(me).into_iter().collect::<Vec<_>>(), children.clone())?;
    while sys::process::cmdline(children[0]).unwrap() != "sleep 1000" {
        std::thread::yield_now(); // it is on its way from the shell to sleep
    }
    same(sys::reap::any().unwrap(), None)?;
    let orphan = PidFd::open(children[0]).unwrap();
    orphan.send_signal(libc::SIGKILL).unwrap();
    readable(&orphan);
    same(sys::reap::peek_any().unwrap(), Some((children[0], ExitStatus::Killed(9))))?;
    same(sys::process::Stat::read(children[0]).unwrap().state, 'Z')?;
    same(sys::reap::any().unwrap(), Some((children[0], ExitStatus::Killed(9))))?;
    same(sys::reap::any().unwrap(), None)
}

fn from_fd() -> Result<(), String> {
    let child = start("read never");
    let again = PidFd::from_fd(child.pidfd.as_fd().try_clone_to_owned().unwrap()).unwrap();
    same(again.pid(), child.pid)?;
    same(again.inode().unwrap(), child.pidfd.inode().unwrap())?;
    same(again.exit_status().unwrap().is_some(), false).or_else(|_| same(again.ended(), true))?;
    wait(&child.pidfd);
    same(PidFd::from_fd(again.into()).map(|p| p.pid()).map_err(|e| e.raw_os_error()), Err(Some(libc::ESRCH)))?;
    let null = std::fs::File::open("/dev/null").unwrap();
    same(PidFd::from_fd(null.into()).map(|p| p.pid()).map_err(|e| e.raw_os_error()), Err(Some(libc::EINVAL)))
}

fn in_cgroup() -> Result<(), String> {
    let Some(root) = cgroups() else { return Ok(()) };
    let top = root.create(&format!("sys-test-{}", std::process::id())).unwrap();
    let unit = top.child("a.service");
    unit.create().unwrap();
    unit.create().unwrap();
    let mut watcher = Watcher::new().unwrap();
    watcher.add(&unit).unwrap();
    same(unit.populated().unwrap(), false)?;

    let mut job = shell("sleep 1000 & sleep 1000 & wait");
    job.stdin = Stdio::Null;
    let child = spawn(&SpawnRequest { executor: &executor(), job: &job, cgroup: Some(&unit) }).unwrap();
    same(child.method, Method::Direct)?;
    same(sys::process::cgroup(child.pid).unwrap(), unit.name())?;
    same(root.by_name(&unit.name()), Some(unit.clone()))?;
    same(unit.populated().unwrap(), true)?;
    while unit.pids().unwrap().len() < 3 {
        std::thread::yield_now();
    }
    same(top.processes().unwrap().iter().all(|(cgroup, _)| *cgroup == unit), true)?;
    same(unit.remove().unwrap(), false)?;
    unit.freeze(true).unwrap();
    unit.freeze(false).unwrap();

    same(unit.signal(libc::SIGKILL, &[]).unwrap(), 3)?;
    same(wait(&child.pidfd), ExitStatus::Killed(9))?;
    let mut told = false;
    while unit.populated().unwrap() {
        readable(&watcher);
        told |= watcher.read().unwrap().contains(&unit);
    }
    while !told {
        readable(&watcher);
        told |= watcher.read().unwrap().contains(&unit);
    }
    watcher.remove(&unit);
    while sys::reap::any().unwrap().is_some() {}
    same(top.remove().unwrap(), true)?;
    same(
        (top.exists(), unit.pids().unwrap(), unit.populated().unwrap(), unit.kill().is_ok()),
        (false, vec![], false, true),
    )?;
    same(root.by_name("/../etc").is_none(), true)
}

fn reused_cgroup() -> Result<(), String> {
    let Some(root) = cgroups() else { return Ok(()) };
    let unit = root.create(&format!("sys-test-{}/reused", std::process::id())).unwrap();
    for _ in 0..2 {
        let job = shell("sleep 100 & sleep 100");
        let child = spawn(&SpawnRequest { executor: &executor(), job: &job, cgroup: Some(&unit) }).unwrap();
        unit.kill().unwrap();
        same(wait(&child.pidfd), ExitStatus::Killed(9))?;
        let job = shell("exit 7");
        let child = spawn(&SpawnRequest { executor: &executor(), job: &job, cgroup: Some(&unit) }).unwrap();
        same(wait(&child.pidfd), ExitStatus::Exited(7))?;
    }
    while sys::reap::any().unwrap().is_some() {}
    same(root.cgroup(&format!("sys-test-{}", std::process::id())).remove().unwrap(), true)
}

fn fork_chain() -> Result<(), String> {
    let Some(root) = cgroups() else { return Ok(()) };
    let unit = root.create(&format!("sys-test-{}/chain", std::process::id())).unwrap();
    // Each process leaves another one and ends: none that was seen is alive for long.
    let job = shell("run() { run & }; run; exec sleep 100");
    let child = spawn(&SpawnRequest { executor: &executor(), job: &job, cgroup: Some(&unit) }).unwrap();
    while unit.pids().unwrap().len() < 2 {
        std::thread::yield_now();
    }
    unit.kill().unwrap();
    same(wait(&child.pidfd), ExitStatus::Killed(9))?;
    while unit.populated().unwrap() {
        std::thread::yield_now();
    }
    while sys::reap::any().unwrap().is_some() {}
    same(root.cgroup(&format!("sys-test-{}", std::process::id())).remove().unwrap(), true)
}

fn methods() -> Result<(), String> {
    let Some(root) = cgroups() else { return Ok(()) };
    for method in [Method::Direct, Method::Clone3, Method::Clone3Attach, Method::Fork] {
        let unit = root.create(&format!("sys-test-{}/{method:?}", std::process::id())).unwrap();
        let job = shell(&format!("read line </proc/self/cgroup; grep -qx '0::{}' /proc/self/cgroup", unit.name()));
        let child = spawn_by(method, &SpawnRequest { executor: &executor(), job: &job, cgroup: Some(&unit) }).unwrap();
        same((method, wait(&child.pidfd)), (method, ExitStatus::Exited(0)))?;
    }
    same(root.cgroup(&format!("sys-test-{}", std::process::id())).remove().unwrap(), true)
}

fn no_executor() -> Result<(), String> {
    same(Executor::open("/nonexistent".as_ref()).err().and_then(|e| e.raw_os_error()), Some(libc::ENOENT))?;
    let broken = Executor::open("/etc/passwd".as_ref()).unwrap();
    let result = spawn_by(Method::Clone3, &SpawnRequest { executor: &broken, job: &shell(""), cgroup: None });
    same(result.err().and_then(|e| e.raw_os_error()), Some(libc::EACCES))?;
    same(sys::reap::any().unwrap(), None)
}

fn cgroups() -> Option<CgroupRoot> {
    CgroupRoot::detect().map_err(|e| println!("left out, no cgroups: {e}")).ok()
}
