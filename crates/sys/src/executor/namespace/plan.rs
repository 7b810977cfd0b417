//! Which path gets what: pure.
//!
//! The longest path that a file lies under decides. For the same path the more restrictive one wins, as in systemd.

use crate::executor::{Bind, DirectorySet, MountNamespace, ProtectHome, ProtectSystem};
use std::path::{Path, PathBuf};

/// What happens at one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Nothing can be seen there.
    Inaccessible,
    /// Another place of the file system, with or without the mounts below it.
    Bind { source: PathBuf, recursive: bool, read_only: bool },
    /// A directory made on demand below `top` (0700), itself 1777.
    PrivateTmp { top: PathBuf },
    /// An empty file system.
    Tmpfs { options: String, read_only: bool },
    /// A /dev with harmless devices.
    Devices,
    /// The message queues of the IPC namespace.
    MessageQueues,
    /// A /proc with these mount options.
    Proc { options: String },
    /// As it is, read-only.
    ReadOnly,
    /// As it is, writable inside something read-only.
    ReadWrite,
    /// As it is: a mount of its own, whose programs may or may not be executed.
    Executable(bool),
}

/// One row of the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) action: Action,
    /// A missing path is skipped, else it fails the start.
    pub(super) optional: bool,
}

const SYSTEM: [&str; 3] = ["/usr", "/boot", "/efi"];
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
const TUNABLES: [&str; 9] = [
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/latency_stats",
    "/proc/mtrr",
    "/proc/acpi",
    "/proc/timer_stats",
    "/proc/fs",
    "/proc/irq",
    "/sys",
];

/// All entries, parents before what lies below them.
pub(super) fn plan(wanted: &MountNamespace, directories: &[DirectorySet]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |paths: &[&str], action: Action| {
        entries.extend(paths.iter().map(|path| Entry { path: path.into(), action: action.clone(), optional: true }));
    };
    match wanted.protect_system {
        ProtectSystem::No => {}
        ProtectSystem::Yes => add(&SYSTEM, Action::ReadOnly),
        ProtectSystem::Full => {
            add(&SYSTEM, Action::ReadOnly);
            add(&["/etc"], Action::ReadOnly);
        }
        ProtectSystem::Strict => {
            add(&["/"], Action::ReadOnly);
            // Homes are ProtectHome='s business.
            add(&["/dev", "/proc", "/sys"], Action::ReadWrite);
            add(&HOMES, Action::ReadWrite);
        }
    }
    match wanted.protect_home {
        ProtectHome::No => {}
        ProtectHome::Yes => add(&HOMES, Action::Inaccessible),
        ProtectHome::ReadOnly => add(&HOMES, Action::ReadOnly),
        // Writable, as systemd 252 leaves them, whatever its manual says.
        ProtectHome::Tmpfs => add(&HOMES, Action::Tmpfs { options: "mode=0755".into(), read_only: false }),
    }
    if wanted.protect_kernel_tunables {
        add(&TUNABLES, Action::ReadOnly);
        add(&["/sys/fs/cgroup"], Action::ReadWrite);
        add(&["/proc/kallsyms", "/proc/kcore"], Action::Inaccessible);
    }
    if wanted.protect_hostname {
        add(&["/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"], Action::ReadOnly);
    }
    if let Some(options) = &wanted.proc_options {
        add(&["/proc"], Action::Proc { options: options.clone() });
    }
    if wanted.protect_control_groups {
        add(&["/sys/fs/cgroup"], Action::ReadOnly);
    }
    if wanted.protect_kernel_modules {
        add(&["/usr/lib/modules", "/lib/modules"], Action::Inaccessible);
    }
    if wanted.private_devices {
        add(&["/dev"], Action::Devices);
    }
    if wanted.message_queues {
        add(&["/dev/mqueue"], Action::MessageQueues);
    }
    if let Some(private) = &wanted.private_tmp {
        add(&["/tmp"], Action::PrivateTmp { top: private.tmp.clone() });
        add(&["/var/tmp"], Action::PrivateTmp { top: private.var_tmp.clone() });
    }
    // Of what is hidden from all users the unit sees its own.
    for set in directories.iter().filter(|set| set.private && !set.names.is_empty()) {
        let path = set.path("");
        entries.push(Entry {
            path: path.clone(),
            action: Action::Tmpfs { options: "mode=0755".into(), read_only: true },
            optional: true,
        });
        entries.extend(set.names.iter().map(|name| Entry {
            path: path.join(name),
            action: Action::Bind { source: path.join(name), recursive: true, read_only: false },
            optional: true,
        }));
    }
    for set in directories.iter().filter(|set| !set.private) {
        entries.extend(set.names.iter().map(|name| Entry {
            path: set.base.join(name),
            action: Action::ReadWrite,
            optional: true,
        }));
    }
    entries.extend(wanted.read_only.iter().map(|path| given(path, Action::ReadOnly)));
    entries.extend(wanted.read_write.iter().map(|path| given(path, Action::ReadWrite)));
    entries.extend(wanted.inaccessible.iter().map(|path| given(path, Action::Inaccessible)));
    let tmpfs =
        |options: &str| Action::Tmpfs { options: options.to_owned(), read_only: options.split(',').any(|o| o == "ro") };
    entries.extend(wanted.temporary.iter().map(|(path, options)| given(path, tmpfs(options))));
    entries.extend(wanted.binds.iter().map(bind));
    entries.extend(wanted.executable.iter().map(|(path, yes)| given(path, Action::Executable(*yes))));
    if wanted.api {
        let own = api(wanted, &entries);
        entries.extend(own);
    }
    order(entries)
}

