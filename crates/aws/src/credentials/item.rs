//! The attributes of an item of the credentials table, beside its keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use pollwheel_core::id::ChannelName;
use pollwheel_core::keys;
use pollwheel_core::ports::Holder;

use crate::reads::Item;

/// The secrets, encrypted under the data key. Named for what it held at first.
pub(super) const SECRETS: &str = "token";
/// The data key, encrypted by KMS.
pub(super) const KEY: &str = "key";
/// The version of the secrets: absent in items that were written before there were any, which is 0.
pub(super) const VERSION: &str = "version";
/// The id of the lease, and until when it is held, in milliseconds since the epoch.
pub(super) const LEASE: &str = "lease";
pub(super) const LEASE_UNTIL: &str = "lease_until";

/// The keys of a holder's item.
pub(super) fn key_of(channel: &ChannelName, holder: &Holder) -> Item {
    let (pk, sk) = keys::credentials_key(channel, holder);
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}

/// The version of an item.
pub(super) fn version_of(item: &Item) -> Option<u64> {
    match item.get(VERSION) {
        None => Some(0),
        Some(AttributeValue::N(number)) => number.parse().ok(),
        Some(_) => None,
    }
}
