//! socket-activator
fn main() {}
