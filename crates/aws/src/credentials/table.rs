//! Reading credentials: for workers, a batch of accounts at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{CredentialStore, Credentials, PortError, Retry};
use tokio::sync::Mutex;

use super::cache::Cache;
use super::envelope::{CONTEXT, DataKey};
use crate::connection::Connection;
use crate::failure::{Shared, failure};
use crate::meter::Meter;
use crate::reads::{BATCH_KEYS, Consistency, Item, batch_get};

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
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let key = |account: &&AccountId| {
            let (pk, sk) = (text(account.as_str()), text(channel.as_str()));
            HashMap::from([("pk".to_owned(), pk), ("sk".to_owned(), sk)])
        };
        let keys = accounts.iter().map(key).collect();
        let (client, meter) = (&self.client, &self.meter);
        let items =
            batch_get(client, &self.table, keys, Consistency::Eventual, meter, || self.what()).await?;
        let by_account = |mut item: Item| match item.remove("pk") {
            Some(AttributeValue::S(account)) => Some((account, item)),
            _ => None,
        };
        Ok(items.into_iter().filter_map(by_account).collect())
    }

    async fn open(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        mut item: Item,
        without: &mut HashMap<Vec<u8>, Shared>,
    ) -> Result<Credentials, Shared> {
        let broken = |reason: &str| {
            let what = format!("reading the credentials of `{account}` on `{channel}`");
            Shared::from(PortError::new(what, Retry::Never, reason.to_owned()))
        };
        let (Some(AttributeValue::B(token)), Some(AttributeValue::B(key))) =
            (item.remove("token"), item.remove("key"))
        else {
            return Err(broken("the item has no `token` and `key`: register the account again"));
        };
        let wrapped = key.into_inner();
        if let Some(failed) = without.get(&wrapped) {
            return Err(failed.clone());
        }
        let key = match self.data_key(wrapped.clone()).await {
            Ok(key) => key,
            Err(error) => {
                let failed = Shared::from(error);
                without.insert(wrapped, failed.clone());
                return Err(failed);
            }
        };
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
        answers: &mut HashMap<AccountId, Result<Option<Credentials>, Shared>>,
    ) {
        let mut found = match self.read(channel, accounts).await {
            Ok(found) => found,
            Err(error) => {
                let failed = Shared::from(error);
                answers.extend(accounts.iter().map(|account| ((*account).clone(), Err(failed.clone()))));
                return;
            }
        };
        // Accounts share data keys: one that cannot be decrypted is asked for once.
        let mut without = HashMap::<Vec<u8>, Shared>::new();
        for account in accounts {
            let opened = match found.remove(account.as_str()) {
                Some(item) => self.open(channel, account, item, &mut without).await.map(Some),
                None => Ok(None),
            };
            if let Ok(credentials) = &opened {
                let id = (channel.clone(), (*account).clone());
                self.known.insert(id, credentials.clone(), Instant::now());
            }
            answers.insert((*account).clone(), opened);
        }
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
            Some(Err(failed)) => Err(failed.clone().into()),
            None => Err(PortError::new(inner.what(), Retry::Transient, "the account was not answered for")),
        };
        accounts.iter().map(answer).collect()
    }
}
