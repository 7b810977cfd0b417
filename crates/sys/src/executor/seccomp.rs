//! Filters of system calls are installed, last of all: what they forbid, the set-up still needs.

use super::report::At;
use super::{Failure, Instruction, Job, Step};
use std::io;

/// Installs the programs, in their order. Without CAP_SYS_ADMIN the kernel wants `no_new_privs` for that.
pub(super) fn install(job: &Job) -> Result<(), Failure> {
    for program in &job.seccomp {
        load(program).at(Step::Seccomp, format!("a filter of {} instructions", program.len()))?;
    }
    Ok(())
}

fn load(program: &[Instruction]) -> io::Result<()> {
    let mut filters: Vec<libc::sock_filter> =
        program.iter().map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k }).collect();
    let length = u16::try_from(filters.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: filters.as_mut_ptr() };
    // SAFETY: the program and its instructions outlive the call, which only reads them, as many as it says.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    crate::pidfd::cvt(i64::from(result)).map(drop)
}
