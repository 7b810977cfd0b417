//! Resource limits and scheduling.

use sys::executor::{CpuScheduling, IoScheduling, Job, Rlimit};
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
    job.timer_slack = unit.setting(exec::TIMER_SLACK_NSEC).map(|_| unit.uint(exec::TIMER_SLACK_NSEC));
    job.cpu_affinity = unit.list(exec::CPU_AFFINITY).iter().filter_map(|cpu| cpu.parse().ok()).collect();
    let (policy, priority) = (number(exec::CPU_SCHEDULING_POLICY), number(exec::CPU_SCHEDULING_PRIORITY));
    let reset_on_fork = unit.bool(exec::CPU_SCHEDULING_RESET_ON_FORK);
    if policy.is_some() || priority.is_some() || reset_on_fork {
        let policy = policy.unwrap_or(0);
        // The real-time policies need a priority, the others must have none.
        let real_time = matches!(policy, 1 | 2);
        let priority = if real_time { priority.unwrap_or(1).max(1) } else { 0 };
        job.cpu_scheduling = Some(CpuScheduling { policy, priority, reset_on_fork });
    }
    let (class, level) = (number(exec::IO_SCHEDULING_CLASS), number(exec::IO_SCHEDULING_PRIORITY));
    if class.is_some() || level.is_some() {
        // A priority alone means best effort.
        job.io_scheduling = Some(IoScheduling { class: class.unwrap_or(2), priority: level.unwrap_or(4) });
    }
}
