//! The ports in memory, with a journal of what was written in which order.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use pollwheel_control::{ObjectName, Objects, Part, Pauses, Registry, Vault};
use pollwheel_core::budget::{Pace, PaceKey};
use pollwheel_core::id::{AccountId, ChannelName, JobId, JobTypeId};
use pollwheel_core::ports::{
    Application, Applied, Change, ControlStore, Credentials, JobStore, Page, PauseScope, PortError, Retry,
};
use pollwheel_core::row::{JobRow, Place, Registration, WakeUp};
use pollwheel_core::time::EpochMinute;
use pollwheel_core::wheel::Cohort;
use pollwheel_local::store::Store;

/// What was written, in order.
pub(crate) type Journal = Rc<RefCell<Vec<String>>>;

/// The embedded store.
pub(crate) struct Tables {
    pub(crate) store: Rc<Store>,
    pub(crate) journal: Journal,
}

impl JobStore for Tables {
    async fn read_cohort(
        &self,
        job_type: &JobTypeId,
        cohort: Cohort,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, PortError> {
        self.store.read_cohort(job_type, cohort, from, limit).await
    }

    async fn read_wakes(
        &self,
        job_type: &JobTypeId,
        minute: EpochMinute,
        shard: u16,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<WakeUp>, PortError> {
        self.store.read_wakes(job_type, minute, shard, from, limit).await
    }

    async fn read_row(&self, job: &JobId, place: Place) -> Result<Option<JobRow>, PortError> {
        self.store.read_row(job, place).await
    }

    async fn locate(&self, job: &JobId) -> Result<Option<Registration>, PortError> {
        self.store.locate(job).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Vec<Result<Applied, PortError>> {
        for change in &changes {
            let line = match change {
                Change::Insert(row) => format!("insert {}", row.job),
                Change::Update { row, .. } => format!("update {}", row.job),
                Change::Move { row, .. } => format!("move {}", row.job),
                Change::Remove { job, .. } => format!("remove {job}"),
                Change::Wake(wake) => format!("wake {}", wake.job),
            };
            self.journal.borrow_mut().push(line);
        }
        self.store.apply(changes).await
    }
}

impl Registry for Tables {
    async fn registrations_of(&self, account: &AccountId) -> Result<Vec<Registration>, PortError> {
        let all = self.store.registrations(None, usize::MAX)?.items;
        Ok(all.into_iter().filter(|registration| registration.job.account == *account).collect())
    }

    async fn registrations_page(
        &self,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<Registration>, PortError> {
        self.store.registrations(from, limit)
    }
}

/// Pauses in the embedded store.
pub(crate) struct StorePauses(pub(crate) Rc<Store>);

impl StorePauses {
    pub(crate) async fn is_paused(&self, job_type: &str) -> bool {
        self.0.gate(&JobTypeId::new(job_type).unwrap()).await.unwrap().paused
    }
}

impl Pauses for StorePauses {
    async fn pause(&self, scope: &PauseScope) -> Result<(), PortError> {
        self.0.pause(scope)
    }

    async fn resume(&self, scope: &PauseScope) -> Result<(), PortError> {
        self.0.resume(scope)
    }

    async fn stops(&self, job_type: &JobTypeId) -> Result<bool, PortError> {
        Ok(self.0.gate(job_type).await?.paused)
    }

    async fn paces(&self, limits: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        ControlStore::paces(&*self.0, limits).await
    }
}

/// Credentials, in the open.
pub(crate) struct MemoryVault {
    pub(crate) kept: RefCell<BTreeMap<(ChannelName, AccountId), Credentials>>,
    pub(crate) applications: RefCell<BTreeMap<ChannelName, Application>>,
    pub(crate) journal: Journal,
    pub(crate) is_down: bool,
}

impl MemoryVault {
    pub(crate) fn token(&self, account: &str) -> Option<String> {
        let kept = self.kept.borrow();
        let found = kept.iter().find(|((_, known), _)| known.as_str() == account);
        found.map(|(_, credentials)| credentials.token().unwrap().expose().to_owned())
    }
}

impl Vault for MemoryVault {
    async fn put(
        &self,
        channel: &ChannelName,
        account: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), PortError> {
        if self.is_down {
            return Err(PortError::new("encrypting", Retry::Throttled, "the key is busy"));
        }
        self.journal.borrow_mut().push(format!("put {account}"));
        self.kept.borrow_mut().insert((channel.clone(), account.clone()), credentials.clone());
        Ok(())
    }

    async fn put_application(
        &self,
        channel: &ChannelName,
        application: &Application,
    ) -> Result<(), PortError> {
        self.journal.borrow_mut().push(format!("put application {channel}"));
        self.applications.borrow_mut().insert(channel.clone(), application.clone());
        Ok(())
    }

    async fn delete_application(&self, channel: &ChannelName) -> Result<(), PortError> {
        self.applications.borrow_mut().remove(channel);
        Ok(())
    }

    async fn delete(&self, channel: &ChannelName, account: &AccountId) -> Result<(), PortError> {
        self.journal.borrow_mut().push(format!("delete {account}"));
        self.kept.borrow_mut().remove(&(channel.clone(), account.clone()));
        Ok(())
    }
}

/// One object, in versions.
#[derive(Default)]
pub(crate) struct MemoryObject {
    pub(crate) text: RefCell<Vec<u8>>,
    pub(crate) version: Cell<u32>,
    /// The largest part that was asked for.
    pub(crate) largest: Cell<u64>,
}

impl MemoryObject {
    pub(crate) fn replace(&self, text: impl Into<Vec<u8>>) {
        self.version.set(self.version.get() + 1);
        self.text.replace(text.into());
    }
}

impl Objects for MemoryObject {
    async fn read(
        &self,
        object: &ObjectName,
        from: u64,
        limit: u64,
        version: Option<&str>,
    ) -> Result<Part, PortError> {
        let what = format!("reading s3://{}/{}", object.bucket, object.key);
        let here = self.version.get().to_string();
        if object.key != "accounts.jsonl" {
            return Err(PortError::new(what, Retry::Never, "there is no such object"));
        }
        if version.is_some_and(|version| version != here) {
            return Err(PortError::new(what, Retry::Never, "it was replaced since the reading began"));
        }
        self.largest.set(self.largest.get().max(limit));
        let text = self.text.borrow();
        let from = usize::try_from(from).unwrap().min(text.len());
        let end = text.len().min(from + usize::try_from(limit).unwrap());
        Ok(Part { bytes: text[from..end].to_vec(), total: text.len() as u64, version: here })
    }
}
