//! Jobs, and what must come of them.

use crate::harness::{Case, Place, shell};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::PathBuf;
use sys::ExitStatus::{Exited, Killed};
use sys::executor::*;

const NOBODY: u32 = 65534;
const FINE: Case = Case { name: "", root: false, job: |_| shell("true"), exit: Exited(0), out: "", log: None };

pub fn table() -> Vec<Case> {
    let mut all = vec![];
    all.extend(program());
    all.extend(descriptors());
    all.extend(attributes());
    // Kernels without NUMA have no policies.
    if std::path::Path::new("/proc/self/numa_maps").exists() {
        all.extend(memory_policies());
    }
    all.extend(identity());
    all.extend(directories());
    all.extend(namespaces());
    all
}

fn nobody() -> Option<User> {
    Some(User { uid: Some(NOBODY), gid: Some(NOBODY), groups: Some(vec![NOBODY]), home: Some("/".into()) })
}

fn program() -> Vec<Case> {
    vec![
        Case {
            name: "argv0 and environment, and nothing of ours",
            job: |_| Job {
                argv: ["zero", "-c", "echo $0 $A; env | cut -d= -f1 | sort | tr '\\n' ' '", "one"]
                    .map(Into::into)
                    .to_vec(),
                env: [("A", "x y"), ("PATH", "/usr/bin:/bin")].map(|(n, v)| (n.into(), v.into())).to_vec(),
                ..shell("")
            },
            out: "one x y\nA PATH PWD SYSTEMD_EXEC_PID ",
            ..FINE
        },
        Case { name: "exit status is passed on", job: |_| shell("exit 42"), exit: Exited(42), ..FINE },
        Case { name: "signal is passed on", job: |_| shell("kill -TERM $$"), exit: Killed(libc::SIGTERM), ..FINE },
        Case {
            name: "a name is searched",
            job: |_| Job { path: "sh".into(), ..shell("echo found") },
            out: "found\n",
            ..FINE
        },
        Case {
            name: "a missing program",
            job: |_| Job { path: "/nonexistent/program".into(), ..shell("") },
            exit: Exited(203),
            log: Some("EXEC: /nonexistent/program: No such file"),
            ..FINE
        },
        Case {
            name: "a missing program comes before a missing directory",
            job: |_| Job {
                path: "/nonexistent/program".into(),
                working_directory: Some(directory("/nonexistent")),
                ..shell("")
            },
            exit: Exited(203),
            log: Some("/nonexistent/program"),
            ..FINE
        },
        Case {
            name: "a file that is no program",
            job: |_| Job { path: "/etc/passwd".into(), ..shell("") },
            exit: Exited(203),
            log: Some("Permission denied"),
            ..FINE
        },
        Case { name: "working directory is / by default", job: |_| shell("pwd"), out: "/\n", ..FINE },
        Case {
            name: "working directory",
            job: |_| Job { working_directory: Some(directory("/usr/bin")), ..shell("pwd") },
            out: "/usr/bin\n",
            ..FINE
        },
        Case {
            name: "a missing working directory",
            job: |_| Job { working_directory: Some(directory("/nonexistent")), ..shell("pwd") },
            exit: Exited(200),
            log: Some("CHDIR: /nonexistent: No such file"),
            ..FINE
        },
        Case {
            name: "a working directory that may be missing",
            job: |_| Job {
                working_directory: Some(WorkingDirectory { missing_ok: true, ..directory("/nonexistent") }),
                ..shell("pwd")
            },
            out: "/\n",
            ..FINE
        },
        Case {
            name: "a session of its own",
            job: |_| shell("read _ _ _ _ group session _ </proc/self/stat; [ $session = $$ ]"),
            ..FINE
        },
    ]
}

fn directory(path: &str) -> WorkingDirectory {
    WorkingDirectory { path: Some(path.into()), missing_ok: false }
}

/// Passed in the order given by `order`: low numbers, so that targets are sources of each other.
fn passing(place: &Place, order: [usize; 3], script: &str) -> Job {
    let fds = order.map(|i| PassedFd { fd: place.fds[i].as_raw_fd(), name: format!("n{i}") });
    Job { fds: fds.to_vec(), ..shell(script) }
}

const SHOW_FDS: &str = "[ $LISTEN_PID = $$ ] && echo $LISTEN_FDS $LISTEN_FDNAMES; for f in 3 4 5; do cat <&$f; echo; done; ls /proc/self/fd | wc -l";

