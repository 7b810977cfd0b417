//! Waiting for a condition instead of sleeping.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Polls until the condition holds; false after `limit`.
pub fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
}

/// Polls until a value is the wanted one; fails with the last one after ten seconds.
#[track_caller]
pub fn equal(wanted: &str, mut value: impl FnMut() -> String) {
    let mut last = String::new();
    let reached = until(Duration::from_secs(10), || {
        last = value();
        last == wanted
    });
    assert!(reached, "wanted {wanted:?}, got {last:?}");
}
