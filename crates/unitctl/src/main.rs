//! unitctl
fn main() {}
