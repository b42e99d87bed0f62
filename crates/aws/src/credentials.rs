//! Credentials: encrypted before they are written, read in batches, decrypted with cached keys.
//!
//! Envelope encryption: each item carries its secrets under AES-256-GCM, and the data key under which it is, encrypted by
//! KMS. Many items share a data key, so that neither a poll nor the registration of an account asks KMS. Account and
//! channel are authenticated with them: an item that was copied to another account cannot be read.

mod cache;
mod envelope;
mod item;
mod renewal;
mod table;
mod vault;

pub use table::CredentialTable;
pub use vault::CredentialVault;
