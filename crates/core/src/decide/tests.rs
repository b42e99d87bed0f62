//! `decide`, by a table for the ordinary cases and by properties for the promises.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::activity::Activity;
use crate::cadence::CadenceRange;
use crate::context::{Context, ContextMap};
use crate::id::{AccountId, ChannelName, JobId, JobTypeId, ServiceLevel};
use crate::outcome::{LimitReading, Scope};
use crate::policy::MAX_HOLD_MINUTES;
use crate::row::{HoldCause, Revision, Subject};

const NOON: EpochMinute = EpochMinute::new(29_000_880);

fn spec(fastest: u16, slowest: u16) -> JobTypeSpec {
    let range = CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap();
    JobTypeSpec::new(JobTypeId::new("mastodon/statuses").unwrap(), range)
}

fn row(account: &str, cadence: u16) -> JobRow {
    let job = JobId {
        job_type: JobTypeId::new("mastodon/statuses").unwrap(),
        account: AccountId::new(account).unwrap(),
        target: None,
    };
    let place = Place::Cohort(Cohort::of(&job, Cadence::new(cadence).unwrap(), NonZeroU16::MIN));
    let subject = Subject { external_id: "42".to_owned(), base_url: None };
    JobRow::new(job, place, subject, ServiceLevel::new("free").unwrap(), Revision(100), NOON)
}

fn context(since: &str) -> Context {
    Context::new(&ContextMap::from_iter([("since".to_owned(), since.into())])).unwrap()
}

/// Decides about a poll made at the row's next due minute, answered 12 seconds into it.
fn decide_on(row: &JobRow, outcome: &Outcome, hints: &Hints, spec: &JobTypeSpec) -> (EpochMinute, Decision) {
    let due = row.next_due(NOON).unwrap();
    let polled_at = due.start().plus(Duration::from_secs(12));
    let finished = Finished { due, polled_at, outcome, hints, price: Price::USUAL };
    (due, decide(polled_at.plus(Duration::from_secs(1)), row, &finished, spec, 7))
}

fn written(decision: &Decision) -> &JobRow {
    match &decision.step {
        Step::Update(row) | Step::Move(row) | Step::Park(row) => row,
        Step::Stay => panic!("nothing was written: {decision:?}"),
    }
}

/// The minute in which the job is dispatched next, as the tick would.
fn next_dispatch(decision: &Decision, row: &JobRow, after: EpochMinute) -> EpochMinute {
    let row = match &decision.step {
        Step::Update(next) | Step::Move(next) => next,
        Step::Stay | Step::Park(_) => row,
    };
    let due = row.next_due(after.plus(1)).unwrap();
    decision.wake.filter(|wake| !row.is_held(*wake)).map_or(due, |wake| wake.min(due))
}

#[test]
fn nothing_new_writes_nothing() {
    let (_, decision) =
        decide_on(&row("a1", 15), &Outcome::Unchanged { context: None }, &Hints::default(), &spec(5, 60));
    assert_eq!((decision.step, decision.wake, decision.throttles), (Step::Stay, None, vec![]));
}

#[test]
fn news_advances_the_context_and_its_revision_in_place() {
    let outcome = Outcome::New { items: 1, more: false, context: context("9") };
    let (due, decision) = decide_on(&row("a1", 15), &outcome, &Hints::default(), &spec(5, 60));
    let row = written(&decision);
    assert!(matches!(decision.step, Step::Update(_)));
    assert_eq!((row.rev, row.context_rev, row.applied), (Revision(101), Revision(101), Some(due)));
    assert_eq!((row.context.clone(), row.last_active), (context("9"), due));
}

#[test]
fn a_new_validator_does_not_count_as_activity() {
    let outcome = Outcome::Unchanged { context: Some(context("9")) };
    let (_, decision) = decide_on(&row("a1", 5), &outcome, &Hints::default(), &spec(5, 60));
    assert_eq!(written(&decision).last_active, NOON);
    assert_eq!(written(&decision).context_rev, Revision(101));
}

