//! The APIs that the server plays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One third-party API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Statuses of an account, and a user's notifications.
    Mastodon,
    /// Events of a user, and a user's notifications.
    Github,
    /// The feed of an author.
    Bluesky,
    /// Posts of a user, API v2.
    X,
    /// Posts of a page.
    Facebook,
    /// What a user submitted.
    Reddit,
    /// A channel's feed of videos.
    Youtube,
    /// Any RSS, Atom or JSON feed.
    Feed,
    /// What a user submitted to Hacker News, by its search API.
    Hackernews,
}

impl Channel {
    /// Every channel, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::Mastodon,
        Self::Github,
        Self::Bluesky,
        Self::X,
        Self::Facebook,
        Self::Reddit,
        Self::Youtube,
        Self::Feed,
        Self::Hackernews,
    ];

    /// The name used in the control paths and in the statistics; also that of the folder under `channels/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mastodon => "mastodon",
            Self::Github => "github",
            Self::Bluesky => "bluesky",
            Self::X => "x",
            Self::Facebook => "facebook",
            Self::Reddit => "reddit",
            Self::Youtube => "youtube",
            Self::Feed => "feed",
            Self::Hackernews => "hackernews",
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
#[error(
    "no channel `{0}`: use `mastodon`, `github`, `bluesky`, `x`, `facebook`, `reddit`, `youtube`, `feed` or `hackernews`"
)]
pub struct UnknownChannel(String);

/// One value for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerChannel<T> {
    /// Mastodon's.
    pub mastodon: T,
    /// GitHub's.
    pub github: T,
    /// Bluesky's.
    pub bluesky: T,
    /// X's.
    pub x: T,
    /// Facebook's.
    pub facebook: T,
    /// Reddit's.
    pub reddit: T,
    /// YouTube's.
    pub youtube: T,
    /// The feeds'.
    pub feed: T,
    /// Hacker News'.
    pub hackernews: T,
}

impl<T> PerChannel<T> {
    /// Makes each channel's value.
    pub fn from_fn(mut make: impl FnMut(Channel) -> T) -> Self {
        Self {
            mastodon: make(Channel::Mastodon),
            github: make(Channel::Github),
            bluesky: make(Channel::Bluesky),
            x: make(Channel::X),
            facebook: make(Channel::Facebook),
            reddit: make(Channel::Reddit),
            youtube: make(Channel::Youtube),
            feed: make(Channel::Feed),
            hackernews: make(Channel::Hackernews),
        }
    }

    /// The value of one channel.
    pub fn get(&self, channel: Channel) -> &T {
        match channel {
            Channel::Mastodon => &self.mastodon,
            Channel::Github => &self.github,
            Channel::Bluesky => &self.bluesky,
            Channel::X => &self.x,
            Channel::Facebook => &self.facebook,
            Channel::Reddit => &self.reddit,
            Channel::Youtube => &self.youtube,
            Channel::Feed => &self.feed,
            Channel::Hackernews => &self.hackernews,
        }
    }

    /// The value of one channel, to change it.
    pub fn get_mut(&mut self, channel: Channel) -> &mut T {
        match channel {
            Channel::Mastodon => &mut self.mastodon,
            Channel::Github => &mut self.github,
            Channel::Bluesky => &mut self.bluesky,
            Channel::X => &mut self.x,
            Channel::Facebook => &mut self.facebook,
            Channel::Reddit => &mut self.reddit,
            Channel::Youtube => &mut self.youtube,
            Channel::Feed => &mut self.feed,
            Channel::Hackernews => &mut self.hackernews,
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
            assert_eq!(*PerChannel::from_fn(|c| c).get(channel), channel);
            assert_eq!(*PerChannel::from_fn(|c| c).get_mut(channel), channel);
        }
    }

    #[test]
    fn an_unknown_name_is_told_all_others() {
        let error = "gitlab".parse::<Channel>().unwrap_err().to_string();
        assert!(error.starts_with("no channel `gitlab`: use `mastodon`, "));
        assert!(Channel::ALL.iter().all(|channel| error.contains(&format!("`{channel}`"))), "{error}");
    }

    #[test]
    fn every_channel_of_the_project_is_played() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../channels");
        let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let names: Vec<_> = folders
            .filter(|entry| entry.path().join("channel.yml").is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(name.parse::<Channel>().is_ok(), "nothing plays `channels/{name}`");
        }
    }
}
