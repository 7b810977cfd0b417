//! `ListenUSBFunction=`: a USB function in user space (systemd.socket(5); Documentation/usb/functionfs.rst of the kernel).
//!
//! The directory is a mounted FunctionFS. Its `ep0` is told what the function is, by two files that the service names; then
//! the other endpoints appear beside it. The service gets them all.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use super::error::{OpenError, at};
use super::fifo::{exists, open_file, watchable};
use crate::settings::UsbFiles;

/// Most bytes of a description. The kernel takes less.
const MOST: u64 = 1 << 20;

/// The control endpoint, told what the function is.
pub fn open(path: &Path, what: &str, files: Option<&UsbFiles>) -> Result<OwnedFd, OpenError> {
    let mut file = open_file(&path.join("ep0"), true).map_err(at("open USB function", what))?;
    if !file.metadata().map_err(at("open USB function", what))?.is_file() {
        return Err(at("use USB function", what)(exists()));
    }
    let Some(files) = files else {
        let text = "the service has no USBFunctionDescriptors= and USBFunctionStrings=";
        return Err(at("describe USB function", what)(io::Error::new(ErrorKind::InvalidInput, text)));
    };
    for source in [&files.descriptors, &files.strings] {
        tell(&mut file, source).map_err(at("describe USB function", &format!("{what} by {}", source.display())))?;
    }
    watchable(&file).map_err(at("watch", what))?;
    Ok(file.into())
}

/// One write: the kernel takes a description whole.
fn tell(endpoint: &mut File, source: &Path) -> io::Result<()> {
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(File::open(source)?, MOST), &mut text)?;
    endpoint.write_all(&text)
}

/// The other endpoints, by number.
///
/// # Errors
/// When the directory can't be read or an endpoint can't be opened.
pub fn endpoints(path: &Path) -> io::Result<Vec<OwnedFd>> {
    let mut numbers: Vec<u32> = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("ep")?.parse::<u32>().ok());
        numbers.extend(number.filter(|number| *number != 0));
    }
    numbers.sort_unstable();
    numbers.into_iter().map(|number| open_file(&path.join(format!("ep{number}")), true).map(OwnedFd::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_and_endpoints() {
        let dir = std::env::temp_dir().join(format!("socket-activator-usb-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let fails = |files: Option<&UsbFiles>| open(&dir, "x", files).unwrap_err().to_string();
        assert_eq!(fails(None), "Failed to open USB function x: No such file or directory");
        for (name, text) in [("ep0", ""), ("ep10", ""), ("ep2", ""), ("epoch", ""), ("d", "DESC"), ("s", "STR")] {
            std::fs::write(dir.join(name), text).unwrap();
        }
        assert!(fails(None).contains("USBFunctionDescriptors="), "{}", fails(None));
        let files = UsbFiles { descriptors: dir.join("d"), strings: dir.join("s") };
        // A plain file is told, but can't be watched.
        assert_eq!(fails(Some(&files)), "Failed to watch x: Operation not permitted");
        assert_eq!(std::fs::read_to_string(dir.join("ep0")).unwrap(), "DESCSTR");
        assert!(fails(Some(&UsbFiles { strings: dir.join("no"), ..files })).contains("No such file"));
        let endpoints = endpoints(&dir).unwrap();
        let names = endpoints
            .iter()
            .map(|fd| std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(fd))).unwrap());
        assert_eq!(names.collect::<Vec<_>>(), [dir.join("ep2"), dir.join("ep10")]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
