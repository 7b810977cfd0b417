//! State that must survive the daemon: values under keys, in one log that is only ever appended to.
//!
//! A value that is saved is one write at the end of `state.log`: no file is opened, named or renamed for it, which is most of
//! what a file for each key costs. A daemon killed in the middle of a write leaves a last line without its end, which the next
//! one takes for not written; whoever saves before acting has lost nothing. When most of the log is out of date, what counts is
//! written to a new one (see [`log`]).
//!
//! What cannot be written is logged and the daemon goes on with what it has in memory; a line that cannot be read is set aside
//! (in `state.bad`) and logged, so that one damaged line never stops a daemon.

mod batch;
mod log;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use self::batch::Batch;
use self::log::Log;
use crate::paths::create_dir;

/// The saved state of one daemon, or one part of it.
#[derive(Debug, Clone)]
pub struct StateDir {
    log: Arc<Mutex<Log>>,
    /// Secret of the fingerprints by which values are told apart.
    random: RandomState,
}

impl StateDir {
    /// Opens (and creates) the directory, and reads what is in it.
    ///
    /// # Errors
    /// When it cannot be created, or the log in it not be opened.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        create_dir(&dir)?;
        let random = RandomState::new();
        let log = Log::open(dir, |line| random.hash_one(line))?;
        Ok(Self { log: Arc::new(Mutex::new(log)), random })
    }

    /// Saves a value under a key, unless it is there already. False (and an error in the log) when it could not be written.
    pub fn save<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> bool {
        let mut batch = self.batch();
        batch.save(key, value);
        batch.commit()
    }

    /// Several changes that are written at once.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// The value under a key, if there is one.
    pub fn load<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.log().read(key, parse)
    }

    /// Every value with its key, sorted by key.
    pub fn load_all<T: DeserializeOwned>(&self) -> Vec<(String, T)> {
        let mut log = self.log();
        let mut keys = log.keys();
        keys.sort_unstable();
        keys.into_iter()
            .filter_map(|key| {
                let value = log.read(&key, parse)?;
                Some((key, value))
            })
            .collect()
    }

    /// Forgets a key.
    pub fn remove(&self, key: &str) {
        let mut batch = self.batch();
        batch.remove(key);
        batch.commit();
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line of the log.
#[derive(Serialize)]
struct Stored<'a, T: ?Sized> {
    key: &'a str,
    value: &'a T,
}

/// A line that takes back those before it.
#[derive(Serialize)]
struct Removed<'a> {
    key: &'a str,
}

/// Either, read.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> io::Result<T> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    Ok(serde_json::from_str(line.value.map_or("null", RawValue::get))?)
}

#[cfg(test)]
mod tests;
