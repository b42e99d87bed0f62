//! The figures that were promised, what the meter counts in a run, and what the documentation tells.

use std::fmt::Write;
use std::path::PathBuf;

use pollwheel_core::activity::{Activity, Price};
use pollwheel_core::cadence::Cadence;
use pollwheel_core::context::{Context, ContextMap};
use pollwheel_core::decide::Terms;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::meter::items::row_bytes;
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

use super::*;
use crate::cost::amounts::{count, usd};

mod metered;
mod simulated;

fn workload(accounts: u64, cadence: u16, news_rate: f64, job_types: u64) -> Workload {
    Workload { accounts, cadence: Cadence::new(cadence).unwrap(), news_rate, job_types }
}

fn month(workload: &Workload) -> Month {
    let table = PriceTable::built_in().unwrap();
    Month::of(workload, table.region(USUAL_REGION).unwrap())
}

fn component(month: &Month, name: &str) -> f64 {
    let of = |components: &[month::Component]| {
        components.iter().find(|component| component.name == name).map(|component| component.usd)
    };
    of(&month.working).or_else(|| of(&month.standing)).unwrap_or_else(|| panic!("no component `{name}`"))
}

#[test]
fn a_million_quiet_polls_cost_at_most_a_quarter_of_a_dollar() {
    let quiet = month(&workload(1_000_000, 15, 0.0, 1));
    assert!(quiet.usd_per_million_polls <= 0.25, "{quiet:?}");
    assert!(component(&quiet, "DynamoDB, news").abs() < 1e-9);
    assert!(component(&quiet, "DynamoDB, credentials") > 0.0, "accounts have tokens");
}

#[test]
fn with_an_item_in_a_poll_of_twenty_they_cost_at_most_30_cents_and_the_events() {
    let news = month(&workload(1_000_000, 15, 0.05, 1));
    let millions = 2_880.0;
    let without_events = news.usd_per_million_polls - component(&news, "EventBridge, news") / millions;
    assert!(without_events <= 0.30, "{news:?}");
}

#[test]
fn a_month_is_what_its_components_add_up_to() {
    let month = month(&workload(10_000, 60, 0.05, 2));
    let sum: f64 = month.working.iter().chain(&month.standing).map(|component| component.usd).sum();
    assert!((sum - month.usd).abs() < 1e-9);
    assert!((month.usd_working + month.usd_standing - month.usd).abs() < 1e-9);
    // 2 job types on one channel: 66 metrics and 29 alarms.
    assert!((component(&month, "metrics") - 66.0 * 0.30).abs() < 1e-9);
    assert!((component(&month, "alarms") - 29.0 * 0.10).abs() < 1e-9);
    // 6 queues, 15 requests a minute, 43,200 minutes, 40 cents a million.
    assert!((component(&month, "waiting for messages") - 1.5552).abs() < 1e-9);
}

#[test]
fn an_ordinary_row_is_as_large_as_is_taken_for_granted() {
    let job_type = JobTypeId::new("mastodon/statuses").unwrap();
    let job = JobId { job_type, account: AccountId::new("account-12345").unwrap(), target: None };
    let cadence = Cadence::new(15).unwrap();
    let place = Place::Cohort(Cohort { cadence, phase: 12, shard: 0 });
    let base_url = Some("https://mastodon.example".to_owned());
    let subject = Subject { external_id: "109348234098234".to_owned(), base_url };
    let (level, now) = (ServiceLevel::new("professional").unwrap(), EpochMinute::new(29_397_841));
    let mut row = JobRow::new(job, place, subject, level, Revision(1_763_870_401_123), now);
    row.context = Context::new(&ContextMap::from_iter([
        ("since".to_owned(), "115598234098234567".into()),
        ("etag".to_owned(), "W/\"5f2e1a9c0b3d4e6f7a8b9c0d1e2f3a4b\"".into()),
    ]))
    .unwrap();
    row.activity = Some(Activity { items_thousandths: 3_250, exposure_seconds: 281_234 });
    row.applied = Some(now);
    row.terms = Some(Terms {
        at: now,
        activity: cadence,
        rate: 12_345,
        price: Price::USUAL,
        asked_seconds: 1068,
        clamp: None,
        floor_seconds: None,
        hold: None,
        jitter_minutes: 0,
        wake: None,
    });
    let bytes = row_bytes(&row) as u64;
    assert!(bytes.abs_diff(month::ROW_BYTES) * 20 < month::ROW_BYTES, "{bytes}");
}

#[test]
fn twice_the_polls_cost_at_most_twice_as_much() {
    for accounts in [1_000, 20_000, 300_000, 5_000_000] {
        let (one, two) =
            (month(&workload(accounts, 60, 0.05, 1)), month(&workload(2 * accounts, 60, 0.05, 1)));
        assert!(two.usd > one.usd && two.usd_working <= 2.0001 * one.usd_working, "{accounts}");
    }
}

