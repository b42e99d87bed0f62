//! What the control function needs besides the core's ports. `aws.rs` has them on AWS, the tests in memory.

use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::id::{AccountId, ChannelName, JobTypeId};
use pollwheel_core::ports::{Application, Credentials, Page, PauseScope, PortError};
use pollwheel_core::row::Registration;

/// The registrations, by account.
pub trait Registry {
    /// Every registration of an account, on all channels.
    ///
    /// # Errors
    /// When the table cannot be read.
    async fn registrations_of(&self, account: &AccountId) -> Result<Vec<Registration>, PortError>;

    /// A page of all registrations, in no promised order, of about `limit`, from where an earlier page ended.
    ///
    /// # Errors
    /// When the table cannot be read, or `from` is not the end of a page.
    async fn registrations_page(
        &self,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, PortError>;
}

/// What holds dispatch up: pauses of channels and job types, and limits of which more is due than fits. Every operation may be
/// repeated.
pub trait Pauses {
    /// Stops dispatch.
    ///
    /// # Errors
    /// When the table cannot be written.
    async fn pause(&self, scope: &PauseScope) -> Result<(), PortError>;

    /// Lets dispatch go on.
    ///
    /// # Errors
    /// When the table cannot be written.
    async fn resume(&self, scope: &PauseScope) -> Result<(), PortError>;

    /// Whether a job type's dispatch is stopped: by its own pause, or its channel's.
    ///
    /// # Errors
    /// When the table cannot be read.
    async fn stops(&self, job_type: &JobTypeId) -> Result<bool, PortError>;

    /// What the scheduler knows of shared limits, in their order.
    ///
    /// # Errors
    /// When the table cannot be read.
    async fn paces(&self, limits: &[PaceKey]) -> Result<Vec<Pace>, PortError>;
}

/// Where credentials are kept, encrypted. Every operation may be repeated.
pub trait Vault {
    /// Keeps an account's credentials, in place of earlier ones. `Ok` means durable.
    ///
    /// # Errors
    /// When they cannot be encrypted or written.
    async fn put(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), PortError>;

    /// Keeps the deployment's own credentials of a channel, in place of earlier ones. `Ok` means durable.
    ///
    /// # Errors
    /// When they cannot be encrypted or written.
    async fn put_application(
        &self,
        channel: &ChannelName,
        application: &Application,
    ) -> Result<(), PortError>;

    /// Forgets the deployment's own credentials of a channel, if there are any.
    ///
    /// # Errors
    /// When they cannot be deleted.
    async fn delete_application(&self, channel: &ChannelName) -> Result<(), PortError>;

    /// Forgets an account's credentials, if it has any.
    ///
    /// # Errors
    /// When they cannot be deleted.
    async fn delete(&self, channel: &ChannelName, account: &AccountId) -> Result<(), PortError>;
}

/// Part of a stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes from where it was asked for.
    pub bytes: Vec<u8>,
    /// Bytes of the whole object.
    pub total: u64,
    /// What changes when the object does: its ETag.
    pub version: String,
}

/// Stored objects, read in parts.
pub trait Objects {
    /// At most `limit` bytes of an object, from `from` on; fewer only at its end. With a `version`, of that version alone:
    /// an object that was replaced meanwhile is an error that says so.
    ///
    /// # Errors
    /// When the object is not there, may not be read, or is of another version.
    async fn read(
        &self,
        object: &ObjectName,
        from: u64,
        limit: u64,
        version: Option<&str>,
    ) -> Result<Part, PortError>;
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// The bucket.
    pub bucket: String,
    /// The key in it.
    pub key: String,
}
