//! process-supervisor
fn main() {}
