//! Boots the real daemons in throw-away places and drives them with Debian's systemctl.
//!
//! A test makes a [`Place`] (see the script `place` beside this crate's manifest for what that is), runs commands in it and
//! looks at what they print; dropping it kills everything inside. Tests that need what isn't there (root, udev, the right
//! to make devices) say so and end ([`needs`]).
#![forbid(unsafe_code)]

pub mod needs;
pub mod packages;
mod place;
mod programs;
mod repeat;
pub mod rules;
pub mod wait;

pub use place::{Builder, Output, Place, signal};
pub use programs::{programs, repository, target_directory};
pub use repeat::{Random, number};
