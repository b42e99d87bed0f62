//! The writes: one conditional put for an update or a wake-up, one transaction for what touches a row and its registration.
//!
//! A write whose answer is lost may have happened. The SDK's own retry of it then meets its own revision, which is a
//! conflict with the row that was to be written: callers compare, and see that it is theirs. Transactions carry a token
//! by which DynamoDB knows the retry.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use pollwheel_core::id::JobId;
use pollwheel_core::ports::{Applied, Change, JobStore, PortError, Retry};
use pollwheel_core::row::{JobRow, Place, Registration, Revision};

use super::item::{self, Item, PK, number};
use super::jobs::{JobTables, unreadable};
use crate::failure::{failure, of_code};

const ABSENT: &str = "attribute_not_exists(pk)";
const AS_EXPECTED: &str = "rev = :expected";

pub(super) async fn apply(tables: &JobTables, change: Change) -> Result<Applied, PortError> {
    match change {
        Change::Update { row, expected } => update(tables, &row, expected).await,
        Change::Wake(wake) => {
            put(tables, item::of_wake(&wake), None).await?;
            Ok(Applied::Done)
        }
        Change::Insert(row) => insert(tables, &row).await,
        Change::Move { row, from, expected } => relocate(tables, &row, from, expected).await,
        Change::Remove { job, place, expected } => remove(tables, &job, place, expected).await,
    }
}

async fn update(tables: &JobTables, row: &JobRow, expected: Revision) -> Result<Applied, PortError> {
    match put(tables, item::of_row(row), Some(expected)).await? {
        Write::Done => Ok(Applied::Done),
        Write::Refused(old) => conflict(tables, old),
    }
}

enum Write {
    Done,
    /// The condition did not hold; the item that stands there.
    Refused(Option<Item>),
}

async fn put(tables: &JobTables, item: Item, expected: Option<Revision>) -> Result<Write, PortError> {
    let what = || format!("writing to table `{}`", tables.jobs);
    let mut put = tables
        .client
        .put_item()
        .table_name(&tables.jobs)
        .set_item(Some(item))
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    if let Some(expected) = expected {
        put = put
            .condition_expression(AS_EXPECTED)
            .expression_attribute_values(":expected", number(expected.0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    }
    match put.send().await {
        Ok(answer) => {
            tables.meter.count_write(answer.consumed_capacity());
            Ok(Write::Done)
        }
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Write::Refused(refused.item.clone()))
            }
            Some(_) | None => Err(failure(what(), error)),
        },
    }
}

/// Registration first: it is the one place that says whether a job is registered.
async fn insert(tables: &JobTables, row: &JobRow) -> Result<Applied, PortError> {
    let registration = Registration::from(row);
    let register = put_of(&tables.registrations, item::of_registration(&registration))
        .condition_expression(ABSENT)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let place = put_of(&tables.jobs, item::of_row(row));
    let actions = vec![put_action(register)?, put_action(place)?];
    match transact(tables, actions, &row.job).await? {
        Write::Done => Ok(Applied::Done),
        Write::Refused(Some(old)) => {
            let registered =
                item::to_registration(old).map_err(|error| unreadable(&tables.registrations, error))?;
            let there = tables.read_row(&row.job, registered.place).await?;
            Ok(Applied::Conflict(there.map(Box::new)))
        }
        Write::Refused(None) => Ok(Applied::Conflict(None)),
    }
}

async fn relocate(
    tables: &JobTables,
    row: &JobRow,
    from: Place,
    expected: Revision,
) -> Result<Applied, PortError> {
    let actions = vec![
        delete_action(tables, &row.job, from, expected)?,
        put_action(put_of(&tables.jobs, item::of_row(row)))?,
        put_action(put_of(&tables.registrations, item::of_registration(&Registration::from(row))))?,
    ];
    match transact(tables, actions, &row.job).await? {
        Write::Done => Ok(Applied::Done),
        Write::Refused(old) => conflict(tables, old),
    }
}

async fn remove(
    tables: &JobTables,
    job: &JobId,
    place: Place,
    expected: Revision,
) -> Result<Applied, PortError> {
    let unregister = Delete::builder()
        .table_name(&tables.registrations)
        .set_key(Some(item::registration_keys(job)))
        .build()
        .map_err(incomplete)?;
    let actions = vec![
        delete_action(tables, job, place, expected)?,
        TransactWriteItem::builder().delete(unregister).build(),
    ];
    match transact(tables, actions, job).await? {
        Write::Done => Ok(Applied::Done),
        Write::Refused(old) => conflict(tables, old),
    }
}