#[test]
fn a_burst_moves_the_job_to_its_fastest_cadence_at_once() {
    let outcome = Outcome::New { items: 5, more: false, context: context("9") };
    let mut sleeper = row("a1", 60);
    sleeper.last_active = NOON.minus(10 * 1440);
    let (_, decision) = decide_on(&sleeper, &outcome, &Hints::default(), &spec(2, 60));
    assert!(matches!(decision.step, Step::Move(_)));
    assert_eq!(written(&decision).place.cohort().unwrap().cadence.minutes(), 2);
}

#[test]
fn a_gap_is_followed_up_in_the_next_minute() {
    let outcome = Outcome::New { items: 40, more: true, context: context("9") };
    let (due, decision) = decide_on(&row("a1", 60), &outcome, &Hints::default(), &spec(60, 60));
    assert_eq!(decision.wake, Some(due.plus(1)));
}

#[test]
fn long_quiet_slows_a_job_and_no_further_than_its_level_allows() {
    let (quiet, hints) = (Outcome::Unchanged { context: None }, Hints::default());
    let mut sleeper = row("a1", 30);
    sleeper.last_active = NOON.minus(96 * 60);
    let (_, decision) = decide_on(&sleeper, &quiet, &hints, &spec(5, 60));
    assert_eq!(written(&decision).place.cohort().unwrap().cadence.minutes(), 60);
    let mut slowest = row("a1", 60);
    slowest.last_active = NOON.minus(1_000_000);
    assert_eq!(decide_on(&slowest, &quiet, &hints, &spec(5, 60)).1.step, Step::Stay);
    let mut recent = row("a1", 30);
    recent.last_active = NOON.minus(60);
    assert_eq!(decide_on(&recent, &quiet, &hints, &spec(5, 60)).1.step, Step::Stay);
}

#[test]
fn success_resets_the_counters_with_one_write() {
    let mut failing = row("a1", 5);
    (failing.failures, failing.crashes, failing.gone, failing.backoff_minutes) = (3, 1, 2, 9);
    failing.error = Some("timeout".into());
    let (_, decision) =
        decide_on(&failing, &Outcome::Unchanged { context: None }, &Hints::default(), &spec(5, 60));
    let row = written(&decision);
    assert_eq!((row.failures, row.crashes, row.gone, row.backoff_minutes, row.hold), (0, 0, 0, 0, None));
    assert_eq!((row.context_rev, row.error.clone()), (Revision(100), None));
}

#[test]
fn a_row_keeps_why_its_last_poll_failed_in_few_words() {
    let reason = "é".repeat(500);
    let (_, decision) =
        decide_on(&row("a1", 5), &Outcome::BadResponse { reason }, &Hints::default(), &spec(5, 60));
    let error = written(&decision).error.clone().unwrap();
    assert!(
        error.starts_with("bad_response: éé") && error.len() <= crate::outcome::MAX_ERROR_BYTES,
        "{error}"
    );
    let limited = Outcome::RateLimited { scope: Scope::Account, reset_seconds: Some(60) };
    let (_, decision) = decide_on(written(&decision), &limited, &Hints::default(), &spec(5, 60));
    assert_eq!(written(&decision).error, Some(error), "a limit says nothing of it");
}

#[test]
fn refused_credentials_park_the_job_with_a_notice() {
    let (_, decision) = decide_on(&row("a1", 5), &Outcome::Unauthorized, &Hints::default(), &spec(5, 60));
    assert!(matches!(decision.step, Step::Park(_)));
    assert_eq!(decision.notice, Some(ParkReason::Unauthorized));
    assert_eq!(written(&decision).parked.unwrap().reason, ParkReason::Unauthorized);
    assert_eq!(written(&decision).place, Place::Parked { shard: 0 });
}

#[test]
fn a_job_that_is_gone_is_tried_again_before_it_is_parked() {
    let mut job = row("a1", 5);
    let mut tries = 0;
    loop {
        let (_, decision) = decide_on(&job, &Outcome::Gone, &Hints::default(), &spec(5, 60));
        job = written(&decision).clone();
        if decision.notice.is_some() {
            break;
        }
        assert_eq!(job.hold.unwrap().cause, HoldCause::Backoff);
        tries += 1;
    }
    assert_eq!((tries, job.parked.unwrap().reason), (3, ParkReason::Gone));
}

