//! What a new process does before it execs, while it shares its parent's memory: system calls from a list, and nothing else.
//!
//! No allocation, no lock, no panic, no libc (its `errno` is the parent's): the parent runs on meanwhile, or is suspended in
//! the middle of anything. All text and all numbers are ready before the process exists.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::arch::asm;
use std::ffi::c_char;
use std::ptr;

/// One thing to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A system call.
    Call(Call),
    /// Writes the process's own id in decimal digits, with a NUL, to a place of [`DIGITS`] bytes.
    OwnPid(*mut u8),
    /// Writes the inode of the process's own pidfd likewise; where pidfds have none of their own, the last entry of an
    /// environment, which it would complete, becomes null.
    OwnPidFdId(*mut u8, *mut *const c_char),
}

/// Room for a number and its NUL.
pub(super) const DIGITS: usize = 21;

/// A system call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its number.
    pub(super) number: i64,
    /// Numbers, or addresses of what outlives the process's use of it.
    pub(super) arguments: [u64; 6],
    /// Errors that are none.
    pub(super) forgive: Forgive,
    /// The exit status of the process when it fails.
    pub(super) status: u8,
    /// What is told then, before the error's text.
    pub(super) complaint: Text,
}

/// Errors of a call that are no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgive {
    /// None.
    Nothing,
    /// Any: go on.
    Anything,
    /// This call is the first of two ways: the next one is done when this error comes, else left out.
    InFavourOfNext(i32),
}

/// Bytes that outlive the process's use of them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Text {
    /// As in `struct iovec`.
    pub(super) start: *const u8,
    /// As in `struct iovec`.
    pub(super) length: usize,
}

impl Text {
    /// No text.
    pub(super) const NONE: Self = Self { start: ptr::null(), length: 0 };

    /// These bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }
}

/// All that the process reads.
#[derive(Debug)]
pub(super) struct Orders {
    /// The steps; the last one is an exec.
    pub(super) steps: *const Step,
    /// How many.
    pub(super) count: usize,
    /// The texts of errors by number, each with a newline.
    pub(super) errors: *const Text,
    /// How many.
    pub(super) error_count: usize,
    /// Where failures are told, by descriptor; negative: nowhere.
    pub(super) tell: [i32; 2],
    /// The error that it gave up for.
    pub(super) error: i64,
}

/// The whole life of the process up to its exec. Never returns.
///
/// # Safety
/// `orders` and everything in it is valid and unchanged until the process has exec'd or ended. Runs in a process of its own
/// on a stack of its own, with signal handlers cleared.
pub(super) unsafe extern "C" fn live(orders: *mut Orders) -> ! {
    // SAFETY: the caller's promise.
    let Orders { steps, count, errors, error_count, tell, .. } = unsafe { ptr::read(orders) };
    // SAFETY: as above.
    let steps = unsafe { std::slice::from_raw_parts(steps, count) };
    let mut left_out = false;
    for step in steps {
        if std::mem::replace(&mut left_out, false) {
            continue;
        }
        match step {
            // SAFETY: the places are the spawner's, for this process alone.
            Step::OwnPid(place) => unsafe { write_digits(*place, own_pid() as u64) },
            Step::OwnPidFdId(place, entry) => match own_pidfd_id() {
                // SAFETY: as above.
                Some(id) => unsafe { write_digits(*place, id) },
                // SAFETY: as above.
                None => unsafe { ptr::write(*entry, ptr::null()) },
            },
            Step::Call(call) => {
                // SAFETY: the spawner's list: its calls take what it has put there.
                let result = unsafe { system_call(call.number, call.arguments) };
                match call.forgive {
                    Forgive::InFavourOfNext(_) if result >= 0 => left_out = true,
                    _ if result >= 0 => {}
                    Forgive::Anything => {}
                    Forgive::InFavourOfNext(error) if result == -i64::from(error) => {}
                    Forgive::Nothing | Forgive::InFavourOfNext(_) => {
                        // SAFETY: the spawner reads it when this process has ended.
                        unsafe { ptr::write_volatile(&raw mut (*orders).error, -result) };
                        let known = (-result as usize) < error_count;
                        // SAFETY: within the table.
                        let text = if known { unsafe { ptr::read(errors.add(-result as usize)) } } else { Text::NONE };
                        give_up(call, text, tell)
                    }
                }
            }
        }
    }
    give_up(&NEVER, Text::NONE, [-1; 2])
}

