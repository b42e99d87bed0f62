//! `pollwheel channel try`: one live poll, shown from the first request to the minute of the next.

use pollwheel_connector::watch::{Answered, Header, Seen};
use pollwheel_core::event::Item;
use pollwheel_core::outcome::LimitReading;
use serde_json::{Value, json};

use super::args::TryArgs;
use super::count;
use super::diff::shown;
use super::live::{HIDDEN, Live, Poll, Secrets};
use crate::exit::Failure;
use crate::output::Output;

/// Items shown; the others are counted. `--json` has them all.
const MAX_ITEMS: usize = 40;
/// Characters of an item's data.
const MAX_DATA_CHARS: usize = 160;
/// Response headers that tell something about polling, whatever the channel declares.
const TELLING: [&str; 11] = [
    "content-type",
    "date",
    "etag",
    "last-modified",
    "cache-control",
    "expires",
    "retry-after",
    "link",
    "location",
    "age",
    "warning",
];
/// Parts of the names of others that do.
const TELLING_PARTS: [&str; 6] = ["limit", "usage", "quota", "poll", "retry", "backoff"];

/// Polls.
pub(crate) fn try_once(args: &TryArgs) -> Result<(), Failure> {
    let live = Live::new(&args.live)?;
    let mut polls = vec![live.poll(live.chosen.row.clone())?];
    let mut refused = None;
    if args.twice
        && let Some(first) = polls.first()
    {
        match second(first) {
            Ok(()) => {
                let mut row = first.row.clone();
                if let Some(context) = first.polled.outcome.context() {
                    row.context = context.clone();
                }
                polls.push(live.poll(row)?);
            }
            Err(reason) => refused = Some(reason),
        }
    }
    let mut output = Output::new();
    if args.live.json {
        let polls: Vec<Value> = polls.iter().map(|poll| answer(poll, &live)).collect();
        output.json(
            &json!({ "job": live.chosen.row.job.to_string(), "polls": polls, "no_second_poll": refused }),
        )?;
    } else {
        output.line(format_args!("{}, published nowhere and kept nowhere", live.chosen.row.job))?;
        for (index, poll) in polls.iter().enumerate() {
            if index > 0 {
                output.line("\nthe second poll, at once, from the context after the first:")?;
            }
            show(poll, &live, &mut output)?;
        }
        if let Some(reason) = refused {
            output.line(format_args!("\nno second poll: {reason}"))?;
        }
    }
    output.finish()?;
    let is_unanswered =
        |poll: &Poll| !poll.exchanges.is_empty() && poll.exchanges.iter().all(|seen| seen.answer.is_err());
    if polls.iter().any(is_unanswered) { Err(Failure::Verdict) } else { Ok(()) }
}

/// Whether a second poll at once is polite: what the third party says against it goes before curiosity.
fn second(first: &Poll) -> Result<(), String> {
    if let Some(error) = first.polled.outcome.error() {
        return Err(format!("the first one failed ({error})"));
    }
    let is_spent = first.polled.hints.limits.iter().any(LimitReading::is_spent);
    if is_spent || first.polled.outcome.refusal().is_some() {
        return Err("a limit is spent".to_owned());
    }
    Ok(())
}

fn show(poll: &Poll, live: &Live, output: &mut Output) -> Result<(), Failure> {
    let secrets = &live.secrets;
    for seen in &poll.exchanges {
        show_exchange(seen, secrets, output)?;
    }
    let mut term = |name: &str, text: &str| output.line(format_args!("{name:<16} {text}"));
    let safe = |text: &str| shown(&secrets.hide(text));
    term("outcome", &safe(&outcome(poll)))?;
    term("context before", &safe(poll.row.context.as_json()))?;
    let after = poll.polled.outcome.context();
    term("context after", &after.map_or_else(|| "as before".to_owned(), |after| safe(after.as_json())))?;
    for limit in &poll.polled.hints.limits {
        term("limit", &limit_text(limit))?;
    }
    if let Some(floor) = poll.polled.hints.floor_seconds {
        term("floor", &format!("the server asks for {floor} s between polls"))?;
    }
    if let Some(advice) = live.advice(poll) {
        term("advice", advice)?;
    }
    if live.would_renew(poll) {
        term("decision", "the access token would be renewed, and the poll made again: `try` renews none")?;
        term("otherwise", &poll.follows.step())?;
    } else {
        term("decision", &poll.follows.step())?;
    }
    for throttle in poll.follows.throttles() {
        term("throttle", &safe(&throttle))?;
    }
    term("next poll", &poll.follows.next_text())?;
    let items = &poll.polled.items;
    term("items", &count(items.len(), "item"))?;
    for item in items.iter().take(MAX_ITEMS) {
        output.line(format_args!("  {}", secrets.hide(&item_text(item))))?;
    }
    if items.len() > MAX_ITEMS {
        output.line(format_args!("  and {} more (`--json` has them)", items.len() - MAX_ITEMS))?;
    }
    Ok(())
}

