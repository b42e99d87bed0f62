//! The scheduler's environment.

use std::path::PathBuf;

use pollwheel_aws::ConnectionSettings;
use pollwheel_aws::lambda::{Environment, EnvironmentError};

/// What the scheduler is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach AWS.
    pub connection: ConnectionSettings,
    /// The table of rows and wake-ups.
    pub jobs_table: String,
    /// The table of registrations: a woken job may have moved.
    pub registrations_table: String,
    /// The table of cursors, pauses and throttles.
    pub control_table: String,
    /// What a queue's URL begins with.
    pub queue_url_prefix: String,
    /// Where the catalog is.
    pub task_root: PathBuf,
    /// The stack, for metrics.
    pub stack: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn read(mut environment: Environment<'_>) -> Result<Self, EnvironmentError> {
        let settings = Self {
            connection: environment.connection(),
            jobs_table: environment.required("POLLWHEEL_JOBS_TABLE", "the name of the jobs table"),
            registrations_table: environment
                .required("POLLWHEEL_REGISTRATIONS_TABLE", "the name of the registrations table"),
            control_table: environment.required("POLLWHEEL_CONTROL_TABLE", "the name of the control table"),
            queue_url_prefix: environment
                .required("POLLWHEEL_QUEUE_URL_PREFIX", "the URL of the queues up to their own names"),
            task_root: environment.task_root(),
            stack: environment.stack("scheduler"),
        };
        environment.finish(settings)
    }
}
