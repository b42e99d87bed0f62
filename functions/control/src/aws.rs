//! The ports of this function on AWS.

use pollwheel_aws::{ControlTable, CredentialVault, JobTables};
use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::id::{AccountId, ChannelName, JobTypeId};
use pollwheel_core::ports::{Application, ControlStore, Credentials, Page, PauseScope, PortError};
use pollwheel_core::row::Registration;

use crate::ports::{ObjectName, Objects, Part, Pauses, Registry, Vault};

impl Registry for JobTables {
    async fn registrations_of(&self, account: &AccountId) -> Result<Vec<Registration>, PortError> {
        Self::registrations_of(self, account).await
    }

    async fn registrations_page(
        &self,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, PortError> {
        Self::registrations_page(self, from, limit).await
    }
}

impl Pauses for ControlTable {
    async fn pause(&self, scope: &PauseScope) -> Result<(), PortError> {
        Self::pause(self, scope).await
    }

    async fn resume(&self, scope: &PauseScope) -> Result<(), PortError> {
        Self::resume(self, scope).await
    }

    async fn stops(&self, job_type: &JobTypeId) -> Result<bool, PortError> {
        Ok(self.gate(job_type).await?.paused)
    }

    async fn paces(&self, limits: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        ControlStore::paces(self, limits).await
    }
}

impl Vault for CredentialVault {
    async fn put(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), PortError> {
        Self::put(self, channel, account, credentials).await
    }

    async fn put_application(
        &self,
        channel: &ChannelName,
        application: &Application,
    ) -> Result<(), PortError> {
        Self::put_application(self, channel, application).await
    }

    async fn delete_application(&self, channel: &ChannelName) -> Result<(), PortError> {
        Self::delete_application(self, channel).await
    }

    async fn delete(&self, channel: &ChannelName, account: &AccountId) -> Result<(), PortError> {
        Self::delete(self, channel, account).await
    }
}

impl Objects for pollwheel_aws::Objects {
    async fn read(
        &self,
        object: &ObjectName,
        from: u64,
        limit: u64,
        version: Option<&str>,
    ) -> Result<Part, PortError> {
        let part = Self::read(self, &object.bucket, &object.key, from, limit, version).await?;
        Ok(Part { bytes: part.bytes, total: part.total, version: part.etag })
    }
}
