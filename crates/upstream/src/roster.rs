//! Accounts to poll this server for, in the format of the accounts file of `pollwheel run`; and the applications that some
//! of them need.

use serde_json::{Value, json};

use crate::channel::Channel;

/// One account of a channel, as a line of an accounts file. `base_url` is this server's.
///
/// Whatever it needs to be let in is made up: any token is good here.
#[must_use]
pub fn account(channel: Channel, number: u32, base_url: &str) -> Value {
    let id = format!("{channel}-{number}");
    let external_id = match channel {
        Channel::Mastodon => number.to_string(),
        Channel::Github | Channel::Reddit | Channel::Hackernews => format!("user-{number}"),
        Channel::Bluesky => format!("user-{number}.bsky.example"),
        Channel::X => format!("{}", 2_244_000_000 + u64::from(number)),
        Channel::Facebook => format!("{}", 100_000_000_000 + u64::from(number)),
        Channel::Youtube => format!("UC{number:0>22}"),
        // A feed's id is its address. The three formats take turns.
        Channel::Feed => {
            let ending =
                ["rss", "atom", "json"].into_iter().cycle().nth(number as usize % 3).unwrap_or("rss");
            format!("{base_url}/feeds/feed-{number}.{ending}")
        }
    };
    let mut line = json!({
        "account_id": id,
        "channel": channel.name(),
        "service_level": "enterprise",
        "external_id": external_id,
    });
    if channel != Channel::Feed {
        line["base_url"] = base_url.into();
    }
    match channel {
        // What follows `~` says whose notifications they are.
        Channel::Mastodon | Channel::Github => {
            line["token"] = format!("made-up-{channel}-{number}~{external_id}").into();
        }
        Channel::Facebook => line["token"] = format!("made-up-{channel}-{number}").into(),
        // The application's.
        Channel::X | Channel::Reddit => {}
        Channel::Bluesky | Channel::Youtube | Channel::Feed | Channel::Hackernews => {}
    }
    line
}
