//! A process that is killed loses nothing; two processes never share a state folder.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;

use crate::process::{Running, answer, until};
use crate::site::{Deployment, Site, accounts, post_to_all, still};

#[test]
fn r09_r33_killed_again_and_again_every_item_arrives_and_repeats_have_the_same_id() {
    let site = Site::start(still());
    let accounts = accounts(5);
    let deployment = Deployment::new(&site, &accounts);
    let mut posted = BTreeSet::new();
    for round in 0..5 {
        let running = Running::start(&mut deployment.run(""), deployment.path());
        if round == 0 {
            until("every account is seeded", || site.was_polled(&accounts, 1));
            posted.extend(post_to_all(&site, &accounts, 1));
            // An event proves that the seed was kept.
            until("every account has published", || deployment.has_published(&posted));
        }
        let before = deployment.events().len();
        posted.extend(post_to_all(&site, &accounts, 3));
        until("some of it is published", || deployment.events().len() > before);
        running.kill();
    }
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("all of it is published", || deployment.has_published(&posted));
    running.terminate();

    let events = deployment.events();
    assert_eq!(events.keys().cloned().collect::<BTreeSet<_>>(), posted);
    for (item, ids) in events {
        assert!(ids.iter().all(|id| *id == ids[0]), "{item:?} has several ids: {ids:?}");
    }
    assert_eq!(deployment.report()["lost"], 0);
}

#[test]
fn a_second_process_on_the_same_state_is_refused_and_told_who_has_it() {
    let site = Site::start(still());
    let accounts = accounts(1);
    let deployment = Deployment::new(&site, &accounts);
    let running = Running::start(&mut deployment.run(""), deployment.path());
    until("it polls", || site.was_polled(&accounts, 1));

    let who = format!("in use by process {}", running.id());
    let (code, stdout, stderr) = answer(&mut deployment.run("--events -"));
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains(&who) && stderr.contains("choose another folder"), "{stderr}");
    let (code, _, stderr) = answer(&mut deployment.job("list"));
    assert!(code == 1 && stderr.contains(&who), "{stderr}");
    running.terminate();
}

#[test]
fn a_second_signal_ends_at_once() {
    let site =
        Site::start(pollwheel_upstream::Config { latency: std::time::Duration::from_secs(600), ..still() });
    let accounts = accounts(1);
    let deployment = Deployment::new(&site, &accounts);
    let mut running = Running::start(&mut deployment.run(""), deployment.path());
    until("a poll hangs", || site.was_polled(&accounts, 1));
    running.signal(Signal::SIGINT);
    until("it says that it stops", || running.log().contains("a second signal ends at once"));
    running.signal(Signal::SIGINT);
    assert_eq!(running.wait().code(), Some(130));
}

#[test]
fn a_second_signal_ends_a_run_whose_reader_has_stalled() {
    use std::io::Read;
    let site = Site::start(still());
    let accounts = accounts(1);
    let deployment = Deployment::new(&site, &accounts);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut running = Running::start_into(writer, &mut deployment.run("--events -"), deployment.path());
    until("every account is seeded", || site.was_polled(&accounts, 1));
    // More than a pipe holds. Its first byte tells that the rest is being written.
    post_to_all(&site, &accounts, 150);
    reader.read_exact(&mut [0]).unwrap();
    running.signal(Signal::SIGTERM);
    until("it says that it stops", || running.log().contains("a second signal ends at once"));
    running.signal(Signal::SIGTERM);
    assert_eq!(running.wait().code(), Some(130));
}
