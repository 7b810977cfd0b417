//! `device-watcher record FILE`: an event stream for tests, demos and bug reports.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use super::recording::Recorded;
use crate::cli::Failure;
use crate::driver::database::Filter;
use crate::driver::monitor::Monitor;

/// Writes events until interrupted, or until there are `count`.
///
/// # Errors
/// When udev's socket can't be read, or the file not be written.
pub fn main(file: &Path, count: Option<usize>) -> Result<(), Failure> {
    let mut out: Box<dyn Write> = if file == Path::new("-") {
        Box::new(io::stdout())
    } else {
        Box::new(File::create(file).map_err(|error| Failure::about(file.display(), error))?)
    };
    daemon_runtime::run(async {
        let monitor = Monitor::listen(&Filter::systemd())?;
        let mut written = 0;
        let mut last = Instant::now();
        while count.is_none_or(|count| written < count) {
            let received = monitor.receive().await?;
            if received.overflow {
                eprintln!("device-watcher: the kernel dropped events, the recording has a gap");
            }
            for event in received.events {
                let after_ms = u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
                last = Instant::now();
                writeln!(out, "{}", serde_json::to_string(&Recorded { after_ms, event }).map_err(io::Error::other)?)?;
                written += 1;
            }
            out.flush()?;
        }
        Ok(())
    })?
}
