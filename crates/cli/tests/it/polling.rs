//! What is posted arrives, once, and only that; running again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use pollwheel_upstream::{Channel, Config, Growth};

use crate::process::{Running, answer, until};
use crate::site::{Account, Deployment, Site, accounts, post_to_all, still};

const FIELDS: [&str; 21] = [
    "ticks",
    "due",
    "dispatched",
    "polled",
    "unchanged",
    "new_items",
    "events_published",
    "failed",
    "held",
    "parked",
    "duplicates",
    "lost",
    "store_writes",
    "store_writes_per_poll",
    "requests",
    "http_429",
    "cpu_seconds",
    "max_rss_bytes",
    "polls_per_second",
    "lateness_seconds_p50",
    "lateness_seconds_p99",
];

/// How many lines repeat an event. A poll that overlaps the tick after it may; every line of an item has the same id, so
/// that whoever reads them can tell.
fn repeats(events: &BTreeMap<(String, String), Vec<String>>) -> usize {
    for (item, ids) in events {
        assert!(ids.iter().all(|id| *id == ids[0]), "{item:?} has several ids: {ids:?}");
    }
    let distinct: BTreeSet<&String> = events.values().flatten().collect();
    assert_eq!(distinct.len(), events.len(), "two items share an id");
    events.values().map(|ids| ids.len() - 1).sum()
}

#[test]
fn every_posted_item_arrives_under_one_id_and_a_stop_by_sigterm_loses_nothing() {
    let site = Site::start(still());
    let accounts = accounts(6);
    let deployment = Deployment::new(&site, &accounts);
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("every account is seeded", || site.was_polled(&accounts, 1));

    let mut posted = BTreeSet::new();
    // More than a page on Mastodon, so that a gap has to be closed; then single items.
    for count in [50, 1, 2] {
        posted.extend(post_to_all(&site, &accounts, count));
        until("all is published", || deployment.has_published(&posted));
    }
    let log = running.terminate();
    let events = deployment.events();
    let published: BTreeSet<_> = events.keys().cloned().collect();
    assert_eq!(published, posted, "nothing but what was posted, and no history");
    let repeated = repeats(&events);

    let report = deployment.report();
    for field in FIELDS {
        assert!(report[field].is_number(), "no `{field}` in {report}");
    }
    assert_eq!(report["events_published"], posted.len() + repeated);
    assert_eq!(report["duplicates"], repeated);
    for none in ["failed", "parked", "lost", "http_429", "pending"] {
        assert_eq!(report[none], 0, "`{none}` in {report}");
    }
    assert!(report["seeded"].as_u64() >= Some(12), "{report}");
    assert_eq!(site.stats().total.violations, 0);
    assert!(log.contains("12") && log.contains("lost"), "a summary for people: {log}");
}

#[test]
fn running_again_on_the_same_state_registers_and_publishes_nothing_anew() {
    let site = Site::start(still());
    let accounts = accounts(3);
    let deployment = Deployment::new(&site, &accounts);
    let (code, stdout, log) = answer(&mut deployment.run("--ticks 4 --json"));
    assert_eq!(code, 0, "{log}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap(), deployment.report());
    assert!(log.contains(r#""new":6"#) && log.contains(r#""unchanged":0"#), "{log}");

    let (code, _, log) = answer(&mut deployment.run("--ticks 4"));
    assert_eq!(code, 0, "{log}");
    assert!(log.contains(r#""new":0"#) && log.contains(r#""unchanged":6"#), "{log}");
    assert!(deployment.events().is_empty());
    let report = deployment.report();
    assert_eq!((&report["seeded"], &report["failed"]), (&0.into(), &0.into()), "{report}");
}

#[test]
fn an_account_that_leaves_the_file_is_withdrawn_and_goes_on_when_it_returns() {
    let site = Site::start(still());
    let accounts = accounts(2);
    let deployment = Deployment::new(&site, &accounts);
    assert_eq!(answer(&mut deployment.run("--ticks 4")).0, 0);

    deployment.set_accounts(&site, &accounts[1..]);
    let (code, _, log) = answer(&mut deployment.run("--ticks 4"));
    assert!(code == 0 && log.contains(r#""withdrawn":1"#), "{log}");
    let (_, list, _) = answer(&mut deployment.job("list --only parked"));
    assert!(list.contains(":m0") && list.contains("withdrawn") && list.lines().count() == 1, "{list}");

    let posted = post_to_all(&site, &accounts[..1], 3);
    deployment.set_accounts(&site, &accounts);
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("what was posted meanwhile is published", || deployment.has_published(&posted));
    assert!(running.terminate().contains(r#""returned":1"#));
    assert_eq!(deployment.events().len(), 3);
}

#[test]
fn timelines_that_grow_by_themselves_arrive_whole() {
    let growth = Growth { items_per_hour: 6.0, burst_rate: 0.05, burst_size: 10, history: 30 };
    let site = Site::start(Config { growth, time_scale: 600.0, ..still() });
    let accounts = accounts(4);
    let deployment = Deployment::new(&site, &accounts);
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("a hundred events are published", || deployment.events().len() >= 100);
    running.terminate();

    let events = deployment.events();
    repeats(&events);
    for account in &accounts {
        let (history, timeline) = site.timeline(account);
        let published: Vec<&String> =
            events.keys().filter(|(id, _)| *id == account.id).map(|(_, item)| item).collect();
        let Some(first) = published.first() else { continue };
        // From the first one that was published on, without a gap. What grew before the seed is not published.
        let from = timeline.iter().position(|id| id == *first).unwrap();
        assert!(from >= history, "{account:?} published its history");
        let expected: Vec<&String> = timeline[from..].iter().take(published.len()).collect();
        assert_eq!(published, expected, "{account:?} has a gap");
    }
}

#[test]
fn events_go_to_standard_output_and_the_run_ends_with_its_reader() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let site = Site::start(still());
    let accounts = accounts(1);
    let deployment = Deployment::new(&site, &accounts);
    let mut command = deployment.run("--events -");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until("every account is seeded", || site.was_polled(&accounts, 1));
    let posted = post_to_all(&site, &accounts[..1], 1);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["subject"], posted.first().unwrap().1.as_str());
    assert_eq!(event["specversion"], "1.0");

    // The reader is gone now.
    post_to_all(&site, &accounts, 1);
    until("the run ends by itself", || child.try_wait().unwrap().is_some());
}

#[test]
fn one_poll_at_a_time_of_a_slow_third_party_is_slow_and_no_failure() {
    let site = Site::start(Config { latency: std::time::Duration::from_millis(300), ..still() });
    let accounts: Vec<Account> =
        (0..28).map(|number| Account::new(Channel::Mastodon, &format!("m{number}"))).collect();
    let deployment = Deployment::new(&site, &accounts);
    let (code, _, log) = answer(&mut deployment.run("--ticks 3 --concurrency 1 --contact bot@example.com"));
    assert_eq!(code, 0, "{log}");
    let report = deployment.report();
    assert!(report["seeded"].as_u64() >= Some(28), "{report}");
    for none in ["failed", "parked", "lost", "held", "pending"] {
        assert_eq!(report[none], 0, "`{none}` in {report}");
    }
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}
