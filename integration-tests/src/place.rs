//! A booted Quintet.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{needs, programs, repository, wait};

/// What a command printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit status; -1 for a signal.
    pub code: i32,
    /// Standard output, without white space at the end.
    pub out: String,
    /// Standard error, likewise.
    pub err: String,
}

impl Output {
    /// The output of a command that must succeed.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }
}

/// A place before it boots.
#[derive(Debug, Default)]
pub struct Builder {
    flags: Vec<&'static str>,
    arguments: Vec<String>,
    units: Vec<(String, String)>,
    config: Vec<(String, String)>,
    generators: Vec<(String, String)>,
    root: Option<PathBuf>,
}

impl Builder {
    /// A unit file as a package would install it. `NAME.wants/OTHER` makes a link to OTHER.
    pub fn unit(mut self, name: &str, text: &str) -> Builder {
        self.units.push((name.to_owned(), text.to_owned()));
        self
    }

    /// A generator, as a shell script (root only).
    pub fn generator(mut self, name: &str, script: &str) -> Builder {
        self.generators.push((name.to_owned(), script.to_owned()));
        self
    }

    /// A daemon's configuration file (`device-watcher.toml`).
    pub fn config(mut self, name: &str, text: &str) -> Builder {
        self.config.push((name.to_owned(), text.to_owned()));
        self
    }

    /// With what lies in `root`/{usr,etc,var} over the machine's own (root only).
    pub fn root(mut self, root: &Path) -> Builder {
        self.root = Some(root.to_owned());
        self
    }

    /// With an udevd of its own, which sees the network devices made inside.
    pub fn udev(mut self) -> Builder {
        self.flags.push("--udev");
        self
    }

    /// Without a control group.
    pub fn no_cgroup(mut self) -> Builder {
        self.flags.push("--no-cgroup");
        self
    }

    /// With a read-only /sys, as most containers have it.
    pub fn read_only_sys(mut self) -> Builder {
        self.flags.push("--read-only-sys");
        self
    }

    /// With Debian's systemd instead of Quintet, to compare with ([`needs::systemd`]). Write the targets that are needed
    /// as units: there are no built-in ones.
    pub fn systemd(mut self) -> Builder {
        self.flags.push("--systemd");
        self
    }

    /// An argument for `quintet run`.
    pub fn argument(mut self, argument: &str) -> Builder {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Boots; fails with the log if it doesn't come up.
    #[track_caller]
    pub fn boot(self) -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("quintet-test-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for (name, text) in &self.units {
            let file = dir.join("units").join(name);
            fs::create_dir_all(file.parent().expect("below units")).expect("a unit directory");
            match name.split_once(".wants/") {
                Some((_, unit)) => std::os::unix::fs::symlink(format!("../{unit}"), &file).expect("a link"),
                None => fs::write(&file, text).expect("a unit file"),
            }
        }
        let user = self.flags.contains(&"--user");
        for (name, text) in &self.config {
            // The user's is $XDG_CONFIG_HOME/quintet, the system's /etc/quintet.
            let folder = if user { dir.join("config/quintet") } else { dir.join("config") };
            fs::create_dir_all(&folder).expect("a directory");
            fs::write(folder.join(name), text).expect("a configuration file");
        }
        for (name, script) in &self.generators {
            let file = dir.join("generators").join(name);
            fs::create_dir_all(file.parent().expect("below generators")).expect("a directory");
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
        }
        fs::create_dir_all(&dir).expect("a directory");
        if let Some(root) = &self.root {
            let copied = Command::new("cp").arg("-a").arg(root).arg(dir.join("root")).status();
            assert!(copied.is_ok_and(|status| status.success()), "{} can be copied", root.display());
        }
        let place = Place { dir, user };
        let started =
            script().arg("start").args(&self.flags).arg(&place.dir).args(&self.arguments).output().expect("bash");
        let complaint = String::from_utf8_lossy(&started.stderr).into_owned();
        assert!(started.status.success(), "the place did not boot:\n{complaint}");
        place
    }
}