#[test]
fn r12_crashes_back_off_and_end_in_quarantine() {
    let mut job = row("a1", 1);
    for crash in 1..5 {
        let (_, decision) = decide_on(&job, &Outcome::Crashed, &Hints::default(), &spec(1, 60));
        job = written(&decision).clone();
        assert_eq!((job.crashes, decision.notice), (crash, None));
    }
    let (_, decision) = decide_on(&job, &Outcome::Crashed, &Hints::default(), &spec(1, 60));
    assert_eq!(decision.notice, Some(ParkReason::Quarantined));
}

#[test]
fn an_account_limit_holds_the_job_and_wakes_it_at_the_reset() {
    let outcome = Outcome::RateLimited { scope: Scope::Account, reset_seconds: Some(600) };
    let (due, decision) = decide_on(&row("a1", 60), &outcome, &Hints::default(), &spec(60, 60));
    let hold = written(&decision).hold.unwrap();
    assert!((due.plus(11)..=due.plus(12)).contains(&hold.until), "{hold:?} after {due}");
    assert_eq!(
        (hold.cause, decision.wake, decision.throttles.clone()),
        (HoldCause::RateLimit, Some(hold.until), vec![])
    );
    assert_eq!(written(&decision).failures, 0);
}

#[test]
fn a_reset_before_the_next_phase_needs_no_write_when_the_poll_succeeded() {
    let limit = LimitReading { scope: Scope::Account, remaining: 1, cushion: 5, reset_seconds: Some(300) };
    let hints = Hints { floor_seconds: None, limits: vec![limit] };
    let quiet = Outcome::Unchanged { context: None };
    assert_eq!(decide_on(&row("a1", 60), &quiet, &hints, &spec(60, 60)).1.step, Step::Stay);
    assert!(written(&decide_on(&row("a1", 1), &quiet, &hints, &spec(1, 1)).1).hold.is_some());
}

#[test]
fn an_application_limit_stops_the_channel_and_wakes_the_job_without_writing_its_row() {
    let outcome = Outcome::RateLimited { scope: Scope::Application, reset_seconds: Some(600) };
    let (due, decision) = decide_on(&row("a1", 60), &outcome, &Hints::default(), &spec(60, 60));
    let until = due.start().plus(Duration::from_secs(612));
    assert_eq!(decision.step, Step::Stay);
    let channel = ThrottleScope::Channel(ChannelName::new("mastodon").unwrap());
    assert_eq!(decision.throttles, vec![Throttle { scope: channel, until }]);
    assert!(decision.wake.unwrap().start() >= until);
}

#[test]
fn each_scope_stops_what_counts_against_it_and_asks_of_the_row_what_no_tick_can_keep() {
    let mastodon = ChannelName::new("mastodon").unwrap();
    let endpoint = ThrottleScope::JobType(JobTypeId::new("mastodon/statuses").unwrap());
    let token = ThrottleScope::Token(mastodon.clone(), "one".into());
    let host = ThrottleScope::Host(mastodon, "awoo.space".into());
    let cases = [
        (Scope::Endpoint, endpoint, false, 612),
        // Another token takes over: the job is owed at once.
        (Scope::Token("one".into()), token, false, 60),
        (Scope::Host("awoo.space".into()), host, true, 612),
    ];
    for (scope, stopped, is_held, owed_seconds) in cases {
        let outcome = Outcome::RateLimited { scope, reset_seconds: Some(600) };
        let (due, decision) = decide_on(&row("a1", 60), &outcome, &Hints::default(), &spec(60, 60));
        let until = due.start().plus(Duration::from_secs(612));
        assert_eq!(decision.throttles, vec![Throttle { scope: stopped.clone(), until }]);
        assert_eq!(matches!(&decision.step, Step::Update(row) if row.hold.is_some()), is_held, "{stopped}");
        assert_eq!(decision.step == Step::Stay, !is_held, "{stopped}");
        let wake = decision.wake.unwrap().start();
        assert!(wake >= due.start().plus(Duration::from_secs(owed_seconds)), "{stopped}: {wake:?}");
        assert!(wake <= due.start().plus(Duration::from_secs(owed_seconds + 180)), "{stopped}: {wake:?}");
    }
}

