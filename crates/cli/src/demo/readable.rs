//! Events as lines that a person can follow: time, type, account, id, and the beginning of a text.

use pollwheel_core::event::Event;
use serde_json::Value;

/// Characters of the text that are shown.
const TEXT_CHARS: usize = 70;

/// Makes lines of JSON into lines for people. A line that is no event stays as it is.
pub(crate) fn lines(ndjson: &[u8]) -> String {
    let text = String::from_utf8_lossy(ndjson);
    let show = |line: &str| match serde_json::from_str::<Event>(line) {
        Ok(event) => self::line(&event) + "\n",
        Err(_) => format!("{line}\n"),
    };
    text.lines().map(show).collect()
}

fn line(event: &Event) -> String {
    let time = event.time.as_deref().unwrap_or(&event.polledat);
    let time = time.split_once('T').map_or(time, |(_, clock)| clock.get(..8).unwrap_or(clock));
    let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
    let text =
        format!("{time}  {:<16} {:<5} {:<19} {}", event.kind, event.accountid, event.subject, gist(&data));
    // What third parties write must not steer the terminal.
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The first thing in the payload that says what it is about.
fn gist(data: &Value) -> String {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let gist = match (text("content"), text("type"), text("repo"), text("reason")) {
        (Some(html), ..) => plain(html),
        (None, Some(kind), Some(repo), _) => format!("{kind} on {repo}"),
        (None, _, _, Some(reason)) => reason.to_owned(),
        (None, kind, repo, None) => kind.or(repo).unwrap_or_default().to_owned(),
    };
    let mut short: String = gist.chars().take(TEXT_CHARS).collect();
    if short.len() < gist.len() {
        short.push('…');
    }
    short
}

/// The text of a piece of HTML, well enough for a glance.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    // Paragraphs and breaks part words.
    for c in html.replace("</p>", " ").replace("<br", " <br").chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag => {}
            _ => text.push(c),
        }
    }
    for (entity, c) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, c);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use pollwheel_core::event::Item;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId};
    use pollwheel_core::time::Timestamp;

    use super::*;

    fn shown(kind: &str, data: &Value) -> String {
        let job = JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new("m7").unwrap(),
            target: None,
        };
        let item = Item {
            id: "115".to_owned(),
            kind: kind.to_owned(),
            time: Some("2026-11-23T07:45:12.500Z".to_owned()),
            subject: None,
            data: serde_json::value::to_raw_value(data).unwrap(),
            dedupe_version: 1,
        };
        let mut line = serde_json::to_vec(&Event::of_item(&job, item, Timestamp::from_millis(0))).unwrap();
        line.push(b'\n');
        lines(&line)
    }

    #[test]
    fn a_status_is_its_text_without_tags_or_escapes() {
        let data = serde_json::json!({"content": "<p>Tea &amp; <b>scones</b></p><p>\u{1b}[2J</p>"});
        assert_eq!(
            shown("mastodon.status", &data),
            "07:45:12  mastodon.status  m7    115                 Tea & scones  [2J\n"
        );
    }

    #[test]
    fn an_event_is_what_was_done_to_what() {
        let data = serde_json::json!({"type": "PushEvent", "repo": "a/b"});
        assert!(shown("github.event", &data).ends_with("PushEvent on a/b\n"));
    }

    #[test]
    fn long_texts_are_cut_and_what_is_no_event_stays() {
        let data = serde_json::json!({"content": "ä".repeat(100)});
        assert!(shown("mastodon.status", &data).ends_with(&format!("{}…\n", "ä".repeat(70))));
        assert_eq!(lines(b"{}\nx\n"), "{}\nx\n");
    }
}
