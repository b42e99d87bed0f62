//! Reading credentials: for workers, a batch of accounts at a time. `renewal` writes what was renewed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::keys;
use pollwheel_core::ports::{
    Application, CredentialStore, Credentials, Holder, Lease, PortError, Retry, Saved,
};
use pollwheel_core::time::Timestamp;
use tokio::sync::Mutex;

use super::cache::Cache;
use super::envelope::{CONTEXT, Content, DataKey};
use super::item::{KEY, SECRETS, key_of, version_of};
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

type Id = (ChannelName, Holder);

/// The table `credentials`, for reading and renewing.
#[derive(Clone)]
pub struct CredentialTable(Arc<Inner>);

pub(super) struct Inner {
    pub(super) client: Client,
    kms: aws_sdk_kms::Client,
    pub(super) table: String,
    pub(super) meter: Meter,
    known: Cache<Id, Option<Content>>,
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
    pub(super) fn what(&self) -> String {
        format!("reading credentials from table `{}`", self.table)
    }

    /// The items of these holders that there are, by their partition key, which differs within a channel.
    pub(super) async fn read(
        &self,
        channel: &ChannelName,
        holders: &[&Holder],
        consistency: Consistency,
    ) -> Result<HashMap<String, Item>, PortError> {
        let keys = holders.iter().map(|holder| key_of(channel, holder)).collect();
        let (client, meter) = (&self.client, &self.meter);
        let items = batch_get(client, &self.table, keys, consistency, meter, || self.what()).await?;
        let by_key = |mut item: Item| match item.remove("pk") {
            Some(AttributeValue::S(key)) => Some((key, item)),
            _ => None,
        };
        Ok(items.into_iter().filter_map(by_key).collect())
    }

    async fn open(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        item: Item,
        without: &mut HashMap<Vec<u8>, Shared>,
    ) -> Result<Content, Shared> {
        let wrapped = match item.get(KEY) {
            Some(AttributeValue::B(key)) => key.clone().into_inner(),
            _ => Vec::new(),
        };
        if let Some(failed) = without.get(&wrapped) {
            return Err(failed.clone());
        }
        match self.opened(channel, holder, item).await {
            Ok((content, _)) => Ok(content),
            Err(Unopened::NoKey(error)) => {
                let failed = Shared::from(error);
                without.insert(wrapped, failed.clone());
                Err(failed)
            }
            Err(Unopened::Broken(error)) => Err(Shared::from(error)),
        }
    }

    /// What an item holds, and the data key that it is under.
    pub(super) async fn opened(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        mut item: Item,
    ) -> Result<(Content, Arc<DataKey>), Unopened> {
        let broken = |reason: &str| {
            let whose = match holder {
                Holder::Account(account) => format!("`{account}`"),
                Holder::Application => "the application".to_owned(),
            };
            let what = format!("reading the credentials of {whose} on `{channel}`");
            Unopened::Broken(PortError::new(what, Retry::Never, reason.to_owned()))
        };
        let version = version_of(&item).ok_or_else(|| broken("the item's `version` is no number"))?;
        let (Some(AttributeValue::B(secrets)), Some(AttributeValue::B(key))) =
            (item.remove(SECRETS), item.remove(KEY))
        else {
            return Err(broken("the item has no `token` and `key`: register the account again"));
        };
        let key = self.data_key(key.into_inner()).await.map_err(Unopened::NoKey)?;
        let mut content =
            key.open(channel, holder, secrets.as_ref()).map_err(|error| broken(&error.to_string()))?;
        content.credentials.version = version;
        Ok((content, key))
    }

    /// Keeps what is known of a holder.
    pub(super) fn remember(&self, channel: &ChannelName, holder: &Holder, content: Option<Content>) {
        self.known.insert((channel.clone(), holder.clone()), content, Instant::now());
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

    /// Reads up to [`BATCH_KEYS`] holders into the cache and `answers`.
    async fn fetch(&self, channel: &ChannelName, holders: &[&Holder], answers: &mut Answers) {
        let mut found = match self.read(channel, holders, Consistency::Eventual).await {
            Ok(found) => found,
            Err(error) => {
                let failed = Shared::from(error);
                answers.extend(holders.iter().map(|holder| ((*holder).clone(), Err(failed.clone()))));
                return;
            }
        };
        // Accounts share data keys: one that cannot be decrypted is asked for once.
        let mut without = HashMap::<Vec<u8>, Shared>::new();
        for holder in holders {
            let opened = match found.remove(&keys::credentials_key(channel, holder).0) {
                Some(item) => self.open(channel, holder, item, &mut without).await.map(Some),
                None => Ok(None),
            };
            if let Ok(content) = &opened {
                self.remember(channel, holder, content.clone());
            }
            answers.insert((*holder).clone(), opened);
        }
    }

    /// What holders have, from memory or from the table.
    async fn contents(
        &self,
        channel: &ChannelName,
        holders: &[Holder],
    ) -> Vec<Result<Option<Content>, PortError>> {
        let now = Instant::now();
        let mut answers = Answers::new();
        let mut wanted = HashSet::new();
        for holder in holders {
            match self.known.get(&(channel.clone(), holder.clone()), now) {
                Some(known) => drop(answers.insert(holder.clone(), Ok(known))),
                None => drop(wanted.insert(holder)),
            }
        }
        let wanted: Vec<&Holder> = wanted.into_iter().collect();
        for batch in wanted.chunks(BATCH_KEYS) {
            self.fetch(channel, batch, &mut answers).await;
        }
        let answer = |holder: &Holder| match answers.get(holder) {
            Some(Ok(content)) => Ok(content.clone()),
            Some(Err(failed)) => Err(failed.clone().into()),
            None => Err(PortError::new(self.what(), Retry::Transient, "the account was not answered for")),
        };
        holders.iter().map(answer).collect()
    }
}

type Answers = HashMap<Holder, Result<Option<Content>, Shared>>;

/// Why an item could not be opened.
pub(super) enum Unopened {
    /// Its data key cannot be had: nor can that of others under the same.
    NoKey(PortError),
    /// The item itself is wrong.
    Broken(PortError),
}

impl From<Unopened> for PortError {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::NoKey(error) | Unopened::Broken(error) => error,
        }
    }
}

impl CredentialStore for CredentialTable {
    async fn credentials(
        &self,
        channel: &ChannelName,
        accounts: &[AccountId],
    ) -> Vec<Result<Option<Credentials>, PortError>> {
        let holders: Vec<Holder> = accounts.iter().cloned().map(Holder::Account).collect();
        let contents = self.0.contents(channel, &holders).await;
        contents.into_iter().map(|content| Ok(content?.map(|content| content.credentials))).collect()
    }

    async fn application(&self, channel: &ChannelName) -> Result<Option<Application>, PortError> {
        let content = self.0.contents(channel, &[Holder::Application]).await.pop().unwrap_or(Ok(None))?;
        Ok(content.map(|Content { credentials, tokens }| Application { credentials, tokens }))
    }

    async fn reread(&self, channel: &ChannelName, holder: &Holder) -> Result<Option<Credentials>, PortError> {
        Ok(self.0.reread(channel, holder).await?.map(|(content, _)| content.credentials))
    }

    async fn lease(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Lease>, PortError> {
        self.0.lease(channel, holder, now, time).await
    }

    async fn save(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        _lease: &Lease,
        credentials: &Credentials,
    ) -> Result<Saved, PortError> {
        self.0.save(channel, holder, credentials).await
    }
}