#[test]
fn several_spent_limits_stop_each_its_scope_until_the_latest_instant_said() {
    let limit =
        |scope, seconds| LimitReading { scope, remaining: 1, cushion: 1, reset_seconds: Some(seconds) };
    let token = || Scope::Token("one".into());
    let limits = vec![limit(token(), 60), limit(Scope::Endpoint, 90), limit(token(), 300), limit(token(), 5)];
    let quiet = Outcome::Unchanged { context: None };
    let hints = Hints { floor_seconds: None, limits };
    let (due, decision) = decide_on(&row("a1", 60), &quiet, &hints, &spec(60, 60));
    let until: Vec<Timestamp> = decision.throttles.iter().map(|throttle| throttle.until).collect();
    assert_eq!(until, [312, 102].map(|seconds| due.start().plus(Duration::from_secs(seconds))));
    assert_eq!(decision.step, Step::Stay);
}

#[test]
fn what_was_put_off_changes_nothing_and_comes_at_its_next_phase() {
    let outcome =
        Outcome::Deferred { reason: "another worker renews the credentials".to_owned(), again_seconds: None };
    let mut failing = row("a1", 60);
    (failing.failures, failing.backoff_minutes, failing.error) = (3, 8, Some("timeout".into()));
    let (_, decision) = decide_on(&failing, &outcome, &Hints::default(), &spec(60, 60));
    assert_eq!((decision.step, decision.wake, decision.throttles), (Step::Stay, None, vec![]));
    assert_eq!(decision.notice, None);
}

#[test]
fn what_did_not_fit_a_shared_limit_is_woken_when_its_next_slot_begins_and_nothing_is_held_against_it() {
    let deferred = |again_seconds| Outcome::Deferred { reason: "no room".to_owned(), again_seconds };
    let mut failing = row("a1", 60);
    (failing.failures, failing.error) = (3, Some("timeout".into()));
    let (due, decision) = decide_on(&failing, &deferred(Some(40)), &Hints::default(), &spec(60, 60));
    assert_eq!((decision.step, decision.wake), (Step::Stay, Some(due.plus(1))));
    let (due, decision) = decide_on(&failing, &deferred(Some(290)), &Hints::default(), &spec(60, 60));
    assert_eq!(decision.wake, Some(due.plus(6)), "a longer slot");
    let (_, decision) = decide_on(&row("a1", 1), &deferred(Some(40)), &Hints::default(), &spec(1, 60));
    assert_eq!(decision.wake, None, "its cohort comes round by then");
}

#[test]
fn a_floor_is_a_hold_first_and_then_a_slower_cadence() {
    let (quiet, hints) =
        (Outcome::Unchanged { context: None }, Hints { floor_seconds: Some(300), limits: vec![] });
    let mut busy = row("a1", 1);
    busy.activity = Some(Activity { items_thousandths: 900_000, exposure_seconds: 3600 });
    let (_, first) = decide_on(&busy, &quiet, &hints, &spec(1, 60));
    let held = written(&first).clone();
    assert_eq!(
        (held.place.cohort().unwrap().cadence.minutes(), held.hold.unwrap().cause),
        (1, HoldCause::Hint)
    );
    assert_eq!(first.wake, None);
    let (due, second) = decide_on(&held, &quiet, &hints, &spec(1, 60));
    assert_eq!(written(&second).place.cohort().unwrap().cadence.minutes(), 10);
    let moved = written(&second).clone();
    let due = moved.next_due(due.plus(1)).unwrap();
    let polled_at = due.start().plus(Duration::from_secs(5));
    let finished = Finished { due, polled_at, outcome: &quiet, hints: &hints, price: Price::USUAL };
    let third = decide(polled_at, &moved, &finished, &spec(1, 60), 7);
    assert_eq!(third.step, Step::Stay, "the cadence keeps the floor without a hold");
}

#[test]
fn a_hold_set_by_someone_else_outlives_a_completion() {
    let mut held = row("a1", 1);
    let due = NOON.plus(3);
    held.hold = Some(Hold { until: due.plus(30), cause: HoldCause::RateLimit });
    let polled_at = due.start().plus(Duration::from_secs(5));
    let outcome = Outcome::New { items: 1, more: false, context: context("9") };
    let finished =
        Finished { due, polled_at, outcome: &outcome, hints: &Hints::default(), price: Price::USUAL };
    let decision = decide(polled_at, &held, &finished, &spec(1, 60), 7);
    assert_eq!(written(&decision).hold, held.hold);
}

