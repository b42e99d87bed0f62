//! Scorecard cases that need no more than a few ticks: one fault each, and what must come of it.

use std::time::Duration;

use pollwheel_core::activity::Price;
use pollwheel_core::batch::Record;
use pollwheel_core::complete::{Completion, CompletionReport, bury, complete};
use pollwheel_core::message::{Completed, CompletedMessage, Message, PollMessage};
use pollwheel_core::outcome::{Hints, Outcome};
use pollwheel_core::ports::{Clock, ControlStore, Outgoing, QueueName, Queues};
use pollwheel_core::row::{JobRow, ParkReason};
use pollwheel_core::tick::{
    CursorMove, Dispatch, DrainReport, JobTypeTick, Skip, TickEnd, drain_messages, tick,
};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_local::clock::WheelClock;
use pollwheel_local::queue::{LocalQueues, QueueId};
use pollwheel_local::store::Store;

use crate::sim::world::Script;
use crate::sim::{START, Sim, job, job_type, spec, under_virtual_time};

fn dispatch(sim: &Sim) -> Dispatch<'_, Store, LocalQueues, WheelClock> {
    Dispatch {
        catalog: &sim.catalog,
        store: &sim.store,
        queues: &*sim.queues,
        clock: &sim.clock,
        deadline: Timestamp::from_millis(u64::MAX),
        fan_out_above: usize::MAX,
    }
}

async fn tick_at(sim: &Sim, minute: EpochMinute) -> JobTypeTick {
    tick(minute, &dispatch(sim)).await.pop().expect("one job type")
}

fn jobs_queue() -> QueueId {
    QueueId::Live(QueueName::Jobs(job_type()))
}

fn sent(sim: &Sim) -> u64 {
    sim.queues.totals(&jobs_queue()).sent
}

/// A deployment whose queues exist, as the engine makes them.
async fn deployment(accounts: u32, fastest: u16, slowest: u16) -> Sim {
    let sim = Sim::start(1, accounts, spec(fastest, slowest)).await;
    sim.create_queues();
    sim
}

async fn row(sim: &Sim, number: u32) -> JobRow {
    sim.store.find_row(&job(number)).await.unwrap().expect("the job is registered")
}

#[test]
fn r01_a_tick_delivered_twice_dispatches_once_and_writes_nothing_the_second_time() {
    under_virtual_time(async {
        let sim = deployment(50, 1, 60).await;
        let minute = START.minute();
        let first = tick_at(&sim, minute).await;
        assert_eq!((first.drained.dispatched, sent(&sim)), (50, 50));
        assert!(matches!(first.end, TickEnd::Dispatched(CursorMove::Moved)));
        let writes = sim.store.stats();
        let second = tick_at(&sim, minute).await;
        assert!(matches!(second.end, TickEnd::Skipped(Skip::Repeated)));
        assert_eq!(
            (sent(&sim), sim.store.stats().row_writes, sim.store.stats().cursor_writes),
            (50, writes.row_writes, writes.cursor_writes)
        );
    });
}

#[test]
fn r02_missing_ticks_are_made_up_for_once_and_counted() {
    under_virtual_time(async {
        for missing in [1, 5, 120] {
            let sim = deployment(60, 3, 60).await;
            let minute = START.minute();
            tick_at(&sim, minute).await;
            let before = sent(&sim);
            let late = tick_at(&sim, minute.plus(missing + 1)).await;
            assert_eq!(late.window_minutes, missing + 1);
            let mut drained = late.drained;
            drained += drain_later(&sim).await;
            let window = (minute.get() + 1..=minute.get() + missing + 1).map(EpochMinute::new);
            let due_minutes: u64 = window.map(|minute| rows_due(&sim, minute)).sum();
            let left = due_minutes_left(&sim, minute, minute.plus(missing + 1));
            assert_eq!((drained.due, drained.unaccounted(), drained.left), (due_minutes, 0, left));
            assert_eq!(sent(&sim) - before, drained.dispatched);
            assert!(
                drained.dispatched <= 60,
                "{} dispatches of 60 jobs after {missing} missing ticks",
                drained.dispatched
            );
            assert_eq!(
                drained.dispatched + drained.caught_up + drained.left,
                due_minutes,
                "every due minute is answered for"
            );
        }
    });
}

