//! Resource limits and scheduling.

use sys::executor::{CpuScheduling, IoScheduling, Job, NumaPolicy, Rlimit};
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

const LIMITS: [(RowId, &str); 16] = [
    (exec::LIMIT_CPU, "CPU"),
    (exec::LIMIT_FSIZE, "FSIZE"),
    (exec::LIMIT_DATA, "DATA"),
    (exec::LIMIT_STACK, "STACK"),
    (exec::LIMIT_CORE, "CORE"),
    (exec::LIMIT_RSS, "RSS"),
    (exec::LIMIT_NOFILE, "NOFILE"),
    (exec::LIMIT_AS, "AS"),
    (exec::LIMIT_NPROC, "NPROC"),
    (exec::LIMIT_MEMLOCK, "MEMLOCK"),
    (exec::LIMIT_LOCKS, "LOCKS"),
    (exec::LIMIT_SIGPENDING, "SIGPENDING"),
    (exec::LIMIT_MSGQUEUE, "MSGQUEUE"),
    (exec::LIMIT_NICE, "NICE"),
    (exec::LIMIT_RTPRIO, "RTPRIO"),
    (exec::LIMIT_RTTIME, "RTTIME"),
];

/// Puts them into a job.
pub(super) fn apply(unit: &Unit, job: &mut Job) {
    let number = |row: RowId| unit.setting(row).and_then(|_| i32::try_from(unit.int(row)).ok());
    job.rlimits = LIMITS
        .iter()
        .filter_map(|(row, resource)| {
            let (soft, hard) = match unit.rlimit(*row) {
                Some(limit) => (limit.soft, limit.hard),
                // Ours is raised as far as it goes: nothing to inherit.
                None if *row == exec::LIMIT_NOFILE => sys::limits::default_open_files(!unit.user_manager),
                None => return None,
            };
            Some(Rlimit { resource: (*resource).to_owned(), soft, hard })
        })
        .collect();
    job.nice = number(exec::NICE);
    job.oom_score_adjust = number(exec::OOM_SCORE_ADJUST);
    job.umask = unit.setting(exec::UMASK).and_then(|_| u32::try_from(unit.uint(exec::UMASK)).ok());
    let mask = unit.setting(exec::COREDUMP_FILTER).map(|_| unit.uint(exec::COREDUMP_FILTER));
    // "all" is more bits than the kernel's number has.
    job.coredump_filter = mask.map(|mask| mask & u64::from(u32::MAX));
    job.personality = personality(unit.str(exec::PERSONALITY));
    job.timer_slack = unit.setting(exec::TIMER_SLACK_NSEC).map(|_| unit.uint(exec::TIMER_SLACK_NSEC));
    job.cpu_affinity = unit.list(exec::CPU_AFFINITY).iter().filter_map(|cpu| cpu.parse().ok()).collect();
    job.numa = number(exec::NUMA_POLICY).map(|policy| {
        let nodes = unit.list(exec::NUMA_MASK).iter().filter_map(|node| node.parse().ok());
        NumaPolicy { policy, nodes: nodes.collect() }
    });
    let (policy, priority) = (number(exec::CPU_SCHEDULING_POLICY), number(exec::CPU_SCHEDULING_PRIORITY));
    let reset_on_fork = unit.bool(exec::CPU_SCHEDULING_RESET_ON_FORK);
    // As in systemd CPUSchedulingResetOnFork= alone says nothing.
    if policy.is_some() || priority.is_some() {
        // A priority that does not fit the policy fails the start (214/SETSCHEDULER).
        let (policy, priority) = (policy.unwrap_or(0), priority.unwrap_or(0));
        job.cpu_scheduling = Some(CpuScheduling { policy, priority, reset_on_fork });
    }
    let (class, level) = (number(exec::IO_SCHEDULING_CLASS), number(exec::IO_SCHEDULING_PRIORITY));
    if class.is_some() || level.is_some() {
        // A priority alone, and no class, mean best effort.
        let class = class.filter(|class| *class != 0).unwrap_or(2);
        job.io_scheduling = Some(IoScheduling { class, priority: level.unwrap_or(4) });
    }
}

/// What personality(2) will say of the process: what `Personality=` makes it, else what we are.
pub(super) fn persona(unit: &Unit) -> u32 {
    let own = || {
        let text = std::fs::read_to_string("/proc/self/personality").unwrap_or_default();
        u64::from_str_radix(text.trim(), 16).unwrap_or(0)
    };
    u32::try_from(personality(unit.str(exec::PERSONALITY)).unwrap_or_else(own)).unwrap_or(0)
}

/// personality(2): the other width of the same machine; an architecture that this kernel cannot be changes nothing.
fn personality(architecture: &str) -> Option<u64> {
    const LINUX: u64 = 0;
    const LINUX32: u64 = 8;
    let (native, narrow): (&[&str], &[&str]) = match std::env::consts::ARCH {
        "x86_64" => (&["x86-64"], &["x86"]),
        "aarch64" => (&["arm64"], &["arm"]),
        "powerpc64" => (&["ppc64", "ppc64-le"], &["ppc", "ppc-le"]),
        "s390x" => (&["s390x"], &["s390"]),
        _ => (&[], &[]),
    };
    if native.contains(&architecture) {
        Some(LINUX)
    } else if narrow.contains(&architecture) {
        Some(LINUX32)
    } else {
        None
    }
}
