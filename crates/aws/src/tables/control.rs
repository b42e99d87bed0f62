//! Cursors, pauses and throttles. Every write has a condition, so that a repeated tick or an older throttle changes nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::id::{ChannelName, JobTypeId};
use pollwheel_core::keys;
use pollwheel_core::ports::{ControlStore, Gate, PauseScope, PortError, Retry};
use pollwheel_core::throttle::ThrottleScope;
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::item::{Item, ItemError, PK, Reader, number, text};
use crate::connection::Connection;
use crate::failure::failure;
use crate::meter::Meter;
use crate::reads::{BATCH_KEYS, Consistency, batch_get};

/// The attribute that holds a cursor's minute or a throttle's end.
const VALUE: &str = "value";

/// The attributes of a limit's pace: see [`Pace`].
const TURNS: &str = "turns";
const MEAN: &str = "mean";
const POSITION: &str = "position";
const PRICE: &str = "price";
/// Seconds that a slot's counter outlives its slot.
const SPEND_KEPT_SECONDS: u64 = 3600;
/// Attempts at what is left of a slot, which others take from at the same time.
const SPEND_ATTEMPTS: u32 = 3;

/// The table `control`.
#[derive(Debug, Clone)]
pub struct ControlTable {
    client: Client,
    table: String,
    meter: Meter,
}

impl ControlTable {
    /// The table of this name.
    #[must_use]
    pub fn new(connection: &Connection, table: impl Into<String>, meter: &Meter) -> Self {
        Self { client: Client::new(connection.sdk()), table: table.into(), meter: meter.clone() }
    }

    /// Stops dispatch of a channel or a job type.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn pause(&self, scope: &PauseScope) -> Result<(), PortError> {
        let key = pause_key(scope);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(PK, text(&key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(self.writing(&key), error))?;
        self.meter.count_write(answer.consumed_capacity());
        Ok(())
    }

    /// Lets dispatch go on. What was missed meanwhile is made up, once a job.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn resume(&self, scope: &PauseScope) -> Result<(), PortError> {
        let key = pause_key(scope);
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(PK, text(&key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(self.writing(&key), error))?;
        self.meter.count_write(answer.consumed_capacity());
        Ok(())
    }

    fn writing(&self, key: &str) -> String {
        format!("writing `{key}` to table `{}`", self.table)
    }

    fn update(&self, key: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(key))
            .expression_attribute_names("#value", VALUE)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// Sends an update with a condition. `Ok(false)`: the condition did not hold.
    async fn send(&self, update: UpdateItemFluentBuilder, key: &str) -> Result<bool, PortError> {
        match update.send().await {
            Ok(answer) => {
                self.meter.count_write(answer.consumed_capacity());
                Ok(true)
            }
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(false)
            }
            Err(error) => Err(failure(self.writing(key), error)),
        }
    }

    /// Adds to a slot's counter, unless it would come to more than `most`: then what it has come to already.
    async fn spend(
        &self,
        key: &str,
        units: u64,
        most: u64,
        slot: &SpendSlot,
    ) -> Result<Option<u64>, PortError> {
        let update = self
            .update(key)
            .update_expression("SET #ttl = :ttl ADD #value :units")
            .condition_expression("attribute_not_exists(#value) OR #value <= :room")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":units", number(units))
            .expression_attribute_values(":room", number(most - units))
            .expression_attribute_values(":ttl", number(slot.ends.millis() / 1000 + SPEND_KEPT_SECONDS))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(answer) => {
                self.meter.count_write(answer.consumed_capacity());
                Ok(None)
            }
            Err(error) => match refused(&error) {
                // An answer that does not say how many are used leaves none.
                Some(item) => Ok(Some(Reader(item).number(VALUE).unwrap_or(most))),
                None => Err(failure(self.writing(key), error)),
            },
        }
    }

    /// The items of some keys, by key.
    async fn read(
        &self,
        wanted: &[String],
        consistency: Consistency,
    ) -> Result<HashMap<String, Reader>, PortError> {
        let keys = wanted.iter().map(|key| HashMap::from([(PK.to_owned(), text(key))])).collect();
        let what = || format!("reading {wanted:?} of table `{}`", self.table);
        let items = batch_get(&self.client, &self.table, keys, consistency, &self.meter, what).await?;
        let by_key = |item: Item| match item.get(PK) {
            Some(AttributeValue::S(key)) => Some((key.clone(), Reader(item))),
            _ => None,
        };
        Ok(items.into_iter().filter_map(by_key).collect())
    }
}

/// The item whose condition did not hold, if that is why a call failed.
fn refused(error: &SdkError<UpdateItemError, HttpResponse>) -> Option<Item> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            Some(refused.item().cloned().unwrap_or_default())
        }
        Some(_) | None => None,
    }
}

fn pause_key(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Channel(channel) => keys::channel_pause_key(channel),
        PauseScope::JobType(job_type) => keys::job_type_pause_key(job_type),
    }
}

