//! Random numbers (getrandom(2)).

use std::io;

/// A random number. EAGAIN while the kernel has gathered nothing to make one of.
///
/// # Errors
/// The kernel's.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0_u8; size_of::<u64>()];
    // SAFETY: the kernel writes at most that many bytes there; so few come all at once.
    let r = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    crate::pidfd::cvt(r as i64).map(|_| u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_differ() {
        assert_ne!(super::number().unwrap(), super::number().unwrap());
    }
}
