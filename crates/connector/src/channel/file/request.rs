//! `request`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{At, Text, Tree};

/// What is asked. Either `path` or `url`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct RequestFile {
    /// GET, unless it says POST.
    #[serde(default)]
    pub(in crate::channel) method: MethodFile,
    /// After the base URL. A template.
    pub(in crate::channel) path: Option<Text>,
    /// The whole URL: one variable.
    pub(in crate::channel) url: Option<Text>,
    /// The parameters. Values are templates.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "super::schema::Scalars"))]
    pub(in crate::channel) query: BTreeMap<String, Text>,
    /// Headers beside the channel's. Values are templates.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "super::schema::Scalars"))]
    pub(in crate::channel) headers: BTreeMap<String, Text>,
    /// The body of a POST.
    pub(in crate::channel) body: Option<At<BodyFile>>,
    /// Units of a limit that one request takes.
    pub(in crate::channel) cost: Option<At<u32>>,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::channel) enum MethodFile {
    /// Reads.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// Asks by a body.
    #[serde(rename = "POST")]
    Post,
}

/// The body of a POST.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(in crate::channel) enum BodyFile {
    /// A JSON value. Its strings are templates.
    Json(At<Tree>),
    /// A form. Values are templates.
    Form(#[cfg_attr(test, schemars(with = "super::schema::Scalars"))] BTreeMap<String, Text>),
    /// A GraphQL query, sent as JSON.
    Graphql(GraphqlFile),
}

/// A GraphQL query.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::channel) struct GraphqlFile {
    /// Its text. No template.
    pub(in crate::channel) query: Text,
    /// Its variables. Strings in them are templates.
    #[serde(default)]
    pub(in crate::channel) variables: BTreeMap<String, At<Tree>>,
}