fn conflict(tables: &JobTables, old: Option<Item>) -> Result<Applied, PortError> {
    // An empty item is how a missing one is told in a transaction's reasons.
    let old = old.filter(|item| item.contains_key(PK));
    Ok(Applied::Conflict(old.map(|item| tables.row(item)).transpose()?.map(Box::new)))
}

fn put_of(table: &str, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
    Put::builder().table_name(table).set_item(Some(item))
}

fn put_action(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, PortError> {
    Ok(TransactWriteItem::builder().put(put.build().map_err(incomplete)?).build())
}

fn delete_action(
    tables: &JobTables,
    job: &JobId,
    place: Place,
    expected: Revision,
) -> Result<TransactWriteItem, PortError> {
    let delete = Delete::builder()
        .table_name(&tables.jobs)
        .set_key(Some(item::row_keys(job, place)))
        .condition_expression(AS_EXPECTED)
        .expression_attribute_values(":expected", number(expected.0))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(incomplete)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

fn incomplete(error: aws_sdk_dynamodb::error::BuildError) -> PortError {
    PortError::new("building a transaction", Retry::Never, error)
}

/// Runs a transaction of which the first action has the condition.
async fn transact(
    tables: &JobTables,
    actions: Vec<TransactWriteItem>,
    job: &JobId,
) -> Result<Write, PortError> {
    let what = || format!("writing `{job}` to tables `{}` and `{}`", tables.jobs, tables.registrations);
    let sent = tables
        .client
        .transact_write_items()
        .set_transact_items(Some(actions))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    match sent {
        Ok(answer) => {
            for capacity in answer.consumed_capacity() {
                tables.meter.count_write(Some(capacity));
            }
            Ok(Write::Done)
        }
        Err(error) => match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                judge(cancelled.cancellation_reasons(), what)
            }
            Some(_) | None => Err(failure(what(), error)),
        },
    }
}

/// Why a transaction was cancelled: its condition, or something that passes.
fn judge(reasons: &[CancellationReason], what: impl Fn() -> String) -> Result<Write, PortError> {
    let mut worst = None;
    for reason in reasons {
        let code = reason.code.as_deref().unwrap_or_default();
        match code {
            "None" | "" => {}
            "ConditionalCheckFailed" => return Ok(Write::Refused(reason.item.clone())),
            _ => {
                let message = reason.message.as_deref().unwrap_or("no message");
                worst = Some((cancelled(code), format!("{code}: {message}")));
            }
        }
    }
    let (retry, reason) = worst.unwrap_or((Retry::Transient, "it was cancelled without a reason".to_owned()));
    Err(PortError::new(what(), retry, reason))
}

/// The codes of cancellation reasons that are not those of calls.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
fn cancelled(code: &str) -> Retry {
    match code {
        "TransactionConflict" => Retry::Transient,
        "ThrottlingError" | "ProvisionedThroughputExceeded" => Retry::Throttled,
        _ => of_code(code, 400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::REV;
    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    #[test]
    fn a_cancelled_transaction_is_a_conflict_only_when_its_condition_failed() {
        let judged = |codes: &[&str]| {
            judge(&codes.iter().map(|code| reason(code)).collect::<Vec<_>>(), || "moving".to_owned())
                .map_err(|error| error.retry)
        };
        assert!(matches!(judged(&["ConditionalCheckFailed", "None", "None"]), Ok(Write::Refused(_))));
        assert!(matches!(judged(&["ConditionalCheckFailed", "TransactionConflict"]), Ok(Write::Refused(_))));
        for (codes, retry) in [
            (["None", "TransactionConflict"], Retry::Transient),
            (["None", "ThrottlingError"], Retry::Throttled),
            (["ProvisionedThroughputExceeded", "None"], Retry::Throttled),
            (["None", "ItemCollectionSizeLimitExceeded"], Retry::Never),
            (["None", "ValidationError"], Retry::Never),
            (["None", "None"], Retry::Transient),
        ] {
            assert_eq!(judged(&codes).err(), Some(retry), "{codes:?}");
        }
    }

    #[test]
    fn the_condition_names_the_attribute_that_rows_have() {
        assert_eq!(AS_EXPECTED, format!("{REV} = :expected"));
        assert_eq!(ABSENT, format!("attribute_not_exists({PK})"));
    }
}
