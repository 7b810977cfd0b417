//! The kernel's tables of mounts and swaps: a node that they name has a unit even if udev doesn't know it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use daemon_runtime::readiness;
use nix::sys::stat::{major, minor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::core::table::{Nodes, Referrer};

/// One of the tables, with its notification (the file becomes "exceptional" when the table changes).
pub struct KernelTable {
    referrer: Referrer,
    file: File,
    readiness: AsyncFd<OwnedFd>,
}

impl KernelTable {
    /// Opens a table.
    ///
    /// # Errors
    /// When the kernel doesn't have it (`/proc/swaps` without swap support) or `/proc` isn't mounted.
    pub fn open(referrer: Referrer) -> io::Result<KernelTable> {
        let path = match referrer {
            Referrer::Mounts => "/proc/self/mountinfo",
            Referrer::Swaps => "/proc/swaps",
        };
        let file = File::open(path)?;
        let readiness = readiness::watch(&file, Interest::PRIORITY)?;
        Ok(KernelTable { referrer, file, readiness })
    }

    /// Which table this is.
    pub fn referrer(&self) -> Referrer {
        self.referrer
    }

    /// The device nodes in the table now, with their sysfs paths.
    ///
    /// # Errors
    /// When the table can't be read.
    pub fn nodes(&self) -> io::Result<Nodes> {
        let mut file = &self.file;
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let nodes = match self.referrer {
            Referrer::Mounts => mounted(&text),
            Referrer::Swaps => swapped(&text),
        };
        let place = |node: String| {
            let path = sysfs_path(Path::new(&node)).unwrap_or_default();
            (node, path)
        };
        Ok(nodes.into_iter().map(place).collect())
    }

    /// Waits for a change.
    ///
    /// # Errors
    /// When waiting fails.
    pub async fn changed(&self) -> io::Result<()> {
        let mut guard = self.readiness.ready(Interest::PRIORITY).await?;
        guard.clear_ready();
        Ok(())
    }
}

/// Sources of mountinfo: the second field after the lone `-`.
fn mounted(table: &str) -> BTreeSet<String> {
    let source = |line: &str| Some(line.split_once(" - ")?.1.split(' ').nth(1)?.to_owned());
    nodes(table.lines().filter_map(source))
}

/// First column of the swaps, below the heading.
fn swapped(table: &str) -> BTreeSet<String> {
    nodes(table.lines().skip(1).filter_map(|line| Some(line.split_whitespace().next()?.to_owned())))
}

fn nodes(paths: impl Iterator<Item = String>) -> BTreeSet<String> {
    paths.map(|path| unescape(&path)).filter(|path| path.starts_with("/dev/")).collect()
}

/// Where sysfs has the device behind a node.
pub(super) fn sysfs_path(node: &Path) -> Option<String> {
    let metadata = fs::metadata(node).ok()?;
    let number = metadata.rdev();
    let class = if metadata.file_type().is_block_device() { "block" } else { "char" };
    let link = format!("/sys/dev/{class}/{}:{}", major(number), minor(number));
    let path = fs::canonicalize(link).ok().filter(|_| number != 0)?;
    path.to_str().map(str::to_owned)
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(field: &str) -> String {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal {
            Some(value) if byte == b'\\' => {
                out.push(value);
                rest = tail.get(3..).unwrap_or_default();
            }
            Some(_) | None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      23 22 0:21 / /proc rw - proc proc rw\n\
                      24 22 7:0 / /a\\040b rw master:2 shared:3 - ext4 /dev/disk/by-label/x\\040y rw\n";
        assert_eq!(mounted(mounts).into_iter().collect::<Vec<_>>(), ["/dev/disk/by-label/x y", "/dev/vda"]);
        let swaps = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                     /dev/dm-1                               partition\t1000444\t\t0\t\t-2\n/swapfile file 1 0 -3\n";
        assert_eq!(swapped(swaps).into_iter().collect::<Vec<_>>(), ["/dev/dm-1"]);
    }
}
