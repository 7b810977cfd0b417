//! Finding out where we are.

use std::io;

use daemon_runtime::args::CommonArgs;
use daemon_runtime::journal::Journal;
use daemon_runtime::notify::Runner;
use daemon_runtime::paths::{RuntimeDir, create_dir};
use daemon_runtime::state::StateDir;
use sys::cgroup::CgroupRoot;
use sys::spawn::Executor;
use thiserror::Error;

use crate::NAME;
use crate::config::Config;
use crate::driver::Host;

/// Why the supervisor cannot work here.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The program that becomes a service is missing.
    #[error("cannot open {path}: {error}")]
    Executor {
        /// Where it should be.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// The runtime directory.
    #[error("cannot use the runtime directory {path}: {error}")]
    Runtime {
        /// Where.
        path: String,
        /// Why not.
        error: io::Error,
    },
}

/// The surroundings, from environment and configuration.
///
/// # Errors
/// [`SetupError`].
pub fn host(
    args: &CommonArgs,
    config: &Config,
    runtime: RuntimeDir,
    runner: Runner,
    own_output: bool,
) -> Result<Host, SetupError> {
    let mode = args.mode();
    let unusable = |error| SetupError::Runtime { path: runtime.path().display().to_string(), error };
    runtime.create().map_err(unusable)?;
    create_dir(&runtime.notify()).map_err(unusable)?;
    let state = StateDir::open(runtime.state(NAME)).map_err(unusable)?;
    let executor = match &config.executor {
        Some(path) => {
            Executor::open(path).map_err(|error| SetupError::Executor { path: path.display().to_string(), error })?
        }
        None => Executor::beside_current_exe()
            .map_err(|error| SetupError::Executor { path: Executor::NAME.to_owned(), error })?,
    };
    if let Err(error) = sys::subreaper::enable() {
        // Orphans of services then go to whoever is above; control groups still find them.
        tracing::warn!("cannot become the reaper of orphans: {error}");
    }
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(Host {
        mode,
        state,
        watchdogs: true,
        launcher: runner.is_present().then(std::os::unix::process::parent_id),
        runner,
        journal: Journal::new(mode, NAME),
        executor,
        cgroups: CgroupRoot::from_env(),
        log_dir: config.output.directory.clone().unwrap_or_else(|| exec_job::output::default_directory(mode)),
        log_limit: config.output.limit,
        alone: false,
        own_output,
        boot_id: boot_id.trim().replace('-', ""),
        runtime,
    })
}
