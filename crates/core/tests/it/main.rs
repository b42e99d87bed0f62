//! The rules together, over weeks.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "tests: one prints the figure that it asserts")]

mod freshness;
#[path = "../../examples/freshness/model.rs"]
mod model;
