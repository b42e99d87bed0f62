//! The clauses of `CredentialStore`.

use std::time::Duration;

use super::NOW;
use crate::id::{AccountId, ChannelName};
use crate::ports::{CredentialStore, Credentials, Holder, Lease, PortError, Saved, Secret, Secrets};
use crate::time::Timestamp;

/// How long the suite takes a lease for.
const LEASE: Duration = Duration::from_secs(60);

/// Checks a [`CredentialStore`] that holds, on the channel `contract`, credentials of the account `renewed` and of the
/// application, each with a `token` and a `refresh_token`, and none of the account `stranger`.
///
/// # Panics
/// At the first clause that it breaks.
pub async fn credential_store_contract(store: &impl CredentialStore) {
    let [renewed, stranger] = ["renewed", "stranger"].map(holder);
    for holder in [renewed, Holder::Application] {
        a_lease_is_exclusive_and_ends(store, &holder).await;
        a_save_is_fenced_by_the_version_and_seen_at_once(store, &holder).await;
    }
    assert_eq!(good(store.lease(&channel(), &stranger, at(0), LEASE).await), None, "nothing to renew");
    assert_eq!(good(store.reread(&channel(), &stranger).await), None);
}

#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn channel() -> ChannelName {
    ChannelName::new("contract").expect("a channel name")
}

#[expect(clippy::expect_used, reason = "the suite's own texts are ids")]
fn holder(account: &str) -> Holder {
    Holder::Account(AccountId::new(account.to_owned()).expect("an account id"))
}

fn at(seconds: u64) -> Timestamp {
    NOW.start().plus(Duration::from_secs(seconds))
}

#[expect(clippy::expect_used, reason = "the contract: nothing here is refused")]
fn good<T>(result: Result<T, PortError>) -> T {
    result.expect("the store answers")
}

#[expect(clippy::expect_used, reason = "the contract: the suite's precondition")]
async fn kept(store: &impl CredentialStore, holder: &Holder) -> Credentials {
    let kept = good(store.reread(&channel(), holder).await).expect("credentials are there");
    assert!(kept.token().is_some() && kept.get(Credentials::REFRESH_TOKEN).is_some(), "{kept:?}");
    kept
}

async fn lease(store: &impl CredentialStore, holder: &Holder, seconds: u64) -> Option<Lease> {
    good(store.lease(&channel(), holder, at(seconds), LEASE).await)
}

async fn a_lease_is_exclusive_and_ends(store: &impl CredentialStore, holder: &Holder) {
    let before = kept(store, holder).await;
    let first = lease(store, holder, 0).await;
    assert!(first.is_some(), "nobody has it");
    for second in [0, 1, 59] {
        assert_eq!(lease(store, holder, second).await, None, "another has it, {second} s later");
    }
    let second = lease(store, holder, 61).await;
    assert!(second.is_some() && second != first, "it has ended");
    assert_eq!(kept(store, holder).await, before, "a lease changes no credentials");
    assert!(lease(store, holder, 200).await.is_some());
}

#[expect(clippy::expect_used, reason = "the contract: a lease that has ended is free")]
async fn a_save_is_fenced_by_the_version_and_seen_at_once(store: &impl CredentialStore, holder: &Holder) {
    let before = kept(store, holder).await;
    let new = |text: &str| Secrets::from([(Credentials::TOKEN.into(), Secret::new(text))]);
    let mine = lease(store, holder, 1000).await.expect("a free lease");
    let renewed = before.renewed(new("one"), Some(at(2000)));
    assert_eq!(good(store.save(&channel(), holder, &mine, &renewed).await), Saved::Done);
    assert_eq!(kept(store, holder).await, renewed, "with its end and version, the refresh token untouched");
    if let Holder::Account(account) = holder {
        let cached = good(store.credentials(&channel(), std::slice::from_ref(account)).await.remove(0));
        assert_eq!(cached, Some(renewed.clone()), "who saved does not go on with what is gone");
    }
    assert_eq!(good(store.save(&channel(), holder, &mine, &renewed).await), Saved::Done, "the same again");

    let second = lease(store, holder, 1001).await.expect("a save ends the lease");
    let late = before.renewed(new("late"), None);
    assert_eq!(good(store.save(&channel(), holder, &mine, &late).await), Saved::Overtaken);
    assert_eq!(kept(store, holder).await, renewed, "nothing was changed");
    let next = renewed.renewed(new("two"), None);
    assert_eq!(good(store.save(&channel(), holder, &second, &next).await), Saved::Done);
    assert_eq!(kept(store, holder).await, next);

    // Who comes late saves all the same: what was exchanged is gone.
    let slow = lease(store, holder, 3000).await.expect("a free lease");
    assert!(lease(store, holder, 3100).await.is_some(), "it has ended");
    let rescued = next.renewed(new("three"), None);
    assert_eq!(good(store.save(&channel(), holder, &slow, &rescued).await), Saved::Done);
}