fn descriptors() -> Vec<Case> {
    vec![
        // ls has 0, 1, 2, the three, and its own directory
        Case {
            name: "descriptors in order",
            job: |p| passing(p, [0, 1, 2], SHOW_FDS),
            out: "3 n0:n1:n2\nfirst\nsecond\nthird\n7\n",
            ..FINE
        },
        Case {
            name: "descriptors in reverse",
            job: |p| passing(p, [2, 1, 0], SHOW_FDS),
            out: "3 n2:n1:n0\nthird\nsecond\nfirst\n7\n",
            ..FINE
        },
        Case { name: "no others", job: |_| shell("ls /proc/self/fd | tr '\\n' ' '"), out: "0 1 2 3 ", ..FINE },
        Case {
            name: "one descriptor twice",
            job: |p| Job { stdin: Stdio::Fd(p.fds[0].as_raw_fd()), ..passing(p, [1, 1, 2], "cat; cat <&3; cat <&5") },
            out: "firstsecondthird",
            ..FINE
        },
        Case {
            name: "stdin is null",
            job: |_| Job { stdin: Stdio::Null, ..shell("cat; readlink /proc/self/fd/0") },
            out: "/dev/null\n",
            ..FINE
        },
        Case {
            name: "stdin from data",
            job: |_| Job { stdin: Stdio::Data(b"given".to_vec()), ..shell("cat") },
            out: "given",
            ..FINE
        },
        Case {
            name: "output to files",
            job: |p| {
                let file = |name: &str, mode| Stdio::File { path: p.dir.join(name), mode };
                std::fs::write(p.dir.join("a"), "old ").unwrap();
                std::fs::write(p.dir.join("t"), "old ").unwrap();
                // the script checks its own files, and tells by its status
                let script = format!(
                    "echo out; echo err >&2; cd {}; [ \"$(cat a)\" = 'old out' ] && [ \"$(cat t)\" = err ]",
                    p.dir.display()
                );
                Job { stdout: file("a", FileMode::Append), stderr: file("t", FileMode::Truncate), ..shell(&script) }
            },
            ..FINE
        },
        Case {
            name: "stdin from a missing file",
            job: |p| Job { stdin: Stdio::File { path: p.dir.join("nope"), mode: FileMode::Read }, ..shell("") },
            exit: Exited(208),
            log: Some("STDIN"),
            ..FINE
        },
        Case {
            name: "stdout to a missing directory",
            job: |p| Job { stdout: Stdio::File { path: p.dir.join("nope/x"), mode: FileMode::Write }, ..shell("") },
            exit: Exited(209),
            log: Some("STDOUT"),
            ..FINE
        },
        Case {
            name: "no terminal",
            job: |_| Job { stderr: Stdio::Tty, stdout: Stdio::Null, ..shell("") },
            exit: Exited(222),
            log: Some("STDERR"),
            ..FINE
        },
    ]
}

fn attributes() -> Vec<Case> {
    vec![
        Case { name: "umask is 0022 by default", job: |_| shell("umask"), out: "0022\n", ..FINE },
        Case { name: "umask", job: |_| Job { umask: Some(0o077), ..shell("umask") }, out: "0077\n", ..FINE },
        Case { name: "nice", job: |_| Job { nice: Some(7), ..shell("nice") }, out: "7\n", ..FINE },
        Case {
            name: "OOM score",
            job: |_| Job { oom_score_adjust: Some(500), ..shell("cat /proc/self/oom_score_adj") },
            out: "500\n",
            ..FINE
        },
        Case {
            name: "limits",
            job: |_| Job {
                rlimits: vec![Rlimit { resource: "NOFILE".into(), soft: 55, hard: 66 }],
                ..shell("ulimit -Sn; ulimit -Hn")
            },
            out: "55\n66\n",
            ..FINE
        },
        Case {
            name: "a limit that does not exist",
            job: |_| Job { rlimits: vec![Rlimit { resource: "NOPE".into(), soft: 1, hard: 1 }], ..shell("") },
            exit: Exited(205),
            log: Some("LIMITS: NOPE"),
            ..FINE
        },
        Case {
            name: "signals are reset",
            job: |_| shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'"),
            out: "SigBlk:0000000000000000SigIgn:0000000000000000",
            ..FINE
        },
        Case {
            name: "SIGPIPE is ignored on request",
            job: |_| Job { ignore_sigpipe: true, ..shell("grep ^SigIgn /proc/self/status") },
            out: "SigIgn:\t0000000000001000\n",
            ..FINE
        },
        Case {
            name: "no new privileges",
            job: |_| Job { no_new_privileges: true, ..shell("grep NoNewPrivs /proc/self/status") },
            out: "NoNewPrivs:\t1\n",
            ..FINE
        },
        Case {
            name: "scheduling",
            job: |_| Job {
                cpu_scheduling: Some(CpuScheduling { policy: libc::SCHED_BATCH, priority: 0, reset_on_fork: false }),
                cpu_affinity: vec![0],
                io_scheduling: Some(IoScheduling { class: 3, priority: 0 }),
                timer_slack: Some(123_000),
                ..shell("cut -d' ' -f41 /proc/$$/stat; grep Cpus_allowed_list /proc/self/status; ionice -p $$")
            },
            out: "3\nCpus_allowed_list:\t0\nidle\n",
            ..FINE
        },
    ]
}

