//! Every due minute of every job is accounted for, whatever stands in the way: dispatched, made up for, skipped for a
//! reason, or still late. The minutes that were due are counted from the rows alone, not by what is tested.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::FutureExt;
use pollwheel_core::batch::Record;
use pollwheel_core::budget::{Budget, BudgetScope};
use pollwheel_core::cadence::{Cadence, CadenceRange};
use pollwheel_core::context::Context;
use pollwheel_core::hash::mix;
use pollwheel_core::id::{AccountId, ChannelName, JobId, JobTypeId, ServiceLevel};
use pollwheel_core::message::{DrainMessage, Message, Part};
use pollwheel_core::policy::{Catalog, JobTypeSpec, Policy};
use pollwheel_core::ports::{
    Change, Clock, ControlStore, JobStore, Outgoing, PauseScope, PortError, QueueName, Queues, Retry,
};
use pollwheel_core::register::{NewJob, register};
use pollwheel_core::row::{Hold, HoldCause, JobRow, Place, Subject};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::tick::{Dispatch, DrainReport, JobTypeTick, Skip, TickEnd, drain_messages, tick};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;
use pollwheel_local::memory::MemoryStore;
use proptest::prelude::*;

const START: EpochMinute = EpochMinute::new(29_000_000);
/// Minutes in which something may stand in the way, and minutes after them.
const TROUBLE: u32 = 200;
const QUIET: u32 = 130;
const NAMES: [&str; 3] = ["toy/posts", "toy/likes", "pool/items"];
const CADENCES: [u16; 4] = [5, 15, 60, 120];

/// The time, as it is set; queues that hold what is sent.
struct World {
    now: Cell<Timestamp>,
    drains: RefCell<Vec<(Timestamp, String)>>,
    sent: RefCell<BTreeMap<JobTypeId, u64>>,
    backlogged: RefCell<Vec<JobTypeId>>,
    /// Job types whose queues refuse every third entry.
    refusing: RefCell<Vec<JobTypeId>>,
    offered: Cell<u64>,
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

impl Queues for World {
    async fn send(&self, queue: &QueueName, messages: Vec<Outgoing>) -> Vec<Result<(), PortError>> {
        let mut answers: Vec<Result<(), PortError>> = messages.iter().map(|_| Ok(())).collect();
        match queue {
            QueueName::Jobs(id) => {
                for answer in answers.iter_mut().filter(|_| self.refusing.borrow().contains(id)) {
                    self.offered.set(self.offered.get() + 1);
                    if mix(7, self.offered.get()).is_multiple_of(3) {
                        *answer = Err(PortError::new("sending", Retry::Transient, "refused"));
                    }
                }
                let taken = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
                *self.sent.borrow_mut().entry(id.clone()).or_default() += taken
            }
            QueueName::Drains => self.drains.borrow_mut().extend(messages.into_iter().map(|message| {
                let delay = std::time::Duration::from_secs(message.delay_seconds.into());
                (self.now.get().plus(delay), message.body)
            })),
            QueueName::Completed => panic!("a tick completes nothing"),
        }
        answers
    }

