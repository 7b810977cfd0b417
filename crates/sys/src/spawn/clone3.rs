//! clone3(2) of a process that shares our memory until it execs.

use super::child::{self, Call, Forgive, Orders, Step, Text};
use crate::pidfd::PidFd;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::arch::asm;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// Bytes of the child's stack. It goes a few calls deep; the largest frame holds two `stat` structures.
const STACK: usize = 16 * 1024;

/// A list of steps with everything that they point to.
#[derive(Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    /// Never changed, so that what they hold stays where it is.
    strings: Vec<CString>,
    buffers: Vec<Vec<u8>>,
    arrays: Vec<Vec<u64>>,
    texts: Vec<String>,
    /// Where failures are told.
    tell: [i32; 2],
}

// SAFETY: the pointers in it point to what it owns, and are followed by its process alone.
unsafe impl Send for Program {}

impl Program {
    /// An empty list; failures are told to these descriptors as the child numbers them, unless they are negative.
    pub(super) fn new(tell: [i32; 2]) -> Self {
        Self {
            steps: Vec::with_capacity(24),
            strings: Vec::new(),
            buffers: Vec::new(),
            arrays: Vec::new(),
            texts: Vec::new(),
            tell,
        }
    }

    /// Appends a step.
    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Appends a system call that must succeed, or else ends the process with this status and complaint.
    pub(super) fn call(&mut self, number: i64, arguments: &[u64], status: u8, complaint: &str) {
        self.call_or(number, arguments, status, complaint, Forgive::Nothing);
    }

    /// As [`Program::call`], with errors that are none.
    pub(super) fn call_or(&mut self, number: i64, given: &[u64], status: u8, complaint: &str, forgive: Forgive) {
        let mut arguments = [0; 6];
        for (to, from) in arguments.iter_mut().zip(given) {
            *to = *from;
        }
        let complaint = if complaint.is_empty() {
            Text::NONE
        } else {
            let complaint = complaint.to_owned();
            let text = Text::of(complaint.as_bytes());
            self.texts.push(complaint);
            text
        };
        self.steps.push(Step::Call(Call { number, arguments, forgive, status, complaint }));
    }

    /// Keeps a string; its address.
    pub(super) fn string(&mut self, string: CString) -> u64 {
        let address = string.as_ptr() as u64;
        self.strings.push(string);
        address
    }

    /// Keeps bytes, with a NUL behind them, that the child may change; their address.
    pub(super) fn buffer(&mut self, mut bytes: Vec<u8>) -> u64 {
        bytes.push(0);
        let address = bytes.as_mut_ptr() as u64;
        self.buffers.push(bytes);
        address
    }

    /// Keeps numbers or addresses; their address.
    pub(super) fn array(&mut self, mut numbers: Vec<u64>) -> u64 {
        let address = numbers.as_mut_ptr() as u64;
        self.arrays.push(numbers);
        address
    }

    /// Keeps addresses with a null behind them, as execve(2) takes them.
    pub(super) fn list(&mut self, mut addresses: Vec<u64>) -> u64 {
        addresses.push(0);
        self.array(addresses)
    }
}

/// A process that may still use our memory.
#[derive(Debug)]
struct Running {
    program: Program,
    orders: Orders,
    stack: Vec<u8>,
    /// Cleared by the kernel when the process leaves our memory.
    uses: AtomicU32,
}

// SAFETY: as for Program.
unsafe impl Send for Running {}

/// The processes that may still use our memory; what they use is freed when they do no more.
#[derive(Debug, Default)]
pub(super) struct Nursery(Mutex<Boxes>);

/// The list may move them, their processes must not see that.
#[allow(clippy::vec_box, reason = "their addresses are known elsewhere")]
type Boxes = Vec<Box<Running>>;

impl Nursery {
    fn sweep(&self) -> std::sync::MutexGuard<'_, Boxes> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|running| running.uses.load(Ordering::Acquire) != 0);
        all
    }

    /// Starts a process that does the program's steps, and does not wait for it. What fails in it is told by itself.
    pub(super) fn start(&self, program: Program, cgroup: Option<BorrowedFd<'_>>) -> io::Result<PidFd> {
        let mut running = Running::new(program);
        // Whatever it needs is on the heap, and stays there.
        let mut all = self.sweep();
        let pidfd = running.clone3(libc::CLONE_CHILD_CLEARTID as u64, cgroup)?;
        all.push(running);
        Ok(pidfd)
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        for running in self.sweep().drain(..) {
            // Its process has not exec'd yet, and will: its memory must stay.
            std::mem::forget(running);
        }
    }
}

/// Starts a process that does the program's steps, and waits until it has exec'd, or has failed to.
pub(super) fn start_and_wait(program: Program, cgroup: Option<BorrowedFd<'_>>) -> io::Result<PidFd> {
    let mut running = Running::new(program);
    let pidfd = running.clone3(libc::CLONE_VFORK as u64, cgroup)?;
    // SAFETY: a read of our own; volatile because the child wrote it behind the compiler's back.
    match unsafe { ptr::read_volatile(&raw const running.orders.error) } {
        0 => Ok(pidfd),
        error => {
            while matches!(pidfd.reap(), Ok(None)) {
                std::thread::yield_now(); // it has called exit, and is about to be a zombie
            }
            Err(io::Error::from_raw_os_error(error as i32))
        }
    }
}