#[test]
fn each_alternative_costs_what_its_components_do_and_says_what_it_assumes() {
    let table = PriceTable::built_in().unwrap();
    let workload = workload(1_000_000, 15, 0.0, 1);
    let alternatives = alternatives::all(&workload, table.region(USUAL_REGION).unwrap());
    assert_eq!(alternatives.len(), 3);
    for alternative in &alternatives {
        let sum: f64 = alternative.components.iter().map(|(_, usd)| usd).sum();
        assert!(
            (sum - alternative.usd).abs() < 1e-6 && !alternative.assumptions.is_empty(),
            "{alternative:?}"
        );
    }
    // A dollar a million to start them, 25 dollars a million transitions, three a poll.
    let first = |alternative: &Alternative| alternative.components[0].1;
    assert!((first(&alternatives[0]) - 2_880.0).abs() < 1e-6);
    assert!((first(&alternatives[1]) - 3.0 * 25.0 * 2_880.0).abs() < 1e-6);
}

#[test]
fn the_text_and_the_json_tell_the_same() {
    let table = PriceTable::built_in().unwrap();
    let workload = workload(10_000, 60, 0.05, 1);
    let answer = Answer::of(&workload, USUAL_REGION, &table).unwrap();
    let (text, json) = (show::text(&answer), serde_json::to_value(&answer).unwrap());
    assert_eq!(json["polls"], 7_200_000);
    for component in json["working"].as_array().unwrap() {
        let name = component["name"].as_str().unwrap();
        let amount = usd(component["usd"].as_f64().unwrap());
        assert!(text.lines().any(|line| line.contains(name) && line.contains(&amount)), "{name}: {text}");
    }
    for part in [
        "Assumptions",
        "Redis and Kubernetes",
        "a Step Functions loop",
        "https://aws.amazon.com/sqs/pricing/",
        "not verified: storage and recovery",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The sizes of the documentation: two job types, polled hourly, something new in one poll of twenty.
const SIZES: [(&str, u64); 3] =
    [("10 thousand jobs", 5_000), ("1 million", 500_000), ("100 million", 50_000_000)];

fn sizes() -> Vec<(Workload, Month)> {
    let of = |(_, accounts): &(&str, u64)| {
        let workload = workload(*accounts, 60, 0.05, 2);
        let month = month(&workload);
        (workload, month)
    };
    SIZES.iter().map(of).collect()
}

fn row(text: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    writeln!(text, "| {name} | {} |", cells.join(" | ")).unwrap();
}

/// The tables of `docs/operations.md`.
fn tables() -> String {
    let sizes = sizes();
    let mut text = String::new();
    let head = |text: &mut String, first: &str| {
        row(text, first, SIZES.iter().map(|(name, _)| (*name).to_owned()));
        row(text, "---", SIZES.iter().map(|_| "---".to_owned()));
    };
    head(&mut text, "a month, in proportion to polls");
    row(&mut text, "polls", sizes.iter().map(|(workload, _)| count(workload.polls())));
    for index in 0..sizes[0].1.working.len() {
        row(
            &mut text,
            sizes[0].1.working[index].name,
            sizes.iter().map(|(_, month)| usd(month.working[index].usd)),
        );
    }
    row(&mut text, "**sum**", sizes.iter().map(|(_, month)| format!("**{}**", usd(month.usd_working))));
    text.push('\n');
    head(&mut text, "whatever is polled");
    for index in 0..sizes[0].1.standing.len() {
        row(
            &mut text,
            sizes[0].1.standing[index].name,
            sizes.iter().map(|(_, month)| usd(month.standing[index].usd)),
        );
    }
    row(&mut text, "**sum**", sizes.iter().map(|(_, month)| format!("**{}**", usd(month.usd_standing))));
    text.push('\n');
    head(&mut text, "both, and other ways");
    row(&mut text, "**Pollwheel**", sizes.iter().map(|(_, month)| format!("**{}**", usd(month.usd))));
    let table = PriceTable::built_in().unwrap();
    let others: Vec<Vec<Alternative>> = sizes
        .iter()
        .map(|(workload, _)| alternatives::all(workload, table.region(USUAL_REGION).unwrap()))
        .collect();
    for index in 0..others[0].len() {
        row(&mut text, others[0][index].name, others.iter().map(|of_size| usd(of_size[index].usd)));
    }
    text
}

/// The table of `README.md`.
fn summary() -> String {
    let mut text = String::from("| size, polled hourly | a month |\n| --- | --- |\n");
    for ((name, _), (_, month)) in SIZES.iter().zip(sizes()) {
        let jobs = if name.ends_with("jobs") { "" } else { " jobs" };
        let fixed = format!("{}, of which {} whatever is polled", usd(month.usd), usd(month.usd_standing));
        writeln!(text, "| {name}{jobs} | {fixed} |").unwrap();
    }
    text
}

/// Holds what stands between two comments of a page to `expected`, or writes it there.
fn check(page: &str, expected: &str) {
    const MARKS: [&str; 2] = ["<!-- cost: by `pollwheel cost`; a test compares -->\n\n", "\n<!-- /cost -->"];
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).unwrap_or_else(|| panic!("{page} has no `{}`", MARKS[0]));
    let (there, after) = rest.split_once(MARKS[1]).unwrap_or_else(|| panic!("{page} has no `{}`", MARKS[1]));
    if std::env::var_os("POLLWHEEL_BLESS").is_some() {
        std::fs::write(&path, [before, MARKS[0], expected, MARKS[1], after].concat()).unwrap();
        return;
    }
    assert_eq!(
        there, expected,
        "{page} is stale: POLLWHEEL_BLESS=1 cargo nextest run -p pollwheel documentation"
    );
}

#[test]
fn the_documentation_tells_what_the_command_does() {
    check("docs/operations.md", &tables());
    check("README.md", &summary());
}
