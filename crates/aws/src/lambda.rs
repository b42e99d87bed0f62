//! What the Lambda functions have in common: their environment, their events and answers, deadlines, logs and metrics.
//!
//! Nothing here names an SDK type, and nothing decides anything about jobs: a handler reads its event with this module,
//! runs one pass of the core, and reports it.

mod catalog;
mod deadline;
mod environment;
mod guard;
mod init_error;
mod logging;
mod metrics;
mod serve;
mod sqs;

pub use catalog::{CatalogError, load_catalog};
pub use deadline::Deadline;
pub use environment::{Environment, EnvironmentError};
pub use guard::{InvocationError, guard};
pub use metrics::{Dimension, Line, MAX_VALUES, Metric, Metrics, Unit};
pub use serve::serve;
pub use sqs::{EventError, QueueBatch};
