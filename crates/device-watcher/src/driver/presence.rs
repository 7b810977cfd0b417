//! Whether udev runs, and whether its events reach us: device units must say why they stay dead.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use daemon_runtime::readiness;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use sys::pidfd::PidFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::database::Source;

/// Where udev's control socket is while udev runs.
const CONTROL: &str = "/run/udev/control";
/// Netlink protocol number of kernel events, and the group on which the kernel itself sends.
const KOBJECT_UEVENT: &str = "15";
const KERNEL_GROUP: u32 = 1;

/// What can be expected of udev.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It runs, and here.
    Here,
    /// It doesn't: no device has a unit, or those are shown that an earlier run left in the database.
    Absent(String),
    /// It runs, or ran, elsewhere: the database is there, but events don't come.
    Unreachable(String),
}

impl Presence {
    /// Looks. The kernel is always here.
    pub fn look(source: Source) -> Presence {
        if source == Source::Kernel {
            return Presence::Here;
        }
        if !Path::new(CONTROL).exists() {
            return Presence::Absent(format!(
                "udev doesn't run here ({CONTROL} is missing): no device units until it does"
            ));
        }
        match fs::read_to_string("/proc/self/net/netlink") {
            Ok(table) if !has_listener(&table) => Presence::Unreachable(
                "nobody in this network namespace listens to the kernel's device events: either udev died, or it runs in \
                 another network namespace, whose events don't reach this one; devices known to udev at the start are \
                 shown, later changes are not noticed"
                    .to_owned(),
            ),
            // Without the table there is nothing to say against it.
            Ok(_) | Err(_) => Presence::Here,
        }
    }

    /// For `Status()`: whether all is well, and else the reason.
    pub fn status(&self) -> (bool, &str) {
        match self {
            Presence::Here => (true, ""),
            Presence::Absent(reason) | Presence::Unreachable(reason) => (false, reason),
        }
    }
}

/// Whether a process listens to the kernel's group; columns: sk, protocol, port, groups, ...
fn has_listener(table: &str) -> bool {
    table.lines().any(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let protocol = columns.next();
        let groups = columns.nth(1).and_then(|groups| u32::from_str_radix(groups, 16).ok()).unwrap_or(0);
        protocol == Some(KOBJECT_UEVENT) && groups & KERNEL_GROUP != 0
    })
}

/// The udevd that runs here, held by a pidfd: when it dies, its control socket may stay behind. (The address of its netlink
/// socket is no help: it is that of the process that went into the background.)
pub struct Udevd {
    readiness: AsyncFd<OwnedFd>,
}

impl Udevd {
    /// Looks for it; `None` if there is none, or it is out of sight (in another PID namespace).
    pub fn find() -> Option<Udevd> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_udevd = |pid: &i32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end().ends_with("udevd"))
        };
        // Its workers come after it.
        let process = PidFd::open(pids.filter(is_udevd).min()?).ok()?;
        Some(Udevd { readiness: readiness::watch(&process, Interest::READABLE).ok()? })
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When waiting fails.
    pub async fn ended(&self) -> io::Result<()> {
        self.readiness.readable().await.map(drop)
    }
}

/// Notices that udev comes or goes.
pub struct Watch {
    inotify: Inotify,
    readiness: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Watches udev's directory, or the one in which it would appear.
    ///
    /// # Errors
    /// When inotify isn't to be had.
    pub fn start() -> io::Result<Watch> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        watch_nearest(&inotify)?;
        let readiness = readiness::watch(&inotify, Interest::READABLE)?;
        Ok(Watch { inotify, readiness })
    }

    /// Waits until the control socket was made or removed (or its directory).
    ///
    /// # Errors
    /// When inotify fails.
    pub async fn changed(&self) -> io::Result<()> {
        loop {
            let mut guard = self.readiness.readable().await?;
            let events = guard.try_io(|_| self.inotify.read_events().map_err(io::Error::from));
            let Ok(events) = events else { continue };
            let concerned = events?.iter().any(|event| {
                let ours = event.name.as_ref().is_some_and(|name| name == "control" || name == "udev");
                ours || event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_Q_OVERFLOW)
            });
            if concerned {
                watch_nearest(&self.inotify)?;
                return Ok(());
            }
        }
    }
}

fn watch_nearest(inotify: &Inotify) -> io::Result<()> {
    let flags =
        AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_ONLYDIR;
    match inotify.add_watch("/run/udev", flags) {
        Ok(_) => Ok(()),
        Err(Errno::ENOENT) => Ok(inotify.add_watch("/run", flags).map(drop)?),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::has_listener;

    #[test]
    fn the_table_of_netlink_sockets() {
        let head = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n";
        let kernel = "00000000fd91c16a 15  0          00000000 0        0        0     2        0        8\n";
        let route = "00000000b471aff8 0   9919       00000001 0        0        0     2        0        16434\n";
        let client = "000000001d488046 15  1          00000002 0        0        0     2        0        29884\n";
        let udevd = "00000000b471aff9 15  9919       00000001 0        0        0     2        0        16434\n";
        assert!(!has_listener(&[head, kernel, route, client].concat()));
        assert!(has_listener(&[head, kernel, udevd].concat()));
    }
}
