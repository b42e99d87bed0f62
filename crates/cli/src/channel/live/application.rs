//! What the deployment itself authenticates with, for one poll.
//!
//! A token that is had for the client's id and secret is had here too: nobody is locked out by it. A refresh token is never
//! spent.

use std::time::Duration;

use pollwheel_connector::{ChannelSet, Connector};
use pollwheel_core::id::ChannelName;
use pollwheel_core::ports::{Application, Grant, Poller, Refresh, Refreshed};
use pollwheel_core::time::Timestamp;

use crate::applications;
use crate::channel::args::LiveArgs;
use crate::exit::Failure;

/// Time for the exchange of id and secret for a token.
const BUDGET: Duration = Duration::from_secs(15);

/// The channel's own line of the file.
pub(super) fn read(args: &LiveArgs, channels: &ChannelSet) -> Result<Option<Application>, Failure> {
    let Some(file) = &args.applications else { return Ok(None) };
    let found = applications::read(file, channels)?.remove(&args.name);
    found
        .map(Some)
        .ok_or_else(|| Failure::Input(format!("{}: no line is of channel `{}`", file.display(), args.name)))
}

/// The application with an access token, where one is had for its id and secret.
pub(super) async fn with_token(
    connector: &Connector,
    channel: &ChannelName,
    mut application: Application,
    now: Timestamp,
) -> Result<Application, Failure> {
    let is_had = connector.renewal(channel).is_some_and(|renewal| match renewal.grant {
        Grant::ClientCredentials => true,
        Grant::RefreshToken => false,
    });
    let credentials = &application.credentials;
    let is_good = credentials.token().is_some() && credentials.expires_at.is_none_or(|end| end > now);
    if !is_had || is_good || !application.tokens.is_empty() {
        return Ok(application);
    }
    let refresh = Refresh { channel, credentials, application: Some(&application), budget: BUDGET };
    match connector.refresh(refresh).await {
        Refreshed::Renewed { secrets, .. } => {
            application.credentials = application.credentials.renewed(secrets, None);
            Ok(application)
        }
        Refreshed::Refused => Err(Failure::Input(format!(
            "`--applications`: the token endpoint gives no token for the client id and secret of `{channel}`"
        ))),
        Refreshed::Failed(outcome) => Err(Failure::Run(anyhow::anyhow!(
            "no access token could be had for the application of `{channel}`: {}",
            outcome.error().unwrap_or_default()
        ))),
    }
}

/// Why nothing was asked, when it is that a file was not named.
pub(super) fn missing(args: &LiveArgs) -> Failure {
    Failure::Input(format!(
        "channel `{name}` is polled with credentials of the deployment's own: name a file with them, `--applications \
         FILE`, which has a line {{\"channel\": \"{name}\", \"credentials\": {{...}}}}, as for `pollwheel run`",
        name = args.name
    ))
}
