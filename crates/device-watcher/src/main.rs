//! The device-watcher daemon and its command line; see the library for what it does.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    device_watcher::cli::main()
}
