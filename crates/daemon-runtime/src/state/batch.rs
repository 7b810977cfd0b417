//! Several changes at once.

use std::hash::BuildHasher;

use serde::Serialize;

use super::log::New;
use super::{Removed, StateDir, Stored};

/// Changes on their way to the log: written with one system call, all or none. Each key at most once.
#[derive(Debug)]
pub struct Batch<'a> {
    dir: &'a StateDir,
    lines: Vec<New>,
    text: Vec<u8>,
    /// Every value could be serialized.
    is_whole: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn new(dir: &'a StateDir) -> Batch<'a> {
        Batch { dir, lines: Vec::new(), text: Vec::new(), is_whole: true }
    }

    /// A value under a key, unless it is there already.
    pub fn save<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        let begin = self.text.len();
        if let Err(error) = serde_json::to_writer(&mut self.text, &Stored { key, value }) {
            tracing::error!(key, "cannot save state, a restart would lose it: {error}");
            self.text.truncate(begin);
            self.is_whole = false;
            return;
        }
        self.text.push(b'\n');
        let fingerprint = self.dir.random.hash_one(self.text.get(begin..).unwrap_or_default());
        if self.dir.log().is_last(key, fingerprint) {
            self.text.truncate(begin);
            return;
        }
        let length = self.text.len() - begin;
        self.lines.push(New { key: key.to_owned(), length, fingerprint: Some(fingerprint) });
    }

    /// A key is forgotten.
    pub fn remove(&mut self, key: &str) {
        let begin = self.text.len();
        if !self.dir.log().knows(key) || serde_json::to_writer(&mut self.text, &Removed { key }).is_err() {
            self.text.truncate(begin);
            return;
        }
        self.text.push(b'\n');
        self.lines.push(New { key: key.to_owned(), length: self.text.len() - begin, fingerprint: None });
    }

    /// Writes them. False (and an error in the log) when that did not work.
    pub fn commit(self) -> bool {
        let written = self.dir.log().append(&self.lines, &self.text);
        written
            .inspect_err(|error| {
                let keys: Vec<&str> = self.lines.iter().map(|line| line.key.as_str()).collect();
                tracing::error!(keys = keys.join(", "), "cannot save state, a restart would lose it: {error}");
            })
            .is_ok()
            && self.is_whole
    }
}
