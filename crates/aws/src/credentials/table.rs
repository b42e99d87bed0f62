//! Reading credentials: for workers, a batch of accounts at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use aws_smithy_types::Blob;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{CredentialStore, Credentials, PortError, Retry};
use tokio::sync::Mutex;

use super::cache::Cache;
use super::envelope::{CONTEXT, DataKey};
use crate::connection::Connection;
use crate::failure::failure;
use crate::meter::Meter;

/// Keys of a read. <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const BATCH_KEYS: usize = 100;
/// Attempts at the keys that an answer leaves unprocessed.
const READ_ATTEMPTS: u32 = 3;
/// How long an account's credentials are taken from memory. Jobs of one account in one minute share a read; a token that
/// was replaced is out of use after this long.
const MAX_AGE: Duration = Duration::from_secs(30);
/// Accounts in memory: some megabytes.
const MAX_ACCOUNTS: usize = 10_000;
/// How long a decrypted data key is kept: as long as a disabled KMS key may stay in effect.
const KEY_MAX_AGE: Duration = Duration::from_secs(3600);
/// Data keys in memory.
const MAX_KEYS: usize = 1000;

type Id = (ChannelName, AccountId);
type Item = HashMap<String, AttributeValue>;

/// The table `credentials`, for reading.
#[derive(Clone)]
pub struct CredentialTable(Arc<Inner>);

struct Inner {
    client: Client,
    kms: aws_sdk_kms::Client,
    table: String,
    meter: Meter,
    known: Cache<Id, Option<Credentials>>,
    keys: Cache<Vec<u8>, Arc<DataKey>>,
    /// One caller at a time asks KMS: the others find the key in the cache.
    asking: Mutex<()>,
}

impl CredentialTable {
    /// The table of this name. The KMS key is named by what it encrypted.
    #[must_use]
    pub fn new(connection: &Connection, table: impl Into<String>, meter: &Meter) -> Self {
        Self(Arc::new(Inner {
            client: Client::new(connection.sdk()),
            kms: aws_sdk_kms::Client::new(connection.sdk()),
            table: table.into(),
            meter: meter.clone(),
            known: Cache::new(MAX_ACCOUNTS, MAX_AGE),
            keys: Cache::new(MAX_KEYS, KEY_MAX_AGE),
            asking: Mutex::default(),
        }))
    }
}

impl std::fmt::Debug for CredentialTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialTable").field("table", &self.0.table).finish_non_exhaustive()
    }
}

impl Inner {
    fn what(&self) -> String {
        format!("reading credentials from table `{}`", self.table)
    }

    /// Items by account; accounts that are not in it were answered as having none.
    async fn read(
        &self,
        channel: &ChannelName,
        accounts: &[&AccountId],
    ) -> Result<HashMap<String, Item>, PortError> {
        let keys = accounts.iter().map(|account| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            HashMap::from([
                ("pk".to_owned(), text(account.as_str())),
                ("sk".to_owned(), text(channel.as_str())),
            ])
        });
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.collect())).build();
        let mut left = Some(keys.map_err(|error| PortError::new(self.what(), Retry::Never, error))?);
        let mut found = HashMap::new();
        for _ in 0..READ_ATTEMPTS {
            let Some(keys) = left.take() else { break };
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failure(self.what(), error))?;
            for capacity in answer.consumed_capacity() {
                self.meter.read(capacity.capacity_units());
            }
            for mut item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                if let Some(AttributeValue::S(account)) = item.remove("pk") {
                    found.insert(account, item);
                }
            }
            left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
        }
        match left {
            None => Ok(found),
            Some(_) => Err(PortError::new(self.what(), Retry::Throttled, "some keys stayed unprocessed")),
        }
    }

    async fn open(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        mut item: Item,
    ) -> Result<Credentials, PortError> {
        let broken = |reason: &str| {
            let what = format!("reading the credentials of `{account}` on `{channel}`");
            PortError::new(what, Retry::Never, reason.to_owned())
        };
        let (Some(AttributeValue::B(token)), Some(AttributeValue::B(key))) =
            (item.remove("token"), item.remove("key"))
        else {
            return Err(broken("the item has no `token` and `key`: register the account again"));
        };
        let key = self.data_key(key.into_inner()).await?;
        key.open(channel, account, token.as_ref()).map_err(|error| broken(&error.to_string()))
    }

    async fn data_key(&self, wrapped: Vec<u8>) -> Result<Arc<DataKey>, PortError> {
        if let Some(key) = self.keys.get(&wrapped, Instant::now()) {
            return Ok(key);
        }
        let _asking = self.asking.lock().await;
        if let Some(key) = self.keys.get(&wrapped, Instant::now()) {
            return Ok(key);
        }
        let what = "decrypting a data key with KMS";
        self.meter.asked_for_key();
        let answer = self
            .kms
            .decrypt()
            .ciphertext_blob(Blob::new(wrapped.clone()))
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .send()
            .await
            .map_err(|error| failure(what, error))?;
        let bytes = answer.plaintext.unwrap_or_else(|| Blob::new(Vec::new()));
        let key = DataKey::new(bytes.as_ref()).map_err(|error| PortError::new(what, Retry::Never, error))?;
        let key = Arc::new(key);
        self.keys.insert(wrapped, Arc::clone(&key), Instant::now());
        Ok(key)
    }

    /// Reads up to [`BATCH_KEYS`] accounts into the cache and `answers`.
    async fn fetch(
        &self,
        channel: &ChannelName,
        accounts: &[&AccountId],
        answers: &mut HashMap<AccountId, Result<Option<Credentials>, Failed>>,
    ) {
        let mut found = match self.read(channel, accounts).await {
            Ok(found) => found,
            Err(error) => {
                let failed = Failed::from(error);
                answers.extend(accounts.iter().map(|account| ((*account).clone(), Err(failed.clone()))));
                return;
            }
        };
        for account in accounts {
            let opened = match found.remove(account.as_str()) {
                Some(item) => self.open(channel, account, item).await.map(Some),
                None => Ok(None),
            };
            if let Ok(credentials) = &opened {
                let id = (channel.clone(), (*account).clone());
                self.known.insert(id, credentials.clone(), Instant::now());
            }
            answers.insert((*account).clone(), opened.map_err(Failed::from));
        }
    }
}

/// A failure that several accounts share.
#[derive(Clone)]
struct Failed {
    what: String,
    retry: Retry,
    reason: String,
}

impl From<PortError> for Failed {
    fn from(error: PortError) -> Self {
        let PortError { what, retry, source } = error;
        Self { what, retry, reason: source.map_or_else(String::new, |source| source.to_string()) }
    }
}

impl CredentialStore for CredentialTable {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let inner = &self.0;
        let now = Instant::now();
        let mut answers = HashMap::new();
        let mut wanted = HashSet::new();
        for account in accounts {
            match inner.known.get(&(channel.clone(), account.clone()), now) {
                Some(known) => drop(answers.insert(account.clone(), Ok(known))),
                None => drop(wanted.insert(account)),
            }
        }
        let wanted: Vec<&AccountId> = wanted.into_iter().collect();
        for batch in wanted.chunks(BATCH_KEYS) {
            inner.fetch(channel, batch, &mut answers).await;
        }
        let answer = |account: &AccountId| match answers.get(account) {
            Some(Ok(credentials)) => Ok(credentials.clone()),
            Some(Err(Failed { what, retry, reason })) => {
                Err(PortError::new(what.clone(), *retry, reason.clone()))
            }
            None => Err(PortError::new(inner.what(), Retry::Transient, "the account was not answered for")),
        };
        accounts.iter().map(answer).collect()
    }
}
