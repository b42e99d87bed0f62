//! Writing credentials: for the control function only.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use aws_sdk_kms::types::DataKeySpec;
use aws_smithy_types::Blob;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::keys;
use pollwheel_core::ports::{Application, Credentials, Holder, PortError, Retry};
use tokio::sync::Mutex;

use super::envelope::{CONTEXT, Content, DataKey};
use super::item::{KEY, SECRETS, VERSION};
use crate::connection::Connection;
use crate::failure::failure;
use crate::meter::Meter;

/// Tokens under one data key. AES-GCM with random nonces is safe up to 2^32 under one key; this is a bound on what one
/// key opens. <https://doi.org/10.6028/NIST.SP.800-38D>, section 8.3
const TOKENS_PER_KEY: u32 = 100_000;
/// How long a data key is used for new tokens.
const KEY_MAX_AGE: Duration = Duration::from_secs(3600);

/// The table `credentials`, for writing, and the KMS key that its data keys are encrypted with.
#[derive(Clone)]
pub struct CredentialVault {
    client: Client,
    kms: aws_sdk_kms::Client,
    table: String,
    kms_key: String,
    meter: Meter,
    current: Arc<Mutex<Option<Current>>>,
}

/// The data key in use.
struct Current {
    key: DataKey,
    wrapped: Blob,
    since: Instant,
    tokens: u32,
}

impl std::fmt::Debug for CredentialVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialVault").field("table", &self.table).finish_non_exhaustive()
    }
}

impl CredentialVault {
    /// The table of this name, and the ARN of the KMS key.
    #[must_use]
    pub fn new(
        connection: &Connection,
        table: impl Into<String>,
        kms_key: impl Into<String>,
        meter: &Meter,
    ) -> Self {
        Self {
            client: Client::new(connection.sdk()),
            kms: aws_sdk_kms::Client::new(connection.sdk()),
            table: table.into(),
            kms_key: kms_key.into(),
            meter: meter.clone(),
            current: Arc::default(),
        }
    }

    /// Encrypts and keeps an account's credentials, in place of earlier ones.
    ///
    /// # Errors
    /// When KMS or the table refuses.
    pub async fn put(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), PortError> {
        let content = Content { credentials: credentials.clone(), tokens: Vec::new() };
        self.put_content(channel, &Holder::Account(account.clone()), &content).await
    }

    /// Encrypts and keeps the deployment's own credentials of a channel, in place of earlier ones.
    ///
    /// # Errors
    /// When KMS or the table refuses.
    pub async fn put_application(
        &self,
        channel: &ChannelName,
        application: &Application,
    ) -> Result<(), PortError> {
        let Application { credentials, tokens } = application.clone();
        self.put_content(channel, &Holder::Application, &Content { credentials, tokens }).await
    }

    /// The whole item anew, its lease gone: whoever renews the credentials that were there is overtaken. Versions begin
    /// with the time, so that they are others than those before, however often these were renewed.
    async fn put_content(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        content: &Content,
    ) -> Result<(), PortError> {
        let (secrets, key) = self.seal(channel, holder, content).await?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (pk, sk) = keys::credentials_key(channel, holder);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", AttributeValue::S(pk))
            .item("sk", AttributeValue::S(sk))
            .item(SECRETS, AttributeValue::B(Blob::new(secrets)))
            .item(KEY, AttributeValue::B(key))
            .item(VERSION, AttributeValue::N(since_epoch.as_millis().to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(self.writing(), error))?;
        self.meter.count_write(answer.consumed_capacity());
        Ok(())
    }

    /// Forgets an account's credentials, if there are any.
    ///
    /// # Errors
    /// When the table refuses.
    pub async fn delete(&self, channel: &ChannelName, account: &AccountId) -> Result<(), PortError> {
        self.delete_of(channel, &Holder::Account(account.clone())).await
    }

    /// Forgets the deployment's own credentials of a channel, if there are any.
    ///
    /// # Errors
    /// When the table refuses.
    pub async fn delete_application(&self, channel: &ChannelName) -> Result<(), PortError> {
        self.delete_of(channel, &Holder::Application).await
    }

    async fn delete_of(&self, channel: &ChannelName, holder: &Holder) -> Result<(), PortError> {
        let (pk, sk) = keys::credentials_key(channel, holder);
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk))
            .key("sk", AttributeValue::S(sk))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure(self.writing(), error))?;
        self.meter.count_write(answer.consumed_capacity());
        Ok(())
    }

    async fn seal(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        content: &Content,
    ) -> Result<(Vec<u8>, Blob), PortError> {
        let mut current = self.current.lock().await;
        let spent = |key: &Current| key.tokens >= TOKENS_PER_KEY || key.since.elapsed() >= KEY_MAX_AGE;
        let mut key = match current.take().filter(|key| !spent(key)) {
            Some(key) => key,
            None => self.new_key().await?,
        };
        key.tokens += 1;
        let sealed = key.key.seal(channel, holder, content);
        let wrapped = key.wrapped.clone();
        *current = Some(key);
        let sealed = sealed.map_err(|error| PortError::new("encrypting credentials", Retry::Never, error))?;
        Ok((sealed, wrapped))
    }

    async fn new_key(&self) -> Result<Current, PortError> {
        let what = || format!("making a data key with the KMS key `{}`", self.kms_key);
        self.meter.asked_for_key();
        let answer = self
            .kms
            .generate_data_key()
            .key_id(&self.kms_key)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .send()
            .await
            .map_err(|error| failure(what(), error))?;
        let (Some(plain), Some(wrapped)) = (answer.plaintext, answer.ciphertext_blob) else {
            return Err(PortError::new(what(), Retry::Transient, "the answer has no key"));
        };
        let key =
            DataKey::new(plain.as_ref()).map_err(|error| PortError::new(what(), Retry::Never, error))?;
        Ok(Current { key, wrapped, since: Instant::now(), tokens: 0 })
    }

    fn writing(&self) -> String {
        format!("writing credentials to table `{}`", self.table)
    }
}
