//! The completion's environment.

use std::path::PathBuf;

use pollwheel_aws::ConnectionSettings;
use pollwheel_aws::lambda::{Environment, EnvironmentError};

/// What the completion is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach AWS.
    pub connection: ConnectionSettings,
    /// The table of rows and wake-ups.
    pub jobs_table: String,
    /// The table of registrations.
    pub registrations_table: String,
    /// The table of throttles.
    pub control_table: String,
    /// Where notices go.
    pub bus: String,
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
            bus: environment.required("POLLWHEEL_BUS", "the name of the event bus"),
            task_root: environment.task_root(),
            stack: environment.stack("completion"),
        };
        environment.finish(settings)
    }
}