fn output(output: &std::process::Output) -> Output {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Output { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

fn script() -> Command {
    let mut command = Command::new(repository().join("integration-tests/place"));
    command.env("QUINTET_BIN", programs()).stdin(Stdio::null());
    command
}

/// A booted Quintet; dropping it ends everything inside.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    user: bool,
}

impl Place {
    /// A place of its own for the system manager (root only: see [`needs::root`]).
    pub fn system() -> Builder {
        Builder::default()
    }

    /// A place for a user manager: as nobody in namespaces when root, else as the caller in private directories.
    pub fn user() -> Builder {
        Builder { flags: vec!["--user"], ..Builder::default() }
    }

    /// Two places for the same test: one for the system manager, and one with Debian's systemd where that can be had.
    pub fn both() -> Vec<Builder> {
        let mut places = vec![Place::system()];
        if needs::systemd() {
            let bare = "[Unit]\nDefaultDependencies=no\n";
            let targets = ["default.target", "sysinit.target", "basic.target", "shutdown.target"];
            places.push(targets.iter().fold(Place::system().systemd(), |place, name| place.unit(name, bare)));
        }
        places
    }

    /// The place's directory as the caller sees it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The place's directory as commands inside see it.
    pub fn inner_dir(&self) -> PathBuf {
        if needs::root() { PathBuf::from("/run/place/dir") } else { self.dir.clone() }
    }

    /// Directory of the programs as commands inside see it.
    pub fn inner_bin(&self) -> PathBuf {
        if needs::root() { PathBuf::from("/run/place/bin") } else { programs().to_owned() }
    }

    /// Runs a command inside.
    pub fn run(&self, command: &[&str]) -> Output {
        output(&script().arg("run").arg(&self.dir).args(command).output().expect("bash"))
    }

    /// Runs a line of bash inside.
    pub fn bash(&self, line: &str) -> Output {
        self.run(&["bash", "-c", line])
    }

    /// Runs a line of bash inside as root, also in the place of a user (where there is one of its own: as root only).
    pub fn as_root(&self, line: &str) -> Output {
        let init = fs::read_to_string(self.dir.join(".place/init")).expect("a place with namespaces");
        let mut command = Command::new("nsenter");
        command.args(["-t", init.trim(), "-m", "-p", "-n", "-u", "-i", "--", "bash", "-c", line]).stdin(Stdio::null());
        output(&command.output().expect("nsenter"))
    }

    /// Starts a line of bash inside, and leaves it running.
    pub fn spawn(&self, line: &str) -> Child {
        script().arg("run").arg(&self.dir).args(["bash", "-c", line]).stdout(Stdio::piped()).spawn().expect("bash")
    }

    /// Starts a command inside that talks over a socket instead of standard input and output.
    pub fn connected(&self, command: &[&str]) -> (Child, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let input = theirs.try_clone().expect("a descriptor");
        let mut started = script();
        started.arg("run").arg(&self.dir).args(command).stdin(OwnedFd::from(input)).stdout(OwnedFd::from(theirs));
        (started.spawn().expect("bash"), ours)
    }

    /// Debian's systemctl.
    pub fn systemctl(&self, arguments: &[&str]) -> Output {
        let mut command = vec!["systemctl"];
        if self.user {
            command.push("--user");
        }
        command.extend(arguments);
        self.run(&command)
    }

    /// One property of a unit; empty if it has none.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.systemctl(&["show", "-p", name, "--value", "--", unit]).out
    }

    /// `active/running` and the like.
    pub fn state(&self, unit: &str) -> String {
        let shown = self.systemctl(&["show", "-p", "ActiveState,SubState", "--", unit]).out;
        let value = |key: &str| shown.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?").to_owned();
        format!("{}/{}", value("ActiveState="), value("SubState="))
    }

    /// Waits up to ten seconds for a state.
    #[track_caller]
    pub fn wait_state(&self, unit: &str, wanted: &str) {
        wait::equal(wanted, || self.state(unit));
    }

    /// PID of a daemon as the test sees it.
    #[track_caller]
    pub fn daemon(&self, name: &str) -> u32 {
        self.daemon_now(name).unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// The same of one that may be away.
    pub fn daemon_now(&self, name: &str) -> Option<u32> {
        let found = script().arg("daemon").arg(&self.dir).arg(name).output().expect("bash");
        String::from_utf8_lossy(&found.stdout).trim().parse().ok()
    }

    /// Kills a daemon with SIGKILL and waits until another one is there and ready to be asked.
    #[track_caller]
    pub fn kill_daemon(&self, name: &str) {
        let before = self.daemon(name);
        signal(before, "KILL");
        let replaced = wait::until(Duration::from_secs(10), || self.daemon_now(name).is_some_and(|pid| pid != before));
        assert!(replaced, "{name} is started again");
    }

    /// Plugs a network device in: one end of a veth pair.
    #[track_caller]
    pub fn plug(&self, name: &str) {
        self.run(&["ip", "link", "add", name, "type", "veth", "peer", "name", &format!("{name}p")]).good();
    }

    /// Unplugs it.
    #[track_caller]
    pub fn unplug(&self, name: &str) {
        self.run(&["ip", "link", "del", name]).good();
    }

    /// What the daemons logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join(".place/log")).unwrap_or_default()
    }

    /// A file that something inside wrote, as its lines.
    pub fn lines(&self, inner_path: &str) -> Vec<String> {
        self.run(&["cat", inner_path]).out.lines().map(str::to_owned).collect()
    }

    /// Connects to a TCP port inside and reads the first line; `Err` if refused or silent for five seconds.
    pub fn greet(&self, port: u16) -> Result<String, String> {
        let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && IFS= read -r -t 5 line <&3 && echo \"$line\"");
        let output = self.bash(&line);
        if output.code == 0 { Ok(output.out) } else { Err(output.err) }
    }
}

/// Sends a signal by name.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.dir.display(), self.log());
        }
        let _ = script().arg("stop").arg(&self.dir).status();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
