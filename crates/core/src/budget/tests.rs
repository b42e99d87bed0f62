use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::time::EpochMinute;

fn budget(calls: u64, cushion: u64, window_seconds: u64) -> Budget {
    Budget { cushion, ..Budget::new(BudgetScope::Application, calls, window_seconds) }
}

fn slots(calls: u64, window_seconds: u64) -> (u64, u64) {
    let slots = budget(calls, 0, window_seconds).slots().unwrap();
    (slots.seconds, slots.most)
}

/// Arrivals at the server, in milliseconds, of workers that reserve as often as they are let: each try is (when, how far
/// the worker's clock is ahead, how long the way takes).
fn arrivals(budget: &Budget, tries: &[(u64, u64, u64)]) -> Vec<u64> {
    let slots = budget.slots().unwrap();
    let mut used = BTreeMap::<u64, u64>::new();
    let mut arrived: Vec<u64> = tries
        .iter()
        .filter_map(|&(at, ahead, way)| {
            let used = used.entry((at + ahead) / (slots.seconds * 1000)).or_default();
            let is_granted = *used + budget.cost <= slots.most;
            *used += if is_granted { budget.cost } else { 0 };
            is_granted.then_some(at + way)
        })
        .collect();
    arrived.sort_unstable();
    arrived
}

/// The most units in any window, wherever it begins.
fn fullest_window(arrived: &[u64], window_seconds: u64, cost: u64) -> u64 {
    let mut start = 0;
    let mut fullest = 0;
    for (end, at) in arrived.iter().enumerate() {
        while arrived[start] + window_seconds * 1000 <= *at {
            start += 1;
        }
        fullest = fullest.max((end + 1 - start) as u64 * cost);
    }
    fullest
}

proptest! {
    #[test]
    fn r17_no_window_of_any_phase_sees_more_than_the_limit(
        window in prop_oneof![1_u64..120, Just(300), Just(900), 120_u64..4000],
        calls in 4_u64..400,
        cushion in 0_u64..4,
        cost in 1_u64..3,
        seed in any::<u64>(),
    ) {
        let budget = Budget { cost, dearest: cost, ..budget(calls, cushion, window) };
        prop_assume!(budget.slots().is_some());
        let length = budget.slots().unwrap().seconds;
        // As greedy as can be: many tries, at random and crowded round the edges of slots.
        let span = (window * 3 + 300) * 1000;
        let draw = |number: u64, below: u64| crate::hash::mix(seed, number) % below.max(1);
        let mut tries: Vec<(u64, u64, u64)> = (0..6000).map(|number| {
            let at = draw(number * 4, span);
            let edge = at / (length * 1000) * length * 1000;
            let at = if draw(number * 4 + 1, 2) == 0 { edge + draw(number * 4 + 2, 20) } else { at };
            // Two workers, one at the right time and one ahead by all that is allowed, or any in between.
            let ahead = [0, SKEW_SECONDS * 1000, draw(number * 7, SKEW_SECONDS * 1000)][usize::try_from(draw(number * 5, 3)).unwrap()];
            let way = [0, TRANSIT_SECONDS * 1000, draw(number * 11, TRANSIT_SECONDS * 1000)][usize::try_from(draw(number * 13, 3)).unwrap()];
            (at, ahead, way)
        }).collect();
        tries.sort_unstable();
        let fullest = fullest_window(&arrivals(&budget, &tries), window, cost);
        prop_assert!(fullest <= budget.units(), "{fullest} of {} in {window} s", budget.units());
    }

    #[test]
    fn numbers_of_any_size_are_cut_without_a_panic(
        calls in any::<u64>(), cushion in any::<u64>(), window in any::<u64>(), cost in any::<u64>(), now in any::<u64>(),
    ) {
        let budget = Budget { cost, ..budget(calls, cushion, window) };
        if let Some(slots) = budget.slots() {
            prop_assert!(slots.most >= cost.max(1));
            let key = PaceKey { scope: budget.shared_by(&JobTypeId::new("a/b").unwrap()).unwrap(), window_seconds: window };
            let slot = slots.at(&key, Timestamp::from_millis(now));
            prop_assert!(slot.ends.millis() >= now);
            prop_assert!(slots.allowance(Timestamp::from_millis(now).minute()) <= slots.most.saturating_mul(60));
        }
    }

    #[test]
    fn the_minutes_of_a_slot_share_all_its_units_and_no_more(calls in 2_u64..5000, window in 60_u64..90_000, cost in 1_u64..5) {
        let budget = Budget { cost, dearest: cost, ..budget(calls, 0, window) };
        prop_assume!(budget.slots().is_some());
        let slots = budget.slots().unwrap();
        let minutes = u32::try_from(slots.period_minutes()).unwrap();
        let first = EpochMinute::new(minutes * 1000);
        let dispatched: u64 = (0..minutes).map(|minute| slots.allowance(first.plus(minute))).sum();
        let there = if slots.seconds < 60 { slots.most * (60 / slots.seconds) } else { slots.most };
        prop_assert!(dispatched <= there && dispatched + cost > there, "{dispatched} of {there}");
    }
}

#[test]
fn a_minute_is_the_usual_slot_and_shorter_or_longer_ones_where_they_let_more_through() {
    // 300 in 15 minutes: a window meets 17 minutes at most.
    assert_eq!(slots(300, 900), (60, 17));
    assert_eq!(slots(1000, 600), (60, 83));
    assert_eq!(slots(10_000, 3600), (60, 161));
    assert_eq!(slots(300, 300), (30, 23));
    assert_eq!(slots(60, 60), (20, 10));
    // One a minute of a slot would never come together.
    assert_eq!(slots(30, 3600), (300, 2));
    assert_eq!(slots(2, 86_400), (2 * 86_400, 1));
}

#[test]
fn a_limit_that_no_cut_can_keep_lets_nothing_through() {
    assert_eq!(budget(1, 0, 60).slots(), None);
    assert_eq!(budget(10, 10, 60).slots(), None);
    assert_eq!(Budget { cost: 6, ..budget(10, 0, 60) }.slots(), None);
}

#[test]
fn a_faster_wheel_has_longer_windows() {
    let budget = budget(300, 0, 900).scaled(60.0);
    assert_eq!((budget.window_seconds, budget.reach_seconds), (54_000, 2400));
    let per_day = budget.slots().unwrap().units_in(86_400);
    assert!((400..=480).contains(&per_day), "{per_day}: 300 in 15 hours of the wheel");
}

#[test]
fn a_budget_survives_its_json() {
    let mut one = budget(900, 5, 900);
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(
        json,
        r#"{"scope":"application","calls":900,"cushion":5,"window_seconds":900,"cost":1,"dearest":1}"#
    );
    one.scope = BudgetScope::Host(Some("a.example".into()));
    one.counted = Counted::WithoutToken;
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Budget>(&json).unwrap(), one);
}
