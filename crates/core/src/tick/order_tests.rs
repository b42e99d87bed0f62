use proptest::prelude::*;

use super::limits::Limits;
use super::order::{Candidate, in_order, turns, turns_needed};
use crate::budget::{Budget, BudgetScope, Pace};
use crate::cadence::{Cadence, CadenceRange};
use crate::id::{AccountId, JobId, JobTypeId, ServiceLevel, Target};
use crate::policy::{JobTypeSpec, Policy};
use crate::row::{JobRow, Place, Revision, Subject};
use crate::time::EpochMinute;
use crate::wheel::Cohort;

const MILLION: u64 = 1_000_000;
const NOW: EpochMinute = EpochMinute::new(29_000_000);

fn spec() -> JobTypeSpec {
    let range = |minutes| {
        let cadence = Cadence::new(minutes).unwrap();
        CadenceRange::new(cadence, cadence).unwrap()
    };
    let mut spec = JobTypeSpec::new(JobTypeId::new("pool/items").unwrap(), range(15));
    for (level, cadence) in [("enterprise", 5), ("free", 60)] {
        spec.levels.insert(ServiceLevel::new(level).unwrap(), Policy::new(range(cadence)));
    }
    spec.budgets = vec![Budget::new(BudgetScope::Application, 300, 900)];
    spec
}

fn candidate(account: &str, target: u32, level: &str, is_woken: bool) -> Candidate {
    let job = JobId {
        job_type: JobTypeId::new("pool/items").unwrap(),
        account: AccountId::new(account).unwrap(),
        target: Some(Target::new(target.to_string()).unwrap()),
    };
    let place = Place::Cohort(Cohort { cadence: Cadence::new(15).unwrap(), phase: 0, shard: 0 });
    let subject = Subject { external_id: "1".to_owned(), base_url: None };
    let level = ServiceLevel::new(level).unwrap();
    let row = JobRow::new(job, place, subject, level, Revision(1), NOW);
    Candidate { member: 0, row, due: NOW, missed: 0, is_woken, wait: Some(0), costs: vec![(0, 1)] }
}

fn names(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.row.job.account.as_str()).collect()
}

#[test]
fn what_was_put_off_goes_first_then_levels_then_every_accounts_first_job() {
    let spec = spec();
    let mut all: Vec<Candidate> =
        (0..3).map(|target| candidate("heavy", target, "enterprise", false)).collect();
    all.push(candidate("light", 0, "enterprise", false));
    all.push(candidate("free", 0, "free", false));
    all.push(candidate("waited", 0, "free", true));
    let sorted = in_order(all, &[&spec], NOW);
    let order = names(&sorted);
    assert_eq!(order[0], "waited");
    assert!(order[1..3].contains(&"light") && order[1..3].contains(&"heavy"), "{order:?}");
    assert_eq!(order[3..], ["heavy", "heavy", "free"]);
}

#[test]
fn within_a_level_what_has_been_due_for_longest_goes_first() {
    let spec = spec();
    let mut all = vec![candidate("fresh", 0, "free", false), candidate("top", 0, "enterprise", false)];
    for (account, minutes) in [("stale", 40), ("staler", 50)] {
        all.push(Candidate { due: NOW.minus(minutes), ..candidate(account, 0, "free", false) });
    }
    let sorted = in_order(all, &[&spec], NOW);
    assert_eq!(names(&sorted), ["top", "staler", "stale", "fresh"]);
}

#[test]
fn a_wake_up_and_the_jobs_own_turn_are_one_dispatch_whichever_is_read_first() {
    let turn = Candidate { due: NOW.minus(3), missed: 2, wait: None, ..candidate("a", 0, "free", false) };
    let wake = Candidate { due: NOW, wait: Some(0), ..candidate("a", 0, "free", true) };
    for (mut first, second) in [(turn.clone(), wake.clone()), (wake, turn)] {
        first.join(second);
        let joined = (first.due, first.missed, first.is_woken, first.wait, first.due_minutes());
        assert_eq!(joined, (NOW.minus(3), 2, true, Some(0), 3));
    }
}