/// A machine has the node 0, or the kernel no NUMA.
fn numa(policy: i32, nodes: &[u32]) -> Job {
    Job {
        numa: Some(NumaPolicy { policy, nodes: nodes.to_vec() }),
        ..shell("head -n 1 /proc/self/numa_maps | cut -d' ' -f2")
    }
}

fn memory_policies() -> Vec<Case> {
    const REFUSED: Case = Case { exit: Exited(242), log: Some("NUMA_POLICY: "), ..FINE };
    vec![
        Case { name: "NUMAPolicy=bind", job: |_| numa(2, &[0]), out: "bind:0\n", ..FINE },
        Case { name: "NUMAPolicy=preferred", job: |_| numa(1, &[0]), out: "prefer:0\n", ..FINE },
        Case { name: "NUMAPolicy=interleave", job: |_| numa(3, &[0, 1000]), out: "interleave:0\n", ..FINE },
        Case { name: "NUMAPolicy=local needs no nodes", job: |_| numa(4, &[77]), out: "local\n", ..FINE },
        Case { name: "NUMAPolicy=default needs no nodes", job: |_| numa(0, &[77]), out: "default\n", ..FINE },
        Case { name: "NUMAPolicy=bind without nodes", job: |_| numa(2, &[]), ..REFUSED },
        Case { name: "NUMAPolicy=bind to a node that isn't there", job: |_| numa(2, &[900]), ..REFUSED },
        Case { name: "NUMAPolicy=preferred with two nodes", job: |_| numa(1, &[0, 1]), ..REFUSED },
    ]
}