/// The list had no end.
const NEVER: Call =
    Call { number: 0, arguments: [0; 6], forgive: Forgive::Nothing, status: 255, complaint: Text::NONE };

fn give_up(call: &Call, error: Text, tell: [i32; 2]) -> ! {
    let line = [call.complaint, error];
    if call.complaint.length > 0 {
        for fd in tell {
            if fd >= 0 {
                let arguments = [fd as u64, line.as_ptr() as u64, line.len() as u64, 0, 0, 0];
                // SAFETY: writev reads two iovecs.
                let _ = unsafe { system_call(libc::SYS_writev, arguments) };
            }
        }
    }
    loop {
        // SAFETY: ends this process alone: it has no other thread.
        unsafe { system_call(libc::SYS_exit_group, [u64::from(call.status), 0, 0, 0, 0, 0]) };
    }
}

fn own_pid() -> i64 {
    // SAFETY: no arguments.
    unsafe { system_call(libc::SYS_getpid, [0; 6]) }
}

/// As [`crate::pidfd::PidFd::id`].
fn own_pidfd_id() -> Option<u64> {
    // SAFETY: integers only.
    let fd = unsafe { system_call(libc::SYS_pidfd_open, [own_pid() as u64, 0, 0, 0, 0, 0]) };
    if fd < 0 {
        return None;
    }
    // SAFETY: zeroes are valid in both structures, and the kernel writes no more than them.
    let (kind, inode) = unsafe {
        let mut system: libc::statfs = std::mem::zeroed();
        let mut file: libc::stat = std::mem::zeroed();
        let asked = [
            system_call(libc::SYS_fstatfs, [fd as u64, &raw mut system as u64, 0, 0, 0, 0]),
            system_call(libc::SYS_fstat, [fd as u64, &raw mut file as u64, 0, 0, 0, 0]),
        ];
        system_call(libc::SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
        let answered = matches!(asked, [0, 0]);
        (if answered { system.f_type as u64 } else { 0 }, file.st_ino)
    };
    (kind == crate::pidfd::PIDFS).then_some(inode)
}

/// # Safety
/// `place` has room for [`DIGITS`] bytes.
unsafe fn write_digits(place: *mut u8, mut number: u64) {
    let mut digits = [0_u8; DIGITS];
    let mut length = 0;
    for digit in &mut digits {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        length += 1;
        if number == 0 {
            break;
        }
    }
    for (at, digit) in digits.iter().take(length).rev().enumerate() {
        // SAFETY: at < length < DIGITS: a u64 has 20 digits at most.
        unsafe { ptr::write(place.add(at), *digit) };
    }
    // SAFETY: as above.
    unsafe { ptr::write(place.add(length), 0) };
}

/// The kernel's answer: negative ones are errors.
///
/// # Safety
/// As the call asks.
#[cfg(target_arch = "x86_64")]
unsafe fn system_call(number: i64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel changes rax, rcx and r11 alone, and memory as the call says.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// The kernel's answer: negative ones are errors.
///
/// # Safety
/// As the call asks.
#[cfg(target_arch = "aarch64")]
unsafe fn system_call(number: i64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel changes x0 alone, and memory as the call says.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack),
        );
    }
    result
}

/// Other architectures have no such child.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn system_call(_: i64, _: [u64; 6]) -> i64 {
    -i64::from(libc::ENOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        for number in [0, 7, 10, 4_194_304, u64::MAX] {
            let mut place = [b'x'; DIGITS];
            // SAFETY: the place has that size.
            unsafe { write_digits(place.as_mut_ptr(), number) };
            let text = std::ffi::CStr::from_bytes_until_nul(&place).unwrap();
            assert_eq!(text.to_str().unwrap(), number.to_string());
        }
    }

    #[test]
    fn own_ids() {
        assert_eq!(own_pid(), i64::from(std::process::id()));
        let own = crate::pidfd::PidFd::open(own_pid() as i32).unwrap();
        assert_eq!(own_pidfd_id(), own.id());
    }
}
