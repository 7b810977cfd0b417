//! The event loop: tokio's current-thread runtime with a `LocalSet`, since a daemon's state has one owner.

use std::future::Future;
use std::io;

use tokio::task::LocalSet;

/// Runs a daemon's main function to its end.
///
/// # Errors
/// When the runtime cannot be built (no epoll, no descriptors left).
pub fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
    sys::heap::keep_spare();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = LocalSet::new().block_on(&runtime, main);
    // A blocking task that hangs must not keep a daemon alive that was told to end.
    runtime.shutdown_background();
    Ok(result)
}
