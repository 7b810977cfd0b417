//! device-watcher
fn main() {}
