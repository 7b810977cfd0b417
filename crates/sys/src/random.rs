//! Random numbers (getrandom(2)).

use std::io;

/// A random number. EAGAIN while the kernel has gathered nothing to make one of.
///
/// # Errors
/// The kernel's.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0_u8; size_of::<u64>()];
    fill(&mut bytes).map(|()| u64::from_ne_bytes(bytes))
}

/// Fills up to 256 bytes, which come all at once. EAGAIN while the kernel has gathered nothing to make them of.
///
/// # Errors
/// The kernel's; EINVAL for more bytes.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    if bytes.len() > 256 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the kernel writes at most that many bytes there.
    let r = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    crate::pidfd::cvt(r as i64).map(drop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_differ() {
        assert_ne!(super::number().unwrap(), super::number().unwrap());
        let mut bytes = [0; 256];
        super::fill(&mut bytes).unwrap();
        assert!(bytes.iter().any(|byte| *byte != 0));
        assert!(super::fill(&mut [0; 257]).is_err());
    }
}
