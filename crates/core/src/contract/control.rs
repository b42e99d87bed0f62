//! The clauses of `ControlStore`.

use std::time::Duration;

use super::{NOW, job_type};
use crate::id::ChannelName;
use crate::ports::{ControlStore, Gate, PortError};

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
    let later = NOW.start().plus(Duration::from_millis(90_001));
    assert_eq!(good(store.throttled_until(&mine).await), None);
    for until in [NOW.start(), later, NOW.start()] {
        good(store.throttle(&mine, until).await);
    }
    assert_eq!(good(store.throttled_until(&mine).await), Some(later));
    assert_eq!(good(store.gate(&job_type("contract/throttled")).await).throttled_until, Some(later));
    assert_eq!(good(store.throttled_until(&other).await), None, "each channel has its own");
    assert_eq!(good(store.gate(&job_type("other/free")).await), Gate::default());
}
