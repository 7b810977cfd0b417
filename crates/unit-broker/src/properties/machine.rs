//! Limits of this machine that values are shares of.

pub use sys::limits::{default_tasks_max, page_size, physical_memory, tasks_limit};

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
