use proptest::prelude::*;

use super::*;

fn range(fastest: u16, slowest: u16) -> CadenceRange {
    CadenceRange::new(Cadence::new(fastest).unwrap(), Cadence::new(slowest).unwrap()).unwrap()
}

fn any_activity() -> impl Strategy<Value = Activity> {
    (any::<u32>(), any::<u32>())
        .prop_map(|(items_thousandths, exposure_seconds)| Activity { items_thousandths, exposure_seconds })
}

fn any_middle() -> impl Strategy<Value = Middle> {
    let cadence = || proptest::sample::select(Cadence::ALL.to_vec());
    (cadence(), cadence())
        .prop_map(|(one, other)| Middle::of(range(one.min(other).minutes(), one.max(other).minutes())))
}

#[test]
fn what_is_old_counts_half_after_each_half_life() {
    assert_eq!(
        [0, 1, 2, 31, 32].map(|times| fading(times * HALF_LIFE_MINUTES)),
        [ONE, ONE / 2, ONE / 4, 2, 1]
    );
    assert_eq!([33 * HALF_LIFE_MINUTES, u32::MAX].map(fading), [0, 0]);
    let activity = Activity::default().after(1, 8).after(2 * HALF_LIFE_MINUTES, 0);
    assert_eq!(activity.items_thousandths, 2000);
}

#[test]
fn a_source_that_nothing_is_known_of_gets_the_middle_of_its_range() {
    for (fastest, slowest, seconds) in [(5, 60, 1039), (15, 1440, 8818), (15, 15, 900), (1, 1440, 2276)] {
        let middle = Middle::of(range(fastest, slowest));
        let asked = Activity::default().rate(0, middle).asks_for(Price::USUAL, middle);
        assert!(asked.seconds().abs_diff(seconds) <= 1, "{fastest} to {slowest}: {} s", asked.seconds());
    }
}

#[test]
fn a_steady_source_is_known_within_a_fifth_after_some_weeks() {
    let middle = Middle::of(range(15, 1440));
    for minutes in [1, 7, 60, 240, 1440] {
        let known = (0..90 * 1440 / minutes).fold(Activity::default(), |known, _| known.after(minutes, 1));
        let rate = known.rate(0, middle).a_day_thousandths();
        let truth = 1_440_000 / minutes;
        // The prior draws it towards the middle rate, and right after an item it is a little higher.
        assert!(rate.abs_diff(truth) * 100 <= truth * 18, "every {minutes} min: {rate} and not {truth}");
    }
}

#[test]
fn four_times_the_price_or_a_quarter_of_the_rate_is_twice_the_cadence() {
    let middle = Middle::of(range(15, 1440));
    let rate = |items| Rate { items_thousandths: items, seconds: 86_400 };
    let asked = |items, price| rate(items).asks_for(Price::of_thousandths(price), middle).seconds();
    assert_eq!(asked(4000, 4000), 2 * asked(4000, 1000));
    assert_eq!(asked(1000, 1000), 2 * asked(4000, 1000));
}

#[test]
fn a_cadence_is_kept_until_another_is_clearly_nearer() {
    let asked = |minutes: u64| Asked { square: u128::from(minutes * 60).pow(2) };
    let from = |minutes, current| asked(minutes).from(Cadence::new(current).unwrap()).minutes();
    // Between 60 and 120 minutes the boundary is at 85.
    assert_eq!([84, 86].map(|minutes| asked(minutes).nearest().minutes()), [60, 120]);
    assert_eq!([71, 101, 102].map(|minutes| from(minutes, 60)), [60, 60, 120]);
    assert_eq!([101, 71, 70].map(|minutes| from(minutes, 120)), [120, 120, 60]);
    assert_eq!([from(1440, 5), from(1, 1440)], [1440, 1], "at once");
    assert_eq!([from(9999, 1440), from(0, 1)], [1440, 1], "no further than there are cadences");
}

proptest! {
    #[test]
    fn fading_over_two_times_is_fading_over_both(one in 0_u32..200_000, other in 0_u32..200_000) {
        let both = (u128::from(fading(one)) * u128::from(fading(other))) >> 32;
        prop_assert!(both.abs_diff(u128::from(fading(one + other))) <= 32);
    }

    #[test]
    fn silence_lowers_the_rate_and_items_raise_it(
        known in any_activity(), middle in any_middle(), quiet in 0_u32..10_000_000, more in 1_u32..1_000_000,
    ) {
        let rate = |known: Activity, quiet| known.rate(quiet, middle).a_day_thousandths();
        let known = Activity { exposure_seconds: known.exposure_seconds.min(354_557), ..known };
        prop_assert!(rate(known, quiet + more) <= rate(known, quiet));
        prop_assert!(rate(known.after(quiet, more), 0) >= rate(known.after(quiet, 0), 0));
    }

    #[test]
    fn whatever_is_kept_asks_for_something_and_nothing_overflows(
        known in any_activity(), middle in any_middle(), quiet in any::<u32>(), items in any::<u32>(), price in any::<u32>(),
    ) {
        for known in [known, known.after(quiet, items)] {
            let rate = known.rate(quiet, middle);
            let asked = rate.asks_for(Price::of_thousandths(price), middle);
            let _ = (rate.a_day_thousandths(), rate.in_turn_thousandths(Cadence::SLOWEST), asked.seconds());
            for current in Cadence::ALL {
                let at = asked.from(current);
                prop_assert_eq!(asked.from(at), at, "one move is enough");
                let near = asked.nearest();
                prop_assert!(at == near || at == near.slower() || at == near.faster());
            }
        }
    }
}
