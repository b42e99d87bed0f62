//! How the clients reach AWS: one HTTP client for all of them, time-outs on every operation, and few retries.

use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use pollwheel_core::ports::Secret;

/// Longest time to open a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest time of one attempt, its answer included. An ordinary one takes some milliseconds.
const ATTEMPT: Duration = Duration::from_secs(4);
/// Longest time of an operation, its retries included: well below every function's time-out, so that a service that
/// never answers is an error of the operation and not the end of the invocation.
const OPERATION: Duration = Duration::from_secs(10);
/// Attempts at an operation. What is still refused comes back by its queue, or by the next tick.
const ATTEMPTS: u32 = 3;
/// First wait before a retry; the next is twice as long, each with jitter.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// Longest wait before a retry.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Where AWS is and who asks: what Lambda puts into every function's environment.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
    /// `AWS_SESSION_TOKEN`: absent for a user's own key.
    pub session_token: Option<Secret>,
    /// `AWS_ENDPOINT_URL`: another address than AWS's own, for an emulator.
    pub endpoint: Option<String>,
}

/// What the clients are made from. Cheap to clone; opens no connection by itself.
#[derive(Clone)]
pub struct Connection(SdkConfig);

impl Connection {
    /// A connection over HTTPS (or HTTP, when the endpoint says so).
    ///
    /// The credentials are those of the environment at the start: Lambda replaces an environment before they expire.
    #[must_use]
    pub fn new(settings: &ConnectionSettings) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self::over(settings, http)
    }

    /// A connection over a given HTTP client, with the time-outs and retries of every other.
    #[must_use]
    pub fn over(settings: &ConnectionSettings, http: SharedHttpClient) -> Self {
        let credentials = Credentials::new(
            settings.access_key_id.clone(),
            settings.secret_access_key.expose(),
            settings.session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "environment",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(retries)
            // The operation time-outs do the same for our small answers, without a task for each.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url(settings.endpoint.clone());
        Self(config.build())
    }

    pub(crate) const fn sdk(&self) -> &SdkConfig {
        &self.0
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("region", &self.0.region())
            .field("endpoint", &self.0.endpoint_url())
            .finish_non_exhaustive()
    }
}
