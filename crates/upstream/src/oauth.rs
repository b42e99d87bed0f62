//! OAuth 2: tokens that are issued, expire, and are rotated.
//!
//! What a token stands for is written in the token itself, so that issuing needs no memory: a million accounts cost
//! nothing. Only used refresh tokens are remembered, as hashes. A token that was not issued here is good for ever.

mod grant;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::header::HeaderMap;

pub(crate) use self::grant::Vendor;
use self::grant::{Grant, Refusal};
use crate::api::Answer;
use crate::call::is_account_id;
use crate::clock::whole_ms;
use crate::draw;
use crate::stats::OauthStats;

const ACCESS: &str = "upa_";
const REFRESH: &str = "upr_";
/// Used refresh tokens remembered: about 20 MB. Beyond that, reuse goes unnoticed.
const MAX_USED: usize = 1_000_000;

/// The account that a token belongs to: what follows its last `~`.
pub(crate) fn owner(token: &str) -> Option<&str> {
    token.rsplit_once('~').map(|(_, account)| account).filter(|account| is_account_id(account))
}

/// The OAuth client that an issued token was issued to.
pub(crate) fn client(token: &str) -> Option<u64> {
    let (client, _) = token.strip_prefix(ACCESS)?.split_once('_')?;
    u64::from_str_radix(client, 16).ok()
}

/// What has become of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    Expired,
}

/// The authorization server of all APIs.
#[derive(Debug)]
pub(crate) struct Oauth {
    /// How long access tokens are good for; for ever without it.
    ttl: Option<Duration>,
    serial: AtomicU64,
    used: Mutex<HashSet<u64>>,
    stats: Mutex<OauthStats>,
}

impl Oauth {
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, serial: AtomicU64::new(1), used: Mutex::default(), stats: Mutex::default() }
    }

    pub(crate) fn stats(&self) -> OauthStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a token is accepted.
    pub(crate) fn state(&self, token: &str, now_ms: u64) -> State {
        if token.starts_with("expired-") {
            return State::Expired;
        }
        let expires_ms = || {
            let (_, rest) = token.strip_prefix(ACCESS)?.split_once('_')?;
            u64::from_str_radix(rest.split_once('_')?.0, 16).ok()
        };
        match expires_ms() {
            Some(expires_ms) if expires_ms <= now_ms => State::Expired,
            Some(_) | None => State::Good,
        }
    }

    /// Answers a request for a token, and counts it.
    pub(crate) fn answer(&self, vendor: Vendor, headers: &HeaderMap, body: &str, now_ms: u64) -> Answer {
        let granted = Grant::read(vendor, headers, body).and_then(|grant| self.issue(vendor, &grant, now_ms));
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.requests += 1;
        match granted {
            Ok(body) => {
                stats.issued += 1;
                vendor.grant(&body)
            }
            Err(refusal) => {
                stats.refused += 1;
                if refusal == Refusal::UsedRefreshToken {
                    stats.refresh_token_reuse += 1;
                }
                vendor.refuse(refusal)
            }
        }
    }

    fn issue(&self, vendor: Vendor, grant: &Grant, now_ms: u64) -> Result<serde_json::Value, Refusal> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let (owner, refresh) = match &grant.refresh_token {
            None => (String::new(), None),
            Some(token) => {
                let owner = owner(token).map_or_else(String::new, |owner| format!("~{owner}"));
                (owner.clone(), Some(self.rotate(vendor, token, &format!("{serial:x}{owner}"))?))
            }
        };
        // A time that is never reached stands for one that there is not.
        let expires_ms = self.ttl.map_or(u64::MAX, |ttl| now_ms.saturating_add(whole_ms(ttl)));
        let mut body = serde_json::json!({
            "access_token": format!("{ACCESS}{:x}_{expires_ms:x}_{serial:x}{owner}", grant.client),
            "token_type": vendor.token_type(),
        });
        let seconds = self.ttl.map(|ttl| ttl.as_secs()).or_else(|| vendor.usual_seconds());
        let optional = [
            ("expires_in", seconds.map(Into::into)),
            ("scope", grant.scope.clone().or_else(|| vendor.usual_scope()).map(Into::into)),
            ("refresh_token", refresh.map(Into::into)),
        ];
        for (name, value) in optional {
            if let (Some(value), Some(members)) = (value, body.as_object_mut()) {
                members.insert(name.to_owned(), value);
            }
        }
        Ok(body)
    }

    /// The refresh token that takes the place of `token`.
    fn rotate(&self, vendor: Vendor, token: &str, next: &str) -> Result<String, Refusal> {
        if token.starts_with("revoked-") {
            return Err(Refusal::BadRefreshToken);
        }
        if !vendor.rotates() {
            return Ok(token.to_owned());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains(&draw::key(4, token)) {
            return Err(Refusal::UsedRefreshToken);
        }
        if used.len() < MAX_USED {
            used.insert(draw::key(4, token));
        }
        Ok(format!("{REFRESH}{next}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_name_its_owner() {
        assert_eq!(owner("secret~alice"), Some("alice"));
        assert_eq!(owner("a~b~gone-7"), Some("gone-7"));
        for of_nobody in ["secret", "x~", "x~a/b"] {
            assert_eq!(owner(of_nobody), None, "{of_nobody}");
        }
    }

    #[test]
    fn only_issued_tokens_expire() {
        let oauth = Oauth::new(Some(Duration::from_secs(5)));
        assert_eq!(oauth.state("anything", u64::MAX), State::Good);
        assert_eq!(oauth.state("expired-anything", 0), State::Expired);
        let grant = Grant { client: 7, refresh_token: Some("first~alice".to_owned()), scope: None };
        let body = oauth.issue(Vendor::Any, &grant, 1_000).unwrap();
        let token = body["access_token"].as_str().unwrap();
        assert_eq!((client(token), owner(token)), (Some(7), Some("alice")));
        assert_eq!(oauth.state(token, 5_999), State::Good);
        assert_eq!(oauth.state(token, 6_000), State::Expired);
        assert_eq!(oauth.issue(Vendor::Any, &grant, 1_000), Err(Refusal::UsedRefreshToken));
    }
}