/// What programs expect of every system, below a root directory of its own: the host's, and an empty /run. What the unit wants
/// there instead comes first; what shall be read-only stays so.
fn api(wanted: &MountNamespace, entries: &[Entry]) -> Vec<Entry> {
    let of = |path: &str, action| Entry { path: path.into(), action, optional: true };
    let host = |path: &str| {
        let read_only = entries.iter().any(|it| it.path == Path::new(path) && it.action == Action::ReadOnly);
        of(path, Action::Bind { source: path.into(), recursive: true, read_only })
    };
    let mut own = vec![host("/sys"), of("/run", Action::Tmpfs { options: "mode=0755".into(), read_only: false })];
    if wanted.proc_options.is_none() {
        own.push(host("/proc"));
    }
    if !wanted.private_devices {
        own.push(host("/dev"));
    }
    // Two sources for one place: the unit's own.
    own.retain(|entry| {
        !entries
            .iter()
            .any(|it| it.path == entry.path && matches!(it.action, Action::Bind { .. } | Action::Tmpfs { .. }))
    });
    own
}

/// A path with systemd's prefixes: `-` may be missing; `+` is relative to RootDirectory=, which all of ours are.
fn given(text: &str, action: Action) -> Entry {
    let (optional, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let path = rest.strip_prefix('+').unwrap_or(rest).into();
    Entry { path, action, optional }
}

fn bind(bind: &Bind) -> Entry {
    let action =
        Action::Bind { source: bind.source.clone(), recursive: !bind.not_recursive, read_only: bind.read_only };
    Entry { path: bind.target.clone(), action, optional: bind.missing_ok }
}

/// Parents first; of several entries for a path the first of [`Action`]'s order; nothing below what is inaccessible.
pub(super) fn order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort();
    entries.dedup_by(|later, earlier| {
        let apart = |entry: &Entry| matches!(entry.action, Action::Executable(_));
        later.path == earlier.path && apart(later) == apart(earlier)
    });
    let hidden: Vec<PathBuf> =
        entries.iter().filter(|e| e.action == Action::Inaccessible).map(|e| e.path.clone()).collect();
    entries.retain(|entry| !hidden.iter().any(|path| entry.path != *path && entry.path.starts_with(path)));
    entries
}