#[test]
fn a_parked_row_is_left_alone() {
    let mut parked = row("a1", 5);
    parked.place = Place::Parked { shard: 0 };
    let hints = Hints::default();
    let finished = Finished {
        due: NOON,
        polled_at: NOON.start(),
        outcome: &Outcome::Unauthorized,
        hints: &hints,
        price: Price::USUAL,
    };
    assert_eq!(decide(NOON.start(), &parked, &finished, &spec(5, 60), 7).step, Step::Stay);
}

#[test]
fn jobs_that_failed_together_disperse() {
    // A thousand jobs time out in the same minute, again and again, until their backoff is at its cap.
    let spec = spec(1, 60);
    let mut jobs: Vec<JobRow> = (0..1000).map(|number| row(&format!("a{number}"), 1)).collect();
    let mut spreads = Vec::new();
    for round in 0..8 {
        let mut minutes = BTreeSet::new();
        for job in &mut jobs {
            let due = NOON.plus(round * 300);
            let finished = Finished {
                due,
                polled_at: due.start(),
                outcome: &Outcome::Timeout,
                hints: &Hints::default(),
                price: Price::USUAL,
            };
            let decision = decide(due.start(), job, &finished, &spec, 7);
            *job = written(&decision).clone();
            minutes.insert(job.hold.unwrap().until);
        }
        spreads.push(minutes.len());
    }
    assert_eq!(spreads[0], 3, "the first backoff is one to three minutes");
    assert!(
        spreads[3] > 30 && spreads[7] > 100,
        "minutes that 1,000 jobs came back in, by round: {spreads:?}"
    );
}

fn any_seconds() -> impl Strategy<Value = u64> {
    prop_oneof![
        proptest::sample::select(vec![
            0,
            1,
            59,
            60,
            61,
            3600,
            86_399,
            86_400,
            1_000_000_000,
            9_999_999_999,
            u64::MAX
        ]),
        0_u64..200_000,
        any::<u64>(),
    ]
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Account),
        Just(Scope::Application),
        Just(Scope::Endpoint),
        Just(Scope::Token("one".into())),
        Just(Scope::Host("awoo.space".into())),
    ]
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let scope = any_scope();
    prop_oneof![
        Just(Outcome::Unchanged { context: None }),
        Just(Outcome::Unchanged { context: Some(context("1")) }),
        Just(Outcome::Seeded { context: context("1") }),
        (any::<u32>(), any::<bool>()).prop_map(|(items, more)| Outcome::New {
            items,
            more,
            context: context("2")
        }),
        (scope, proptest::option::of(any_seconds()))
            .prop_map(|(scope, reset_seconds)| Outcome::RateLimited { scope, reset_seconds }),
        Just(Outcome::Unauthorized),
        Just(Outcome::Gone),
        proptest::option::of(any_seconds())
            .prop_map(|retry_after_seconds| Outcome::ServerError { status: 503, retry_after_seconds }),
        Just(Outcome::Timeout),
        Just(Outcome::Network { reason: "reset".to_owned() }),
        Just(Outcome::BadResponse { reason: "html".to_owned() }),
        Just(Outcome::BusRefused { reason: "throttled".to_owned() }),
        Just(Outcome::Crashed),
        proptest::option::of(any::<u64>()).prop_map(|again_seconds| Outcome::Deferred {
            reason: "another renews".to_owned(),
            again_seconds
        }),
    ]
}

fn any_hints() -> impl Strategy<Value = Hints> {
    let scope = any_scope();
    let limit = (scope, 0_u64..20, 0_u64..20, proptest::option::of(any_seconds())).prop_map(
        |(scope, remaining, cushion, reset_seconds)| LimitReading {
            scope,
            remaining,
            cushion,
            reset_seconds,
        },
    );
    (proptest::option::of(any_seconds()), proptest::collection::vec(limit, 0..3))
        .prop_map(|(floor_seconds, limits)| Hints { floor_seconds, limits })
}

