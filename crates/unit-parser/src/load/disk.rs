//! The only file access: directories and files of the load path, behind a trait so that tests use a map.

use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// File systems tick slower than clocks: two changes within this time may bear the same one.
const SETTLED: Duration = Duration::from_millis(50);
/// `O_NOCTTY | O_NONBLOCK`: a FIFO or a terminal in the place of a unit file must not keep us waiting.
pub(crate) const NO_WAITING: i32 = 0o400 | 0o4000;

/// What an entry of a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with its text.
    Link(PathBuf),
    /// Anything else.
    Other,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file name.
    pub name: String,
    /// What it is, links not followed.
    pub kind: FileKind,
}

/// Access to unit files.
pub trait UnitFiles {
    /// The entries of a directory, in any order; empty if it isn't there.
    fn entries(&self, directory: &Path) -> Vec<Entry>;
    /// A file's bytes with its modification time in microseconds since 1970, links followed.
    fn read(&self, file: &Path) -> io::Result<(Vec<u8>, u64)>;
    /// A file's modification time in microseconds since 1970, links followed.
    fn modified(&self, file: &Path) -> io::Result<u64>;
    /// A number that is another one after a change of the file, or of what a directory lists; links followed. `None` if it
    /// isn't there, or changed so recently that the next change might not show.
    fn stamp(&self, path: &Path) -> Option<u64> {
        self.modified(path).ok()
    }
    /// The path with all links followed.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
    /// Whether there is something at this path, and it is /dev/null or an empty file: a mask.
    fn is_null(&self, path: &Path) -> bool;
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

fn microseconds(metadata: &std::fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}

/// 1:3 is /dev/null, wherever its node is.
fn is_null_device(metadata: &std::fs::Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == (1 << 8 | 3)
}

impl UnitFiles for Disk {
    fn entries(&self, directory: &Path) -> Vec<Entry> {
        let Ok(listing) = std::fs::read_dir(directory) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in listing.flatten() {
            // Names that aren't UTF-8 can't be unit names.
            let Ok(name) = item.file_name().into_string() else {
                continue;
            };
            let kind = match item.file_type() {
                Ok(t) if t.is_symlink() => std::fs::read_link(item.path()).map_or(FileKind::Other, FileKind::Link),
                Ok(t) if t.is_dir() => FileKind::Directory,
                Ok(t) if t.is_file() => FileKind::File,
                _ => FileKind::Other,
            };
            entries.push(Entry { name, kind });
        }
        entries
    }

    fn read(&self, file: &Path) -> io::Result<(Vec<u8>, u64)> {
        let mut open = OpenOptions::new().read(true).custom_flags(NO_WAITING).open(file)?;
        let metadata = open.metadata()?;
        let null = is_null_device(&metadata);
        if !metadata.is_file() && !null {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        if !null {
            open.read_to_end(&mut bytes)?;
        }
        Ok((bytes, microseconds(&metadata)))
    }

    fn modified(&self, file: &Path) -> io::Result<u64> {
        Ok(microseconds(&std::fs::metadata(file)?))
    }

    fn stamp(&self, path: &Path) -> Option<u64> {
        let metadata = std::fs::metadata(path).ok()?;
        // The change time can't be set, so old times that a file was given don't deceive.
        let (changed, nanoseconds) = (metadata.ctime(), metadata.ctime_nsec());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let changed_at = Duration::new(u64::try_from(changed).ok()?, u32::try_from(nanoseconds).ok()?);
        if now.checked_sub(changed_at)? < SETTLED {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (metadata.dev(), metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
        (changed, nanoseconds).hash(&mut hasher);
        Some(hasher.finish())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn is_null(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|m| is_null_device(&m) || (m.is_file() && m.len() == 0))
    }
}
