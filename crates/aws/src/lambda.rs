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
mod sqs;

pub use catalog::{CatalogError, load_catalog};
pub use deadline::Deadline;
pub use environment::{Environment, EnvironmentError};
pub use guard::{InvocationError, guard};
pub use init_error::report as report_init_error;
pub use logging::start as start_logging;
pub use metrics::{Dimension, Line, Metric, Metrics, Unit};
pub use sqs::{EventError, QueueBatch};
