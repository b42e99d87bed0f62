//! What the core must know of a channel's credentials before a poll.

use std::time::Duration;

use pollwheel_core::ports::{self, Credentials, Renewal};
use pollwheel_core::time::Timestamp;

use crate::channel::{Auth, Channel, Grant, Origin};
use crate::wait::Scale;

/// Whether and how a channel's tokens are renewed.
pub(crate) fn renewal(channel: &Channel, scale: Scale) -> Option<Renewal> {
    let oauth2 = match &channel.auth {
        Auth::None => return None,
        Auth::By(rules) => rules.oauth2.as_ref()?,
    };
    let grant = match oauth2.grant {
        Grant::RefreshToken => ports::Grant::RefreshToken,
        Grant::ClientCredentials => ports::Grant::ClientCredentials,
    };
    let before = scale.wheel_seconds(u64::from(oauth2.refresh_before_seconds));
    Some(Renewal { grant, before: Duration::from_secs(before) })
}

/// Whether polls of a channel need the deployment's own credentials: to authenticate, to renew tokens, or in a template.
pub(crate) fn uses_application(channel: &Channel) -> bool {
    let by_auth = match &channel.auth {
        Auth::None => false,
        Auth::By(rules) => match rules.from {
            Origin::Application => true,
            Origin::Account => rules.oauth2.is_some(),
        },
    };
    by_auth || channel.job_types().any(|job_type| job_type.endpoint.names_application())
}

/// Whether a token is missing, or ends within `before` of `now`.
pub(crate) fn expires_within(credentials: &Credentials, now: Timestamp, before: Duration) -> bool {
    credentials.token().is_none() || credentials.expires_at.is_some_and(|end| end <= now.plus(before))
}
