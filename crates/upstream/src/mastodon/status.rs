//! Statuses as JSON, in the shape documented at <https://docs.joinmastodon.org/entities/Status/>.
//!
//! Everything in a status follows from its id, so that it never changes: no edits, no growing counts. Written straight
//! into one string, since this is what the server spends its time on.

use std::fmt::Write;

use crate::dates;
use crate::draw::{self, Draws};
use crate::prose;
use crate::timeline::time_ms;

const SITE: &str = "https://mastodon.example";
/// A status is about this long: saves growing the string step by step.
const STATUS_BYTES: usize = 1_700;

const TAGS: [&str; 8] =
    ["rust", "photography", "gardening", "opensource", "music", "cycling", "maps", "books"];

/// A page of one account's statuses.
pub(super) fn write_all(account: &str, ids: &[u64], newest: Option<u64>) -> String {
    let author = Author::new(account, newest);
    let mut out = String::with_capacity(2 + ids.len() * STATUS_BYTES);
    out.push('[');
    for (position, &id) in ids.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_status(&mut out, &author, id);
    }
    out.push(']');
    out
}

/// The account that posted, the same for all statuses of a page.
pub(super) struct Author {
    username: String,
    json: String,
}

impl Author {
    pub(super) fn new(account: &str, newest: Option<u64>) -> Self {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let username = format!("user_{}", account.chars().map(word).collect::<String>());
        let mut draws = Draws::new(draw::key(0, account), 0);
        let (followers, following, statuses) =
            (draws.below(5_000), draws.below(900), 100 + draws.below(9_000));
        let created_at = dates::iso_ms(1_460_000_000_000 + draws.below(2_000) * 86_400_000);
        let last_status_at =
            newest.map_or_else(|| "null".to_owned(), |id| format!("\"{}\"", dates::day(time_ms(id))));
        let avatar = format!("{SITE}/avatars/original/{account}.png");
        let header = format!("{SITE}/headers/original/{account}.png");
        let json = format!(
            r#"{{"id":"{account}","username":"{username}","acct":"{username}","display_name":"User {account}","locked":false,"bot":false,"discoverable":true,"indexable":false,"group":false,"created_at":"{created_at}","note":"<p>Account {account} of a loopback server.</p>","url":"{SITE}/@{username}","uri":"{SITE}/users/{username}","avatar":"{avatar}","avatar_static":"{avatar}","header":"{header}","header_static":"{header}","followers_count":{followers},"following_count":{following},"statuses_count":{statuses},"last_status_at":{last_status_at},"hide_collections":null,"noindex":false,"emojis":[],"roles":[],"fields":[]}}"#
        );
        Self { username, json }
    }

    pub(super) fn json(&self) -> &str {
        &self.json
    }
}

pub(super) fn write_status(out: &mut String, author: &Author, id: u64) {
    let mut draws = Draws::new(id, 0);
    let username = &author.username;
    let created_at = dates::iso_ms(time_ms(id));
    let sensitive = draws.below(25) == 0;
    let spoiler = if sensitive { draws.pick(&prose::WORDS) } else { "" };
    let visibility = if draws.below(10) == 0 { "unlisted" } else { "public" };
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","created_at":"{created_at}","in_reply_to_id":null,"in_reply_to_account_id":null,"sensitive":{sensitive},"spoiler_text":"{spoiler}","visibility":"{visibility}","language":"en","uri":"{SITE}/users/{username}/statuses/{id}","url":"{SITE}/@{username}/{id}","replies_count":{},"reblogs_count":{},"favourites_count":{},"quotes_count":0,"edited_at":null,"content":""#,
        draws.below(8),
        draws.below(20),
        draws.below(60),
    );
    let tag = (draws.below(3) == 0).then(|| draws.pick(&TAGS));
    write_content(out, &mut draws, tag);
    out.push_str(r#"","reblog":null,"quote":null,"application":{"name":"Web","website":null},"account":"#);
    out.push_str(&author.json);
    out.push_str(r#","media_attachments":["#);
    if draws.below(6) == 0 {
        write_image(out, &mut draws, id);
    }
    out.push_str(r#"],"mentions":[],"tags":["#);
    if let Some(tag) = tag {
        let _ = write!(out, r#"{{"name":"{tag}","url":"{SITE}/tags/{tag}"}}"#);
    }
    out.push_str(r#"],"emojis":[],"card":null,"poll":null}"#);
}

/// HTML, as in a JSON string: quotes are escaped.
fn write_content(out: &mut String, draws: &mut Draws, tag: Option<&str>) {
    let paragraphs = 1 + draws.below(2);
    for _ in 0..paragraphs {
        out.push_str("<p>");
        let words = 6 + draws.below(24);
        prose::write_sentence(out, draws, words);
        out.push_str("</p>");
    }
    if let Some(tag) = tag {
        let _ = write!(
            out,
            r##"<p><a href=\"{SITE}/tags/{tag}\" class=\"mention hashtag\" rel=\"tag\">#<span>{tag}</span></a></p>"##
        );
    }
}

fn write_image(out: &mut String, draws: &mut Draws, id: u64) {
    let file = format!("{SITE}/media/{id}");
    let _ = write!(
        out,
        r#"{{"id":"{}","type":"image","url":"{file}/original.jpg","preview_url":"{file}/small.jpg","remote_url":null,"text_url":null,"meta":{{"original":{{"width":1200,"height":800,"size":"1200x800","aspect":1.5}},"small":{{"width":588,"height":392,"size":"588x392","aspect":1.5}}}},"description":""#,
        id + 1,
    );
    prose::write_sentence(out, draws, 6);
    out.push_str(r#"","blurhash":"UBL_:rOpGG-;~qRjWBay9FM{Rjt7-;fQfQay"}"#);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::first_id;
    use serde_json::Value;

    fn statuses() -> Vec<Value> {
        let ids: Vec<_> = (0..200).map(|n| first_id(1_760_000_000_000 + n * 977)).rev().collect();
        serde_json::from_str(&write_all("gone-4.2", &ids, ids.first().copied())).unwrap()
    }

    #[test]
    fn a_status_has_the_documented_types() {
        let statuses = statuses();
        assert_eq!(statuses.len(), 200);
        for status in &statuses {
            let id: u64 = status["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(status["created_at"], dates::iso_ms(id >> 16));
            assert!(status["content"].as_str().unwrap().starts_with("<p>"));
            assert!(status["account"]["id"].is_string());
            assert!(status["media_attachments"].is_array() && status["tags"].is_array());
            for count in ["replies_count", "reblogs_count", "favourites_count"] {
                assert!(status[count].is_u64());
            }
            let last = status["account"]["last_status_at"].as_str().unwrap();
            assert_eq!(last, "2025-10-09");
        }
    }

    #[test]
    fn some_statuses_have_images_tags_and_warnings() {
        let statuses = statuses();
        let count = |test: fn(&Value) -> bool| statuses.iter().filter(|s| test(s)).count();
        assert!(count(|s| s["media_attachments"][0]["type"] == "image") > 10);
        assert!(count(|s| s["tags"][0]["name"].is_string()) > 30);
        assert!(count(|s| s["sensitive"] == true && s["spoiler_text"] != "") > 1);
        assert!(count(|s| s["visibility"] == "unlisted") > 5);
    }
}
