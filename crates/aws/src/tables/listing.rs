//! Registrations by account and page by page: for operators and for the control function, never for a tick.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use pollwheel_core::id::AccountId;
use pollwheel_core::ports::{Page, PortError, Retry};
use pollwheel_core::row::Registration;

use super::item::{self, Item, PK, SK, text};
use super::jobs::JobTables;
use crate::failure::failure;

/// Separates the two keys in the mark of a page. Neither an account id nor a job type id holds a control character.
const MARK: char = '\u{1F}';

impl JobTables {
    /// Every registration of an account, on all channels.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn registrations_of(&self, account: &AccountId) -> Result<Vec<Registration>, PortError> {
        let what = || format!("reading the registrations of `{account}` in table `{}`", self.registrations);
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.registrations)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(account.as_str()))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failure(what(), error))?;
            self.meter.count_read(answer.consumed_capacity());
            for item in answer.items.unwrap_or_default() {
                // Here an unreadable one is an error: "all of an account" must not mean some.
                found.push(
                    item::to_registration(item)
                        .map_err(|error| PortError::new(what(), Retry::Never, error))?,
                );
            }
            match answer.last_evaluated_key {
                Some(next) => from = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// A page of all registrations, in no order that means anything, from where an earlier page ended.
    ///
    /// # Errors
    /// When the table cannot be read, or `from` is no mark of a page.
    pub async fn registrations_page(
        &self,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, PortError> {
        let what = || format!("reading a page of table `{}`", self.registrations);
        let start = match from {
            Some(mark) => Some(keys_of(mark).ok_or_else(|| {
                PortError::new(what(), Retry::Never, "`from` is not the `next` of an earlier page")
            })?),
            None => None,
        };
        let answer = self
            .client
            .scan()
            .table_name(&self.registrations)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(what(), error))?;
        self.meter.count_read(answer.consumed_capacity());
        let mut listed = Page { items: Vec::new(), unreadable: 0, next: None };
        for item in answer.items.unwrap_or_default() {
            match item::to_registration(item) {
                Ok(registration) => listed.items.push(registration),
                Err(error) => {
                    listed.unreadable += 1;
                    tracing::error!(%error, "a registration cannot be read by this build: it is passed over");
                }
            }
        }
        listed.next = answer.last_evaluated_key.as_ref().and_then(mark_of);
        Ok(listed)
    }
}

fn mark_of(keys: &Item) -> Option<String> {
    match (keys.get(PK), keys.get(SK)) {
        (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) => Some(format!("{pk}{MARK}{sk}")),
        _ => None,
    }
}

fn keys_of(mark: &str) -> Option<Item> {
    let (pk, sk) = mark.split_once(MARK)?;
    (!pk.is_empty() && !sk.is_empty()).then(|| item::pair(pk, sk))
}
