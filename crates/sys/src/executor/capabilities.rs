//! CapabilityBoundingSet=, AmbientCapabilities=, SecureBits= (capabilities(7)).

use super::identity::new_uid;
use super::report::At;
use super::{Failure, Job, Step};
use std::fs;
use std::io;

/// Drops what is not in the bounding set, from the inheritable set too.
pub(super) fn bound(job: &Job) -> Result<(), Failure> {
    let Some(keep) = job.capability_bounding_set else { return Ok(()) };
    for capability in 0..=last() {
        // SAFETY: PR_CAPBSET_READ and PR_CAPBSET_DROP take a number.
        let held = unsafe { libc::prctl(libc::PR_CAPBSET_READ, capability, 0, 0, 0) } == 1;
        if held && keep & (1 << capability) == 0 {
            // SAFETY: as above.
            let r = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
            cvt(r).at(Step::Capabilities, format!("bounding set, capability {capability}"))?;
        }
    }
    let sets = Sets::read().at(Step::Capabilities, "capget")?;
    let bounded = Sets { inheritable: sets.inheritable & keep, ..sets };
    if bounded != sets {
        bounded.write().at(Step::Capabilities, "capset")?;
    }
    Ok(())
}

/// Before the user changes: ambient capabilities must be inheritable, and the permitted set must survive the change for as
/// long as `settle` needs it.
pub(super) fn prepare(job: &Job) -> Result<(), Failure> {
    if job.ambient_capabilities != 0 {
        let sets = Sets::read().at(Step::Capabilities, "capget")?;
        let inheritable = sets.inheritable | job.ambient_capabilities;
        Sets { inheritable, ..sets }.write().at(Step::Capabilities, "inheritable capabilities")?;
    }
    if leaves_root(job) && (job.ambient_capabilities != 0 || job.secure_bits != 0) {
        nix::sys::prctl::set_keepcaps(true).at(Step::Capabilities, "PR_SET_KEEPCAPS")?;
    }
    Ok(())
}

/// After the user has changed: ambient capabilities, secure bits, and no capability beyond.
pub(super) fn settle(job: &Job) -> Result<(), Failure> {
    if job.ambient_capabilities == 0 && job.secure_bits == 0 {
        return Ok(());
    }
    let sets = Sets::read().at(Step::Capabilities, "capget")?;
    Sets { effective: sets.permitted, ..sets }.write().at(Step::Capabilities, "capset")?;
    for capability in (0..=last()).filter(|c| job.ambient_capabilities & (1 << c) != 0) {
        // SAFETY: PR_CAP_AMBIENT takes numbers.
        let r = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0) };
        cvt(r).at(Step::Capabilities, format!("ambient capability {capability}"))?;
    }
    if job.secure_bits != 0 {
        // SAFETY: PR_SET_SECUREBITS takes a number.
        cvt(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, job.secure_bits, 0, 0, 0) })
            .at(Step::SecureBits, "PR_SET_SECUREBITS")?;
    }
    if !nix::unistd::geteuid().is_root() {
        let rest = sets.permitted & job.ambient_capabilities;
        Sets { effective: rest, permitted: rest, inheritable: sets.inheritable }
            .write()
            .at(Step::Capabilities, "capset")?;
    }
    Ok(())
}

/// Whether this job's user change loses root's capabilities.
fn leaves_root(job: &Job) -> bool {
    !job.keep_credentials && nix::unistd::geteuid().is_root() && new_uid(job).is_some_and(|uid| !uid.is_root())
}

/// Whether the process has CAP_SYS_ADMIN, so that it may install filters of system calls.
pub(super) fn is_admin() -> io::Result<bool> {
    const CAP_SYS_ADMIN: u32 = 21;
    Ok(Sets::read()?.effective & 1 << CAP_SYS_ADMIN != 0)
}

/// Whether the process has CAP_SETUID, so that it may map other users than its own into a user namespace.
pub(super) fn can_change_users() -> io::Result<bool> {
    const CAP_SETUID: u32 = 7;
    Ok(Sets::read()?.effective & 1 << CAP_SETUID != 0)
}

/// Highest capability that this kernel knows.
fn last() -> u32 {
    let text = fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap_or_default();
    text.trim().parse().unwrap_or(40).min(63)
}

/// The three sets of a thread, as bit masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sets {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

/// `struct __user_cap_header_struct`, _LINUX_CAPABILITY_VERSION_3.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`: low and high halves come in an array of two.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

impl Sets {
    fn read() -> io::Result<Self> {
        let mut header = Header { version: VERSION_3, pid: 0 };
        let mut data = [Data::default(); 2];
        // SAFETY: version 3 makes the kernel write exactly two Data.
        cvt(unsafe { libc::syscall(libc::SYS_capget, &mut header, data.as_mut_ptr()) } as i32)?;
        let [low, high] = data;
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Ok(Self {
            effective: join(low.effective, high.effective),
            permitted: join(low.permitted, high.permitted),
            inheritable: join(low.inheritable, high.inheritable),
        })
    }

    fn write(self) -> io::Result<()> {
        let mut header = Header { version: VERSION_3, pid: 0 };
        let half = |shift: u32| Data {
            effective: (self.effective >> shift) as u32,
            permitted: (self.permitted >> shift) as u32,
            inheritable: (self.inheritable >> shift) as u32,
        };
        let data = [half(0), half(32)];
        // SAFETY: version 3 makes the kernel read exactly two Data.
        cvt(unsafe { libc::syscall(libc::SYS_capset, &mut header, data.as_ptr()) } as i32)
    }
}

fn cvt(r: i32) -> io::Result<()> {
    crate::pidfd::cvt(i64::from(r)).map(drop)
}
