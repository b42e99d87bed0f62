//! Every due minute of every job is accounted for, whatever stands in the way: dispatched, made up for, skipped for a
//! reason, or still late. The minutes that were due are counted from the rows alone, not by what is tested.

mod outages;
mod wheel;

use std::collections::BTreeMap;

use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::ports::{ControlStore, PauseScope};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::tick::{Skip, TickEnd};
use proptest::prelude::*;

use wheel::{NAMES, START, Wheel, id, now};

/// Minutes in which something may stand in the way, and minutes after them.
const TROUBLE: u32 = 200;
const QUIET: u32 = 130;

/// From which minute, and for how many, something stands in the way of a job type, or of all.
#[derive(Debug, Clone)]
struct Trouble {
    kind: Kind,
    from: u32,
    minutes: u32,
    of: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Outage,
    PausedChannel,
    PausedJobType,
    Throttled,
    Backlogged,
    Refusing,
}

impl Trouble {
    fn covers(&self, minute: u32) -> bool {
        (self.from..self.from + self.minutes).contains(&minute)
    }
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    use Kind::{Backlogged, Outage, PausedChannel, PausedJobType, Refusing, Throttled};
    let kinds = [Outage, PausedChannel, PausedJobType, Throttled, Backlogged, Refusing];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, 1..TROUBLE - 80, 1_u32..80, 0..NAMES.len()).prop_map(|(kind, from, minutes, of)| Trouble {
        kind,
        from,
        minutes,
        of,
    })
}

fn set(wheel: &Wheel, troubles: &[Trouble], offset: u32) {
    wheel.world.backlogged.borrow_mut().clear();
    wheel.world.refusing.borrow_mut().clear();
    for name in NAMES {
        let channel = ChannelName::new(id(name).channel()).unwrap();
        wheel.store.resume(&PauseScope::Channel(channel));
        wheel.store.resume(&PauseScope::JobType(id(name)));
    }
    for trouble in troubles.iter().filter(|trouble| trouble.covers(offset)) {
        let of = id(NAMES[trouble.of]);
        let channel = ChannelName::new(of.channel()).unwrap();
        match trouble.kind {
            Kind::Outage => {}
            Kind::PausedChannel => wheel.store.pause(&PauseScope::Channel(channel)),
            Kind::PausedJobType => wheel.store.pause(&PauseScope::JobType(of)),
            Kind::Throttled => {
                let until = START.plus(trouble.from + trouble.minutes).start();
                now(wheel.store.throttle(&ThrottleScope::JobType(of), until)).unwrap();
            }
            Kind::Backlogged => wheel.world.backlogged.borrow_mut().push(of),
            Kind::Refusing => wheel.world.refusing.borrow_mut().push(of),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_due_minute_is_dispatched_made_up_for_skipped_for_a_reason_or_late(
        troubles in prop::collection::vec(any_trouble(), 0..5),
        held in prop::collection::vec((0_usize..500, 1..TROUBLE), 0..20),
        calls in prop_oneof![Just(60_u64), Just(300), Just(100_000)],
        fan_out_above in prop_oneof![Just(0_usize), Just(usize::MAX)],
    ) {
        let mut wheel = Wheel::new(60, &held, calls, fan_out_above);
        for offset in 0..TROUBLE + QUIET {
            let minute = START.plus(offset);
            wheel.world.now.set(minute.start().plus(std::time::Duration::from_secs(2)));
            set(&wheel, &troubles, offset);
            wheel.drain();
            let is_out = troubles.iter().any(|trouble| trouble.kind == Kind::Outage && trouble.covers(offset));
            if !is_out {
                for report in wheel.tick(minute) {
                    let behind = minute.since(wheel.cursor(&report.job_type));
                    prop_assert_eq!(report.behind_minutes, behind, "{:?}", report);
                }
            }
            wheel.check(minute);
        }
        let minute = START.plus(TROUBLE + QUIET - 1);
        wheel.drain();
        wheel.check(minute);
        for name in NAMES {
            prop_assert_eq!((wheel.cursor(&id(name)), wheel.waiting(&id(name))), (minute, 0), "{}", name);
        }
    }
}

#[test]
fn what_stands_in_the_way_is_told_by_reason_and_what_it_cost_is_counted() {
    let troubles = [
        Trouble { kind: Kind::PausedJobType, from: 10, minutes: 30, of: 0 },
        Trouble { kind: Kind::Throttled, from: 50, minutes: 20, of: 1 },
    ];
    let mut wheel = Wheel::new(40, &[], 100_000, usize::MAX);
    let mut skips = BTreeMap::<(JobTypeId, &str), u64>::new();
    for offset in 0..120 {
        let minute = START.plus(offset);
        wheel.world.now.set(minute.start().plus(std::time::Duration::from_secs(2)));
        set(&wheel, &troubles, offset);
        wheel.drain();
        for report in wheel.tick(minute) {
            let reason = match report.end {
                TickEnd::Skipped(Skip::Paused) => "paused",
                TickEnd::Skipped(Skip::Throttled) => "throttled",
                TickEnd::Dispatched(_) => continue,
                other @ (TickEnd::Skipped(_) | TickEnd::Failed(_)) => panic!("{other:?}"),
            };
            *skips.entry((report.job_type, reason)).or_default() += 1;
        }
        wheel.check(minute);
    }
    let expected = BTreeMap::from([((id("toy/posts"), "paused"), 30), ((id("toy/likes"), "throttled"), 20)]);
    assert_eq!(skips, expected);
    let [paused, throttled, free] = NAMES.map(|name| wheel.accounts[&id(name)]);
    // A pause of 30 minutes passes by jobs of every cadence; each is made up for once, and late by what it missed.
    assert!(paused.caught_up > 0 && paused.left > 0, "{paused:?}");
    assert!((15..=31).contains(&paused.latest_minutes), "{paused:?}");
    assert!(throttled.late > 0 && throttled.latest_minutes <= 21, "{throttled:?}");
    assert_eq!((free.late, free.caught_up, free.skipped()), (0, 0, 0), "nothing stood in its way: {free:?}");
}

#[test]
fn r02_after_an_hour_without_ticks_jobs_with_a_shared_limit_are_made_up_for_at_twice_the_rate_at_most() {
    let mut wheel = Wheel::new(600, &[], 100_000, usize::MAX);
    let of = id("pool/items");
    let (mut before, mut per_minute) = (0, BTreeMap::new());
    for offset in (0..120).chain(180..320) {
        let minute = START.plus(offset);
        wheel.world.now.set(minute.start().plus(std::time::Duration::from_secs(2)));
        wheel.drain();
        wheel.tick(minute);
        wheel.check(minute);
        let sent = wheel.world.sent.borrow().get(&of).copied().unwrap_or_default();
        per_minute.insert(offset, sent - before);
        before = sent;
    }
    let most = |from: u32, to: u32| per_minute.range(from..to).map(|(_, jobs)| *jobs).max().unwrap();
    let (normal, busiest) = (most(0, 120), most(180, 320));
    assert!(busiest <= 2 * normal, "{busiest} in a minute, {normal} in an ordinary one");
    let report = wheel.accounts[&of];
    assert!(report.over_budget == 0 && report.left > 0 && report.woken > 0, "{report:?}");
}
