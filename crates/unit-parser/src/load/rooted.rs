//! Unit files below another root directory, as in an image that is not running.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Disk, Entry, UnitFiles};

/// How many symbolic links one path may lead through, as in the kernel.
const MAX_LINKS: usize = 40;

/// The file system below a directory. Paths are as inside; links never lead out.
#[derive(Debug, Clone)]
pub struct Rooted {
    root: PathBuf,
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    let name = |part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect::<Vec<_>>().into_iter()
}

impl Rooted {
    /// The files below this directory.
    pub fn new(root: impl Into<PathBuf>) -> Rooted {
        Rooted { root: root.into() }
    }

    /// The path inside with all links followed.
    fn resolve(&self, path: &Path) -> PathBuf {
        let mut open: VecDeque<OsString> = parts(path).collect();
        let mut done = PathBuf::new();
        let mut links = 0;
        while let Some(part) = open.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            match std::fs::read_link(self.root.join(&next)) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        done = PathBuf::new();
                    }
                    for part in parts(&target).rev() {
                        open.push_front(part);
                    }
                }
                _ => done = next,
            }
        }
        Path::new("/").join(done)
    }

    /// Where a path inside really is.
    pub fn outside(&self, path: &Path) -> PathBuf {
        let inside = self.resolve(path);
        // A mask is one even if the image has no /dev.
        if inside == Path::new("/dev/null") {
            return inside;
        }
        let relative = inside.strip_prefix("/").unwrap_or(&inside);
        self.root.join(relative)
    }
}

impl UnitFiles for Rooted {
    fn entries(&self, directory: &Path) -> Vec<Entry> {
        Disk.entries(&self.outside(directory))
    }

    fn read(&self, file: &Path) -> io::Result<(Vec<u8>, u64)> {
        Disk.read(&self.outside(file))
    }

    fn modified(&self, file: &Path) -> io::Result<u64> {
        Disk.modified(&self.outside(file))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let inside = self.resolve(path);
        std::fs::symlink_metadata(self.outside(path)).map(|_| inside)
    }

    fn is_null(&self, path: &Path) -> bool {
        Disk.is_null(&self.outside(path))
    }
}
