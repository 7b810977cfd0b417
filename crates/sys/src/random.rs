//! Random numbers (getrandom(2)).

use std::io;

/// A random number, as good as /dev/urandom's: early at boot there are numbers too.
///
/// # Errors
/// The kernel's: EAGAIN early at boot before Linux 5.6.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0_u8; size_of::<u64>()];
    fill(&mut bytes).map(|()| u64::from_ne_bytes(bytes))
}

/// Fills up to 256 bytes, which come all at once; see [`number`].
///
/// # Errors
/// As there; EINVAL for more bytes.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    if bytes.len() > 256 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut attempt = |flags| {
        // SAFETY: the kernel writes at most that many bytes there.
        let r = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), flags) };
        crate::pidfd::cvt(r as i64).map(drop)
    };
    match attempt(libc::GRND_INSECURE) {
        // The flag is of Linux 5.6.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => attempt(libc::GRND_NONBLOCK),
        result => result,
    }
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
