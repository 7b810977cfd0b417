//! Files of /proc and of cgroups that hold a line or two.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads such a file with a single read(2): the kernel makes its whole text for the first one. Their size is told as 0 or as a
/// page, and std asks for it and for the end as well.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let mut buffer = [0_u8; 4096];
    let length = File::open(path)?.read(&mut buffer)?;
    Ok(String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned())
}
