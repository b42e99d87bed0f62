//! Which API answers which path.

use std::time::Duration;

use crate::api::{Api, Subject};
use crate::bluesky::Bluesky;
use crate::call::Query;
use crate::channel::{Channel, PerChannel};
use crate::facebook::Facebook;
use crate::github::Github;
use crate::hackernews::HackerNews;
use crate::mastodon::Mastodon;
use crate::reddit::Reddit;
use crate::syndication::Syndication;
use crate::x::X;
use crate::youtube::Youtube;

/// The APIs, one a channel.
#[derive(Debug)]
pub(crate) struct Apis(PerChannel<Box<dyn Api>>);

impl Apis {
    /// `poll_interval` is the pause that some of them ask for.
    pub(crate) fn new(poll_interval: Duration) -> Self {
        Self(PerChannel::from_fn(|channel| -> Box<dyn Api> {
            match channel {
                Channel::Mastodon => Box::new(Mastodon),
                Channel::Github => Box::new(Github { poll_interval }),
                Channel::Bluesky => Box::new(Bluesky),
                Channel::X => Box::new(X),
                Channel::Facebook => Box::new(Facebook),
                Channel::Reddit => Box::new(Reddit),
                Channel::Youtube => Box::new(Youtube { poll_interval }),
                Channel::Feed => Box::new(Syndication { poll_interval }),
                Channel::Hackernews => Box::new(HackerNews),
            }
        }))
    }

    pub(crate) fn get(&self, channel: Channel) -> &dyn Api {
        self.0.get(channel).as_ref()
    }

    /// Whose path this is. No two APIs have a path in common.
    pub(crate) fn find<'a>(&self, path: &'a str, query: Query<'a>) -> Option<(Channel, Subject<'a>)> {
        Channel::ALL.into_iter().find_map(|channel| Some((channel, self.get(channel).find(path, query)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_channel_and_account() {
        let apis = Apis::new(Duration::ZERO);
        let account = |id: &'static str| Subject::Account(id.into());
        let paths = [
            ("/api/v1/accounts/42/statuses", Channel::Mastodon, account("42")),
            ("/api/v1/notifications", Channel::Mastodon, Subject::TokenOwner),
            ("/users/octo-cat/events", Channel::Github, account("octo-cat")),
            ("/users/octo-cat/events/public", Channel::Github, account("octo-cat")),
            ("/notifications", Channel::Github, Subject::TokenOwner),
            (
                "/xrpc/app.bsky.feed.getAuthorFeed?actor=did%3Aplc%3Aabc",
                Channel::Bluesky,
                account("did:plc:abc"),
            ),
            ("/2/users/2244994945/tweets", Channel::X, account("2244994945")),
            ("/v24.0/1234/posts", Channel::Facebook, account("1234")),
            ("/user/spez/submitted.json", Channel::Reddit, account("spez")),
            ("/user/spez/submitted", Channel::Reddit, account("spez")),
            ("/feeds/videos.xml?channel_id=UCabc", Channel::Youtube, account("UCabc")),
            ("/feeds/news.2026.rss", Channel::Feed, account("news.2026")),
            ("/feeds/news.atom", Channel::Feed, account("news")),
            ("/feeds/news.json", Channel::Feed, account("news")),
            ("/api/v1/search_by_date?tags=author_pg,(story,poll)", Channel::Hackernews, account("pg")),
        ];
        for (path, channel, subject) in paths {
            let (path, query) =
                path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
            assert_eq!(apis.find(path, Query::new(query)), Some((channel, subject)), "{path}");
            let owners: Vec<_> = Channel::ALL
                .into_iter()
                .filter(|channel| apis.get(*channel).find(path, Query::new(query)).is_some())
                .collect();
            assert_eq!(owners, [channel], "{path} has one owner");
        }
        for path in
            ["/", "/users/a", "/user/a", "/2/users/1", "/v24/1/posts", "/feeds/a.xml", "/feeds/videos.xml"]
        {
            assert_eq!(apis.find(path, Query::default()), None, "{path}");
        }
    }
}
