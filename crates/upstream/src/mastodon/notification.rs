//! Notifications as JSON, in the shape documented at <https://docs.joinmastodon.org/entities/Notification/>.

use std::fmt::Write;

use super::status::{self, Author};
use crate::call::Query;
use crate::dates;
use crate::draw::Draws;
use crate::timeline::time_ms;

/// The kinds that occur, of those there are, and how many of a hundred are of each.
const KINDS: [(&str, u64); 4] = [("mention", 40), ("favourite", 30), ("reblog", 15), ("follow", 15)];

/// The kinds asked for.
pub(super) struct Wanted {
    only: Vec<String>,
    without: Vec<String>,
}

impl Wanted {
    /// `types[]` and `exclude_types[]`.
    pub(super) fn of(query: Query<'_>) -> Self {
        let all = |name| query.all(name).map(std::borrow::Cow::into_owned).collect();
        Self { only: all("types[]"), without: all("exclude_types[]") }
    }

    pub(super) fn holds(&self, id: u64) -> bool {
        let names = |list: &[String]| list.iter().any(|name| name == kind(&mut Draws::new(id, 1)));
        (self.only.is_empty() || names(&self.only)) && !names(&self.without)
    }
}

fn kind(draws: &mut Draws) -> &'static str {
    let mut at = draws.below(100);
    for (kind, share) in KINDS {
        if at < share {
            return kind;
        }
        at -= share;
    }
    "follow"
}

/// A page of one user's notifications.
pub(super) fn write_all(user: &str, ids: &[u64]) -> String {
    let me = Author::new(user, None);
    let mut out = String::from("[");
    for (position, &id) in ids.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_notification(&mut out, &me, id);
    }
    out.push(']');
    out
}

fn write_notification(out: &mut String, me: &Author, id: u64) {
    let mut draws = Draws::new(id, 1);
    let kind = kind(&mut draws);
    let other = Author::new(&format!("{}", 1 + draws.below(500)), None);
    let created_at = dates::iso_ms(time_ms(id));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","type":"{kind}","created_at":"{created_at}","group_key":"ungrouped-{id}","account":{}"#,
        other.json()
    );
    // A mention is a status of the other; what was liked or shared is one's own. A follow has none.
    let author = match kind {
        "mention" => Some(&other),
        "favourite" | "reblog" => Some(me),
        _ => None,
    };
    if let Some(author) = author {
        out.push_str(r#","status":"#);
        status::write_status(out, author, id - 1);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::timeline::first_id;

    #[test]
    fn a_notification_has_the_documented_types() {
        let ids: Vec<_> = (0..200).map(|n| first_id(1_760_000_000_000 + n * 977) + 5).rev().collect();
        let notifications: Vec<Value> = serde_json::from_str(&write_all("alice", &ids)).unwrap();
        for kind in KINDS.map(|(kind, _)| kind) {
            assert!(notifications.iter().any(|one| one["type"] == kind), "{kind}");
        }
        for one in &notifications {
            let id: u64 = one["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(one["created_at"], dates::iso_ms(id >> 16));
            assert!(one["account"]["id"].is_string() && one["account"]["acct"].is_string());
            let author = &one["status"]["account"]["id"];
            match one["type"].as_str().unwrap() {
                "mention" => assert_eq!(author, &one["account"]["id"]),
                "follow" => assert!(one.get("status").is_none()),
                _ => assert_eq!(author, "alice"),
            }
        }
    }
}
