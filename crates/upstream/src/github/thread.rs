//! Notification threads, as documented at <https://docs.github.com/en/rest/activity/notifications>.
//!
//! Three of four items of a timeline begin a thread; the fourth updates the thread begun before it, which then comes
//! again, with a newer `updated_at`. Nobody reads anything here, so every thread stays unread.

use serde_json::json;

use super::event::{API, Repo, actor_id};
use crate::call::Query;
use crate::dates;
use crate::draw::Draws;
use crate::feed::Feed;
use crate::prose;
use crate::timeline::time_ms;

/// How far back threads are looked for.
const MAX_ITEMS: usize = 1_000;

/// A thread at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thread {
    /// The item that began it.
    pub(super) id: u64,
    /// The last item of it.
    pub(super) updated: u64,
}

fn begins(id: u64) -> bool {
    Draws::new(id, 2).below(4) > 0
}

/// The threads that were changed between `since` and `before`, the last changed first.
pub(super) fn all(feed: &Feed, query: Query<'_>) -> Vec<Thread> {
    let at = |name| query.get(name).and_then(|time| dates::parse_iso(&time));
    let (since, before) = (at("since").unwrap_or(0), at("before").unwrap_or(u64::MAX));
    let within = |thread: &Thread| (since..before).contains(&time_ms(thread.updated));
    let mut threads = grouped(&feed.latest(MAX_ITEMS));
    threads.retain(within);
    threads
}

/// `items` are newest first.
fn grouped(items: &[u64]) -> Vec<Thread> {
    let mut threads: Vec<Thread> = Vec::new();
    for &item in items.iter().rev() {
        match threads.last_mut() {
            Some(last) if !begins(item) => last.updated = item,
            // The thread that it belongs to was begun before what is looked at: leave it out, for its id is unknown.
            None if !begins(item) && items.len() == MAX_ITEMS => {}
            Some(_) | None => threads.push(Thread { id: item, updated: item }),
        }
    }
    threads.reverse();
    threads
}

/// A page of one user's threads.
pub(super) fn write_all(user: &str, threads: &[Thread]) -> String {
    let written: Vec<_> = threads.iter().map(|thread| value(user, *thread)).collect();
    serde_json::Value::Array(written).to_string()
}

fn value(user: &str, thread: Thread) -> serde_json::Value {
    let mut draws = Draws::new(thread.id, 3);
    let owner = draws.pick(&["octo-org", "hubwork", user]);
    let repo = Repo::draw(&mut draws, owner);
    let (id, name) = (thread.id, &repo.name);
    let (kind, path) = if draws.below(2) == 0 { ("Issue", "issues") } else { ("PullRequest", "pulls") };
    let number = 1 + draws.below(400);
    let reason = draws.pick(&["mention", "subscribed", "author", "comment", "review_requested", "assign"]);
    let mut title = String::new();
    prose::write_sentence(&mut title, &mut draws, 6);
    let comment = format!("{API}/repos/{name}/issues/comments/{}", thread.updated);
    json!({
        "id": id.to_string(),
        "unread": true,
        "reason": reason,
        "updated_at": dates::iso_s(time_ms(thread.updated)),
        "last_read_at": null,
        "subject": {
            "title": title,
            "url": format!("{API}/repos/{name}/{path}/{number}"),
            "latest_comment_url": comment,
            "type": kind,
        },
        "repository": {
            "id": repo.id,
            "name": name.split('/').next_back(),
            "full_name": name,
            "private": false,
            "owner": {"login": owner, "id": actor_id(owner), "type": "User", "site_admin": false},
            "html_url": format!("https://github.example/{name}"),
            "description": null,
            "fork": false,
            "url": format!("{API}/repos/{name}"),
        },
        "url": format!("{API}/notifications/threads/{id}"),
        "subscription_url": format!("{API}/notifications/threads/{id}/subscription"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::first_id;

    #[test]
    fn a_thread_is_its_first_item_with_the_time_of_its_last() {
        let items: Vec<_> = (0..400).map(|n| first_id(1_760_000_000_000 + n * 60_000)).rev().collect();
        let threads = grouped(&items);
        assert!((250..350).contains(&threads.len()), "{}", threads.len());
        assert!(threads.is_sorted_by(|a, b| a.updated > b.updated));
        assert!(threads.iter().any(|thread| thread.updated > thread.id));
        assert_eq!(threads[0].updated, items[0], "the newest item is always seen");
        // What came later changes the newest thread and no other.
        let before = grouped(&items[1..]);
        let unchanged = threads.iter().rev().zip(before.iter().rev()).take_while(|(a, b)| a == b).count();
        assert!(unchanged + 1 >= before.len());
    }
}