fn identity() -> Vec<Case> {
    vec![
        Case {
            name: "user and groups",
            root: true,
            job: |_| Job { user: nobody(), ..shell("id -u; id -g; id -G; cat /proc/self/status | grep ^CapEff") },
            out: "65534\n65534\n65534\nCapEff:\t0000000000000000\n",
            ..FINE
        },
        Case {
            name: "! keeps the user",
            root: true,
            job: |_| Job {
                user: nobody(),
                keep_credentials: true,
                no_new_privileges: true,
                ..shell("id -u; grep NoNewPrivs /proc/self/status")
            },
            out: "0\nNoNewPrivs:\t1\n",
            ..FINE
        },
        Case {
            name: "! with groups that stay",
            root: true,
            job: |_| Job {
                user: Some(User { groups: None, ..nobody().unwrap() }),
                keep_credentials: true,
                ..shell("id -u")
            },
            out: "0\n",
            ..FINE
        },
        Case {
            name: "+ keeps everything",
            root: true,
            job: |_| Job {
                user: nobody(),
                full_privileges: true,
                no_new_privileges: true,
                namespace: Some(MountNamespace { protect_system: ProtectSystem::Strict, ..MountNamespace::default() }),
                ..shell("id -u; grep NoNewPrivs /proc/self/status")
            },
            out: "0\nNoNewPrivs:\t0\n",
            ..FINE
        },
        Case {
            name: "the user must be able to enter the directory",
            root: true,
            job: |p| {
                std::fs::set_permissions(&p.dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
                Job {
                    user: nobody(),
                    working_directory: Some(WorkingDirectory { path: Some(p.dir.clone()), missing_ok: false }),
                    ..shell("")
                }
            },
            exit: Exited(200),
            log: Some("Permission denied"),
            ..FINE
        },
        Case {
            name: "bounding set",
            root: true,
            job: |_| Job { capability_bounding_set: Some(0x21), ..shell("grep -E '^Cap(Bnd|Eff)' /proc/self/status") },
            out: "CapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n",
            ..FINE
        },
        Case {
            name: "ambient capabilities for a user",
            root: true,
            job: |_| Job {
                user: nobody(),
                ambient_capabilities: 1 << 10,
                ..shell("id -u; grep -E '^Cap(Eff|Amb)' /proc/self/status")
            },
            out: "65534\nCapEff:\t0000000000000400\nCapAmb:\t0000000000000400\n",
            ..FINE
        },
        Case {
            name: "secure bits for a user",
            root: true,
            job: |_| Job { user: nobody(), secure_bits: 0x1, ..shell("id -u; grep -E '^CapEff' /proc/self/status") },
            out: "65534\nCapEff:\t0000000000000000\n",
            ..FINE
        },
    ]
}

fn set(p: &Place, kind: DirectoryKind, names: &[&str], mode: u32) -> DirectorySet {
    DirectorySet {
        kind,
        base: p.dir.clone(),
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        links: Vec::new(),
        private: false,
        mode,
    }
}

fn directories() -> Vec<Case> {
    vec![
        Case {
            name: "directories with their modes",
            job: |p| Job {
                umask: Some(0o077),
                directories: vec![
                    set(p, DirectoryKind::Runtime, &["a", "b/c"], 0o2750),
                    set(p, DirectoryKind::State, &["s"], 0o700),
                ],
                ..shell(
                    "cd ${RUNTIME_DIRECTORY%%:*}/..; for d in a b b/c s; do stat -c '%a %n' $d; done; [ $RUNTIME_DIRECTORY = $PWD/a:$PWD/b/c ] && [ $STATE_DIRECTORY = $PWD/s ]",
                )
            },
            out: "2750 a\n755 b\n2750 b/c\n700 s\n",
            ..FINE
        },
        Case {
            name: "directories belong to the user, what is inside too",
            root: true,
            job: |p| {
                std::fs::create_dir_all(p.dir.join("s/old")).unwrap();
                // Configuration that was there stays its owner's.
                std::fs::create_dir(p.dir.join("f")).unwrap();
                std::os::unix::fs::symlink("/etc/passwd", p.dir.join("s/link")).unwrap();
                Job {
                    user: nobody(),
                    directories: vec![
                        set(p, DirectoryKind::State, &["s"], 0o750),
                        set(p, DirectoryKind::Configuration, &["e", "f"], 0o755),
                    ],
                    ..shell(
                        "cd $STATE_DIRECTORY/..; stat -c '%u %n' s s/old s/link e f; stat -c %u /etc/passwd; touch s/new",
                    )
                }
            },
            out: "65534 s\n65534 s/old\n65534 s/link\n65534 e\n0 f\n0\n",
            ..FINE
        },
        Case {
            name: "a directory that cannot be made",
            job: |p| {
                std::fs::write(p.dir.join("file"), "").unwrap();
                Job { directories: vec![set(p, DirectoryKind::Runtime, &["file"], 0o755)], ..shell("") }
            },
            exit: Exited(233),
            log: Some("RUNTIME_DIRECTORY"),
            ..FINE
        },
        Case {
            name: "a directory outside its base",
            job: |p| Job { directories: vec![set(p, DirectoryKind::Logs, &["../x"], 0o755)], ..shell("") },
            exit: Exited(240),
            log: Some("LOGS_DIRECTORY"),
            ..FINE
        },
    ]
}

/// Only one field set: everything else is left alone.
fn space(change: impl FnOnce(&mut MountNamespace)) -> Option<MountNamespace> {
    let mut namespace = MountNamespace::default();
    change(&mut namespace);
    Some(namespace)
}

const TRY: &str = "try() { if ( : >\"$1/.sys-test\" ) 2>/dev/null; then rm -f \"$1/.sys-test\"; echo \"$1 rw\"; else echo \"$1 ro\"; fi; }; ";

/// Tries to write where it must not, by all names; tells how often that was refused. A mount over `/` could be left through
/// `/..`, which leads to the uppermost.
fn around(place: &Place, with: fn(&mut MountNamespace)) -> Job {
    let dir = place.dir.display();
    Job {
        namespace: space(with),
        working_directory: Some(directory("/")),
        ..shell(&format!(
            "n=0; for p in {dir} /..{dir} /../..{dir} ..{dir}; do ( : >$p/written ) 2>/dev/null || n=$((n+1)); done; echo $n"
        ))
    }
}

fn namespaces() -> Vec<Case> {
    vec![
        Case {
            name: "ProtectSystem=full",
            root: true,
            job: |_| Job {
                namespace: space(|n| n.protect_system = ProtectSystem::Full),
                ..shell(&format!("{TRY} try /usr; try /etc; try /var"))
            },
            out: "/usr ro\n/etc ro\n/var rw\n",
            ..FINE
        },
        Case {
            name: "ProtectSystem=strict has no way around through /..",
            root: true,
            job: |p| around(p, |n| n.protect_system = ProtectSystem::Strict),
            out: "4\n",
            ..FINE
        },
        Case {
            name: "ReadOnlyPaths=/ has no way around through /..",
            root: true,
            job: |p| around(p, |n| n.read_only = vec!["/".into()]),
            out: "4\n",
            ..FINE
        },
        Case {
            name: "ProtectSystem=strict with exceptions",
            root: true,
            job: |p| {
                let writable = p.dir.join("w");
                std::fs::create_dir_all(writable.join("ro")).unwrap();
                let script = format!(
                    "{TRY} try /usr; try /var; cd {}; try .; try w; try w/ro; try s; try /dev/shm",
                    p.dir.display()
                );
                Job {
                    directories: vec![set(p, DirectoryKind::State, &["s"], 0o755)],
                    namespace: space(|n| {
                        n.protect_system = ProtectSystem::Strict;
                        n.read_write = vec![writable.display().to_string(), "-/nonexistent".into()];
                        n.read_only = vec![writable.join("ro").display().to_string()];
                    }),
                    ..shell(&script)
                }
            },
            out: "/usr ro\n/var ro\n. ro\nw rw\nw/ro ro\ns rw\n/dev/shm rw\n",
            ..FINE
        },
        Case {
            name: "InaccessiblePaths= and ProtectHome=",
            root: true,
            job: |p| {
                std::fs::create_dir(p.dir.join("d")).unwrap();
                std::fs::write(p.dir.join("d/inside"), "x").unwrap();
                std::fs::write(p.dir.join("f"), "secret").unwrap();
                let paths = ["d", "f"].map(|n| p.dir.join(n).display().to_string()).to_vec();
                Job {
                    namespace: space(|n| {
                        n.inaccessible = paths;
                        n.protect_home = ProtectHome::Yes;
                    }),
                    ..shell(&format!("cd {}; ls d; cat f; ls -A /root; stat -c %a d", p.dir.display()))
                }
            },
            out: "0\n",
            ..FINE
        },
        Case {
            name: "a missing path",
            root: true,
            job: |_| Job { namespace: space(|n| n.read_only = vec!["/nonexistent".into()]), ..shell("") },
            exit: Exited(226),
            log: Some("NAMESPACE: /nonexistent"),
            ..FINE
        },
        Case {
            name: "PrivateTmp=",
            root: true,
            job: |p| {
                let private = PrivateTmp { tmp: p.dir.join("t"), var_tmp: p.dir.join("v") };
                Job {
                    namespace: space(|n| n.private_tmp = Some(private)),
                    user: nobody(),
                    ..shell("ls -A /tmp /var/tmp; : >/tmp/x; stat -c '%a %u' /tmp /tmp/x /var/tmp")
                }
            },
            out: "/tmp:\n\n/var/tmp:\n1777 0\n644 65534\n1777 0\n",
            ..FINE
        },
        Case {
            name: "PrivateUsers=",
            root: true,
            job: |_| Job {
                private_users: Some(PrivateUsers::Own),
                user: nobody(),
                ..shell(
                    "id -u; tr -s ' ' </proc/self/uid_map; cat /proc/self/setgroups; stat -c %u /etc/passwd /var/mail",
                )
            },
            out: "65534\n 0 0 1\n 65534 65534 1\ndeny\n0\n0\n",
            ..FINE
        },
        Case {
            name: "PrivateUsers= of root, and only root",
            root: true,
            job: |p| Job {
                private_users: Some(PrivateUsers::Own),
                ..shell(&format!(
                    "tr -s ' ' </proc/self/uid_map; : >{0}/x; chown 5 {0}/x 2>/dev/null || echo no",
                    p.dir.display()
                ))
            },
            out: " 0 0 1\nno\n",
            ..FINE
        },
        Case {
            name: "MountFlags=",
            root: true,
            job: |_| Job { namespace: space(|n| n.propagation = 1 << 18), ..shell("findmnt -no PROPAGATION /") },
            out: "private\n",
            ..FINE
        },
        Case {
            name: "TemporaryFileSystem= and its options",
            root: true,
            job: |p| {
                let path = p.dir.display().to_string();
                let mounts = [("a", "ro,size=8192,noexec"), ("b", "")];
                Job {
                    namespace: space(|n| {
                        n.temporary = mounts
                            .iter()
                            .map(|(name, options)| (format!("{path}/{name}"), (*options).to_owned()))
                            .collect();
                    }),
                    ..shell(&format!(
                        "for d in a b; do findmnt -no OPTIONS {path}/$d | sed 's/size=[0-9]\\{{6,\\}}k/size=N/'; done"
                    ))
                }
            },
            out: "ro,nodev,noexec,size=8k,nr_inodes=409600,mode=755\nrw,nodev,size=N,nr_inodes=409600,mode=755\n",
            ..FINE
        },
        Case {
            name: "what is inaccessible stays what it was",
            root: true,
            job: |p| {
                let fifo = p.dir.join("fifo");
                nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
                let paths = vec![fifo.display().to_string(), "/dev/null".to_owned(), "/etc/passwd".to_owned()];
                Job {
                    namespace: space(|n| n.inaccessible = paths),
                    ..shell(&format!(
                        "stat -c '%a %F' {} /dev/null /etc/passwd; cat /dev/null 2>&1 | cut -d: -f3",
                        fifo.display()
                    ))
                }
            },
            out: "0 fifo\n0 character special file\n0 regular empty file\n No such device or address\n",
            ..FINE
        },
        Case {
            name: "ProtectHome=tmpfs with a bind mount inside",
            root: true,
            job: |p| {
                std::fs::write(p.dir.join("f"), "bound").unwrap();
                let bind = Bind {
                    source: p.dir.clone(),
                    target: "/home/sys-test".into(),
                    read_only: true,
                    not_recursive: false,
                    missing_ok: false,
                };
                Job {
                    namespace: space(|n| {
                        n.protect_home = ProtectHome::Tmpfs;
                        n.binds = vec![bind];
                    }),
                    ..shell(&format!("{TRY} ls /home; cat /home/sys-test/f; echo; try /home; try /home/sys-test"))
                }
            },
            out: "sys-test\nbound\n/home rw\n/home/sys-test ro\n",
            ..FINE
        },
        Case {
            name: "PrivateDevices=",
            root: true,
            job: |_| Job {
                namespace: space(|n| n.private_devices = true),
                ..shell(
                    "ls /dev | tr '\\n' ' '; echo x >/dev/null; head -c 2 /dev/zero | wc -c; [ /dev/char/1:3 -ef /dev/null ] && echo linked",
                )
            },
            out: "char fd full hugepages log mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero 2\nlinked\n",
            ..FINE
        },
        Case {
            name: "PrivateDevices= leaves nothing of the host's below it, and modes as they were",
            root: true,
            job: |_| Job {
                umask: Some(0o077),
                namespace: space(|n| n.private_devices = true),
                ..shell(
                    "stat -c %a /dev/null /dev/char /dev/mqueue; umount -R /dev; ls /dev | grep -cE '^(null|kmsg)$'; true",
                )
            },
            out: "666\n755\n755\n0\n",
            ..FINE
        },
        Case {
            name: "ProtectProc= leaves no other /proc below it",
            root: true,
            job: |_| Job {
                namespace: space(|n| n.proc_options = Some("hidepid=invisible,subset=pid".into())),
                ..shell("grep -c ' /proc ' /proc/self/mountinfo; ls /proc/cpuinfo 2>/dev/null; true")
            },
            out: "1\n",
            ..FINE
        },
        Case {
            name: "kernel tunables and cgroups",
            root: true,
            job: |_| Job {
                namespace: space(|n| {
                    n.protect_kernel_tunables = true;
                    n.protect_control_groups = true;
                }),
                ..shell(
                    "for f in /proc/sys/kernel/domainname /sys/kernel/uevent_helper; do ( : >>$f ) 2>/dev/null && echo writable $f; done; true",
                )
            },
            ..FINE
        },
        Case {
            name: "PrivateNetwork=, ProtectHostname=, PrivateIPC=",
            root: true,
            job: |_| Job {
                network: Some(Namespace::New),
                protect_hostname: true,
                ipc: Some(Namespace::New),
                ..shell(
                    "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; cat /sys/class/net/lo/flags >/dev/null; for n in net uts ipc; do [ $(readlink /proc/self/ns/$n) != $(readlink /proc/$PPID/ns/$n) ] && echo $n; done; ip -br link show lo 2>/dev/null | grep -c LOOPBACK,UP",
                )
            },
            out: "lo\nnet\nuts\nipc\n1\n",
            ..FINE
        },
        Case {
            name: "namespaces that have a path",
            root: true,
            job: |_| Job {
                network: Some(Namespace::Path(format!("/proc/{}/ns/net", std::process::id()).into())),
                ipc: Some(Namespace::Path(format!("/proc/{}/ns/ipc", std::process::id()).into())),
                ..shell(
                    "for n in net ipc; do [ $(readlink /proc/self/ns/$n) = $(readlink /proc/$PPID/ns/$n) ] && echo same; done",
                )
            },
            out: "same\nsame\n",
            ..FINE
        },
        Case {
            name: "namespaces that the spawner holds, and the message queues that belong there",
            root: true,
            job: |_| {
                let hold = |kind| {
                    // Held as long as this program runs.
                    let fd = sys::namespace::create(kind).unwrap().into_raw_fd();
                    let name = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
                    (Namespace::Fd(fd), name.display().to_string())
                };
                let (network, net) = hold(sys::namespace::Kind::Network);
                let (ipc, own) = hold(sys::namespace::Kind::Ipc);
                Job {
                    network: Some(network),
                    ipc: Some(ipc),
                    namespace: space(|n| n.message_queues = true),
                    ..shell(&format!(
                        "[ $(readlink /proc/self/ns/net) = '{net}' ] && [ $(readlink /proc/self/ns/ipc) = '{own}' ] && echo there; [ ! -d /dev/mqueue ] || grep -c ' /dev/mqueue .* mqueue ' /proc/self/mountinfo; ip -br link show lo | grep -c LOOPBACK,UP"
                    ))
                }
            },
            out: "there\n1\n1\n",
            ..FINE
        },
        Case {
            name: "NetworkNamespacePath= that isn't there",
            root: true,
            job: |_| Job { network: Some(Namespace::Path("/nonexistent/net".into())), ..shell("") },
            exit: Exited(225),
            log: Some("NETWORK: /nonexistent/net: No such file"),
            ..FINE
        },
        Case {
            name: "NetworkNamespacePath= that is none",
            root: true,
            job: |_| Job { network: Some(Namespace::Path("/etc/passwd".into())), ..shell("") },
            exit: Exited(225),
            log: Some("NETWORK: /etc/passwd: "),
            ..FINE
        },
        Case {
            name: "IPCNamespacePath= that is a network's",
            root: true,
            job: |_| Job { ipc: Some(Namespace::Path("/proc/self/ns/net".into())), ..shell("") },
            exit: Exited(226),
            log: Some("NAMESPACE: /proc/self/ns/net: invalid"),
            ..FINE
        },
        Case {
            name: "RootDirectory=",
            root: true,
            job: |p| {
                let root: PathBuf = p.dir.join("root");
                for dir in ["usr", "bin", "lib", "lib64", "proc"] {
                    std::fs::create_dir_all(root.join(dir)).unwrap();
                }
                let bind = |path: &str| Bind {
                    source: path.into(),
                    target: path.into(),
                    read_only: true,
                    not_recursive: false,
                    missing_ok: true,
                };
                Job {
                    namespace: space(|n| n.binds = ["/usr", "/bin", "/lib", "/lib64"].map(bind).to_vec()),
                    root_directory: Some(root),
                    ..shell("ls / | tr '\\n' ' '; pwd")
                }
            },
            out: "bin lib lib64 proc usr /\n",
            ..FINE
        },
        Case {
            name: "a missing root directory",
            root: true,
            job: |_| Job { root_directory: Some("/nonexistent".into()), ..shell("") },
            exit: Exited(210),
            log: Some("CHROOT"),
            ..FINE
        },
    ]
}
