//! How cadences follow what a source does, over weeks of decisions.

use std::num::NonZeroU16;
use std::time::Duration;

use super::*;
use crate::activity::Price;
use crate::cadence::CadenceRange;
use crate::context::Context;
use crate::hash::mix;
use crate::id::{AccountId, JobId, JobTypeId, ServiceLevel};
use crate::row::{Revision, Subject};

const START: EpochMinute = EpochMinute::new(29_000_880);
const DAY: u32 = 1440;
const WEEK: u32 = 7 * DAY;

/// A job on its way through time.
struct Life {
    spec: JobTypeSpec,
    row: JobRow,
    wake: Option<EpochMinute>,
    price: Price,
    moves: u32,
    writes: u32,
    polls: u32,
}

impl Life {
    fn new(fastest: u16, slowest: u16, account: &str) -> Self {
        let range =
            CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap();
        let spec = JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range);
        let (account, level) = (AccountId::new(account).unwrap(), ServiceLevel::new("free").unwrap());
        let job = JobId { job_type: spec.id.clone(), account, target: None };
        let place = Place::Cohort(Cohort::of(&job, range.fastest(), NonZeroU16::MIN));
        let subject = Subject { external_id: "42".to_owned(), base_url: None };
        let row = JobRow::new(job, place, subject, level, Revision(1), START);
        Self { spec, row, wake: None, price: Price::USUAL, moves: 0, writes: 0, polls: 0 }
    }

    fn cadence(&self) -> u16 {
        self.row.place.cohort().unwrap().cadence.minutes()
    }

    /// A poll in a minute, which finds so many items.
    fn poll(&mut self, minute: EpochMinute, items: u32) -> Decision {
        let outcome = match items {
            0 => Outcome::Unchanged { context: None },
            _ => Outcome::New { items, more: false, context: Context::empty() },
        };
        let polled_at = minute.start().plus(Duration::from_secs(5));
        let hints = Hints::default();
        let finished =
            Finished { due: minute, polled_at, outcome: &outcome, hints: &hints, price: self.price };
        let decision = decide(polled_at, &self.row, &finished, &self.spec, 7);
        self.polls += 1;
        self.writes += u32::from(decision.step != Step::Stay);
        self.moves += u32::from(matches!(decision.step, Step::Move(_)));
        if let Step::Update(row) | Step::Move(row) | Step::Park(row) = &decision.step {
            self.row = (**row).clone();
        }
        self.wake = decision.wake;
        decision
    }

    /// Lives from one minute to another; `items` says how many came in a minute.
    fn live(&mut self, from: u32, to: u32, items: impl Fn(u32) -> u32) {
        let mut waiting = 0;
        for number in from..to {
            let minute = START.plus(number);
            waiting += items(number);
            if self.wake == Some(minute) || self.row.place.cohort().unwrap().is_due(minute) {
                self.poll(minute, waiting);
                waiting = 0;
            }
        }
    }
}

/// Items in a minute of a Poisson source that brings so many thousandths of an item in a day.
fn poisson(seed: u64, a_day_thousandths: u32) -> impl Fn(u32) -> u32 {
    let mean = f64::from(a_day_thousandths) / 1000.0 / f64::from(DAY);
    move |minute| {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are enough")]
        let uniform =
            |number: u64| (mix(mix(seed, u64::from(minute)), number) >> 11) as f64 / (1_u64 << 53) as f64;
        let (mut product, mut items) = (uniform(0), 0);
        while product > (-mean).exp() {
            items += 1;
            product *= uniform(u64::from(items));
        }
        items
    }
}

/// Moves of 20 sources of one rate in each of four weeks, after two weeks to settle.
fn moves_a_week(fastest: u16, slowest: u16, a_day_thousandths: u32) -> (f64, u32) {
    let (mut all, mut most) = (0, 0);
    for number in 0..20 {
        let mut life = Life::new(fastest, slowest, &format!("a{number}"));
        let items = poisson(mix(u64::from(a_day_thousandths), number), a_day_thousandths);
        life.live(0, 2 * WEEK, &items);
        for week in 2..6 {
            life.moves = 0;
            life.live(week * WEEK, (week + 1) * WEEK, &items);
            all += life.moves;
            most = most.max(life.moves);
        }
    }
    (f64::from(all) / 80.0, most)
}

#[test]
fn a_steady_source_does_not_flap() {
    // Measured: in the mean at most 1.0 moves a week, where a source brings an item in ten days and each is news of its rate;
    // at most 5 in the worst of 80 weeks.
    for a_day_thousandths in [100, 500, 2_000, 10_000, 50_000, 300_000, 2_000_000] {
        for (fastest, slowest) in [(1, 1440), (5, 60)] {
            let (mean, most) = moves_a_week(fastest, slowest, a_day_thousandths);
            assert!(mean <= 1.5 && most <= 7, "{a_day_thousandths} a day: {mean} a week, at most {most}");
        }
    }
}

