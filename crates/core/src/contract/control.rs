//! The clauses of `ControlStore`.

use std::time::Duration;

use super::{NOW, job_type};
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