impl ControlStore for ControlTable {
    async fn gate(&self, job_type: &JobTypeId) -> Result<Gate, PortError> {
        let broken = |what: String, error: &dyn std::fmt::Display| {
            PortError::new(what, Retry::Never, error.to_string())
        };
        let channel = ChannelName::new(job_type.channel())
            .map_err(|error| broken(format!("reading the gate of `{job_type}`"), &error))?;
        let cursor = keys::cursor_key(job_type);
        let throttles = [ThrottleScope::Channel(channel.clone()), ThrottleScope::JobType(job_type.clone())];
        let throttles = throttles.map(|scope| keys::throttle_key(&scope));
        let pauses = [keys::channel_pause_key(&channel), keys::job_type_pause_key(job_type)];
        let keys = [&[cursor.clone()][..], &throttles, &pauses].concat();
        let mut found = self.read(&keys, Consistency::Strong).await?;
        let mut value = |key: &str| match found.get_mut(key) {
            Some(item) => item
                .number::<u64>(VALUE)
                .map(Some)
                .map_err(|error| broken(format!("reading `{key}` of table `{}`", self.table), &error)),
            None => Ok(None),
        };
        let cursor =
            value(&cursor)?.map(|minute| EpochMinute::new(u32::try_from(minute).unwrap_or(u32::MAX)));
        let [of_channel, of_job_type] = throttles;
        let throttled_until = value(&of_channel)?.max(value(&of_job_type)?).map(Timestamp::from_millis);
        let paused = pauses.iter().any(|key| found.contains_key(key));
        Ok(Gate { cursor, paused, throttled_until })
    }

    async fn move_cursor(
        &self,
        job_type: &JobTypeId,
        from: Option<EpochMinute>,
        to: EpochMinute,
    ) -> Result<bool, PortError> {
        let key = keys::cursor_key(job_type);
        let update = self
            .update(&key)
            .update_expression("SET #value = :to")
            .expression_attribute_values(":to", number(to.get()));
        let update = match from {
            Some(from) => update
                .condition_expression("#value = :from")
                .expression_attribute_values(":from", number(from.get())),
            None => update.condition_expression("attribute_not_exists(#value)"),
        };
        self.send(update, &key).await
    }

    async fn throttle(&self, scope: &ThrottleScope, until: Timestamp) -> Result<(), PortError> {
        let key = keys::throttle_key(scope);
        let update = self
            .update(&key)
            .update_expression("SET #value = :until, #ttl = :ttl")
            .condition_expression("attribute_not_exists(#value) OR #value < :until")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(until.millis()))
            // Rounded up: it must outlive the throttle.
            .expression_attribute_values(":ttl", number(until.millis() / 1000 + 1));
        self.send(update, &key).await.map(|_| ())
    }

    async fn throttled_until(&self, scopes: &[ThrottleScope]) -> Result<Vec<Option<Timestamp>>, PortError> {
        let keys: Vec<String> = scopes.iter().map(keys::throttle_key).collect();
        let mut found = HashMap::new();
        for keys in keys.chunks(BATCH_KEYS) {
            found.extend(self.read(keys, Consistency::Eventual).await?);
        }
        let until = |key: &String| match found.get_mut(key) {
            Some(item) => {
                item.number(VALUE).map(|millis| Some(Timestamp::from_millis(millis))).map_err(|error| {
                    PortError::new(format!("reading `{key}` of table `{}`", self.table), Retry::Never, error)
                })
            }
            None => Ok(None),
        };
        keys.iter().map(until).collect()
    }

    async fn reserve(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        let key = keys::spend_key(slot);
        let mut wanted = units.min(most);
        for _ in 0..SPEND_ATTEMPTS {
            if wanted == 0 {
                break;
            }
            match self.spend(&key, wanted, most, slot).await? {
                None => return Ok(wanted),
                Some(used) => wanted = wanted.min(most.saturating_sub(used)),
            }
        }
        Ok(0)
    }

    async fn paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        let keys: Vec<String> = of.iter().map(keys::pace_key).collect();
        let mut found = HashMap::new();
        for keys in keys.chunks(BATCH_KEYS) {
            found.extend(self.read(keys, Consistency::Eventual).await?);
        }
        let pace = |key: &String| {
            let Some(item) = found.get_mut(key) else { return Ok(Pace::default()) };
            let mut read = || {
                Ok(Pace {
                    turns_thousandths: item.number(TURNS)?,
                    mean_thousandths: item.number(MEAN)?,
                    position: item.number(POSITION)?,
                    price_millionths: item.maybe_number(PRICE)?.unwrap_or(Pace::USUAL_PRICE_MILLIONTHS),
                    at: Some(EpochMinute::new(item.number(VALUE)?)),
                })
            };
            read().map_err(|error: ItemError| {
                PortError::new(format!("reading `{key}` of table `{}`", self.table), Retry::Never, error)
            })
        };
        keys.iter().map(pace).collect()
    }

    async fn set_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        let key = keys::pace_key(of);
        let update = self
            .update(&key)
            .update_expression(
                "SET #value = :at, #turns = :turns, #mean = :mean, #position = :position, #price = :price",
            )
            .expression_attribute_names("#turns", TURNS)
            .expression_attribute_names("#mean", MEAN)
            .expression_attribute_names("#position", POSITION)
            .expression_attribute_names("#price", PRICE)
            .expression_attribute_values(":position", number(pace.position))
            .expression_attribute_values(":price", number(pace.price_millionths))
            .expression_attribute_values(":at", number(pace.at.map_or(0, EpochMinute::get)))
            .expression_attribute_values(":turns", number(pace.turns_thousandths))
            .expression_attribute_values(":mean", number(pace.mean_thousandths));
        self.send(update, &key).await.map(|_| ())
    }
}
