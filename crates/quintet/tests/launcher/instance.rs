//! One running launcher.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use sys::ExitStatus;
use sys::cgroup::{Cgroup, CgroupRoot};
use sys::executor::{FileMode, Job, Stdio};
use sys::pidfd::PidFd;
use sys::spawn::{Executor, SpawnRequest, spawn};

/// A launcher in a directory of its own; killed with all that it started when dropped.
pub struct Instance {
    dir: PathBuf,
    cgroup: Option<Cgroup>,
    pub launcher: PidFd,
}

impl Instance {
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("quintet-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(&name);
        fs::create_dir(&dir).unwrap();
        fs::create_dir(dir.join("bin")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_quintet"), dir.join("bin/quintet")).unwrap();
        let own = std::env::current_exe().unwrap();
        fs::copy(&own, dir.join("bin/process-executor")).unwrap();
        for daemon in ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"] {
            fs::hard_link(dir.join("bin/process-executor"), dir.join("bin").join(daemon)).unwrap();
        }
        let cgroup = CgroupRoot::detect().ok().and_then(|root| root.create(&name).ok());
        let launcher = launch(&dir, cgroup.as_ref(), &[]);
        Self { dir, cgroup, launcher }
    }

    pub fn runtime(&self) -> PathBuf {
        self.dir.join("rt")
    }

    /// Another launcher in the same place.
    pub fn launch_again(&self, env: &[(&str, &str)]) -> PidFd {
        launch(&self.dir, self.cgroup.as_ref(), env)
    }

    /// A launcher that is expected to give up at once.
    pub fn try_second(&self) -> Output {
        let rt = self.runtime();
        Command::new(self.dir.join("bin/quintet"))
            .arg("run")
            .arg("--user")
            .arg("--runtime-dir")
            .arg(rt)
            .output()
            .unwrap()
    }

    pub fn bin(&self, program: &str) -> PathBuf {
        self.dir.join("bin").join(program)
    }

    /// Asks a daemon; waits for as long as it takes to start.
    pub fn ask(&self, daemon: &str, question: &str) -> String {
        let path = self.runtime().join(format!("{daemon}.bus"));
        loop {
            let Ok(mut stream) = UnixStream::connect(&path) else {
                std::thread::yield_now(); // the launcher has not bound it yet
                continue;
            };
            stream.write_all(format!("{question}\n").as_bytes()).unwrap();
            let mut answer = String::new();
            // A daemon that dies meanwhile closes its accepted connections, and only these.
            if BufReader::new(stream).read_line(&mut answer).is_ok_and(|bytes| bytes > 0) {
                return answer.trim_end().to_owned();
            }
        }
    }

    pub fn pid(&self, daemon: &str) -> i32 {
        self.ask(daemon, "pid").parse().unwrap()
    }

    /// SIGKILL; returns when it is dead.
    pub fn kill(&self, daemon: &str) {
        let process = PidFd::open(self.pid(daemon)).unwrap();
        process.send_signal(sys::signals::number("KILL").unwrap()).unwrap();
        wait(&process);
    }

    /// What the daemons wrote down.
    pub fn notes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.runtime().join("notes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let kill = sys::signals::number("KILL").unwrap();
        let _ = self.launcher.send_signal(sys::signals::number("STOP").unwrap()); // so that it starts nothing more
        let others = sys::process::descendants(self.launcher.pid()).into_iter().filter_map(|pid| PidFd::open(pid).ok());
        for process in others.chain(self.launcher.try_clone()) {
            let _ = process.send_signal(kill);
            wait(&process);
        }
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill();
            while cgroup.populated().unwrap_or(false) {
                std::thread::yield_now();
            }
            let _ = cgroup.remove();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn launch(dir: &Path, cgroup: Option<&Cgroup>, env: &[(&str, &str)]) -> PidFd {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let log = Stdio::File { path: dir.join("log"), mode: FileMode::Append };
    let mut vars =
        vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned()), ("XDG_RUNTIME_DIR".to_owned(), text(dir.join("xdg")))];
    vars.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let job = Job {
        path: text(dir.join("bin/quintet")),
        argv: vec!["quintet".into(), "run".into(), "--user".into(), "--runtime-dir".into(), text(dir.join("rt"))],
        env: vars,
        stdin: Stdio::Null,
        stdout: log.clone(),
        stderr: log,
        ..Job::default()
    };
    let executor = Executor::open(&dir.join("bin/process-executor")).unwrap();
    spawn(&SpawnRequest { executor: &executor, job: &job, cgroup }).unwrap().pidfd
}

/// Waits for the end of any process.
pub fn wait(process: &PidFd) -> Option<ExitStatus> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
    process.exit_status().unwrap()
}
