//! Without a broker: as systemd-socket-activate(1), and with unit files.

pub mod activate;
pub mod command;
pub mod listen;
pub mod run;
pub mod services;
