//! Recorded polls: run through the code that polls with, and compared with what they should come to.
//!
//! `channels/<name>/recorded/<case>.json` holds a job, its context and the exchanges of one poll;
//! `channels/<name>/expected/<case>.json` what the poll comes to. Nothing here writes files or prints: `pollwheel channel
//! test`, `replay`, `record` and `score` do.

mod case;
mod difference;
mod job;
mod play;
mod stage;
mod suite;
mod tree;

pub use case::{Account, Answer, Application, Case, Exchange, Token};
pub use difference::{Difference, differences};
pub use play::{Deviation, Played, Unplayable, play, request_key};
pub use stage::{Asking, Stage};
pub use suite::{CaseFiles, FEW, Suite, folder_of};
pub use tree::Tree;
