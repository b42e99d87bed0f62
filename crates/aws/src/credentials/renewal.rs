//! Renewing credentials: the lease of whoever exchanges them, and the save that its version guards.
//!
//! What is renewed is encrypted under the data key that its item has: workers need no permission to make keys. A key of
//! 100,000 tokens that are renewed every hour is used a billion times a year, which AES-GCM with random nonces bears for
//! four; registering an account again gives it another.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use aws_smithy_types::Blob;
use pollwheel_core::id::ChannelName;
use pollwheel_core::ports::{Credentials, Holder, Lease, PortError, Retry, Saved};
use pollwheel_core::time::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

use super::envelope::{Content, DataKey};
use super::item::{LEASE, LEASE_UNTIL, SECRETS, VERSION, key_of};
use super::table::Inner;
use crate::failure::failure;
use crate::reads::Consistency;

impl Inner {
    fn writing(&self) -> String {
        format!("renewing credentials in table `{}`", self.table)
    }

    /// What a holder has now, and the data key that it is under.
    pub(super) async fn reread(
        &self,
        channel: &ChannelName,
        holder: &Holder,
    ) -> Result<Option<(Content, Arc<DataKey>)>, PortError> {
        let item = self.read(channel, &[holder], Consistency::Strong).await?.into_values().next();
        let found = match item {
            Some(item) => Some(self.opened(channel, holder, item).await?),
            None => None,
        };
        self.remember(channel, holder, found.as_ref().map(|(content, _)| content.clone()));
        Ok(found)
    }

    pub(super) async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        let mut bytes = [0; 16];
        let random = SystemRandom::new().fill(&mut bytes);
        random.map_err(|_| {
            PortError::new(self.writing(), Retry::Transient, "the machine gives no random numbers")
        })?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let update = self
            .update(channel, holder)
            .update_expression("SET #lease = :id, #until = :until")
            // Ours already, when an answer was lost and the request sent again.
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#lease) OR #until <= :now OR #lease = :id)",
            )
            .expression_attribute_names("#lease", LEASE)
            .expression_attribute_names("#until", LEASE_UNTIL)
            .expression_attribute_values(":id", AttributeValue::S(id.clone()))
            .expression_attribute_values(":until", number(now.plus(time).millis()))
            .expression_attribute_values(":now", number(now.millis()));
        Ok(self.applies(update).await?.then(|| Lease { id: id.into() }))
    }

    pub(super) async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        let Some((kept, key)) = self.reread(channel, holder).await? else { return Ok(Saved::Overtaken) };
        if kept.credentials == *credentials {
            return Ok(Saved::Done);
        }
        if kept.credentials.version.wrapping_add(1) != credentials.version {
            return Ok(Saved::Overtaken);
        }
        let content = Content { credentials: credentials.clone(), tokens: kept.tokens };
        let sealed = key.seal(channel, holder, &content);
        let sealed = sealed.map_err(|error| PortError::new(self.writing(), Retry::Never, error))?;
        let update = self
            .update(channel, holder)
            .update_expression("SET #secrets = :secrets, #version = :version REMOVE #lease, #until")
            .condition_expression(
                "attribute_exists(pk) AND (#version = :before OR (attribute_not_exists(#version) AND :before = :none))",
            )
            .expression_attribute_names("#secrets", SECRETS)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#lease", LEASE)
            .expression_attribute_names("#until", LEASE_UNTIL)
            .expression_attribute_values(":secrets", AttributeValue::B(Blob::new(sealed)))
            .expression_attribute_values(":version", number(credentials.version))
            .expression_attribute_values(":before", number(kept.credentials.version))
            .expression_attribute_values(":none", number(0));
        if self.applies(update).await? {
            self.remember(channel, holder, Some(content));
            return Ok(Saved::Done);
        }
        // Ours already, when an answer was lost and the request sent again.
        let there = self.reread(channel, holder).await?;
        let is_ours = there.is_some_and(|(there, _)| there.credentials == *credentials);
        Ok(if is_ours { Saved::Done } else { Saved::Overtaken })
    }

    fn update(&self, channel: &ChannelName, holder: &Holder) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(channel, holder)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// Sends an update. `Ok(false)`: its condition did not hold.
    async fn applies(&self, update: UpdateItemFluentBuilder) -> Result<bool, PortError> {
        match update.send().await {
            Ok(answer) => {
                self.meter.count_write(answer.consumed_capacity());
                Ok(true)
            }
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(false)
            }
            Err(error) => Err(failure(self.writing(), error)),
        }
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
