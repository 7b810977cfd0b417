//! unit-broker
fn main() {}
