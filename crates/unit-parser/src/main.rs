//! The `unit-parser` command.
#![forbid(unsafe_code)]

fn main() {}
