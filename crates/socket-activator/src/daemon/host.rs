//! The surroundings in which commands run: whose manager we are, and where output goes.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use daemon_runtime::paths::Mode;
use exec_job::Output;
use exec_job::output::{self, OutputConfig};

/// The surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The system's manager, or a user's.
    pub mode: Mode,
    /// Without dashes; part of the names of private /tmp directories.
    pub boot_id: String,
    /// The launcher, if that is who runs us.
    launcher: Option<u32>,
    log_dir: PathBuf,
    log_limit: u64,
    /// Commands write to our own output (`run`).
    own_output: bool,
}

/// Where the output of one command goes.
#[derive(Debug)]
pub enum Log {
    /// To journald.
    Journal,
    /// To the unit's log file.
    File(File),
    /// To where ours goes.
    Own,
}

impl Host {
    /// From the configuration; `alone` without a broker, `launched` with a launcher.
    pub fn new(mode: Mode, config: &OutputConfig, alone: bool, launched: bool) -> Self {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Host {
            mode,
            boot_id: boot_id.trim().replace('-', ""),
            launcher: launched.then(std::os::unix::process::parent_id),
            log_dir: config.directory.clone().unwrap_or_else(|| output::default_directory(mode)),
            log_limit: config.limit,
            own_output: alone,
        }
    }

    /// `$MANAGERPID`, which only users' services see.
    pub fn manager_pid(&self) -> Option<u32> {
        match self.mode {
            Mode::System => None,
            Mode::User => Some(self.launcher.unwrap_or_else(std::process::id)),
        }
    }

    /// The log of a unit.
    pub fn log(&self, unit: &str) -> io::Result<Log> {
        if self.own_output {
            return Ok(Log::Own);
        }
        if output::journal_is_there() {
            return Ok(Log::Journal);
        }
        output::open(&self.log_dir, unit, self.log_limit).map(Log::File)
    }
}

impl Log {
    /// For [`exec_job::Plan`].
    pub fn output(&self) -> Output {
        match self {
            Log::Journal => Output::Journal,
            Log::File(file) => Output::File(file.as_raw_fd()),
            Log::Own => Output::Own,
        }
    }

    /// The file, if it is one.
    pub fn descriptor(&self) -> Option<RawFd> {
        match self {
            Log::File(file) => Some(file.as_raw_fd()),
            Log::Journal | Log::Own => None,
        }
    }
}