    async fn backlog(&self, queue: &QueueName) -> Result<u64, PortError> {
        let QueueName::Jobs(id) = queue else { panic!("nobody asks for another queue") };
        Ok(if self.backlogged.borrow().contains(id) { u64::MAX } else { 0 })
    }
}

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

fn id(name: &str) -> JobTypeId {
    JobTypeId::new(name).unwrap()
}

fn catalog(calls_in_15_minutes: u64) -> Catalog {
    Catalog::new(NAMES.map(|name| {
        let range = |minutes| CadenceRange::new(cadence(minutes), cadence(minutes)).unwrap();
        let mut spec = JobTypeSpec::new(id(name), range(15));
        for minutes in CADENCES {
            spec.levels.insert(level(minutes), Policy::new(range(minutes)));
        }
        if name == "pool/items" {
            spec.budgets = vec![Budget::new(BudgetScope::Application, calls_in_15_minutes, 900)];
        }
        spec
    }))
}

fn cadence(minutes: u16) -> Cadence {
    Cadence::new(minutes).unwrap()
}

fn level(minutes: u16) -> ServiceLevel {
    ServiceLevel::new(format!("every-{minutes}")).unwrap()
}

fn jobs(of_each: u32) -> Vec<NewJob> {
    let all = NAMES.into_iter().flat_map(|name| (0..of_each).map(move |number| (name, number)));
    all.map(|(name, number)| NewJob {
        job: JobId {
            job_type: id(name),
            account: AccountId::new(format!("a{number}")).unwrap(),
            target: None,
        },
        subject: Subject { external_id: number.to_string(), base_url: None },
        level: level(CADENCES[number as usize % CADENCES.len()]),
        context: Context::empty(),
        range: None,
    })
    .collect()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// A deployment of which only the scheduler runs, so that rows stay where they are.
struct Wheel {
    catalog: Catalog,
    store: MemoryStore,
    world: World,
    fan_out_above: usize,
    rows: Vec<JobRow>,
    accounts: BTreeMap<JobTypeId, DrainReport>,
}

impl Wheel {
    fn new(of_each: u32, held: &[(usize, u32)], calls: u64, fan_out_above: usize) -> Self {
        let (catalog, store) = (catalog(calls), MemoryStore::default());
        now(register(START.minus(1).start(), &jobs(of_each), &catalog, &store)).unwrap();
        let mut rows = Vec::new();
        store.each_row(|row| rows.push(row.clone()));
        for (index, minutes) in held {
            let old = &rows[index % rows.len()];
            let mut row = old.clone();
            row.hold = Some(Hold { until: START.plus(*minutes), cause: HoldCause::Backoff });
            row.rev = old.rev.next();
            let change = Change::Update { row: Box::new(row), expected: old.rev };
            // The same one twice is refused the second time.
            let _done = now(store.apply(vec![change]));
        }
        let world = World {
            now: Cell::new(START.start()),
            drains: RefCell::default(),
            sent: RefCell::default(),
            backlogged: RefCell::default(),
            refusing: RefCell::default(),
            offered: Cell::new(0),
        };
        Self { catalog, store, world, fan_out_above, rows, accounts: BTreeMap::new() }
    }

    fn dispatch(&self) -> Dispatch<'_, MemoryStore, World, World> {
        Dispatch {
            catalog: &self.catalog,
            store: &self.store,
            queues: &self.world,
            clock: &self.world,
            deadline: Timestamp::from_millis(u64::MAX),
            fan_out_above: self.fan_out_above,
        }
    }

    fn drain(&mut self) {
        loop {
            let at = self.world.now.get();
            let due = self.world.drains.borrow().iter().position(|(visible, _)| *visible <= at);
            let Some(due) = due else { return };
            let (_, body) = self.world.drains.borrow_mut().remove(due);
            let of = DrainMessage::decode(&body).unwrap().job_type;
            let record = Record { id: "1".to_owned(), body };
            let (result, report) = now(drain_messages(&[record], &self.dispatch()));
            assert!(result.failed.is_empty(), "{:?}", result.failed);
            *self.accounts.entry(of).or_default() += report;
        }
    }

    fn tick(&mut self, minute: EpochMinute) -> Vec<JobTypeTick> {
        let reports = now(tick(minute, &self.dispatch()));
        for report in &reports {
            *self.accounts.entry(report.job_type.clone()).or_default() += report.drained;
        }
        reports
    }

    fn cursor(&self, of: &JobTypeId) -> EpochMinute {
        now(self.store.gate(of)).unwrap().cursor.unwrap_or(START.minus(1))
    }

    /// Due minutes of a job type's rows in (after, to]: counted one by one.
    fn due(&self, of: &JobTypeId, after: EpochMinute, to: EpochMinute) -> u64 {
        let cohorts =
            self.rows.iter().filter(|row| row.job.job_type == *of).filter_map(|row| row.place.cohort());
        let minutes = |cohort: Cohort| {
            (after.get() + 1..=to.get()).filter(|&minute| cohort.is_due(EpochMinute::new(minute))).count()
        };
        cohorts.map(|cohort| minutes(cohort) as u64).sum()
    }

    /// Due minutes in partitions that wait for their turn in a catch-up.
    fn waiting(&self, of: &JobTypeId) -> u64 {
        let drains = self.world.drains.borrow();
        let messages = drains.iter().map(|(_, body)| DrainMessage::decode(body).unwrap());
        let cohorts = messages.filter(|message| message.job_type == *of).filter_map(|message| match message
            .part
        {
            Part::Cohort { cohort, missed, .. } | Part::Left { cohort, missed, .. } => Some((cohort, missed)),
            Part::Wakes { .. } => None,
        });
        let rows = |cohort| {
            self.rows
                .iter()
                .filter(|row| row.job.job_type == *of && row.place == Place::Cohort(cohort))
                .count() as u64
        };
        cohorts.map(|(cohort, missed)| rows(cohort) * u64::from(missed + 1)).sum()
    }

    /// due = dispatched + caught up + skipped + still late, for each job type.
    fn check(&self, minute: EpochMinute) {
        for name in NAMES {
            let (of, cursor) = (id(name), self.cursor(&id(name)));
            let report = self.accounts.get(&of).copied().unwrap_or_default();
            assert_eq!(report.unaccounted(), 0, "{name} at {minute}: {report:?}");
            let late = self.waiting(&of) + self.due(&of, cursor, minute);
            let answered = report.dispatched + report.caught_up + report.skipped() - report.woken;
            assert_eq!(
                self.due(&of, START.minus(1), minute),
                answered + late,
                "{name} at {minute}: {report:?}"
            );
            let sent = self.world.sent.borrow().get(&of).copied().unwrap_or_default();
            assert_eq!(sent, report.dispatched, "{name} at {minute}");
        }
    }
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
