//! Resource limits that processes get without asking, and what limits are shares of.

use std::fs;
use std::sync::{LazyLock, OnceLock};

use nix::sys::resource::{Resource, getrlimit};

/// What services may have without a setting of their own (systemd-system.conf(5), `DefaultLimitNOFILE=`): programs that use
/// select(2) can't cope with descriptors from 1024 on, so the others raise their soft limit themselves.
const SOFT_FILES: u64 = 1024;
const HARD_FILES: u64 = 512 * 1024;

/// The limit of open files, soft and hard, of services that set none. `system`: of the system manager, which may give more
/// than it got itself, up to what the kernel allows.
#[must_use]
pub fn default_open_files(system: bool) -> (u64, u64) {
    // Without the call there would be no limit to speak of.
    let own = getrlimit(Resource::RLIMIT_NOFILE).map_or(HARD_FILES, |(_, hard)| hard);
    let hard = if system { most_open_files().min(own.max(HARD_FILES)) } else { own };
    (SOFT_FILES.min(hard), hard)
}

/// What the kernel allows at most; as it was when this was called first.
#[must_use]
pub fn most_open_files() -> u64 {
    static KNOWN: OnceLock<u64> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/fs/nr_open").unwrap_or_default();
        text.trim().parse().unwrap_or(1024 * 1024)
    })
}

/// Physical memory, bytes; 0 if nobody tells.
#[must_use]
pub fn physical_memory() -> u64 {
    static MEMORY: LazyLock<u64> = LazyLock::new(|| {
        let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kib = total.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    });
    *MEMORY
}

/// The size of a page of memory, bytes.
#[must_use]
pub fn page_size() -> u64 {
    static SIZE: LazyLock<u64> = LazyLock::new(|| {
        let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
        size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(4096)
    });
    *SIZE
}

/// How many tasks the kernel allows at a time: the least of its limits on threads and PIDs.
#[must_use]
pub fn tasks_limit() -> u64 {
    static TASKS: LazyLock<u64> = LazyLock::new(|| {
        let read = |name| -> u64 {
            let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
            text.trim().parse().unwrap_or(u64::MAX)
        };
        read("threads-max").min(read("pid_max"))
    });
    *TASKS
}

/// What `TasksMax=` is without a setting: 15 % of the machine's limit (systemd-system.conf(5), DefaultTasksMax=).
#[must_use]
pub fn default_tasks_max() -> u64 {
    u64::try_from(u128::from(tasks_limit()) * 15 / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_is_within_hard() {
        for system in [true, false] {
            let (soft, hard) = default_open_files(system);
            assert!(soft <= SOFT_FILES && soft <= hard);
        }
        assert!(default_open_files(true).1 >= default_open_files(false).1.min(most_open_files()));
    }
}
