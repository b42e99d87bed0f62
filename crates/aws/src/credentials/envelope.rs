//! The cryptography of an item: AES-256-GCM with a random nonce before the ciphertext.

use pollwheel_core::id::{AccountId, ChannelName};
use pollwheel_core::ports::{Credentials, Secret};
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

/// What is encrypted.
#[derive(Serialize, Deserialize)]
struct Content {
    token: String,
}

impl DataKey {
    pub(super) fn new(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| EnvelopeError::Key)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(super) fn seal(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let content =
            Content { token: credentials.token().map(|token| token.expose().to_owned()).unwrap_or_default() };
        let mut sealed = serde_json::to_vec(&content).map_err(|_| EnvelopeError::Content)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| EnvelopeError::Random)?;
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner(channel, account)),
                &mut sealed,
            )
            .map_err(|_| EnvelopeError::Tampered)?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(super) fn open(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        sealed: &[u8],
    ) -> Result<Credentials, EnvelopeError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(EnvelopeError::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| EnvelopeError::Tampered)?;
        let mut text = text.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(owner(channel, account)), &mut text)
            .map_err(|_| EnvelopeError::Tampered)?;
        let content: Content = serde_json::from_slice(plain).map_err(|_| EnvelopeError::Content)?;
        Ok(Credentials::of_token(Secret::new(content.token)))
    }
}

/// A channel's name has no line feed, so no two pairs come to the same bytes.
fn owner(channel: &ChannelName, account: &AccountId) -> Vec<u8> {
    format!("{channel}\n{account}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (ChannelName, AccountId) {
        (ChannelName::new("mastodon").unwrap(), AccountId::new("a1").unwrap())
    }

    #[test]
    fn a_token_comes_back_for_its_account_only_and_never_twice_the_same() {
        let (channel, account) = ids();
        let key = DataKey::new(&[7; 32]).unwrap();
        let credentials = Credentials::of_token(Secret::new("s3cret"));
        let sealed = key.seal(&channel, &account, &credentials).unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
        assert_eq!(key.open(&channel, &account, &sealed), Ok(credentials.clone()));
        assert_ne!(key.seal(&channel, &account, &credentials).unwrap(), sealed);

        let other = AccountId::new("a2").unwrap();
        assert_eq!(key.open(&channel, &other, &sealed), Err(EnvelopeError::Tampered));
        let github = ChannelName::new("github").unwrap();
        assert_eq!(key.open(&github, &account, &sealed), Err(EnvelopeError::Tampered));
        let wrong = DataKey::new(&[8; 32]).unwrap();
        assert_eq!(wrong.open(&channel, &account, &sealed), Err(EnvelopeError::Tampered));
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        let (channel, account) = ids();
        let key = DataKey::new(&[7; 32]).unwrap();
        for sealed in [&[][..], &[0; 11], &[0; 12], &[0; 40]] {
            assert_eq!(key.open(&channel, &account, sealed), Err(EnvelopeError::Tampered));
        }
        assert_eq!(DataKey::new(&[0; 16]).err(), Some(EnvelopeError::Key));
    }
}
