//! The control function's environment.

use std::path::PathBuf;

use pollwheel_aws::ConnectionSettings;
use pollwheel_aws::lambda::{Environment, EnvironmentError};
use pollwheel_connector::PrivateAddresses;

/// What the control function is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach AWS.
    pub connection: ConnectionSettings,
    /// The table of rows and wake-ups.
    pub jobs_table: String,
    /// The table of registrations.
    pub registrations_table: String,
    /// The table of pauses.
    pub control_table: String,
    /// The table of credentials.
    pub credentials_table: String,
    /// The key that credentials are encrypted with.
    pub kms_key: String,
    /// Whether accounts may name private addresses.
    pub private_addresses: PrivateAddresses,
    /// Where the channels are.
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
            credentials_table: environment
                .required("POLLWHEEL_CREDENTIALS_TABLE", "the name of the credentials table"),
            kms_key: environment
                .required("POLLWHEEL_KMS_KEY", "the ARN of the key that credentials are encrypted with"),
            private_addresses: environment.parsed_or(
                "POLLWHEEL_PRIVATE_ADDRESSES",
                "`refused` or `allowed`",
                PrivateAddresses::Refused,
                |text| text.parse().ok(),
            ),
            task_root: environment.task_root(),
            stack: environment.stack("control"),
        };
        environment.finish(settings)
    }
}
