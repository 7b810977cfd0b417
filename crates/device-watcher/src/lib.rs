//! The device-watcher: kernel devices as systemd's `.device` units.
//!
//! | folder | what |
//! |---|---|
//! | [`core`] | the device table, sans-IO: which units a device is, who owns a name, what an event changes |
//! | [`driver`] | udev: its netlink socket, its database, whether it runs at all |
//! | [`serve`] | the daemon: table, driver, state directory and `org.quintet.Devices1` in one loop |
//! | [`command`] | the other subcommands: `monitor`, `list`, `info`, `record`, `replay` |
#![forbid(unsafe_code)]

pub mod cli;
pub mod command;
pub mod core;
pub mod driver;
pub mod serve;
