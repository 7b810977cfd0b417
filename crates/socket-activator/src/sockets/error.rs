//! Why a socket could not be opened.

use std::io;

/// What was to be opened, at which step it failed, and the kernel's words.
#[derive(Debug, thiserror::Error)]
#[error("Failed to {step} {what}: {}", sys::net::message(.source))]
pub struct OpenError {
    /// The address as the unit writes it.
    pub what: String,
    /// `bind`, `listen on`, `create`, ...
    pub step: &'static str,
    /// The kernel's error.
    pub source: io::Error,
}

/// For `map_err`: names the step.
pub fn at(step: &'static str, what: &str) -> impl FnOnce(io::Error) -> OpenError {
    let what = what.to_owned();
    move |source| OpenError { what, step, source }
}
