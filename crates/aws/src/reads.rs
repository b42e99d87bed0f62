//! Reading many items of a table at once: all of them, or an error. A key that stays unprocessed is not an absent item.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use pollwheel_core::ports::{PortError, Retry};

use crate::failure::failure;
use crate::meter::Meter;

/// Keys of a call. <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub(crate) const BATCH_KEYS: usize = 100;
/// Attempts at the keys that an answer leaves unprocessed.
const ATTEMPTS: u32 = 4;
/// First wait before them; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Whether a read sees every write that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// At half the price it may lag by moments.
    Eventual,
    Strong,
}

/// The items of these keys that there are, in no order. At most [`BATCH_KEYS`] keys, no two the same.
pub(crate) async fn batch_get(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
    consistency: Consistency,
    meter: &Meter,
    what: impl Fn() -> String,
) -> Result<Vec<Item>, PortError> {
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .consistent_read(consistency == Consistency::Strong)
        .build()
        .map_err(|error| PortError::new(what(), Retry::Never, error))?;
    let mut left = Some(keys);
    let mut found = Vec::new();
    for attempt in 0..ATTEMPTS {
        let Some(keys) = left.take() else { break };
        if attempt > 0 {
            tokio::time::sleep(FIRST_BACKOFF * 2_u32.pow(attempt - 1)).await;
        }
        let answer = client
            .batch_get_item()
            .request_items(table, keys)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(what(), error))?;
        for capacity in answer.consumed_capacity() {
            meter.count_read(Some(capacity));
        }
        found.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
        left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(table));
    }
    match left {
        None => Ok(found),
        Some(_) => Err(PortError::new(what(), Retry::Throttled, "some keys stayed unprocessed")),
    }
}
