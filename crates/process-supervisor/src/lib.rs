//! process-supervisor: owns service processes.
#![forbid(unsafe_code)]

pub mod core;
