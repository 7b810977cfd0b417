//! Configuration files: TOML, every key documented where it is declared, unknown keys rejected by name.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::args::CommonArgs;
use crate::logging::LogFormat;
use crate::paths::Mode;

/// The `[log]` table, the same in every daemon's file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Least severe messages that are logged: error, warn, info, debug, trace, or a tracing filter.
    pub level: Option<String>,
    /// auto, console, json or journald.
    pub format: LogFormat,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file named with `--config` cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, has an unknown key, or a value of a wrong type; the text shows line, column and key.
    #[error("{path}: {source}", path = path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

/// Loads a daemon's configuration: the file of `--config`, which must exist, else the default one, which need not.
///
/// # Errors
/// [`ConfigError`].
pub fn load<T: DeserializeOwned + Default>(daemon: &str, args: &CommonArgs) -> Result<T, ConfigError> {
    let (path, required) = match &args.config {
        Some(path) => (path.clone(), true),
        None => (default_path(daemon, args.mode()), false),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(T::default());
        }
        Err(source) => return Err(ConfigError::Read { path, source }),
    };
    parse(&text).map_err(|source| ConfigError::Parse { path, source })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Box<toml::de::Error>> {
    toml::from_str(text).map_err(Box::new)
}

/// `/etc/quintet/DAEMON.toml`, or `$XDG_CONFIG_HOME/quintet/DAEMON.toml` (`~/.config`).
pub fn default_path(daemon: &str, mode: Mode) -> PathBuf {
    let name = format!("{daemon}.toml");
    let env = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match mode {
        Mode::System => PathBuf::from("/etc/quintet").join(name),
        Mode::User => env("XDG_CONFIG_HOME")
            .or_else(|| env("HOME").map(|home| home.join(".config")))
            .unwrap_or_default()
            .join("quintet")
            .join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code, reason = "only parsed")]
        limit: u32,
        log: LogConfig,
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = parse::<Sample>("limit = 1\nlimmit = 2\n").expect_err("typo").to_string();
        assert!(error.contains("limmit") && error.contains("line 2"), "{error}");
        let error = parse::<Sample>("[log]\nlevle = \"debug\"\n").expect_err("typo").to_string();
        assert!(error.contains("levle"), "{error}");
    }

    #[test]
    fn all_keys_are_optional() {
        let sample: Sample = parse("[log]\nformat = \"json\"\n").expect("valid");
        assert_eq!(sample.log.format, LogFormat::Json);
    }
}
