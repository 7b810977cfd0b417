//! `/etc/quintet/process-supervisor.toml`.

use std::path::PathBuf;

use daemon_runtime::config::LogConfig;
use exec_job::output::OutputConfig;
use serde::Deserialize;

/// The configuration file. Every key may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The `[log]` table.
    pub log: LogConfig,
    /// The `[output]` table.
    pub output: OutputConfig,
    /// The program that becomes a service; default: `process-executor` beside this program.
    pub executor: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_optional_and_checked() {
        let config: Config = toml_of("[output]\nlimit = 5\n").unwrap();
        assert_eq!((config.output.limit, config.output.directory), (5, None));
        assert!(toml_of("executr = \"/x\"\n").unwrap_err().contains("executr"));
    }

    fn toml_of(text: &str) -> Result<Config, String> {
        // The same reader as the daemon's, through a file.
        let path = std::env::temp_dir().join(format!("quintet-config-{}-{}", std::process::id(), text.len()));
        std::fs::write(&path, text).map_err(|error| error.to_string())?;
        let args = daemon_runtime::args::CommonArgs { config: Some(path.clone()), ..Default::default() };
        let config = daemon_runtime::config::load("process-supervisor", &args).map_err(|error| error.to_string());
        let _ = std::fs::remove_file(path);
        config
    }
}