fn show_exchange(seen: &Seen, secrets: &Secrets, output: &mut Output) -> Result<(), Failure> {
    output.line(format_args!("\n> {} {}", seen.method, shown(&secrets.hide_in_url(&seen.url))))?;
    for header in &seen.headers {
        output.line(format_args!("> {}: {}", header.name, header_value(header, secrets)))?;
    }
    if !seen.body.is_empty() {
        output.line(format_args!("> {}", shown(&body(seen, secrets))))?;
    }
    let milliseconds = seen.took.as_millis();
    match &seen.answer {
        Ok(answered) => {
            let moved = match answered.redirects {
                0 => String::new(),
                redirects => format!(
                    ", after {} to {}",
                    count(usize::try_from(redirects).unwrap_or(usize::MAX), "redirect"),
                    shown(&secrets.hide_in_url(&answered.url))
                ),
            };
            let bytes = answered.body.len();
            output.line(format_args!("< {}, {bytes} bytes, {milliseconds} ms{moved}", answered.status))?;
            for header in telling(answered) {
                output.line(format_args!("< {}: {}", header.name, header_value(header, secrets)))?;
            }
        }
        Err(reason) => output.line(format_args!("< no answer after {milliseconds} ms: {reason}"))?,
    }
    output.line("")
}

fn header_value(header: &Header, secrets: &Secrets) -> String {
    if header.is_sensitive {
        return HIDDEN.to_owned();
    }
    shown(&secrets.hide_in_header(&header.name, &header.value))
}

fn body(seen: &Seen, secrets: &Secrets) -> String {
    secrets.hide_in_body(&String::from_utf8_lossy(&seen.body))
}

fn telling(answered: &Answered) -> impl Iterator<Item = &Header> {
    answered.headers.iter().filter(|header| is_telling(&header.name))
}

/// Whether a response header says something about polling.
pub(super) fn is_telling(name: &str) -> bool {
    TELLING.contains(&name) || TELLING_PARTS.iter().any(|part| name.contains(part))
}

fn outcome(poll: &Poll) -> String {
    let outcome = &poll.polled.outcome;
    let requests = count(usize::try_from(poll.polled.requests).unwrap_or(usize::MAX), "request");
    let text = outcome.error().map_or_else(|| outcome.name().to_owned(), Into::into);
    format!("{text} ({requests})")
}

fn limit_text(limit: &LimitReading) -> String {
    let LimitReading { scope, remaining, cushion, reset_seconds } = limit;
    let scope = serde_json::to_value(scope).unwrap_or_default();
    let scope = scope.as_str().map_or_else(|| scope.to_string(), ToOwned::to_owned);
    let reset = reset_seconds.map_or_else(String::new, |seconds| format!(", resets in {seconds} s"));
    let spent = if limit.is_spent() { ": spent" } else { "" };
    format!("{scope}: {remaining} left{reset}, {cushion} of them as a cushion{spent}")
}

fn item_text(item: &Item) -> String {
    let time = item.time.as_deref().unwrap_or("-");
    let subject = item.subject.as_deref().unwrap_or("-");
    let data: String = item.data.get().chars().take(MAX_DATA_CHARS).collect();
    let dots = if item.data.get().len() > data.len() { "..." } else { "" };
    shown(&format!("{} {} {time} {subject} {data}{dots}", item.kind, item.id))
}

fn answer(poll: &Poll, live: &Live) -> Value {
    let secrets = &live.secrets;
    let context = |context: &pollwheel_core::context::Context| -> Value {
        serde_json::from_str(&secrets.hide(context.as_json())).unwrap_or_default()
    };
    let item = |item: &Item| {
        let data: Value = serde_json::from_str(&secrets.hide(item.data.get())).unwrap_or_default();
        json!({
            "id": item.id, "type": item.kind, "time": item.time, "subject": item.subject,
            "dedupe_version": item.dedupe_version, "data": data,
        })
    };
    json!({
        "exchanges": poll.exchanges.iter().map(|seen| exchange(seen, secrets)).collect::<Vec<_>>(),
        "outcome": poll.polled.outcome.name(),
        "error": poll.polled.outcome.error(),
        "requests": poll.polled.requests,
        "items": poll.polled.items.iter().map(item).collect::<Vec<_>>(),
        "context_before": context(&poll.row.context),
        "context_after": poll.polled.outcome.context().map(context),
        "limits": poll.polled.hints.limits,
        "floor_seconds": poll.polled.hints.floor_seconds,
        "advice": live.advice(poll),
        "would_renew": live.would_renew(poll),
        "decision": poll.follows.json(),
    })
}

fn exchange(seen: &Seen, secrets: &Secrets) -> Value {
    let headers = |headers: &mut dyn Iterator<Item = &Header>| -> serde_json::Map<String, Value> {
        headers.map(|header| (header.name.clone(), header_value(header, secrets).into())).collect()
    };
    let answer = match &seen.answer {
        Ok(answered) => json!({
            "status": answered.status,
            "bytes": answered.body.len(),
            "redirects": answered.redirects,
            "headers": headers(&mut telling(answered)),
        }),
        Err(reason) => json!({ "error": reason }),
    };
    json!({
        "method": seen.method,
        "url": secrets.hide_in_url(&seen.url),
        "headers": headers(&mut seen.headers.iter()),
        "body": (!seen.body.is_empty()).then(|| body(seen, secrets)),
        "answer": answer,
        "milliseconds": u64::try_from(seen.took.as_millis()).unwrap_or(u64::MAX),
    })
}