#[test]
fn more_items_a_day_mean_a_faster_cadence_by_the_square_root() {
    let cadence_at = |a_day_thousandths| {
        let mut life = Life::new(1, 1440, "a1");
        life.live(0, 6 * WEEK, poisson(u64::from(a_day_thousandths), a_day_thousandths));
        life.cadence()
    };
    // An item in eight polls of the middle cadence, 38 minutes, is 4.7 a day: worth 38 minutes, a hundred times that 3.8.
    assert_eq!([4_700, 470_000].map(cadence_at), [30, 5]);
}

#[test]
fn a_burst_speeds_a_job_up_at_once_is_followed_up_the_next_minute_and_fades_with_the_estimate() {
    let mut life = Life::new(5, 240, "a1");
    life.live(0, WEEK, |_| 0);
    assert_eq!(life.cadence(), 240, "it slept for a week");
    let due = life.row.next_due(START.plus(WEEK)).unwrap();
    let decision = life.poll(due, 5);
    assert_eq!(
        (life.cadence(), decision.wake, decision.terms.clamp),
        (5, Some(due.plus(1)), Some(Clamp::Burst))
    );
    assert!(matches!(decision.step, Step::Move(_)));

    let from = due.since(START) + 1;
    life.moves = 0;
    life.live(from, from + 9, |_| 0);
    assert_eq!((life.cadence(), life.moves), (5, 0), "silence right after a burst says little");
    let mut cadences = vec![life.cadence()];
    for minute in from + 9..from + 30 * DAY {
        life.live(minute, minute + 1, |_| 0);
        if cadences.last() != Some(&life.cadence()) {
            cadences.push(life.cadence());
        }
    }
    assert_eq!(cadences, [5, 60, 120, 240], "in {} moves", life.moves);
}

#[test]
fn a_few_items_right_after_a_burst_slow_a_job_down_no_sooner_than_silence_does() {
    for later in [0, 1] {
        let mut life = Life::new(5, 240, "a1");
        life.live(0, WEEK, |_| 0);
        let due = life.row.next_due(START.plus(WEEK)).unwrap();
        life.poll(due, 5);
        life.moves = 0;
        let decision = life.poll(due.plus(1), later);
        assert_eq!((life.cadence(), decision.wake), (5, None), "{later} items a minute later");
        let from = due.since(START) + 2;
        life.live(from, from + 8, |_| 0);
        assert_eq!((life.cadence(), life.moves), (5, 0), "{later} items a minute later");
        life.live(from + 8, from + 20, |_| 0);
        assert!(life.cadence() > 5, "items after a burst do not make it last longer");
    }
}

#[test]
fn quiet_costs_no_write_but_for_the_moves_and_ends_at_the_slowest() {
    let mut life = Life::new(15, 1440, "a1");
    life.live(0, 60 * DAY, |_| 0);
    assert_eq!(
        (life.cadence(), life.writes, life.moves),
        (1440, 5, 5),
        "one move to the middle, and one for each cadence from there"
    );
    assert!(life.polls < 400, "{} polls in 60 days", life.polls);
    assert_eq!(life.row.activity, None);
}

#[test]
fn a_dearer_poll_slows_a_job_down_and_a_cheaper_one_hastens_it() {
    let cadence_at = |thousandths| {
        let mut life = Life::new(1, 1440, "a1");
        life.price = Price::of_thousandths(thousandths);
        life.live(0, 6 * WEEK, poisson(7, 4_700));
        life.cadence()
    };
    assert_eq!([1, 62, 1000, 16_000, u32::MAX].map(cadence_at), [1, 10, 30, 120, 1440]);
}

#[test]
fn the_terms_say_what_kept_a_job_from_what_its_rate_is_worth() {
    let clamp = |change: fn(&mut Life)| {
        let mut life = Life::new(5, 60, "a1");
        life.row.last_active = START.minus(30 * DAY);
        change(&mut life);
        let due = life.row.next_due(START).unwrap();
        let decision = life.poll(due, 0);
        (decision.terms.clamp, decision.terms.activity.minutes())
    };
    assert_eq!(clamp(|_| ()), (Some(Clamp::Level), 60));
    let own = |life: &mut Life| life.row.range = CadenceRange::new(Cadence::FASTEST, Cadence::FASTEST).ok();
    assert_eq!(clamp(own), (Some(Clamp::Account), 1), "the row's own range goes before the level's");
    let fresh = |life: &mut Life| life.spec.default_policy.max_staleness_minutes = 7;
    assert_eq!(clamp(fresh), (Some(Clamp::Staleness), 5));
    let recent = |life: &mut Life| life.row.last_active = START.minus(3);
    assert_eq!(clamp(recent), (None, 20));
}
