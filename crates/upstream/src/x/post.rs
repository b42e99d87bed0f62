//! Posts, with the fields that are asked for: <https://docs.x.com/x-api/fundamentals/data-dictionary#tweet>.

use serde_json::{Value, json};

use crate::dates;
use crate::draw::Draws;
use crate::prose;
use crate::timeline::time_ms;

/// `fields` are `tweet.fields`: without them a post has its id, its text and the ids of its edits.
pub(super) fn all(author: &str, ids: &[u64], fields: &str) -> Value {
    ids.iter().map(|&id| post(author, id, fields)).collect()
}

fn post(author: &str, id: u64, fields: &str) -> Value {
    let mut draws = Draws::new(id, 5);
    let text = prose::sentence(&mut draws, 4, 30);
    let mut post = json!({"id": id.to_string(), "text": text, "edit_history_tweet_ids": [id.to_string()]});
    for field in fields.split(',') {
        let value = match field {
            "created_at" => json!(dates::iso_ms(time_ms(id))),
            "author_id" => json!(author),
            "conversation_id" => json!(id.to_string()),
            "lang" => json!("en"),
            "possibly_sensitive" => json!(false),
            "reply_settings" => json!("everyone"),
            "public_metrics" => json!({
                "retweet_count": draws.below(20),
                "reply_count": draws.below(8),
                "like_count": draws.below(60),
                "quote_count": draws.below(3),
                "bookmark_count": draws.below(5),
                "impression_count": draws.below(5_000),
            }),
            // There is nothing to say of the others, and what is empty is left out.
            _ => continue,
        };
        post[field] = value;
    }
    post
}
