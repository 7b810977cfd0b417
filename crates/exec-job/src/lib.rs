//! From a command of a unit to a job for the executor (systemd.exec(5)): the environment, the identity, the standard streams,
//! the directories, the limits. Looks things up (users, files), changes nothing but which dynamic users are held
//! and what journald is told of units.
//!
//! For every daemon that runs commands of units: services' and sockets' obey the same settings.
#![forbid(unsafe_code)]

pub mod core;

mod credentials;
mod devices;
mod directories;
mod env_files;
mod identity;
mod job;
mod journal_files;
mod limits;
mod namespace;
mod open_files;
pub mod output;
mod resources;
mod shared;
mod stdio;
mod variables;

pub use credentials::{credentials_directory, remove_credentials};
pub use devices::{Devices, devices};
pub use directories::{clean, cleanable_directories, private_tmp, remove_runtime, runtime_directories};
pub use identity::{Identity, IdentityError, release_dynamic_user};
pub use job::{Plan, PrepareError, prepare};
pub use journal_files::{export_log_settings, log_settings, withdraw_log_settings};
pub use open_files::{OpenFileError, open_files};
pub use resources::{Attribute, attributes as resource_attributes, changes as resource_changes};
pub use shared::{ipc, network};
pub use stdio::Output;
pub use variables::Facts;
