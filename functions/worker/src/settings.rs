//! The worker's environment.

use std::path::PathBuf;

use pollwheel_aws::ConnectionSettings;
use pollwheel_aws::lambda::{Environment, EnvironmentError};
use pollwheel_connector::PrivateAddresses;
use pollwheel_core::id::ChannelName;

/// Polls under way at once, unless the environment says otherwise.
const CONCURRENCY: usize = 100;
/// Most polls under way at once: a function has 1,024 file descriptors.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_CONCURRENCY: usize = 500;

/// What the worker is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach AWS.
    pub connection: ConnectionSettings,
    /// The table of throttles.
    pub control_table: String,
    /// The table of credentials.
    pub credentials_table: String,
    /// What a queue's URL begins with.
    pub queue_url_prefix: String,
    /// Where new items go.
    pub bus: String,
    /// The channel that it polls; none only while the environment is being read.
    pub channel: Option<ChannelName>,
    /// A URL or mail address for the User-Agent.
    pub contact: Option<String>,
    /// Whether requests may go to private addresses.
    pub private_addresses: PrivateAddresses,
    /// Polls under way at once.
    pub concurrency: usize,
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
        let channel = environment
            .parsed("POLLWHEEL_CHANNEL", "the name of a channel", |text| ChannelName::new(text).ok());
        let role = channel.as_ref().map_or_else(String::new, |channel| format!("worker-{channel}"));
        let expected = format!("a number of polls from 1 to {MAX_CONCURRENCY}");
        let settings = Self {
            connection: environment.connection(),
            control_table: environment.required("POLLWHEEL_CONTROL_TABLE", "the name of the control table"),
            credentials_table: environment
                .required("POLLWHEEL_CREDENTIALS_TABLE", "the name of the credentials table"),
            queue_url_prefix: environment
                .required("POLLWHEEL_QUEUE_URL_PREFIX", "the URL of the queues up to their own names"),
            bus: environment.required("POLLWHEEL_BUS", "the name of the event bus"),
            contact: environment.optional("POLLWHEEL_CONTACT"),
            private_addresses: environment.parsed_or(
                "POLLWHEEL_PRIVATE_ADDRESSES",
                "`refused` or `allowed`",
                PrivateAddresses::Refused,
                |text| text.parse().ok(),
            ),
            concurrency: environment.parsed_or("POLLWHEEL_CONCURRENCY", &expected, CONCURRENCY, |text| {
                text.parse().ok().filter(|count| (1..=MAX_CONCURRENCY).contains(count))
            }),
            task_root: environment.task_root(),
            stack: environment.stack(&role),
            channel,
        };
        environment.finish(settings)
    }
}
