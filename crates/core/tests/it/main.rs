//! The rules together, over weeks.

mod freshness;
#[path = "../../examples/freshness/model.rs"]
mod model;
