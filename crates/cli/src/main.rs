//! pollwheel
fn main() {}
