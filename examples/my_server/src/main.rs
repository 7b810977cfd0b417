//! my_server
fn main() {}
