//! Hits, in the shape of <https://hn.algolia.com/api>: stories of a user, most with a link, some with a text.

use serde_json::{Value, json};

use crate::dates;
use crate::draw::Draws;
use crate::prose;
use crate::timeline::time_ms;

pub(super) fn all(author: &str, ids: &[u64]) -> Value {
    ids.iter().map(|&id| hit(author, id)).collect()
}

fn hit(author: &str, id: u64) -> Value {
    let mut draws = Draws::new(id, 10);
    let poll = draws.below(30) == 0;
    let kind = if poll { "poll" } else { "story" };
    let title = prose::sentence(&mut draws, 4, 8);
    let seconds = time_ms(id) / 1_000;
    let mut hit = json!({
        "objectID": id.to_string(),
        "story_id": id,
        "author": author,
        "title": title,
        "points": draws.below(300),
        "num_comments": draws.below(120),
        "created_at": dates::iso_s(time_ms(id)),
        "created_at_i": seconds,
        "updated_at": dates::iso_s(time_ms(id) + 60_000),
        "_tags": [kind, format!("author_{author}"), format!("story_{id}")],
        "_highlightResult": {
            "author": {"value": author, "matchLevel": "none", "matchedWords": []},
            "title": {"value": title, "matchLevel": "none", "matchedWords": []},
        },
    });
    // A text has no link, and a link has no text.
    if poll || draws.below(4) == 0 {
        hit["story_text"] = prose::sentence(&mut draws, 10, 40).into();
    } else {
        hit["url"] = format!("https://news.example/{id}").into();
    }
    hit
}