#[test]
fn jobs_that_were_put_off_take_turns_by_account_whatever_their_level() {
    let spec = spec();
    let mut all: Vec<Candidate> =
        (0..50).map(|target| candidate("heavy", target, "enterprise", true)).collect();
    all.extend((0..10).map(|number| candidate(&format!("a{number}"), 0, "free", true)));
    let sorted = in_order(all, &[&spec], NOW);
    let first = names(&sorted)[..11].iter().filter(|name| **name == "heavy").count();
    assert_eq!(first, 1, "one of the heavy account's among the first of each");
}

#[test]
fn the_order_of_equals_is_another_one_in_every_minute() {
    let spec = spec();
    let all = || (0..20).map(|number| candidate(&format!("a{number}"), 0, "free", true)).collect();
    let (one, other) = (in_order(all(), &[&spec], NOW), in_order(all(), &[&spec], NOW.plus(1)));
    assert_ne!(names(&one), names(&other));
    assert_eq!(names(&one), names(&in_order(all(), &[&spec], NOW)), "and the same when the tick is repeated");
}

#[test]
fn an_account_with_many_jobs_is_stretched_before_the_others() {
    let mut all: Vec<Candidate> = (0..90).map(|target| candidate("heavy", target, "free", false)).collect();
    all.extend((0..10).map(|number| candidate(&format!("a{number}"), 0, "free", false)));
    // 10 light ones take 10 of 20: the heavy one's 90 share 10.
    assert_eq!(turns_needed(0, 20 * MILLION, &all), 100);
    let mut limits = Limits::default();
    let costs = limits.costs(&spec(), &all[0].row, NOW);
    assert_eq!(costs, [(0, 1)]);
    limits.all[0].pace = Pace::default().after(NOW, 100);
    let (go, put_off) = turns(all, &limits);
    let light = names(&go).iter().filter(|name| **name != "heavy").count();
    assert_eq!(light, 10);
    assert!((1..=25).contains(&(go.len() - light)), "{} of 90 with room for 10", go.len() - light);
    assert_eq!(go.len() + put_off.len(), 100);
}

#[test]
fn a_limit_of_less_than_one_call_a_minute_gives_everybody_a_turn() {
    let all: Vec<Candidate> =
        (0..3).map(|number| candidate(&format!("a{number}"), 0, "free", false)).collect();
    assert_eq!(turns_needed(0, MILLION * 9 / 10, &all), 3333);
    assert_eq!(turns_needed(0, MILLION / 30, &all), 90_000);
    assert_eq!(turns_needed(0, MILLION / 30, &[]), 0);
}

proptest! {
    #[test]
    fn the_turns_needed_let_through_what_is_planned(
        wishes in proptest::collection::vec(1_u64..40, 1..60), planned in 1_u64..200,
    ) {
        let all: Vec<Candidate> = wishes.iter().enumerate().flat_map(|(number, jobs)| {
            (0..*jobs).map(move |target| {
                candidate(&format!("a{number}"), u32::try_from(target).unwrap(), "free", false)
            })
        }).collect();
        let needed = turns_needed(0, planned * MILLION, &all);
        let total: u64 = wishes.iter().sum();
        let most = *wishes.iter().max().unwrap();
        if total <= planned {
            prop_assert!(u64::from(needed) * most <= 1000, "nobody is put off: {needed}");
        } else {
            // Units that each account may have.
            let share = 1000.0 / f64::from(needed);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let served: f64 = wishes.iter().map(|wish| (*wish as f64).min(share)).sum();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let planned = planned as f64;
            prop_assert!(served >= planned * 0.99 - 1.0 && served <= planned * 1.35 + 1.0, "{served} of {planned}");
        }
    }
}
