//! State that must survive the daemon: one JSON file a key, written to a temporary name and renamed.
//!
//! A file that cannot be written is logged and the daemon goes on with what it has in memory; a file that cannot be read is
//! set aside (`*.bad`) and logged, so that one damaged file never stops a daemon.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::paths::create_dir;

/// Longest key in bytes: file names end at 255.
const MAX_KEY: usize = 200;

/// The state files of one daemon.
#[derive(Debug, Clone)]
pub struct StateDir {
    dir: PathBuf,
    /// Fingerprints of what the files hold, as far as they were written here: what has not changed is not written again.
    written: Arc<Mutex<HashMap<String, u64>>>,
    /// Secret of the fingerprints.
    random: RandomState,
}

impl StateDir {
    /// Opens (and creates) the directory.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        create_dir(&dir)?;
        Ok(Self { dir, written: Arc::default(), random: RandomState::new() })
    }

    /// Saves a value under a key. False (and an error in the log) when it could not be written.
    pub fn save<T: Serialize>(&self, key: &str, value: &T) -> bool {
        match self.try_save(key, value) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(key, "cannot save state, a restart would lose it: {error}");
                false
            }
        }
    }

    fn try_save<T: Serialize>(&self, key: &str, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec(&Stored { key, value })?;
        let mut written = self.written();
        let fingerprint = self.random.hash_one(&text);
        if written.get(key) == Some(&fingerprint) {
            return Ok(());
        }
        let path = self.file(key);
        let temporary = path.with_extension("tmp");
        let created = std::fs::File::create(&temporary).and_then(|mut file| file.write_all(&text));
        // No fsync: the directory is a tmpfs, and state is about processes, which do not survive the machine either.
        match created.and_then(|()| std::fs::rename(&temporary, &path)) {
            Ok(()) => {
                match written.get_mut(key) {
                    Some(known) => *known = fingerprint,
                    None => drop(written.insert(key.to_owned(), fingerprint)),
                }
                Ok(())
            }
            Err(error) => {
                written.remove(key);
                let _ = std::fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    fn written(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value under a key, if there is one.
    pub fn load<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        read(&self.file(key)).map(|(_, value)| value)
    }

    /// Every value with its key, sorted by key.
    pub fn load_all<T: DeserializeOwned>(&self) -> Vec<(String, T)> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!("cannot read {}: {error}", self.dir.display());
                return Vec::new();
            }
        };
        let mut values: Vec<(String, T)> = entries.flatten().filter_map(|entry| read(&entry.path())).collect();
        values.sort_by(|a, b| a.0.cmp(&b.0));
        values
    }

    /// Forgets a key.
    pub fn remove(&self, key: &str) {
        self.written().remove(key);
        match std::fs::remove_file(self.file(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(key, "cannot remove state: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Keys become file names; the long ones (unit names go up to 255 bytes) are cut and told apart by a hash.
    fn file(&self, key: &str) -> PathBuf {
        let safe = key.replace('/', "\\x2f");
        let name = match safe.char_indices().nth(MAX_KEY) {
            None => safe,
            Some((end, _)) => format!("{}-{:016x}", &safe[..end], fnv1a(key.as_bytes())),
        };
        self.dir.join(format!("{name}.json"))
    }
}

/// What a file holds: the key is inside, since file names can be cut.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored<K, T> {
    key: K,
    value: T,
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<(String, T)> {
    if path.extension().is_none_or(|extension| extension != "json") {
        return None;
    }
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!("cannot read {}: {error}", path.display());
            return None;
        }
    };
    match serde_json::from_slice::<Stored<String, T>>(&text) {
        Ok(stored) => Some((stored.key, stored.value)),
        Err(error) => {
            tracing::error!("{} is damaged, set aside: {error}", path.display());
            let _ = std::fs::rename(path, path.with_extension("bad"));
            None
        }
    }
}

/// FNV-1a, 64 bits: names a file, protects nothing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_comes_back_and_damage_is_set_aside() {
        let dir = std::env::temp_dir().join(format!("quintet-state-{}", std::process::id()));
        let state = StateDir::open(dir.clone()).expect("directory");
        let long = "x".repeat(255);
        for key in ["a.service", "b@\\x2f.service", long.as_str()] {
            assert!(state.save(key, &key.len()));
        }
        std::fs::write(dir.join("c.json"), b"{\"key\":").expect("damage");
        let all = state.load_all::<usize>();
        assert_eq!(all, [("a.service".into(), 9), ("b@\\x2f.service".into(), 14), (long.clone(), 255)]);
        assert!(dir.join("c.bad").exists());
        assert_eq!(state.load::<usize>(&long), Some(255));
        state.remove(&long);
        assert_eq!(state.load::<usize>(&long), None);
        // What is there already is not written again; what is not, is.
        let inode =
            || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(dir.join("a.service.json")).expect("file"));
        let before = inode();
        assert!(state.save("a.service", &9));
        assert_eq!(inode(), before);
        assert!(state.save("a.service", &10) && state.save("a.service", &9));
        assert_eq!(state.load::<usize>("a.service"), Some(9));
        assert!(state.save(&long, &255));
        assert_eq!(state.load::<usize>(&long), Some(255));
        std::fs::remove_dir_all(dir).expect("clean up");
    }

    #[test]
    fn a_directory_that_is_gone_is_survived() {
        let dir = std::env::temp_dir().join(format!("quintet-state-gone-{}", std::process::id()));
        let state = StateDir::open(dir.clone()).expect("directory");
        std::fs::remove_dir_all(dir).expect("remove");
        assert!(!state.save("a", &1));
        assert!(state.load_all::<i32>().is_empty());
    }
}
