//! The simulator: the real passes, engine and queues of many deployments under virtual time, each in one deterministic
//! thread, with a modelled third party, faults drawn from a seed, and a checker that knows every item that was posted.
//!
//! A run has two phases. In the first, faults happen at rates that the seed draws: no wrong state may ever be seen. In the
//! second they have ended: everything due must be confirmed within two cadences. What is checked stands in [`Verdict`].
//!
//! Virtual time is tokio's paused time: nothing sleeps, and the same seed gives the same run, of which a hash of its events
//! is the witness. Rows are in a [`MemoryStore`](crate::memory::MemoryStore), messages in queues that outlive a crash, as
//! on AWS.
//!
//! Not here: what a run costs (`usd` of a report is filled in by whoever meters the ports), and the command line.

mod kind;
mod plan;
mod planted;
mod scenario;

mod bus;
mod deployment;
mod glance;
mod limits;
mod notebook;
mod pool;
mod source;
mod surroundings;
mod timeline;
mod watch;
mod world;

mod judge;
mod report;
mod run;
mod seeds;

pub use judge::Verdict;
pub use kind::{FaultKind, FaultSet, UnknownFault};
pub use limits::Violations;
pub use planted::{Planted, UnknownBug};
pub use report::Report;
pub use run::{JOB_TYPE, Setup, SimError, run_deployed, run_once, under_virtual_time};
pub use scenario::{Outage, Scenario, ScenarioError};
pub use seeds::{CAUGHT_WITHIN, Seeds, catch_planted_bugs, run_seeds, run_seeds_by};
pub use source::{Deployed, Posted, Upstream, event_number, first_event_number};
