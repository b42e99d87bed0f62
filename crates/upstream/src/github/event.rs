//! Events as JSON, in the shapes documented at
//! <https://docs.github.com/en/rest/using-the-rest-api/github-event-types>.
//!
//! Everything in an event follows from its id. The payloads are the trimmed ones that GitHub sends since October 2025: a
//! push without its commits, a pull request without its text.

use std::fmt::Write;

use crate::dates;
use crate::draw::{self, Draws};
use crate::prose;
use crate::timeline::time_ms;

pub(super) const API: &str = "https://api.github.example";
/// An event is about this long: saves growing the string step by step.
const EVENT_BYTES: usize = 900;

const REPOSITORIES: [&str; 6] = ["orchard", "tide-tables", "dotfiles", "small-server", "paper-maps", "notes"];

/// The kinds of events that occur, of the seventeen there are.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Push,
    Issues,
    IssueComment,
    PullRequest,
    Watch,
    Create,
}

impl Kind {
    fn draw(draws: &mut Draws) -> Self {
        match draws.below(100) {
            0..60 => Self::Push,
            60..70 => Self::Issues,
            70..80 => Self::IssueComment,
            80..88 => Self::PullRequest,
            88..96 => Self::Watch,
            _ => Self::Create,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Push => "PushEvent",
            Self::Issues => "IssuesEvent",
            Self::IssueComment => "IssueCommentEvent",
            Self::PullRequest => "PullRequestEvent",
            Self::Watch => "WatchEvent",
            Self::Create => "CreateEvent",
        }
    }
}

/// A page of one user's events.
pub(super) fn write_all(username: &str, ids: &[u64]) -> String {
    let actor_id = actor_id(username);
    let mut out = String::with_capacity(2 + ids.len() * EVENT_BYTES);
    out.push('[');
    for (position, &id) in ids.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_event(&mut out, username, actor_id, id);
    }
    out.push(']');
    out
}

fn write_event(out: &mut String, username: &str, actor_id: u64, id: u64) {
    let mut draws = Draws::new(id, 0);
    let kind = Kind::draw(&mut draws);
    let (name, created_at) = (kind.name(), dates::iso_s(time_ms(id)));
    let repo = Repo::draw(&mut draws, username);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","type":"{name}","actor":{{"id":{actor_id},"login":"{username}","display_login":"{username}","gravatar_id":"","url":"{API}/users/{username}","avatar_url":"https://avatars.github.example/u/{actor_id}?"}},"repo":{{"id":{},"name":"{}","url":"{API}/repos/{}"}},"payload":"#,
        repo.id, repo.name, repo.name,
    );
    write_payload(out, kind, &mut draws, &repo, username);
    let _ = write!(out, r#","public":true,"created_at":"{created_at}"}}"#);
}

pub(super) struct Repo {
    pub(super) id: u64,
    /// `owner/name`.
    pub(super) name: String,
}

impl Repo {
    /// One of an owner's.
    pub(super) fn draw(draws: &mut Draws, owner: &str) -> Self {
        let repository = draws.pick(&REPOSITORIES);
        let owner_id = actor_id(owner);
        Self { id: draw::key(owner_id, repository) % 1_000_000_000, name: format!("{owner}/{repository}") }
    }
}

/// The number of a user.
pub(super) fn actor_id(username: &str) -> u64 {
    draw::key(0, username) % 100_000_000
}

fn write_payload(out: &mut String, kind: Kind, draws: &mut Draws, repo: &Repo, username: &str) {
    let (number, name) = (1 + draws.below(400), &repo.name);
    let _ = match kind {
        Kind::Push => {
            let (push_id, head, before) =
                (20_000_000_000 + draws.below(9_999_999_999), sha(draws), sha(draws));
            write!(
                out,
                r#"{{"repository_id":{},"push_id":{push_id},"ref":"refs/heads/main","head":"{head}","before":"{before}"}}"#,
                repo.id
            )
        }
        Kind::Issues => {
            let action = draws.pick(&["opened", "closed", "reopened"]);
            let _ = write!(out, r#"{{"action":"{action}","issue":"#);
            write_issue(out, draws, name, number, username);
            write!(out, "}}")
        }
        Kind::IssueComment => {
            let comment_id = draws.below(3_000_000_000);
            out.push_str(r#"{"action":"created","issue":"#);
            write_issue(out, draws, name, number, username);
            let _ = write!(
                out,
                r#","comment":{{"id":{comment_id},"url":"{API}/repos/{name}/issues/comments/{comment_id}","user":{{"login":"{username}"}},"body":""#
            );
            prose::write_sentence(out, draws, 12);
            write!(out, r#""}}}}"#)
        }
        Kind::PullRequest => {
            let (action, pull_id) = (draws.pick(&["opened", "closed"]), draws.below(3_000_000_000));
            let (head, base) = (sha(draws), sha(draws));
            write!(
                out,
                r#"{{"action":"{action}","number":{number},"pull_request":{{"id":{pull_id},"url":"{API}/repos/{name}/pulls/{number}","number":{number},"head":{{"ref":"topic","sha":"{head}"}},"base":{{"ref":"main","sha":"{base}"}}}}}}"#
            )
        }
        Kind::Watch => write!(out, r#"{{"action":"started"}}"#),
        Kind::Create => write!(
            out,
            r#"{{"ref":"topic-{number}","ref_type":"branch","full_ref":"refs/heads/topic-{number}","master_branch":"main","description":null,"pusher_type":"user"}}"#
        ),
    };
}

fn write_issue(out: &mut String, draws: &mut Draws, repo: &str, number: u64, username: &str) {
    let issue_id = draws.below(3_000_000_000);
    let _ = write!(
        out,
        r#"{{"id":{issue_id},"url":"{API}/repos/{repo}/issues/{number}","html_url":"https://github.example/{repo}/issues/{number}","number":{number},"title":""#
    );
    prose::write_sentence(out, draws, 6);
    let _ =
        write!(out, r#"","user":{{"login":"{username}"}},"labels":[],"state":"open","comments":0,"body":""#);
    prose::write_sentence(out, draws, 20);
    out.push_str(r#""}"#);
}

fn sha(draws: &mut Draws) -> String {
    format!("{:016x}{:016x}{:08x}", draws.next(), draws.next(), draws.below(1 << 32))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::timeline::first_id;

    #[test]
    fn an_event_has_the_documented_types() {
        let ids: Vec<_> = (0..300).map(|n| first_id(1_760_000_000_000 + n * 977)).rev().collect();
        let events: Vec<Value> = serde_json::from_str(&write_all("octo-cat", &ids)).unwrap();
        assert_eq!(events.len(), 300);
        let mut kinds = BTreeSet::new();
        for event in &events {
            let id: u64 = event["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(event["created_at"], dates::iso_s(id >> 16));
            assert_eq!(event["actor"]["login"], "octo-cat");
            assert!(event["actor"]["id"].is_u64() && event["repo"]["id"].is_u64());
            assert!(event["repo"]["name"].as_str().unwrap().starts_with("octo-cat/"));
            assert!(event["payload"].is_object() && event["public"] == true);
            kinds.insert(event["type"].as_str().unwrap());
            if event["type"] == "PushEvent" {
                assert_eq!(event["payload"]["head"].as_str().unwrap().len(), 40);
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }
}
