//! One timer, to the earliest deadline; none is armed when there is no deadline.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The longest sleep: far enough for "never" without overflow.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Sleeps until a deadline on CLOCK_MONOTONIC.
#[derive(Debug)]
pub struct Timer {
    deadline: Option<u64>,
    sleep: Pin<Box<Sleep>>,
}

impl Default for Timer {
    fn default() -> Timer {
        Timer::new()
    }
}

impl Timer {
    /// Unarmed.
    pub fn new() -> Timer {
        Timer { deadline: None, sleep: Box::pin(tokio::time::sleep(FAR)) }
    }

    /// Ends at the deadline (µs); never without one. Dropping it early loses nothing.
    pub async fn wait(&mut self, deadline: Option<u64>) {
        let Some(at) = deadline else {
            self.deadline = None;
            return std::future::pending().await;
        };
        if self.deadline != Some(at) || self.sleep.is_elapsed() {
            let left = Duration::from_micros(at.saturating_sub(sys::clock::monotonic())).min(FAR);
            if left.is_zero() {
                // A sleep ends with a whole millisecond, however short it is.
                self.deadline = None;
                return;
            }
            self.sleep.as_mut().reset(Instant::now() + left);
            self.deadline = Some(at);
        }
        self.sleep.as_mut().await;
    }
}
