//! Attributes of the process that are single system calls.

use super::report::At;
use super::{CpuScheduling, Failure, IoScheduling, Job, NumaPolicy, Rlimit, Step};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;
use std::fs;
use std::io;

/// systemd's default for UMask=.
pub(crate) const UMASK: u32 = 0o022;

/// All that needs the spawner's rights: cgroup, OOM score, priorities, affinity.
pub(super) fn before_user(job: &Job) -> Result<(), Failure> {
    if let Some(cgroup) = &job.attach_cgroup {
        fs::write(cgroup.join("cgroup.procs"), "0").at(Step::Cgroup, cgroup.display().to_string())?;
    }
    if let Some(score) = job.oom_score_adjust {
        // Containers and user namespaces often forbid it: systemd goes on without.
        match fs::write("/proc/self/oom_score_adj", score.to_string()) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                return Err(error).at(Step::OomAdjust, score.to_string());
            }
            _ => (),
        }
    }
    if let Some(nice) = job.nice {
        // SAFETY: integers only.
        cvt(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).at(Step::Nice, nice.to_string())?;
    }
    if let Some(scheduling) = &job.cpu_scheduling {
        set_scheduler(scheduling).at(Step::SetScheduler, format!("{scheduling:?}"))?;
    }
    if !job.cpu_affinity.is_empty() {
        set_affinity(&job.cpu_affinity).at(Step::CpuAffinity, format!("{:?}", job.cpu_affinity))?;
    }
    if let Some(numa) = &job.numa {
        set_memory_policy(numa).at(Step::NumaPolicy, format!("{numa:?}"))?;
    }
    if let Some(scheduling) = &job.io_scheduling {
        set_io_priority(scheduling).at(Step::IoPriority, format!("{scheduling:?}"))?;
    }
    if let Some(mask) = job.coredump_filter {
        fs::write("/proc/self/coredump_filter", format!("{mask:#x}")).at(Step::Limits, format!("{mask:#x}"))?;
    }
    if let Some(slack) = job.timer_slack {
        nix::sys::prctl::set_timerslack(slack).at(Step::TimerSlack, slack.to_string())?;
    }
    if let Some(persona) = job.personality {
        // SAFETY: an integer.
        cvt(unsafe { libc::personality(persona as libc::c_ulong) }).at(Step::Personality, format!("{persona:#x}"))?;
    }
    Ok(())
}

/// UMask=.
pub(super) fn umask(job: &Job) {
    nix::sys::stat::umask(Mode::from_bits_truncate(job.umask.unwrap_or(UMASK)));
}

/// LimitNOFILE= & co.
pub(super) fn rlimits(job: &Job) -> Result<(), Failure> {
    for limit in &job.rlimits {
        set_rlimit(limit).at(Step::Limits, &limit.resource)?;
    }
    Ok(())
}

/// Without the right to raise the hard limit, the closest possible is set, as systemd does.
fn set_rlimit(limit: &Rlimit) -> io::Result<()> {
    let resource = resource(&limit.resource).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
    match setrlimit(resource, limit.soft, limit.hard) {
        Err(nix::Error::EPERM) => {
            let (_, hard) = getrlimit(resource)?;
            Ok(setrlimit(resource, limit.soft.min(hard), limit.hard.min(hard))?)
        }
        other => Ok(other?),
    }
}

/// A limit by its name in `LimitNOFILE=`.
pub(crate) fn resource(name: &str) -> Option<Resource> {
    Some(match name {
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
    })
}

fn set_scheduler(wanted: &CpuScheduling) -> io::Result<()> {
    let flag = if wanted.reset_on_fork { libc::SCHED_RESET_ON_FORK } else { 0 };
    let parameters = libc::sched_param { sched_priority: wanted.priority };
    // SAFETY: the kernel reads one sched_param.
    cvt(unsafe { libc::sched_setscheduler(0, wanted.policy | flag, &parameters) })
}

fn set_affinity(cpus: &[usize]) -> io::Result<()> {
    let mut set = nix::sched::CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    Ok(nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?)
}

/// A kernel without NUMA has nothing to set: not an error, as in systemd.
fn set_memory_policy(wanted: &NumaPolicy) -> io::Result<()> {
    const BITS: usize = libc::c_ulong::BITS as usize;
    let all = matches!(wanted.policy, libc::MPOL_DEFAULT | libc::MPOL_LOCAL);
    let nodes: &[u32] = if all { &[] } else { &wanted.nodes };
    if wanted.policy == libc::MPOL_PREFERRED && nodes.len() > 1 {
        // The kernel would take the first.
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut mask: Vec<libc::c_ulong> = Vec::new();
    for node in nodes.iter().map(|node| *node as usize) {
        if mask.len() <= node / BITS {
            mask.resize(node / BITS + 1, 0);
        }
        if let Some(word) = mask.get_mut(node / BITS) {
            *word |= 1 << (node % BITS);
        }
    }
    // The kernel looks at one bit less than it is told, and takes no bits only where there is no mask.
    let (start, bits) = match mask.len() {
        0 => (std::ptr::null(), 0),
        words => (mask.as_ptr(), words * BITS + 1),
    };
    // SAFETY: the kernel reads `bits` - 1 bits of the mask, or nothing.
    let result = unsafe { libc::syscall(libc::SYS_set_mempolicy, wanted.policy, start, bits) };
    match crate::pidfd::cvt(result) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        result => result.map(drop),
    }
}

fn set_io_priority(wanted: &IoScheduling) -> io::Result<()> {
    // SAFETY: integers only.
    cvt(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, io_priority(wanted)) } as i32)
}

/// ioprio_set(2): missing from libc.
pub(crate) const IOPRIO_WHO_PROCESS: i32 = 1;

/// ioprio_set(2): class in the upper bits from 13 on.
pub(crate) fn io_priority(wanted: &IoScheduling) -> i32 {
    (wanted.class << 13) | (wanted.priority & 0x1fff)
}

fn cvt(r: i32) -> io::Result<()> {
    crate::pidfd::cvt(i64::from(r)).map(drop)
}
