//! From a unit and an order to a job for the executor (systemd.exec(5)): the environment, the identity, the standard streams,
//! the directories, the limits. Looks things up (users, files), changes nothing but log files.

mod directories;
mod env_files;
mod environment;
mod identity;
mod job;
mod limits;
mod namespace;
mod stdio;

pub use directories::{private_tmp, remove_runtime, runtime_directories};
pub use environment::Facts;
pub use identity::{Identity, IdentityError};
pub use job::{Plan, PrepareError, prepare};
pub use stdio::Output;
