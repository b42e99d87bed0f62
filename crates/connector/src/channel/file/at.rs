//! A value and where it stands in the file.

use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// A text and where it stands.
pub(in crate::channel) type Text = At<String>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(in crate::channel) struct At<T> {
    pub(in crate::channel) value: T,
    pub(in crate::channel) place: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, place: referenced })
    }
}
