//! `auth`.

use serde::Deserialize;

use super::{At, Text, TextOr};

/// `none`, or how requests authenticate.
pub(in crate::channel) type AuthFile = TextOr<AuthFields>;

/// How requests authenticate. `bearer` alone is short for `send: bearer` and its `need`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct AuthFields {
    /// Short for `{send: bearer, need: ...}`.
    pub(in crate::channel) bearer: Option<Need>,
    /// Where the token stands in a request.
    pub(in crate::channel) send: Option<At<SendFile>>,
    /// Whose credentials they are.
    pub(in crate::channel) from: Option<At<Origin>>,
    /// Whether an account must have a token.
    pub(in crate::channel) need: Option<Need>,
    /// How tokens are got and renewed.
    pub(in crate::channel) oauth2: Option<At<OAuth2File>>,
}

/// Whether an account must have a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Need {
    /// It may have one.
    Optional,
    /// Without one it is not polled.
    Required,
}

/// Where the token stands in a request.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(in crate::channel) enum SendFile {
    /// `Authorization: Bearer TOKEN`.
    Bearer,
    /// `Authorization: Basic ...`, of `credentials.username` and `credentials.password`.
    Basic,
    /// A header of this name.
    Header(Text),
    /// A query parameter of this name.
    Query(Text),
}

/// Whose credentials a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The account's.
    #[default]
    Account,
    /// The deployment's own. Several tokens are a pool, each with its own limit.
    Application,
}

/// How tokens are got and renewed (RFC 6749).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct OAuth2File {
    /// What is exchanged for a token.
    pub(in crate::channel) grant: Grant,
    /// The token endpoint, an absolute https URL.
    pub(in crate::channel) token_url: Text,
    /// How the client's id and secret travel.
    #[serde(default)]
    pub(in crate::channel) client: ClientAuth,
    /// Sent as `scope`.
    #[serde(default)]
    pub(in crate::channel) scopes: Vec<Text>,
    /// Seconds before its end at which a token is renewed.
    pub(in crate::channel) refresh_before_seconds: Option<At<u32>>,
    /// Error codes by which this endpoint refuses the token itself, besides `invalid_grant` and `access_denied`.
    #[serde(default)]
    pub(in crate::channel) refused_errors: Vec<Text>,
}

/// What is exchanged for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    /// The account's refresh token, which may be replaced each time.
    RefreshToken,
    /// The client's own id and secret.
    ClientCredentials,
}

/// How the client's id and secret travel to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the body, as `client_id` and `client_secret`.
    Body,
}
