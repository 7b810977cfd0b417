//! The vfork child in assembly: it shares our memory, so it may do nothing but system calls on registers.

use crate::pidfd::PidFd;
use std::arch::asm;
use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// `struct clone_args` of linux/sched.h, up to `cgroup` (Linux 5.7).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What the child reads: offsets are spelled out in the assembly.
#[repr(C)]
struct Child {
    /// 0: first descriptor to keep open across exec
    fds: *const RawFd,
    /// 8: behind the last
    fds_end: *const RawFd,
    /// 16: the program, as a descriptor
    exec_fd: i64,
    /// 24: an empty string
    empty: *const c_char,
    /// 32
    argv: *const *const c_char,
    /// 40
    envp: *const *const c_char,
    /// 48: the child's errno (negated), written when a system call of it failed
    error: i64,
}

/// Starts the program `exec_fd` with `argv`, an empty environment, all signals at their defaults, and `inherit` as its only
/// descriptors besides those that are not CLOEXEC. Returns when the child has exec'd.
pub(super) fn vfork_exec(
    exec_fd: BorrowedFd<'_>,
    argv: &[CString],
    inherit: &[RawFd],
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<PidFd> {
    let argv: Vec<*const c_char> = argv.iter().map(|a| a.as_ptr()).chain([ptr::null()]).collect();
    let envp = [ptr::null::<c_char>()];
    let range = inherit.as_ptr_range();
    let mut child = Child {
        fds: range.start,
        fds_end: range.end,
        exec_fd: i64::from(exec_fd.as_raw_fd()),
        empty: c"".as_ptr(),
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        error: 0,
    };
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        flags: (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64 | CLONE_CLEAR_SIGHAND,
        pidfd: ptr::from_mut(&mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: `args` and `child` hold pointers to locals that outlive the call; CLONE_VFORK suspends this thread until the
    // child has exec'd or ended, so its use of our stack and of `child` is over when the call returns.
    let r = unsafe { clone_and_exec(&mut args, &mut child) };
    if r < 0 {
        return Err(io::Error::from_raw_os_error(-r as i32));
    }
    // SAFETY: CLONE_PIDFD has stored a new descriptor there, and nobody else knows it.
    let pidfd = PidFd::from_fd_of(unsafe { OwnedFd::from_raw_fd(pidfd) }, r as i32);
    // SAFETY: a read of a local; volatile because the child wrote it behind the compiler's back.
    match unsafe { ptr::read_volatile(&raw const child.error) } {
        0 => Ok(pidfd),
        error => {
            while matches!(pidfd.reap(), Ok(None)) {
                std::thread::yield_now(); // it has called exit, and is about to be a zombie
            }
            Err(io::Error::from_raw_os_error(-error as i32))
        }
    }
}

/// Returns the child's PID, or a negated errno of clone3. What the child itself could not do is in `child.error`.
///
/// # Safety
/// All pointers in `args` and `child` are valid; `args.flags` has CLONE_VM, CLONE_VFORK and CLONE_CLEAR_SIGHAND.
#[cfg(target_arch = "x86_64")]
unsafe fn clone_and_exec(args: *mut CloneArgs, child: *mut Child) -> i64 {
    let mut result = libc::SYS_clone3;
    // SAFETY: the child runs on our stack and never pushes to it, never returns from this block, and uses registers of its
    // own. The kernel preserves all registers but rax, rcx and r11 for us.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 6f",
            // child: clear CLOEXEC of what it inherits; its descriptor table is a copy
            "mov r13, [r12]",
            "2:",
            "cmp r13, [r12 + 8]",
            "je 3f",
            "mov edi, [r13]",
            "mov esi, {f_setfd}",
            "xor edx, edx",
            "mov eax, {fcntl}",
            "syscall",
            "test rax, rax",
            "js 4f",
            "add r13, 4",
            "jmp 2b",
            "3:",
            "mov rdi, [r12 + 16]",
            "mov rsi, [r12 + 24]",
            "mov rdx, [r12 + 32]",
            "mov r10, [r12 + 40]",
            "mov r8d, {at_empty_path}",
            "mov eax, {execveat}",
            "syscall",
            "4:",
            "mov [r12 + 48], rax",
            "5:",
            "mov edi, 127",
            "mov eax, {exit}",
            "syscall",
            "jmp 5b",
            "6:",
            f_setfd = const libc::F_SETFD,
            fcntl = const libc::SYS_fcntl,
            at_empty_path = const libc::AT_EMPTY_PATH,
            execveat = const libc::SYS_execveat,
            exit = const libc::SYS_exit,
            inlateout("rax") result,
            in("rdi") args,
            in("rsi") size_of::<CloneArgs>(),
            in("r12") child,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Returns the child's PID, or a negated errno of clone3. What the child itself could not do is in `child.error`.
///
/// # Safety
/// All pointers in `args` and `child` are valid; `args.flags` has CLONE_VM, CLONE_VFORK and CLONE_CLEAR_SIGHAND.
#[cfg(target_arch = "aarch64")]
unsafe fn clone_and_exec(args: *mut CloneArgs, child: *mut Child) -> i64 {
    let result: i64;
    // SAFETY: as on x86_64; the kernel preserves all registers but x0 for us.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 6f",
            "ldr x21, [x20]",
            "ldr x22, [x20, #8]",
            "2:",
            "cmp x21, x22",
            "b.eq 3f",
            "ldr w0, [x21], #4",
            "mov x1, #{f_setfd}",
            "mov x2, #0",
            "mov x8, #{fcntl}",
            "svc #0",
            "tbnz x0, #63, 4f",
            "b 2b",
            "3:",
            "ldr x0, [x20, #16]",
            "ldr x1, [x20, #24]",
            "ldr x2, [x20, #32]",
            "ldr x3, [x20, #40]",
            "mov x4, #{at_empty_path}",
            "mov x8, #{execveat}",
            "svc #0",
            "4:",
            "str x0, [x20, #48]",
            "5:",
            "mov x0, #127",
            "mov x8, #{exit}",
            "svc #0",
            "b 5b",
            "6:",
            f_setfd = const libc::F_SETFD,
            fcntl = const libc::SYS_fcntl,
            at_empty_path = const libc::AT_EMPTY_PATH,
            execveat = const libc::SYS_execveat,
            exit = const libc::SYS_exit,
            inlateout("x0") args => result,
            in("x1") size_of::<CloneArgs>(),
            in("x8") libc::SYS_clone3,
            in("x20") child,
        );
    }
    result
}

/// Other architectures take the weaker way.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone_and_exec(_: *mut CloneArgs, _: *mut Child) -> i64 {
    -i64::from(libc::ENOSYS)
}