/// Drains what a late tick has put off, in its turn.
async fn drain_later(sim: &Sim) -> DrainReport {
    let (queue, mut total) = (QueueId::Live(QueueName::Drains), DrainReport::default());
    while let Some(at) = sim.queues.next_visible(&queue) {
        tokio::time::advance(sim.clock.real_until(at)).await;
        for delivery in sim.queues.receive(&queue, 10) {
            let record = Record { id: delivery.message_id.clone(), body: delivery.body.to_string() };
            let (result, report) = drain_messages(&[record], &dispatch(sim)).await;
            assert!(result.failed.is_empty(), "{:?}", result.failed);
            total += report;
            sim.queues.delete(&queue, delivery.receipt);
        }
    }
    total
}

/// Due minutes after one and up to another of rows that come round again before their turn in a catch-up would come.
fn due_minutes_left(sim: &Sim, after: EpochMinute, to: EpochMinute) -> u64 {
    let rows = sim.store.rows(None, 1000).unwrap().items;
    let cohorts = rows.iter().filter_map(|row| row.place.cohort());
    let left = cohorts.filter(|cohort| {
        let every = u32::from(cohort.cadence.minutes());
        (0..every).any(|back| back > every / 2 && cohort.is_due(to.minus(back)))
    });
    left.map(|cohort| (1..=to.since(after)).filter(|&m| cohort.is_due(after.plus(m))).count() as u64).sum()
}

fn rows_due(sim: &Sim, minute: EpochMinute) -> u64 {
    let rows = sim.store.rows(None, 1000).unwrap().items;
    rows.iter().filter(|row| row.place.cohort().is_some_and(|cohort| cohort.is_due(minute))).count() as u64
}

#[test]
fn r03_a_scheduler_killed_before_its_cursor_moves_sends_again_and_the_second_completion_is_a_no_op() {
    under_virtual_time(async {
        let sim = deployment(10, 1, 60).await;
        let minute = START.minute();
        tick_at(&sim, minute).await;
        // Killed after sending: the cursor stays where it was. Two ticks that read the same cursor do the same.
        let gate = sim.store.gate(&job_type()).await.unwrap();
        assert!(sim.store.move_cursor(&job_type(), gate.cursor, minute.minus(1)).await.unwrap());
        let again = tick_at(&sim, minute).await;
        assert_eq!((again.drained.dispatched, sent(&sim)), (10, 20));
        let totals = sim.run(1).await;
        assert!(totals.polled >= 10 && totals.pending == 0, "{totals:?}");
        assert!(sim.bus.items().values().all(|&count| count <= 2));
    });
}

fn news(since: u64) -> Outcome {
    let members = [("since".to_owned(), since.into())].into_iter().collect();
    Outcome::New { items: 1, more: false, context: pollwheel_core::context::Context::new(&members).unwrap() }
}

async fn apply(sim: &Sim, row: &JobRow, due: EpochMinute, outcome: Outcome) -> CompletionReport {
    let at = due.start().plus(Duration::from_secs(9));
    let poll = Completed { due, at, price: Price::USUAL, row: row.clone(), outcome, hints: Hints::default() };
    let body = CompletedMessage { hop: 2, polls: vec![poll] }.encode();
    let records = [Record { id: "m".to_owned(), body }];
    let completion = Completion { catalog: &sim.catalog, store: &sim.store, bus: &sim.bus, seed: 1 };
    let (result, report) = complete(at.plus(Duration::from_secs(1)), &records, &completion).await;
    assert!(result.failed.is_empty(), "{result:?}");
    report
}

#[test]
fn r07_of_two_completions_of_one_dispatch_one_applies_and_the_other_is_counted() {
    under_virtual_time(async {
        let sim = deployment(1, 5, 5).await;
        let (row, due) = (row(&sim, 0).await, START.minute().plus(5));
        assert_eq!(
            apply(&sim, &row, due, news(7)).await.updated + apply(&sim, &row, due, news(7)).await.repeated,
            2
        );
        let failed = Outcome::ServerError { status: 500, retry_after_seconds: None };
        let (row, due) = (super::scorecard::row(&sim, 0).await, due.plus(5));
        assert_eq!(apply(&sim, &row, due, failed.clone()).await.held, 1);
        assert_eq!(apply(&sim, &row, due, failed).await.repeated, 1);
        assert_eq!(
            super::scorecard::row(&sim, 0).await.failures,
            1,
            "a failure that is told twice counts once"
        );
    });
}

