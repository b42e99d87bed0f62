//! Recorded polls: run through the code that polls with, and compared with what they should come to.
//!
//! `channels/<name>/recorded/<case>.json` holds a job, its context and the exchanges of one poll;
//! `channels/<name>/expected/<case>.json` what the poll comes to. Nothing here writes files or prints: `pollwheel channel
//! test`, `replay`, `record` and `score` do.

mod case;
mod difference;
mod play;
mod suite;
mod tree;

pub use case::{Account, Answer, Case, Exchange};
pub use difference::{Difference, differences};
pub use play::{Deviation, Played, Unplayable, play};
pub use suite::{CaseFiles, FEW, Suite, folder_of};
pub use tree::Tree;
