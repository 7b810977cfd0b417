//! The file behind it: where in it each key's last line is, how a new line gets there, and when it is written anew.
//!
//! The log is written anew when more than half of it, and more than [`SLACK`], is out of date: what each line costs is then a
//! line and at most one copy. That happens under a temporary name, which is renamed when all is there: a daemon killed
//! meanwhile leaves the old log as it was.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::Line;

const NAME: &str = "state.log";
/// The next log.
const TEMPORARY: &str = "state.tmp";
/// Lines that made no sense.
const BAD: &str = "state.bad";
/// Bytes that may be out of date whatever the rest.
const SLACK: u64 = 256 * 1024;
/// Bytes that are copied at a time.
const CHUNK: usize = 64 * 1024;

/// Where a key's line is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
    fingerprint: u64,
}

/// A line to be appended.
#[derive(Debug)]
pub struct New {
    pub key: String,
    /// Bytes, with the line end.
    pub length: usize,
    /// `None`: it takes the key back.
    pub fingerprint: Option<u64>,
}

/// An open log.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    file: File,
    places: HashMap<String, Place>,
    /// Where the next line goes.
    end: u64,
    /// Bytes of the lines that count.
    live: u64,
    /// Bytes that may be out of date: [`SLACK`], more after each new log that could not be written.
    slack: u64,
}

impl Log {
    /// Opens the log in a directory and reads where everything is. `fingerprint` is that of a line.
    pub fn open(dir: PathBuf, fingerprint: impl Fn(&[u8]) -> u64) -> io::Result<Log> {
        let path = dir.join(NAME);
        let file = options().create(true).truncate(false).open(&path)?;
        let content = std::fs::read(&path)?;
        let mut log = Log { dir, file, places: HashMap::new(), end: 0, live: 0, slack: SLACK };
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if line.last() != Some(&b'\n') {
                tracing::info!("{}: the last write was not finished, and does not count", path.display());
                log.file.set_len(log.end)?;
                break;
            }
            match serde_json::from_slice::<Line<'_>>(line) {
                Ok(Line { key, value: Some(_) }) => log.place(&key, line.len(), fingerprint(line))?,
                Ok(Line { key, value: None }) => log.forget(&key),
                Err(error) => log.set_aside(line, &error),
            }
            log.end += line.len() as u64;
        }
        Ok(log)
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    /// Whether a key's last line is this one.
    pub fn is_last(&self, key: &str, fingerprint: u64) -> bool {
        self.places.get(key).is_some_and(|place| place.fingerprint == fingerprint)
    }

    /// Whether there is a line of this key.
    pub fn knows(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Appends lines: all of them or none. `text` is all of them in a row.
    pub fn append(&mut self, lines: &[New], text: &[u8]) -> io::Result<()> {
        // What is taken back is forgotten here whatever becomes of the line: the next log leaves it out.
        for line in lines.iter().filter(|line| line.fingerprint.is_none()) {
            self.forget(&line.key);
        }
        if text.is_empty() {
            return Ok(());
        }
        self.write(text)?;
        for line in lines {
            if let Some(fingerprint) = line.fingerprint {
                self.place(&line.key, line.length, fingerprint)?;
            }
            self.end += line.length as u64;
        }
        self.tidy();
        Ok(())
    }

    /// A key's line, as `parse` takes it. One that it can't take is set aside.
    pub fn read<T>(&mut self, key: &str, parse: impl FnOnce(&[u8]) -> io::Result<T>) -> Option<T> {
        let place = *self.places.get(key)?;
        let mut line = vec![0; place.length as usize];
        if let Err(error) = self.file.read_exact_at(&mut line, place.offset) {
            tracing::error!(key, "cannot read state: {error}");
            return None;
        }
        match parse(&line) {
            Ok(value) => Some(value),
            Err(error) => {
                self.set_aside(&line, &error);
                self.forget(key);
                None
            }
        }
    }

    fn place(&mut self, key: &str, length: usize, fingerprint: u64) -> io::Result<()> {
        let length = u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let place = Place { offset: self.end, length, fingerprint };
        self.live += u64::from(length);
        match self.places.get_mut(key) {
            Some(before) => {
                self.live -= u64::from(before.length);
                *before = place;
            }
            None => drop(self.places.insert(key.to_owned(), place)),
        }
        Ok(())
    }

    fn forget(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key) {
            self.live -= u64::from(place.length);
        }
    }

    /// Writes a whole line or nothing.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        // Somebody removed the directory: the file has no name any more, and what is written to it is lost.
        if self.file.metadata()?.nlink() == 0 {
            self.renew()?;
        }
        // No fsync: the directory is a tmpfs, and state is about processes, which do not survive the machine either.
        self.file.write_all_at(line, self.end).inspect_err(|_| {
            let _ = self.file.set_len(self.end);
        })
    }

    fn tidy(&mut self) {
        let dead = self.end.saturating_sub(self.live);
        if dead <= self.slack || dead <= self.live {
            return;
        }
        match self.renew() {
            Ok(()) => self.slack = SLACK,
            // The old one is still good. Tried again, but not at every line.
            Err(error) => {
                self.slack = dead.saturating_mul(2);
                tracing::warn!("{} cannot be written anew: {error}", self.dir.join(NAME).display());
            }
        }
    }

    /// Writes what counts to a new log, in the order that it was written.
    fn renew(&mut self) -> io::Result<()> {
        let path = self.dir.join(TEMPORARY);
        let renewed = self.copy(&path).and_then(|copy| {
            std::fs::rename(&path, self.dir.join(NAME))?;
            Ok(copy)
        });
        let (file, places) = renewed.inspect_err(|_| {
            let _ = std::fs::remove_file(&path);
        })?;
        self.file = file;
        self.places.extend(places);
        self.end = self.live;
        Ok(())
    }

    fn copy(&self, path: &Path) -> io::Result<(File, Vec<(String, Place)>)> {
        let mut order: Vec<(String, Place)> = self.places.iter().map(|(key, place)| (key.clone(), *place)).collect();
        order.sort_unstable_by_key(|(_, place)| place.offset);
        let mut copy = options().create(true).truncate(true).open(path)?;
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut end = 0;
        for (_, place) in &mut order {
            let begin = chunk.len();
            chunk.resize(begin + place.length as usize, 0);
            self.file.read_exact_at(chunk.get_mut(begin..).unwrap_or_default(), place.offset)?;
            place.offset = end;
            end += u64::from(place.length);
            if chunk.len() >= CHUNK {
                copy.write_all(&chunk)?;
                chunk.clear();
            }
        }
        copy.write_all(&chunk)?;
        Ok((copy, order))
    }

    fn set_aside(&self, line: &[u8], error: &dyn std::fmt::Display) {
        let path = self.dir.join(BAD);
        tracing::error!("{}: a line is damaged, set aside: {error}", self.dir.join(NAME).display());
        let written = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut bad| bad.write_all(line));
        if let Err(error) = written {
            tracing::error!("{}: {error}", path.display());
        }
    }
}

/// Readable by the owner only: definitions hold environments.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
