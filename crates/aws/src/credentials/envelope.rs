//! The cryptography of an item: AES-256-GCM with a random nonce before the ciphertext.

use std::collections::BTreeMap;

use pollwheel_core::id::ChannelName;
use pollwheel_core::ports::{Credentials, Holder, PoolToken, Secret};
use pollwheel_core::time::Timestamp;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// What KMS requires to be said again for a data key to be decrypted, and what the roles' permissions are bound to.
pub(super) const CONTEXT: (&str, &str) = ("pollwheel", "credentials");

/// Why a token could not be encrypted or decrypted. Says nothing about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvelopeError {
    #[error("the data key has not 32 bytes")]
    Key,
    #[error("the machine gives no random numbers")]
    Random,
    #[error("the token cannot be decrypted: the item was changed, or belongs to another account or channel")]
    Tampered,
    #[error("the decrypted token is not what this build writes")]
    Content,
}

/// A data key.
pub(super) struct DataKey(LessSafeKey);

/// What is encrypted. `token` stands apart, where earlier builds wrote and read it as all there was.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<Box<str>, Box<str>>,
    /// Milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<WrittenToken>,
}

#[derive(Serialize, Deserialize)]
struct WrittenToken {
    name: Box<str>,
    token: Box<str>,
}

/// What an item holds in plain: a holder's credentials, and of an application its pool of tokens. The version stands
/// beside what is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) credentials: Credentials,
    pub(super) tokens: Vec<PoolToken>,
}

impl From<&Content> for Written {
    fn from(Content { credentials, tokens }: &Content) -> Self {
        let plain = |secret: &Secret| Box::from(secret.expose());
        let (token, others): (Vec<_>, Vec<_>) =
            credentials.secrets.iter().partition(|(name, _)| &***name == Credentials::TOKEN);
        Self {
            token: token.first().map(|(_, token)| plain(token)),
            secrets: others.into_iter().map(|(name, secret)| (name.clone(), plain(secret))).collect(),
            expires_at: credentials.expires_at.map(Timestamp::millis),
            tokens: tokens
                .iter()
                .map(|PoolToken { name, token }| WrittenToken { name: name.clone(), token: plain(token) })
                .collect(),
        }
    }
}

impl From<Written> for Content {
    fn from(Written { token, secrets, expires_at, tokens }: Written) -> Self {
        let token = token.map(|token| (Credentials::TOKEN.into(), Secret::new(token)));
        let others = secrets.into_iter().map(|(name, secret)| (name, Secret::new(secret)));
        let credentials = Credentials {
            secrets: others.chain(token).collect(),
            expires_at: expires_at.map(Timestamp::from_millis),
            version: 0,
        };
        let tokens = tokens
            .into_iter()
            .map(|WrittenToken { name, token }| PoolToken { name, token: Secret::new(token) })
            .collect();
        Self { credentials, tokens }
    }
}

impl DataKey {
    pub(super) fn new(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| EnvelopeError::Key)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(super) fn seal(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        content: &Content,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let mut sealed = serde_json::to_vec(&Written::from(content)).map_err(|_| EnvelopeError::Content)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| EnvelopeError::Random)?;
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner(channel, holder)),
                &mut sealed,
            )
            .map_err(|_| EnvelopeError::Tampered)?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(super) fn open(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        sealed: &[u8],
    ) -> Result<Content, EnvelopeError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(EnvelopeError::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| EnvelopeError::Tampered)?;
        let mut text = text.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(owner(channel, holder)), &mut text)
            .map_err(|_| EnvelopeError::Tampered)?;
        serde_json::from_slice::<Written>(plain).map(Content::from).map_err(|_| EnvelopeError::Content)
    }
}

/// A channel's name has no line feed, and no account's id is empty, so no two pairs come to the same bytes.
fn owner(channel: &ChannelName, holder: &Holder) -> Vec<u8> {
    let holder = match holder {
        Holder::Account(account) => account.as_str(),
        Holder::Application => "",
    };
    format!("{channel}\n{holder}").into_bytes()
}

#[cfg(test)]
mod tests {
    use pollwheel_core::id::AccountId;

    use super::*;

    fn ids() -> (ChannelName, Holder) {
        (ChannelName::new("mastodon").unwrap(), account("a1"))
    }

    fn account(id: &str) -> Holder {
        Holder::Account(AccountId::new(id).unwrap())
    }

    fn content() -> Content {
        let secret = |name: &str| (name.into(), Secret::new(format!("s3cret-{name}")));
        let secrets = ["token", "refresh_token", "client_id"].map(secret).into();
        let expires_at = Some(Timestamp::from_millis(1_740_052_800_123));
        let tokens = vec![PoolToken { name: "one".into(), token: Secret::new("s3cret-one") }];
        Content { credentials: Credentials { secrets, expires_at, version: 0 }, tokens }
    }

    #[test]
    fn secrets_come_back_for_their_holder_only_and_never_twice_the_same() {
        let (channel, holder) = ids();
        let key = DataKey::new(&[7; 32]).unwrap();
        let sealed = key.seal(&channel, &holder, &content()).unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
        assert_eq!(key.open(&channel, &holder, &sealed), Ok(content()));
        assert_ne!(key.seal(&channel, &holder, &content()).unwrap(), sealed);

        for other in [account("a2"), Holder::Application] {
            assert_eq!(key.open(&channel, &other, &sealed), Err(EnvelopeError::Tampered));
        }
        let github = ChannelName::new("github").unwrap();
        assert_eq!(key.open(&github, &holder, &sealed), Err(EnvelopeError::Tampered));
        let wrong = DataKey::new(&[8; 32]).unwrap();
        assert_eq!(wrong.open(&channel, &holder, &sealed), Err(EnvelopeError::Tampered));
    }

    #[test]
    fn r30_a_token_alone_is_read_and_written_as_earlier_builds_did() {
        let earlier: Written = serde_json::from_str(r#"{"token":"s3cret"}"#).unwrap();
        let content = Content::from(earlier);
        assert_eq!(content.credentials, Credentials::of_token(Secret::new("s3cret")));
        assert_eq!(serde_json::to_string(&Written::from(&content)).unwrap(), r#"{"token":"s3cret"}"#);
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        let (channel, holder) = ids();
        let key = DataKey::new(&[7; 32]).unwrap();
        for sealed in [&[][..], &[0; 11], &[0; 12], &[0; 40]] {
            assert_eq!(key.open(&channel, &holder, sealed), Err(EnvelopeError::Tampered));
        }
        assert_eq!(DataKey::new(&[0; 16]).err(), Some(EnvelopeError::Key));
    }
}
