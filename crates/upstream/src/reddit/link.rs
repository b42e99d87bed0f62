//! Links (`t3`), as in <https://github.com/reddit-archive/reddit/wiki/JSON>. Half are texts, half lead elsewhere.

use serde_json::{Value, json};

use crate::digits::{self, BASE_36};
use crate::draw::{self, Draws};
use crate::prose;
use crate::timeline::time_ms;

const SUBREDDITS: [&str; 5] = ["rust", "gardening", "mapporn", "selfhosted", "bicycling"];

/// `t3_` and the id in base 36.
pub(super) fn fullname(id: u64) -> String {
    format!("t3_{}", digits::write(id, BASE_36, 1))
}

pub(super) fn read_fullname(name: &str) -> Option<u64> {
    digits::read(name.strip_prefix("t3_")?, BASE_36)
}

pub(super) fn all(author: &str, ids: &[u64]) -> Value {
    ids.iter().map(|&id| json!({"kind": "t3", "data": link(author, id)})).collect()
}

fn link(author: &str, id: u64) -> Value {
    let mut draws = Draws::new(id, 7);
    let (id36, subreddit) = (digits::write(id, BASE_36, 1), draws.pick(&SUBREDDITS));
    let title = prose::sentence(&mut draws, 4, 12);
    let permalink =
        format!("/r/{subreddit}/comments/{id36}/{}/", title.to_lowercase().replace([' ', '.'], "_"));
    let is_self = draws.below(2) == 0;
    let selftext = if is_self { prose::sentence(&mut draws, 10, 60) } else { String::new() };
    let (domain, url) = if is_self {
        (format!("self.{subreddit}"), format!("https://www.reddit.example{permalink}"))
    } else {
        ("news.example".to_owned(), format!("https://news.example/{id36}"))
    };
    // Seconds, with a point, as Python writes a float.
    let seconds = (time_ms(id) / 1_000) as f64;
    let score = draws.below(400);
    json!({
        "id": id36,
        "name": fullname(id),
        "author": author,
        "author_fullname": format!("t2_{}", digits::write(draw::key(9, author) >> 24, BASE_36, 1)),
        "subreddit": subreddit,
        "subreddit_name_prefixed": format!("r/{subreddit}"),
        "title": title,
        "selftext": selftext,
        "is_self": is_self,
        "domain": domain,
        "url": url,
        "permalink": permalink,
        "created": seconds,
        "created_utc": seconds,
        "edited": false,
        "score": score,
        "ups": score,
        "upvote_ratio": 0.93,
        "num_comments": draws.below(90),
        "over_18": false,
        "spoiler": false,
        "stickied": false,
        "locked": false,
        "archived": false,
        "thumbnail": "self",
        "link_flair_text": null,
        "distinguished": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fullnames_round_trip() {
        let id = 1_760_000_000_000_u64 << 16;
        assert_eq!(read_fullname(&fullname(id)), Some(id));
        assert_eq!((read_fullname("t1_abc"), read_fullname("t3_")), (None, None));
        let link = link("spez", id);
        assert_eq!(link["created_utc"].to_string(), "1760000000.0");
        assert_eq!(link["name"], fullname(id));
    }
}
