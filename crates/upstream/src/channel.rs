//! The two APIs that the server plays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One third-party API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `GET /api/v1/accounts/{id}/statuses`
    Mastodon,
    /// `GET /users/{username}/events`
    Github,
}

impl Channel {
    /// Every channel, in the order in which reports list them.
    pub const ALL: [Self; 2] = [Self::Mastodon, Self::Github];

    /// The name used in the control paths and in the statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mastodon => "mastodon",
            Self::Github => "github",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.name() == name)
            .ok_or_else(|| UnknownChannel(name.to_owned()))
    }
}

/// A name that is not a channel's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no channel `{0}`: use `mastodon` or `github`")]
pub struct UnknownChannel(String);

/// One value for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerChannel<T> {
    /// Mastodon's.
    pub mastodon: T,
    /// GitHub's.
    pub github: T,
}

impl<T> PerChannel<T> {
    /// Makes each channel's value.
    pub fn from_fn(mut make: impl FnMut(Channel) -> T) -> Self {
        Self { mastodon: make(Channel::Mastodon), github: make(Channel::Github) }
    }

    /// The value of one channel.
    pub fn get(&self, channel: Channel) -> &T {
        match channel {
            Channel::Mastodon => &self.mastodon,
            Channel::Github => &self.github,
        }
    }

    /// The value of one channel, to change it.
    pub fn get_mut(&mut self, channel: Channel) -> &mut T {
        match channel {
            Channel::Mastodon => &mut self.mastodon,
            Channel::Github => &mut self.github,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for channel in Channel::ALL {
            assert_eq!(channel.name().parse::<Channel>().unwrap(), channel);
        }
        assert_eq!(
            "gitlab".parse::<Channel>().unwrap_err().to_string(),
            "no channel `gitlab`: use `mastodon` or `github`"
        );
    }
}
