//! process-executor: started by process-supervisor with a job on a descriptor, becomes the service. See `sys::executor`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sys::executor::main()
}
