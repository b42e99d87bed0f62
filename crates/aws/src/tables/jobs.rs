//! Rows, wake-ups and registrations: the reads. Partitions are read without consistency, at half the price: a stale copy
//! is fenced by its revision. What decides about a write is read consistently.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_util::{StreamExt, stream};
use pollwheel_core::id::{JobId, JobTypeId};
use pollwheel_core::keys;
use pollwheel_core::ports::{Applied, Change, JobStore, Page, PortError, Retry};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;

use super::change;
use super::item::{self, Item, ItemError, SK, text};
use crate::connection::Connection;
use crate::failure::failure;
use crate::meter::Meter;

/// Writes of one call that are under way at once.
const WRITES_IN_FLIGHT: usize = 64;

/// The tables `jobs` and `registrations`.
#[derive(Debug, Clone)]
pub struct JobTables {
    pub(super) client: Client,
    pub(super) jobs: String,
    pub(super) registrations: String,
    pub(super) meter: Meter,
}

impl JobTables {
    /// The tables of these names.
    #[must_use]
    pub fn new(
        connection: &Connection,
        jobs: impl Into<String>,
        registrations: impl Into<String>,
        meter: &Meter,
    ) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            jobs: jobs.into(),
            registrations: registrations.into(),
            meter: meter.clone(),
        }
    }

    async fn get(&self, table: &str, keys: Item) -> Result<Option<Item>, PortError> {
        let answer = self
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(keys))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(format!("reading an item of table `{table}`"), error))?;
        self.meter.count_read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// A page of a partition, from the sort key after `from`, of the sort keys that begin with `prefix`.
    async fn query(
        &self,
        partition: String,
        prefix: Option<String>,
        from: Option<&str>,
        limit: usize,
    ) -> Result<QueryOutput, PortError> {
        let what = || format!("reading the partition `{partition}` of table `{}`", self.jobs);
        let condition = match prefix {
            Some(_) => "pk = :pk AND begins_with(sk, :prefix)",
            None => "pk = :pk",
        };
        let mut query = self
            .client
            .query()
            .table_name(&self.jobs)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", text(&partition))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if let Some(prefix) = prefix {
            query = query.expression_attribute_values(":prefix", text(prefix));
        }
        if let Some(from) = from {
            query = query.set_exclusive_start_key(Some(item::pair(&partition, from)));
        }
        let answer = query.send().await.map_err(|error| failure(what(), error))?;
        self.meter.count_read(answer.consumed_capacity());
        Ok(answer)
    }

    /// A row that stands in a condition's way, or that was read.
    pub(super) fn row(&self, item: Item) -> Result<JobRow, PortError> {
        item::to_row(item).map_err(|error| unreadable(&self.jobs, error))
    }
}

pub(super) fn unreadable(table: &str, error: ItemError) -> PortError {
    PortError::new(
        format!("reading an item of table `{table}` that another build wrote"),
        Retry::Never,
        error,
    )
}

/// The items of a page that can be read; the others are logged and counted, and stay where they are.
fn page<T>(answer: QueryOutput, read: impl Fn(Item) -> Result<T, ItemError>) -> Page<T> {
    let next = answer.last_evaluated_key.and_then(|mut key| match key.remove(SK) {
        Some(aws_sdk_dynamodb::types::AttributeValue::S(sk)) => Some(sk),
        _ => None,
    });
    let found = answer.items.unwrap_or_default();
    let mut items = Vec::with_capacity(found.len());
    let mut unreadable = 0;
    for item in found {
        match read(item) {
            Ok(item) => items.push(item),
            Err(error) => {
                unreadable += 1;
                tracing::error!(%error, "an item cannot be read by this build: it is passed over");
            }
        }
    }
    Page { items, unreadable, next }
}

impl JobStore for JobTables {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        let answer = self.query(keys::cohort_key(job_type, cohort), None, from, limit).await?;
        Ok(page(answer, item::to_row))
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        let partition = keys::wake_key(job_type, minute.of_day(), shard);
        let prefix = Some(keys::wake_sort_prefix(minute));
        let answer = self.query(partition, prefix, from, limit).await?;
        Ok(page(answer, |item| item::to_wake(job_type, item)))
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        let found = self.get(&self.jobs, item::row_keys(job, place)).await?;
        found.map(|item| self.row(item)).transpose()
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        let found = self.get(&self.registrations, item::registration_keys(job)).await?;
        let read = |item| item::to_registration(item).map_err(|error| unreadable(&self.registrations, error));
        found.map(read).transpose()
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        let applied = changes.into_iter().map(|change| change::apply(self, change));
        stream::iter(applied).buffered(WRITES_IN_FLIGHT).collect().await
    }
}