/// A program that execs `exec_fd` with `argv`, an empty environment, and `inherit` as its only descriptors besides those that
/// are not CLOEXEC.
pub(super) fn exec_program(exec_fd: BorrowedFd<'_>, argv: Vec<CString>, inherit: &[RawFd]) -> Program {
    /// "Cannot exec", as shells have it; the caller learns of the error itself.
    const STATUS: u8 = 127;
    let mut program = Program::new([-1; 2]);
    for fd in inherit {
        // Its descriptor table is a copy.
        program.call(libc::SYS_fcntl, &[*fd as u64, libc::F_SETFD as u64, 0], STATUS, "");
    }
    let argv = argv.into_iter().map(|argument| program.string(argument)).collect();
    let argv = program.list(argv);
    let envp = program.list(Vec::new());
    let empty = program.string(CString::default());
    let arguments = [exec_fd.as_raw_fd() as u64, empty, argv, envp, libc::AT_EMPTY_PATH as u64];
    program.call(libc::SYS_execveat, &arguments, STATUS, "");
    program
}

impl Running {
    fn new(program: Program) -> Box<Self> {
        let errors = errors();
        let orders = Orders {
            steps: program.steps.as_ptr(),
            count: program.steps.len(),
            errors: errors.as_ptr(),
            error_count: errors.len(),
            tell: program.tell,
            error: 0,
        };
        Box::new(Self { program, orders, stack: Vec::with_capacity(STACK), uses: AtomicU32::new(1) })
    }

    fn clone3(&mut self, flags: u64, cgroup: Option<BorrowedFd<'_>>) -> io::Result<PidFd> {
        debug_assert!(!self.program.steps.is_empty());
        let mut pidfd: RawFd = -1;
        let stack = self.stack.as_mut_ptr() as u64;
        let start = stack.next_multiple_of(16);
        let mut args = CloneArgs {
            flags: (libc::CLONE_VM | libc::CLONE_PIDFD) as u64 | CLONE_CLEAR_SIGHAND | flags,
            pidfd: ptr::from_mut(&mut pidfd) as u64,
            child_tid: self.uses.as_ptr() as u64,
            exit_signal: libc::SIGCHLD as u64,
            stack: start,
            stack_size: (stack + STACK as u64 - start) & !15,
            ..CloneArgs::default()
        };
        if let Some(cgroup) = cgroup {
            args.flags |= CLONE_INTO_CGROUP;
            args.cgroup = cgroup.as_raw_fd() as u64;
        }
        // SAFETY: `args` is ours. The child uses the stack and the orders in this box until it has exec'd or ended: our caller
        // keeps it until then. Only the kernel writes `pidfd`, before the call returns.
        let r = unsafe { clone_and_live(&mut args, &raw mut self.orders) };
        if r < 0 {
            return Err(io::Error::from_raw_os_error(-r as i32));
        }
        // SAFETY: CLONE_PIDFD has stored a new descriptor there, and nobody else knows it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(ptr::read_volatile(&raw const pidfd)) };
        Ok(PidFd::from_fd_of(pidfd, r as i32))
    }
}

/// The texts of errors by number, as Rust tells them, made once.
fn errors() -> &'static [Text] {
    struct Texts(Vec<Text>);
    // SAFETY: they point to leaked text, which anybody may read.
    unsafe impl Sync for Texts {}
    // SAFETY: as above.
    unsafe impl Send for Texts {}
    /// Behind the last of Linux (EHWPOISON is 133).
    const END: i32 = 134;
    static TEXTS: OnceLock<Texts> = OnceLock::new();
    &TEXTS
        .get_or_init(|| {
            let text = |number| format!("{}\n", io::Error::from_raw_os_error(number));
            Texts((0..END).map(|number| Text::of(text(number).leak().as_bytes())).collect())
        })
        .0
}

/// Returns the child's PID, or a negated errno of clone3. The child does its orders.
///
/// # Safety
/// All pointers in `args` and `orders` are valid until the child has exec'd or ended; `args` has CLONE_VM,
/// CLONE_CLEAR_SIGHAND and a stack.
#[cfg(target_arch = "x86_64")]
unsafe fn clone_and_live(args: *mut CloneArgs, orders: *mut Orders) -> i64 {
    let mut result = libc::SYS_clone3;
    // SAFETY: the child starts with its own stack pointer, never returns from this block, and calls a function that never
    // returns; the kernel preserves all registers but rax, rcx and r11 for us.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") result,
            in("rdi") args,
            in("rsi") size_of::<CloneArgs>(),
            in("r12") orders,
            in("r13") child::live as unsafe extern "C" fn(*mut Orders) -> !,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Returns the child's PID, or a negated errno of clone3. The child does its orders.
///
/// # Safety
/// As on x86_64.
#[cfg(target_arch = "aarch64")]
unsafe fn clone_and_live(args: *mut CloneArgs, orders: *mut Orders) -> i64 {
    let result: i64;
    // SAFETY: as on x86_64; the kernel preserves all registers but x0 for us.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            inlateout("x0") args => result,
            in("x1") size_of::<CloneArgs>(),
            in("x8") libc::SYS_clone3,
            in("x20") orders,
            in("x21") child::live as unsafe extern "C" fn(*mut Orders) -> !,
        );
    }
    result
}

/// Other architectures take the weaker way.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone_and_live(_: *mut CloneArgs, _: *mut Orders) -> i64 {
    let _ = child::live;
    -i64::from(libc::ENOSYS)
}
