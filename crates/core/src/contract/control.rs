//! The clauses of `ControlStore`.

use std::time::Duration;

use super::{NOW, job_type};
use crate::budget::{Pace, PaceKey, SpendSlot};
use crate::id::ChannelName;
use crate::ports::{ControlStore, Gate, PortError};
use crate::throttle::ThrottleScope;

/// Checks a [`ControlStore`] that holds nothing about the channels `contract` and `other`.
///
/// # Panics
/// At the first clause that it breaks.
pub async fn control_store_contract(store: &impl ControlStore) {
    a_cursor_moves_from_where_it_was_read(store).await;
    a_throttle_is_never_shortened(store).await;
    a_slot_grants_no_more_than_it_has(store).await;
    a_pace_is_kept_for_each_limit(store).await;
}

#[expect(clippy::expect_used, reason = "the suite's own texts are names")]
fn limits() -> [PaceKey; 4] {
    let channel = ChannelName::new("contract").expect("a channel name");
    let host = ThrottleScope::Host(channel.clone(), "a#b%23:1".into());
    let key = |scope, window_seconds| PaceKey { scope, window_seconds };
    [
        key(ThrottleScope::Channel(channel.clone()), 900),
        key(ThrottleScope::Channel(channel), 3600),
        key(ThrottleScope::JobType(job_type("contract/limited")), 900),
        key(host, 900),
    ]
}

async fn a_slot_grants_no_more_than_it_has(store: &impl ControlStore) {
    for (of, number) in limits().into_iter().zip(0_u64..) {
        let index = u64::from(NOW.get());
        let slot = |index| SpendSlot { of: of.clone(), index, ends: NOW.plus(1).start() };
        let reserve = async |index, units| good(store.reserve(&slot(index), units, 10 + number).await);
        assert_eq!(reserve(index, 0).await, 0, "nothing is asked for");
        assert_eq!(reserve(index, 4).await, 4);
        assert_eq!(reserve(index, 6 + number).await, 6 + number, "all that is left");
        assert_eq!(reserve(index, 1).await, 0, "nothing is left");
        assert_eq!(reserve(index + 1, 7).await, 7, "the next slot has units of its own");
        assert_eq!(reserve(index + 1, 7).await, 3 + number, "what is left of what was asked for");
        assert_eq!(reserve(index + 1, u64::MAX).await, 0);
        assert_eq!(reserve(index, 1).await, 0, "a slot of a worker whose clock is behind is as it was");
        assert_eq!(good(store.reserve(&slot(index + 2), 5, 0).await), 0, "a slot without units");
        assert_eq!(good(store.reserve(&slot(index + 3), u64::MAX, 3).await), 3);
    }
}

async fn a_pace_is_kept_for_each_limit(store: &impl ControlStore) {
    let limits = limits();
    assert_eq!(good(store.paces(&limits).await), [Pace::default(); 4]);
    assert_eq!(good(store.paces(&[]).await), [], "one answer a limit");
    let pace = |number: u32| Pace {
        turns_thousandths: 1_000_000_000 - number,
        mean_thousandths: u32::MAX - number,
        price_millionths: 1_500_000,
        position: u64::MAX - u64::from(number),
        at: Some(NOW.plus(number)),
    };
    for (of, number) in limits.iter().zip(0..) {
        good(store.set_pace(of, pace(number + 10)).await);
        good(store.set_pace(of, pace(number)).await);
    }
    assert_eq!(good(store.paces(&limits).await), [0, 1, 2, 3].map(pace));
    let [first, _, third, _] = limits;
    assert_eq!(good(store.paces(&[third, first]).await), [pace(2), pace(0)], "answers are in order");
}

#[expect(clippy::expect_used, reason = "the contract: nothing here is refused")]
fn good<T>(result: Result<T, PortError>) -> T {
    result.expect("the store answers")
}

async fn a_cursor_moves_from_where_it_was_read(store: &impl ControlStore) {
    let (mine, other) = (job_type("contract/cursor"), job_type("contract/cursor2"));
    assert_eq!(good(store.gate(&mine).await), Gate::default(), "nothing stands in the way at first");
    assert!(!good(store.move_cursor(&mine, Some(NOW), NOW.plus(1)).await), "it is not there to be moved");
    assert_eq!(good(store.gate(&mine).await).cursor, None);
    assert!(good(store.move_cursor(&mine, None, NOW).await));
    assert!(!good(store.move_cursor(&mine, None, NOW.plus(9)).await), "the first tick ran twice");
    assert_eq!(good(store.gate(&mine).await).cursor, Some(NOW));
    assert!(good(store.move_cursor(&mine, Some(NOW), NOW.plus(5)).await));
    assert!(!good(store.move_cursor(&mine, Some(NOW), NOW.plus(6)).await), "another tick moved it");
    assert_eq!(good(store.gate(&mine).await).cursor, Some(NOW.plus(5)));
    assert_eq!(good(store.gate(&other).await).cursor, None, "each job type has its own");
}

#[expect(clippy::expect_used, reason = "the suite's own texts are names")]
async fn a_throttle_is_never_shortened(store: &impl ControlStore) {
    let [mine, other] = ["contract", "other"].map(|name| ChannelName::new(name).expect("a channel name"));
    let name = "a#b%23";
    let scopes = [
        ThrottleScope::Channel(mine.clone()),
        ThrottleScope::JobType(job_type("contract/throttled")),
        ThrottleScope::Token(mine.clone(), name.into()),
        ThrottleScope::Host(mine, name.into()),
    ];
    let others = [
        ThrottleScope::Channel(other.clone()),
        ThrottleScope::JobType(job_type("contract/free")),
        ThrottleScope::Token(other, name.into()),
    ];
    let later = |index: u64| NOW.start().plus(Duration::from_millis(90_001 + index * 1000));
    assert_eq!(good(store.throttled_until(&scopes).await), [None; 4]);
    assert_eq!(good(store.throttled_until(&[]).await), [], "one answer a scope");
    for (scope, index) in scopes.iter().zip(0..) {
        for until in [NOW.start(), later(index), NOW.start()] {
            good(store.throttle(scope, until).await);
        }
    }
    assert_eq!(good(store.throttled_until(&scopes).await), [0, 1, 2, 3].map(|index| Some(later(index))));
    let [channel, job_type_scope, ..] = &scopes;
    let mixed = [others[0].clone(), job_type_scope.clone(), channel.clone()];
    let answers = [None, Some(later(1)), Some(later(0))];
    assert_eq!(good(store.throttled_until(&mixed).await), answers, "answers are in order");
    assert_eq!(good(store.throttled_until(&others).await), [None; 3], "each scope has its own");
    let gate = good(store.gate(&job_type("contract/throttled")).await);
    assert_eq!(gate.throttled_until, Some(later(1)), "the later of the channel's and the job type's");
    let gate = good(store.gate(&job_type("contract/free")).await);
    assert_eq!(gate.throttled_until, Some(later(0)), "neither tokens nor hosts stop a dispatch");
    assert_eq!(good(store.gate(&job_type("other/free")).await), Gate::default());
}
