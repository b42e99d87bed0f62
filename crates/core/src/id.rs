//! Identifiers: who is polled (`AccountId`), what is polled (`JobTypeId`, `Target`), and the job that joins them (`JobId`).
//!
//! Every identifier is parsed once, at the edge; inner code cannot hold a bad one. Identifiers are strings, never
//! numbers: `007` and `7` are two accounts.

use std::fmt;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest channel or job type name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest account id, in bytes. Two escaped ids and a separator stay below DynamoDB's 1,024-byte sort key.
pub const MAX_ACCOUNT_ID_BYTES: usize = 256;
/// Longest target, in bytes.
pub const MAX_TARGET_BYTES: usize = 256;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("{what} is empty")]
    Empty {
        /// The kind of identifier.
        what: &'static str,
    },
    /// Longer than its limit.
    #[error("{what} is {bytes} bytes long, the limit is {limit}")]
    TooLong {
        /// The kind of identifier.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A character that the identifier cannot hold.
    #[error("{what} `{text}` has the character {character:?}: {rule}")]
    Character {
        /// The kind of identifier.
        what: &'static str,
        /// The text, escaped for display.
        text: String,
        /// The offending character.
        character: char,
        /// What is allowed.
        rule: &'static str,
    },
    /// A job type id without its slash.
    #[error("job type `{text}` is not of the form `channel/job_type`")]
    NoSlash {
        /// The text.
        text: String,
    },
}

const NAME_RULE: &str = "use lower-case letters, digits, `_` and `-`, starting with a letter";
const ID_RULE: &str = "control characters and Unicode noncharacters are not allowed";

fn check_name(what: &'static str, text: &str) -> Result<(), IdError> {
    check_length(what, text, MAX_NAME_BYTES)?;
    let bad = text.chars().enumerate().find(|&(index, c)| match c {
        'a'..='z' => false,
        '0'..='9' | '_' | '-' => index == 0,
        _ => true,
    });
    match bad {
        Some((_, character)) => Err(IdError::Character {
            what,
            text: text.escape_debug().to_string(),
            character,
            rule: NAME_RULE,
        }),
        None => Ok(()),
    }
}

/// SQS refuses control characters and U+FFFE/U+FFFF in a message; an id travels in every message.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn check_free_text(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    check_length(what, text, limit)?;
    match text.chars().find(|&c| c.is_control() || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)) {
        Some(character) => {
            Err(IdError::Character { what, text: text.escape_debug().to_string(), character, rule: ID_RULE })
        }
        None => Ok(()),
    }
}

fn check_length(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    match text.len() {
        0 => Err(IdError::Empty { what }),
        bytes if bytes > limit => Err(IdError::TooLong { what, bytes, limit }),
        _ => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a text.
            ///
            /// # Errors
            /// What is wrong with it, in words for a person.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, IdError> {
                let text = text.into();
                let check: fn(&str) -> Result<(), IdError> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        // By hand, because a dispatch reads and writes millions: no text is copied on the way.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

text_id!(
    /// The name of a channel: `mastodon`.
    ChannelName,
    |text| check_name("channel name", text)
);
text_id!(
    /// The plan of an account: `enterprise`, `professional`, `free`. Declared by the channel, so an open set.
    ServiceLevel,
    |text| check_name("service level", text)
);
text_id!(
    /// Who is polled for: the product's own id of a connected account. Any text without control characters.
    AccountId,
    |text| check_free_text("account id", text, MAX_ACCOUNT_ID_BYTES)
);
text_id!(
    /// What is polled where one account is polled for several things: a search, a repository, a page.
    Target,
    |text| check_free_text("target", text, MAX_TARGET_BYTES)
);
text_id!(
    /// `channel/job_type`: one endpoint of a channel. Owns a queue, a cursor and its cohorts.
    JobTypeId,
    |text| {
        let Some((channel, name)) = text.split_once('/') else {
            return Err(IdError::NoSlash { text: text.escape_debug().to_string() });
        };
        check_name("channel name", channel)?;
        check_name("job type name", name)
    }
);

impl JobTypeId {
    /// Joins a channel and the name of one of its job types.
    ///
    /// # Errors
    /// When the name is not one.
    pub fn of(channel: &ChannelName, name: &str) -> Result<Self, IdError> {
        Self::new(format!("{channel}/{name}"))
    }

    /// The channel's name, the part before the slash.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(channel, _)| channel)
    }

    /// The job type's own name, the part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

/// A job: account x job type, x target where one account is polled for several things. One row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId {
    /// The endpoint.
    pub job_type: JobTypeId,
    /// Who it is polled for.
    pub account: AccountId,
    /// Which of the account's things is polled, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

impl fmt::Display for JobId {
    /// `mastodon/statuses:a1` or `github/issues:a1:rust-lang/rust`; for people and logs, not a key (see [`crate::keys`]).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.job_type, self.account)?;
        match &self.target {
            Some(target) => write!(f, ":{target}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_start_with_a_letter() {
        assert!(ChannelName::new("mastodon").is_ok());
        assert!(ChannelName::new("x-2_y").is_ok());
        for bad in ["", "Mastodon", "2x", "-x", "a b", "a/b", "a#b", "ä", &"x".repeat(65)] {
            assert!(ChannelName::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_job_type_has_two_parts() {
        let id = JobTypeId::new("mastodon/statuses").unwrap();
        assert_eq!((id.channel(), id.name()), ("mastodon", "statuses"));
        for bad in ["mastodon", "mastodon/", "/statuses", "a/b/c"] {
            assert!(JobTypeId::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn r26_account_ids_refuse_what_sqs_refuses_and_keep_lookalikes_apart() {
        for bad in ["a\u{0}", "a\u{FFFE}", "a\u{FFFF}", "a\u{1FFFE}", "a\nb", ""] {
            assert!(AccountId::new(bad).is_err(), "{bad:?} was accepted");
        }
        assert_ne!(AccountId::new("007").unwrap(), AccountId::new("7").unwrap());
        assert_ne!(
            AccountId::new("18446744073709551616").unwrap(),
            AccountId::new("18446744073709551617").unwrap()
        );
        assert!(AccountId::new("did:plc:äöü#%/ x").is_ok());
    }

    #[test]
    fn an_error_names_the_kind_the_text_and_the_rule() {
        let error = ChannelName::new("Mastodon").unwrap_err().to_string();
        assert_eq!(
            error,
            "channel name `Mastodon` has the character 'M': use lower-case letters, digits, `_` and `-`, starting with a letter"
        );
    }
}
