//! A CloudFormation template: resources in the order they are told, and the few intrinsic functions that we use.
//!
//! Knows nothing of Pollwheel. `Fn::Sub` is used with pseudo parameters only (`${AWS::StackName}`): the Serverless
//! Framework would take other names in braces for variables of its own.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

/// A resource that CloudFormation owns in both forms of the deployment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Resource {
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<&'static str>,
    properties: Value,
}

impl Resource {
    /// A resource of a type, such as `AWS::SQS::Queue`.
    pub(crate) fn new(kind: &'static str, properties: Value) -> Self {
        Self {
            kind,
            condition: None,
            depends_on: None,
            deletion_policy: None,
            update_replace_policy: None,
            properties,
        }
    }

    /// Made only when a condition of the template holds.
    pub(crate) const fn when(mut self, condition: &'static str) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Made after another resource that its properties do not name.
    pub(crate) fn after(mut self, logical: String) -> Self {
        self.depends_on = Some(logical);
        self
    }

    /// Removed with its stack, but kept when an update puts another one in its place.
    pub(crate) const fn kept_on_replacement(mut self) -> Self {
        self.deletion_policy = Some("Delete");
        self.update_replace_policy = Some("Retain");
        self
    }

    /// The type.
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The properties.
    pub(crate) const fn properties(&self) -> &Value {
        &self.properties
    }
}

/// Values by name, written in the order in which they were added.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Adds one.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: T) {
        self.0.push((name.into(), value));
    }

    /// Every one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// `Ref`: a parameter's value, or what a resource calls itself.
pub(crate) fn reference(logical: &str) -> Value {
    json!({ "Ref": logical })
}

/// An attribute of a resource.
pub(crate) fn attribute(logical: &str, name: &str) -> Value {
    json!({ "Fn::GetAtt": [logical, name] })
}

/// The ARN of a resource.
pub(crate) fn arn(logical: &str) -> Value {
    attribute(logical, "Arn")
}

/// A text with pseudo parameters in it.
pub(crate) fn sub(text: impl Into<String>) -> Value {
    json!({ "Fn::Sub": text.into() })
}

/// `<stack>-<name>`: the form of every name that we give.
pub(crate) fn named(name: &str) -> Value {
    sub(format!("${{AWS::StackName}}-{name}"))
}

/// One value or another, by a condition of the template.
pub(crate) fn either(condition: &str, then: Value, otherwise: Value) -> Value {
    json!({ "Fn::If": [condition, then, otherwise] })
}

/// As if the property were not there.
pub(crate) fn nothing() -> Value {
    reference("AWS::NoValue")
}