fn any_row() -> impl Strategy<Value = JobRow> {
    let cause = prop_oneof![Just(HoldCause::Hint), Just(HoldCause::RateLimit), Just(HoldCause::Backoff)];
    (
        0_u32..500,
        proptest::sample::select(Cadence::ALL.to_vec()),
        proptest::option::of((cause, 0_u32..100)),
        (any::<u32>(), 0_u32..9, 0_u32..9, any::<u32>()),
        any::<u32>(),
    )
        .prop_map(|(number, cadence, hold, (failures, gone, crashes, backoff), last_active)| {
            let mut row = row(&format!("a{number}"), cadence.minutes());
            row.hold = hold.map(|(cause, ago)| Hold { until: NOON.minus(ago), cause });
            (row.failures, row.gone, row.crashes, row.backoff_minutes) = (failures, gone, crashes, backoff);
            row.last_active = EpochMinute::new(last_active);
            row
        })
}

/// Seconds that the server asked for, capped as the policy caps them.
fn asked(outcome: &Outcome, hints: &Hints, policy: &Policy) -> u64 {
    let cap = u64::from(policy.hold_cap_minutes) * 60;
    let refused =
        outcome.refusal().filter(|(scope, _)| **scope == Scope::Account).and_then(|(_, seconds)| seconds);
    let retry_after = if let Outcome::ServerError { retry_after_seconds, .. } = outcome {
        *retry_after_seconds
    } else {
        None
    };
    let spent =
        hints.limits.iter().filter(|limit| limit.scope == Scope::Account && limit.remaining <= limit.cushion);
    let unstated = u64::from(policy.limit_default_minutes) * 60;
    let limits = spent.map(|limit| limit.reset_seconds.unwrap_or(unstated)).max().unwrap_or(0);
    let floor = hints.floor_seconds.unwrap_or(0).min(u64::from(policy.max_staleness_minutes) * 60);
    refused.max(retry_after).unwrap_or(0).max(limits).min(cap).max(floor)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn r16_a_wait_is_never_shortened_never_past_its_cap_and_nothing_panics(
        row in any_row(),
        outcome in any_outcome(),
        hints in any_hints(),
        second in 0_u64..200,
        range in (proptest::sample::select(Cadence::ALL.to_vec()), proptest::sample::select(Cadence::ALL.to_vec())),
        seed in any::<u64>(),
    ) {
        let spec = spec(range.0.min(range.1).minutes(), range.0.max(range.1).minutes());
        let policy = &spec.default_policy;
        let due = row.next_due(NOON).unwrap();
        let polled_at = due.start().plus(Duration::from_secs(second));
        let finished = Finished { due, polled_at, outcome: &outcome, hints: &hints, price: Price::USUAL };
        let decision = decide(polled_at.plus(Duration::from_secs(2)), &row, &finished, &spec, seed);
        if matches!(decision.step, Step::Park(_)) {
            prop_assert!(decision.notice.is_some() && decision.wake.is_none());
            return Ok(());
        }
        // The next poll leaves at its minute plus the job's place in the spread.
        let spread = u64::from(spec.usual_seconds(&row.job));
        let next = next_dispatch(&decision, &row, polled_at.minute()).start().plus(Duration::from_secs(spread));
        let asked = asked(&outcome, &hints, policy);
        prop_assert!(next >= polled_at.plus(Duration::from_secs(asked)), "asked for {} s, next is {} after {}", asked, next, polled_at);

        let cap = Duration::from_secs(u64::from(MAX_HOLD_MINUTES) * 60 + 60);
        if let Some(hold) = decision.terms.hold {
            prop_assert!(hold.until.start() <= polled_at.plus(cap), "held to {} from {}", hold.until, polled_at);
        }
        for throttle in &decision.throttles {
            prop_assert!(throttle.until <= polled_at.plus(cap));
        }
        match &decision.step {
            Step::Stay => {}
            Step::Update(next) | Step::Move(next) | Step::Park(next) => {
                prop_assert_eq!(next.rev, row.rev.next());
                prop_assert_eq!(next.context_rev == next.rev, outcome.context().is_some());
                prop_assert_eq!(next.applied, Some(due));
            }
        }
    }

    #[test]
    fn the_same_arguments_give_the_same_decision(row in any_row(), outcome in any_outcome(), hints in any_hints()) {
        let spec = spec(1, 1440);
        prop_assert_eq!(decide_on(&row, &outcome, &hints, &spec), decide_on(&row, &outcome, &hints, &spec));
    }
}