#[test]
fn r08_a_late_completion_never_moves_a_context_back() {
    under_virtual_time(async {
        let sim = deployment(1, 5, 5).await;
        let (old, due) = (row(&sim, 0).await, START.minute().plus(5));
        // Two dispatches from the same context; the later one comes home first.
        assert_eq!(apply(&sim, &old, due.plus(5), news(9)).await.updated, 1);
        let late = apply(&sim, &old, due, news(7)).await;
        assert_eq!((late.stale, late.updated), (1, 0));
        assert_eq!(row(&sim, 0).await.context.members()["since"], 9);
    });
}

#[test]
fn a_completion_that_lost_a_race_against_a_plan_change_still_applies() {
    under_virtual_time(async {
        let sim = deployment(1, 5, 60).await;
        let (old, due) = (row(&sim, 0).await, START.minute().plus(5));
        let mut changed = crate::sim::new_job(0, Some(0));
        changed.level = "other".parse().unwrap();
        pollwheel_core::register::register(START, &[changed], &sim.catalog, &sim.store).await.unwrap();
        let report = apply(&sim, &old, due, news(7)).await;
        assert_eq!((report.updated + report.moved, report.rebased), (1, 1));
        let row = row(&sim, 0).await;
        assert_eq!((row.context.members()["since"].clone(), row.level.as_str()), (7.into(), "other"));
    });
}

#[test]
fn r10_jobs_of_a_purged_queue_come_round_again() {
    under_virtual_time(async {
        let sim = deployment(40, 5, 5).await;
        let minute = START.minute();
        for step in 0..5 {
            tick_at(&sim, minute.plus(step)).await;
        }
        assert_eq!(sim.queues.purge(&jobs_queue()), 40);
        sim.queues.purge(&QueueId::Live(QueueName::Completed));
        sim.pass(5).await;
        sim.run(6).await;
        assert_eq!(
            sim.world.called.borrow().len(),
            40,
            "every job was polled in the five minutes after the purge"
        );
    });
}

#[test]
fn r12_poison_backs_off_and_is_quarantined_while_its_neighbours_are_served() {
    under_virtual_time(async {
        for script in [Script::Panics, Script::Hangs] {
            let sim = Sim::start(1, 8, spec(1, 1)).await;
            sim.world.scripted.borrow_mut().insert(3, script);
            sim.run(900).await;
            let poison = row(&sim, 3).await;
            assert_eq!(
                poison.parked.map(|parked| parked.reason),
                Some(ParkReason::Quarantined),
                "{script:?}: {poison:?}"
            );
            assert_eq!(sim.bus.notices().get("pollwheel.job.quarantined"), Some(&1));
            let called = sim.world.called.borrow();
            for neighbour in (0..8).filter(|&number| number != 3) {
                assert!(
                    called[&neighbour].len() > 800,
                    "{neighbour} was polled {} times",
                    called[&neighbour].len()
                );
            }
            // Five deliveries of each dispatch until the first dead letter puts the job on hold, then five a backoff.
            assert!(called[&3].len() < 150, "the poison was tried {} times", called[&3].len());
        }
    });
}

#[test]
fn r12_what_cannot_be_read_is_kept_in_the_dead_letter_queue_and_fails_no_neighbour() {
    under_virtual_time(async {
        let sim = deployment(5, 1, 1).await;
        let jobs = QueueName::Jobs(job_type());
        let newer = PollMessage {
            due: START.minute(),
            missed: 0,
            spread: 0,
            hop: 1,
            price: Price::USUAL,
            row: row(&sim, 0).await,
        }
        .encode();
        let newer = newer.replacen("\"v\":1", "\"v\":2", 1);
        let odd = ["not json".to_owned(), newer, "{}".to_owned(), format!("\"{}\"", "x".repeat(200_000))];
        let messages = odd.into_iter().map(|body| Outgoing { body, delay_seconds: 0 }).collect();
        assert!(sim.queues.send(&jobs, messages).await.iter().all(Result::is_ok));
        let totals = sim.run(60).await;
        assert!(totals.polled >= 290, "{totals:?}");
        let kept = sim.queues.depth(&QueueId::DeadLetters(jobs));
        assert_eq!(kept.visible + kept.in_flight, 4, "{kept:?}");
    });
}

