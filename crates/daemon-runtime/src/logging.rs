//! Structured logs (tracing): console with systemd's priority prefixes or colours, JSON, or journald.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::CommonArgs;

/// How log messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// journald when stderr is connected to it (JOURNAL_STREAM), else console
    #[default]
    Auto,
    /// One line of text on stderr
    Console,
    /// One JSON object a line on stderr
    Json,
    /// journald's own protocol, with fields
    Journald,
}

/// Starts logging. The level is `--log-level`, `QUINTET_LOG`, `SYSTEMD_LOG_LEVEL`, the configuration's, or `info`.
pub fn init(daemon: &'static str, args: &CommonArgs, config: &crate::config::LogConfig) {
    let (filter, refused) = filter(args, config);
    let format = match args.log_format.unwrap_or(config.format) {
        LogFormat::Auto if stderr_is_journal() => LogFormat::Journald,
        LogFormat::Auto => LogFormat::Console,
        format => format,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let console = || {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .without_time()
    };
    let done = match format {
        LogFormat::Json => {
            registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => registry.with(layer.with_syslog_identifier(daemon.to_owned())).try_init(),
            Err(_) => registry.with(console()).try_init(),
        },
        LogFormat::Auto | LogFormat::Console => registry.with(console()).try_init(),
    };
    if done.is_err() {
        return; // a test's second initialisation
    }
    if let Some(refused) = refused {
        tracing::warn!("log level {refused:?} is not understood, using info");
    }
}

fn filter(args: &CommonArgs, config: &crate::config::LogConfig) -> (EnvFilter, Option<String>) {
    let env = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let wanted = args
        .log_level
        .clone()
        .or_else(|| env("QUINTET_LOG"))
        .or_else(|| env("SYSTEMD_LOG_LEVEL"))
        .or_else(|| config.level.clone())
        .unwrap_or_else(|| "info".to_owned());
    match EnvFilter::try_new(level(&wanted)) {
        Ok(filter) => (filter, None),
        Err(_) => (EnvFilter::new("info"), Some(wanted)),
    }
}

/// syslog(3)'s level names and numbers, as systemd takes them, in tracing's terms.
fn level(text: &str) -> String {
    match text {
        "emerg" | "alert" | "crit" | "err" | "0" | "1" | "2" | "3" => "error".to_owned(),
        "warning" | "4" => "warn".to_owned(),
        "notice" | "5" | "6" => "info".to_owned(),
        // The connection layer's own debugging would drown ours.
        "debug" | "7" => "debug,zbus=info".to_owned(),
        other => other.to_owned(),
    }
}

/// `JOURNAL_STREAM` names the device and inode of the stream that stderr was connected to (systemd.exec(5)).
fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(metadata) = std::fs::metadata("/proc/self/fd/2") else {
        return false;
    };
    stream == format!("{}:{}", metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_of_systemd_is_understood() {
        for text in ["emerg", "err", "warning", "notice", "info", "debug", "0", "7", "trace"] {
            assert!(EnvFilter::try_new(level(text)).is_ok(), "{text}");
        }
    }
}
