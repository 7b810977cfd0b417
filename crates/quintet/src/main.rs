//! quintet
fn main() {}
