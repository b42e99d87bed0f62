//! A third party that is down: its jobs are held, tried again, and go on when it is back.

use pollwheel_upstream::{Channel, Config};

use crate::process::{Running, answer, until};
use crate::site::{Account, Deployment, Site, accounts, post_to_all, still};

#[test]
fn jobs_of_a_third_party_that_is_down_are_held_and_recover() {
    let mut site = Site::start(still());
    let accounts = accounts(3);
    let deployment = Deployment::new(&site, &accounts);
    assert_eq!(answer(&mut deployment.run("--ticks 4")).0, 0);

    site.go_down();
    let (code, _, log) = answer(&mut deployment.run("--ticks 25"));
    assert_eq!(code, 0, "an outage of a third party is no failure of ours: {log}");
    let report = deployment.report();
    assert!(report["failed"].as_u64() >= Some(6), "{report}");
    assert!(report["held"].as_u64() >= Some(6), "{report}");
    assert_eq!((&report["parked"], &report["lost"]), (&0.into(), &0.into()), "{report}");
    let (_, explained, _) = answer(&mut deployment.job("explain m0"));
    assert!(explained.contains("failures") && explained.contains("polls fail"), "{explained}");

    site.come_back();
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("every account is polled again", || site.was_polled(&accounts, 1));
    let posted = post_to_all(&site, &accounts, 2);
    until("what is posted arrives", || deployment.has_published(&posted));
    running.terminate();
}

#[test]
fn an_account_whose_token_is_refused_is_parked_and_a_notice_says_so() {
    let site = Site::start(Config::default());
    let accounts = [Account::new(Channel::Mastodon, "unauthorized-1"), Account::new(Channel::Github, "fine")];
    let deployment = Deployment::new(&site, &accounts);
    let (code, _, log) = answer(&mut deployment.run("--ticks 5"));
    assert_eq!(code, 0, "{log}");
    assert_eq!(deployment.report()["parked"], 1);
    let events = crate::process::json_lines(&deployment.file("events.ndjson"));
    let notice = events.iter().find(|event| event["type"] == "pollwheel.account.needs_reauthorization");
    assert_eq!(notice.unwrap()["accountid"], "unauthorized-1");
    let (_, explained, _) = answer(&mut deployment.job("explain unauthorized-1"));
    assert!(explained.contains("never: it is parked: unauthorized"), "{explained}");
}
