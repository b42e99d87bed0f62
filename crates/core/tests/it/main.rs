//! The rules together, over weeks.
#![expect(clippy::unwrap_used, reason = "clippy knows tests by their functions, not their helpers")]

mod freshness;
#[path = "../../examples/freshness/model.rs"]
mod model;