/// Whether a mount at `path` must be made read-only: `None` when no entry governs it.
pub(super) fn read_only(entries: &[Entry], path: &Path) -> Option<bool> {
    let decides = |e: &&Entry| path.starts_with(&e.path) && !matches!(e.action, Action::Executable(_));
    let governing = entries.iter().filter(decides).max_by_key(|e| e.path.components().count())?;
    Some(match &governing.action {
        Action::Inaccessible | Action::ReadOnly => true,
        Action::Bind { read_only, .. } | Action::Tmpfs { read_only, .. } => *read_only,
        // Nothing may be made in there; what is mounted in it (pts, shm) stays as it is.
        Action::Devices => path == governing.path,
        Action::PrivateTmp { .. }
        | Action::MessageQueues
        | Action::Proc { .. }
        | Action::ReadWrite
        | Action::Executable(_) => false,
    })
}

/// Whether programs on a mount at `path` may be executed: `None` when no entry governs it.
pub(super) fn executable(entries: &[Entry], path: &Path) -> Option<bool> {
    let governing = entries.iter().filter_map(|entry| match entry.action {
        Action::Executable(yes) if path.starts_with(&entry.path) => Some((entry.path.components().count(), yes)),
        _ => None,
    });
    governing.max_by_key(|(depth, _)| *depth).map(|(_, yes)| yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(entries: &[Entry]) -> Vec<(&str, &Action)> {
        entries.iter().filter_map(|e| Some((e.path.to_str()?, &e.action))).collect()
    }

    #[test]
    fn what_is_below_another_root() {
        let wanted = MountNamespace {
            api: true,
            private_devices: true,
            protect_kernel_tunables: true,
            temporary: vec![("/run".into(), "ro".into())],
            ..MountNamespace::default()
        };
        let entries = plan(&wanted, &[]);
        let at = |path: &str| paths(&entries).into_iter().find(|(it, _)| *it == path).map(|(_, action)| action.clone());
        let host = |path: &str, read_only| Some(Action::Bind { source: path.into(), recursive: true, read_only });
        assert_eq!(at("/proc"), host("/proc", false));
        assert_eq!(at("/sys"), host("/sys", true), "ProtectKernelTunables=");
        assert_eq!(at("/dev"), Some(Action::Devices));
        assert_eq!(at("/run"), Some(Action::Tmpfs { options: "ro".into(), read_only: true }));
        assert_eq!(at("/proc/sys"), Some(Action::ReadOnly));
    }

    #[test]
    fn strict_with_exceptions() {
        let wanted = MountNamespace {
            protect_system: ProtectSystem::Strict,
            protect_home: ProtectHome::Yes,
            read_write: vec!["-/var/lib/x".into(), "/home/x".into()],
            ..MountNamespace::default()
        };
        let entries = plan(&wanted, &[]);
        let table = [
            ("/etc/passwd", Some(true)),
            ("/proc/sys", Some(false)),
            ("/var/lib/x/y", Some(false)),
            ("/var/lib/xy", Some(true)),
            ("/home/x", Some(true)),
            ("/root", Some(true)),
        ];
        for (path, expected) in table {
            assert_eq!(read_only(&entries, Path::new(path)), expected, "{path}");
        }
        assert!(!paths(&entries).iter().any(|(path, _)| *path == "/home/x"), "below an inaccessible path");
        assert!(entries.iter().any(|e| e.path == Path::new("/var/lib/x") && e.optional));
    }

    #[test]
    fn the_more_restrictive_wins() {
        let wanted = MountNamespace {
            read_only: vec!["/a".into()],
            read_write: vec!["/a".into(), "/a/b".into()],
            inaccessible: vec!["/c".into()],
            temporary: vec![("/c".into(), "ro".into())],
            ..MountNamespace::default()
        };
        let entries = plan(&wanted, &[]);
        assert_eq!(
            paths(&entries),
            [("/a", &Action::ReadOnly), ("/a/b", &Action::ReadWrite), ("/c", &Action::Inaccessible)]
        );
        assert_eq!(read_only(&entries, Path::new("/z")), None);
    }
}