#[test]
fn a_dead_letter_that_comes_back_after_the_job_recovered_is_stale() {
    under_virtual_time(async {
        let sim = deployment(1, 5, 60).await;
        let (old, due) = (row(&sim, 0).await, START.minute().plus(5));
        apply(&sim, &old, due.plus(5), news(9)).await;
        let body = PollMessage { due, missed: 0, spread: 0, hop: 1, price: Price::USUAL, row: old }.encode();
        let completion = Completion { catalog: &sim.catalog, store: &sim.store, bus: &sim.bus, seed: 1 };
        let records = [Record { id: "m".to_owned(), body }];
        let (result, report) = bury(due.plus(20).start(), &records, &completion).await;
        assert_eq!((result.failed.len(), report.stale, row(&sim, 0).await.crashes), (0, 1, 0));
    });
}

#[test]
fn r13_when_time_is_up_finished_records_are_confirmed_and_the_others_come_back() {
    under_virtual_time(async {
        let mut spec = spec(1, 1);
        spec.spread_seconds = 0;
        let mut sim = Sim::start(1, 12, spec).await;
        // One poll at a time: a batch of twelve cannot end in time.
        sim.config.limits.concurrency = 1;
        sim.config.batches_in_flight = 1;
        sim.config.function_timeout = Duration::from_secs(5);
        let totals = sim.run(10).await;
        assert!(totals.messages_failed > 0, "nothing was returned: {totals:?}");
        assert_eq!(totals.invocations_failed, 0, "a batch ran into its time-out");
        assert_eq!(sim.world.called.borrow().len(), 12);
        assert_eq!(totals.outcome("crashed"), 0);
    });
}

#[test]
fn r19_long_chains_end_within_eight_hops_and_dead_letters_never_send_to_a_job_queue() {
    under_virtual_time(async {
        let mut sim = Sim::start(1, 90, spec(1, 1)).await;
        sim.config.fan_out_above = 0;
        {
            let mut scripted = sim.world.scripted.borrow_mut();
            scripted.extend((0..40).map(|number| (number, Script::Panics)));
            scripted.extend((40..80).map(|number| (number, Script::LimitedForMinutes(3))));
        }
        let totals = sim.run(240).await;
        assert!(totals.outcome("crashed") >= 40 && totals.outcome("rate_limited") >= 40, "{totals:?}");
        let hops = *sim.hops.borrow();
        assert!((3..=8).contains(&hops), "{hops} hops");
    });
}

#[test]
fn a_rate_limit_is_kept_whatever_the_cadence() {
    under_virtual_time(async {
        let sim = Sim::start(1, 5, spec(1, 1)).await;
        sim.world.scripted.borrow_mut().insert(2, Script::LimitedForMinutes(10));
        sim.run(120).await;
        let called = sim.world.called.borrow()[&2].clone();
        assert!(called.len() >= 6, "{called:?}");
        let gaps: Vec<u32> = called.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.iter().all(|&gap| gap >= 10), "minutes between two calls: {gaps:?}");
    });
}

#[test]
fn refused_credentials_park_the_job_and_say_so_once() {
    under_virtual_time(async {
        let sim = Sim::start(1, 3, spec(1, 1)).await;
        sim.world.scripted.borrow_mut().insert(1, Script::Unauthorized);
        let totals = sim.run(10).await;
        assert_eq!((totals.parked, sim.world.called.borrow()[&1].len()), (1, 1));
        assert_eq!(sim.bus.notices().get("pollwheel.account.needs_reauthorization"), Some(&1));
        assert!(sim.clock.now() > START);
    });
}
