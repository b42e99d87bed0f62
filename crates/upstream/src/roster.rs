//! Accounts to poll this server for, and the applications that some of them need: lines of the accounts file and of the
//! applications file of `pollwheel run`, for the channels under `channels/`.
//!
//! Whatever it takes to be let in is made up: any token is good here.

use serde_json::{Value, json};

use crate::channel::Channel;

/// One account of a channel. `base_url` is this server's, without a slash at the end.
#[must_use]
pub fn account(channel: Channel, number: u32, base_url: &str) -> Value {
    let id = external_id(channel, number, base_url);
    let mut line = json!({
        "account_id": format!("{channel}-{number}"),
        "channel": channel.name(),
        "service_level": "enterprise",
        "external_id": id,
    });
    match channel {
        // Some channels have a part of the path in their base URL.
        Channel::Facebook => line["base_url"] = format!("{base_url}/v24.0").into(),
        Channel::Hackernews => line["base_url"] = format!("{base_url}/api/v1").into(),
        Channel::Mastodon | Channel::Github | Channel::Bluesky | Channel::X | Channel::Youtube => {
            line["base_url"] = base_url.into();
        }
        // A feed's id is its whole address, and Reddit has one for everybody.
        Channel::Feed | Channel::Reddit => {}
    }
    match channel {
        // What follows `~` says whose notifications they are.
        Channel::Mastodon | Channel::Github => line["token"] = format!("made-up-{number}~{id}").into(),
        Channel::Facebook => line["token"] = format!("made-up-{number}").into(),
        // The first poll refreshes.
        Channel::X => {
            let refresh_token = format!("made-up-{number}~{id}");
            line["credentials"] =
                json!({"token": format!("expired-{number}"), "refresh_token": refresh_token});
        }
        // The application's, or none.
        Channel::Reddit | Channel::Bluesky | Channel::Youtube | Channel::Feed | Channel::Hackernews => {}
    }
    line
}

fn external_id(channel: Channel, number: u32, base_url: &str) -> String {
    match channel {
        Channel::Mastodon => number.to_string(),
        Channel::Github | Channel::Reddit | Channel::Hackernews => format!("user-{number}"),
        Channel::Bluesky => format!("user-{number}.bsky.example"),
        Channel::X => (2_244_000_000 + u64::from(number)).to_string(),
        Channel::Facebook => (100_000_000_000 + u64::from(number)).to_string(),
        Channel::Youtube => format!("UC{number:0>22}"),
        Channel::Feed => {
            // The three formats take turns.
            let ending = match number % 3 {
                0 => "rss",
                1 => "atom",
                _ => "json",
            };
            format!("{base_url}/feeds/feed-{number}.{ending}")
        }
    }
}

/// The application of a channel, where accounts are polled or refreshed with its help.
#[must_use]
pub fn application(channel: Channel) -> Option<Value> {
    match channel {
        Channel::X | Channel::Reddit => {
            let credentials = json!({"client_id": "made-up", "client_secret": "made-up-secret"});
            Some(json!({"channel": channel.name(), "credentials": credentials}))
        }
        Channel::Mastodon
        | Channel::Github
        | Channel::Bluesky
        | Channel::Facebook
        | Channel::Youtube
        | Channel::Feed
        | Channel::Hackernews => None,
    }
}
