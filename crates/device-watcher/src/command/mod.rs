//! The subcommands besides the daemon. All but `replay` work without one.

pub mod info;
pub mod list;
pub mod monitor;
pub mod output;
pub mod record;
pub mod recording;
pub mod replay;
pub mod run;
