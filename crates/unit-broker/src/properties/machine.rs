//! Limits of this machine that values are shares of.

use std::fs;
use std::sync::LazyLock;

/// Physical memory, bytes.
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
pub fn page_size() -> u64 {
    static SIZE: LazyLock<u64> = LazyLock::new(|| {
        let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
        size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(4096)
    });
    *SIZE
}

/// How many tasks the kernel allows at a time: the least of its limits on threads and PIDs.
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
pub fn default_tasks_max() -> u64 {
    u64::try_from(u128::from(tasks_limit()) * 15 / 100).unwrap_or(u64::MAX)
}

/// A resource limit of services without a setting, as `Limit…` and `DefaultLimit…` show it: `NOFILE` -> (soft, hard).
/// `system`: of the system manager. All others are inherited.
pub fn default_limit(name: &str, system: bool) -> Option<(u64, u64)> {
    match name {
        "NOFILE" => Some(sys::limits::default_open_files(system)),
        _ => own_limit(name),
    }
}

/// A resource limit of this process: `NOFILE` -> (soft, hard).
pub fn own_limit(name: &str) -> Option<(u64, u64)> {
    use nix::sys::resource::{Resource, getrlimit};
    let resource = match name {
        "CPU" => Resource::RLIMIT_CPU,
        "FSIZE" => Resource::RLIMIT_FSIZE,
        "DATA" => Resource::RLIMIT_DATA,
        "STACK" => Resource::RLIMIT_STACK,
        "CORE" => Resource::RLIMIT_CORE,
        "RSS" => Resource::RLIMIT_RSS,
        "NOFILE" => Resource::RLIMIT_NOFILE,
        "AS" => Resource::RLIMIT_AS,
        "NPROC" => Resource::RLIMIT_NPROC,
        "MEMLOCK" => Resource::RLIMIT_MEMLOCK,
        "LOCKS" => Resource::RLIMIT_LOCKS,
        "SIGPENDING" => Resource::RLIMIT_SIGPENDING,
        "MSGQUEUE" => Resource::RLIMIT_MSGQUEUE,
        "NICE" => Resource::RLIMIT_NICE,
        "RTPRIO" => Resource::RLIMIT_RTPRIO,
        "RTTIME" => Resource::RLIMIT_RTTIME,
        _ => return None,
    };
    let (soft, hard) = getrlimit(resource).ok()?;
    Some((soft, hard))
}
