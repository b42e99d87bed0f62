//! Posts of a feed, in the shape of <https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/defs.json>
//! (`feedViewPost`, `postView`). Every post is the author's own, and neither a reply nor a repost.

use serde_json::{Value, json};

use crate::dates;
use crate::digits::{self, SORTABLE_32, URL_64};
use crate::draw::{self, Draws};
use crate::prose;
use crate::timeline::{first_id, time_ms};

/// The low bits of a record key are a clock's number, those above microseconds: <https://atproto.com/specs/tid>.
const CLOCK_BITS: u32 = 10;

/// The record key of an item: its millisecond, and its counter as microseconds and clock.
pub(super) fn key(id: u64) -> String {
    let counter = id - first_id(time_ms(id));
    let micros = time_ms(id) * 1_000 + (counter >> CLOCK_BITS);
    digits::write((micros << CLOCK_BITS) | (counter & 0x3ff), SORTABLE_32, 13)
}

/// The item of a record key.
pub(super) fn read_key(key: &str) -> Option<u64> {
    let number = digits::read(key, SORTABLE_32)?;
    let (micros, clock) = (number >> CLOCK_BITS, number & 0x3ff);
    Some(first_id(micros / 1_000) + ((micros % 1_000) << CLOCK_BITS) + clock)
}

/// The author's identifier: what was asked for, when that is one.
fn did(account: &str) -> String {
    if account.starts_with("did:") {
        return account.to_owned();
    }
    format!("did:plc:{}", digits::write(draw::key(6, account), SORTABLE_32, 24))
}

/// What names a post everywhere.
pub(super) fn uri(account: &str, id: u64) -> String {
    format!("at://{}/app.bsky.feed.post/{}", did(account), key(id))
}

pub(super) fn all(account: &str, ids: &[u64]) -> Value {
    let did = did(account);
    let handle = if account.contains('.') && !account.contains(':') {
        account.to_owned()
    } else {
        format!("user-{:x}.bsky.example", draw::key(6, account) >> 40)
    };
    let author = json!({
        "did": did,
        "handle": handle,
        "displayName": format!("User {account}"),
        "avatar": format!("https://cdn.bsky.example/img/avatar/plain/{did}/avatar@jpeg"),
        "labels": [],
        "createdAt": "2023-04-12T04:53:57.057Z",
    });
    ids.iter().map(|&id| json!({"post": post(account, &author, id)})).collect()
}

fn post(account: &str, author: &Value, id: u64) -> Value {
    let mut draws = Draws::new(id, 4);
    let created_at = dates::iso_ms(time_ms(id));
    let cid = digits::write(draw::key(id, "cid"), &URL_64[26..52], 14);
    json!({
        "uri": uri(account, id),
        "cid": format!("bafyreib{cid}{cid}{cid}"),
        "author": author,
        "record": {
            "$type": "app.bsky.feed.post",
            "createdAt": created_at,
            "langs": ["en"],
            "text": prose::sentence(&mut draws, 4, 30),
        },
        "replyCount": draws.below(8),
        "repostCount": draws.below(20),
        "likeCount": draws.below(60),
        "quoteCount": draws.below(3),
        "indexedAt": created_at,
        "labels": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_keep_their_order() {
        let ids: Vec<u64> =
            (0..2_000).map(|n| first_id(1_760_000_000_000 + n / 7) + (n % 7) * 9_000).collect();
        let keys: Vec<_> = ids.iter().map(|&id| key(id)).collect();
        assert!(keys.iter().all(|key| key.len() == 13 && key.starts_with('3')), "{}", keys[0]);
        assert!(keys.is_sorted_by(|a, b| a < b));
        let back: Vec<_> = keys.iter().map(|key| read_key(key).unwrap()).collect();
        assert_eq!(back, ids);
        assert_eq!(read_key("not a key"), None);
    }

    #[test]
    fn an_author_has_one_did() {
        assert_eq!(uri("did:plc:abc", first_id(1 << 40)).split('/').nth(2), Some("did:plc:abc"));
        let of_handle = uri("alice.example", 1 << 56);
        assert_eq!(of_handle.split('/').nth(2).unwrap().len(), "did:plc:".len() + 24);
        assert_eq!(of_handle, uri("alice.example", 1 << 56));
    }
}
