//! Makes the state folder hold the jobs that the accounts file asks for, and no others in the wheel.

use anyhow::{Context, anyhow};
use pollwheel_connector::ChannelSet;
use pollwheel_core::id::JobId;
use pollwheel_core::policy::{Catalog, JobTypeSpec};
use pollwheel_core::register::{Registered, register, withdraw};
use pollwheel_core::row::{Place, Registration};
use pollwheel_core::time::Timestamp;
use pollwheel_local::store::Store;

use crate::accounts::{AccountsFile, Problems, Source, Wanted};
use crate::exit::Failure;
use crate::signals::Stop;

/// Jobs registered, or registrations looked at, in one go.
const BATCH: usize = 1000;

/// What the registration works with.
pub(super) struct Sync<'a> {
    /// The wheel's time.
    pub(super) now: Timestamp,
    pub(super) catalog: &'a Catalog,
    pub(super) store: &'a Store,
    pub(super) stop: &'a Stop,
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Input(problems.to_string())
    }
}

impl Sync<'_> {
    /// Registers what is in the file, withdraws what is not.
    pub(super) async fn run<S: Source>(
        &self,
        file: &mut AccountsFile<S>,
        channels: &ChannelSet,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let mut report = Registered::default();
        let registering = async |jobs: &[_]| {
            self.go_on()?;
            let batch = register(self.now, jobs, self.catalog, self.store).await;
            let batch = batch.context("registering the accounts failed: run again to complete it")?;
            report.inserted += batch.inserted;
            report.changed += batch.changed;
            report.unparked += batch.unparked;
            report.unchanged += batch.unchanged;
            Ok::<(), Failure>(())
        };
        file.for_each_batch(channels, BATCH, registering).await?;
        let withdrawn = self.withdraw_others(wanted).await?;
        self.tell_of_overload(channels, wanted)?;
        tracing::info!(
            accounts = wanted.accounts(),
            jobs = wanted.jobs,
            new = report.inserted,
            changed = report.changed,
            returned = report.unparked,
            unchanged = report.unchanged,
            withdrawn,
            "accounts registered"
        );
        Ok(())
    }

    /// Says which shared limits bear less than what is registered. Nothing is refused: every job is polled less often.
    fn tell_of_overload(&self, channels: &ChannelSet, wanted: &Wanted) -> Result<(), Failure> {
        if self.catalog.iter().all(|spec| spec.budgets.is_empty()) {
            return Ok(());
        }
        let plan = crate::plan::of_store(
            self.store,
            self.catalog,
            crate::plan::carried(channels, &wanted.credentials),
        )?;
        for limit in plan.limits.iter().filter(|limit| !limit.fits) {
            tracing::warn!("{}", crate::plan::overload(limit));
        }
        Ok(())
    }

    async fn withdraw_others(&self, wanted: &Wanted) -> Result<u64, Failure> {
        let (mut withdrawn, mut idle) = (0, 0);
        let mut from = None;
        loop {
            let page = self.store.registrations(from.as_deref(), BATCH).map_err(anyhow::Error::new);
            let page = page.context("cannot read the state folder")?;
            for Registration { job, place, .. } in page.items {
                let is_parked = matches!(place, Place::Parked { .. });
                if is_parked || wanted.holds(&job) {
                    continue;
                }
                self.go_on()?;
                match self.catalog.get(&job.job_type) {
                    Some(spec) => withdrawn += u64::from(self.withdraw(&job, spec).await?),
                    None => idle += 1,
                }
            }
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        if idle > 0 {
            tracing::warn!(
                jobs = idle,
                "jobs of job types that no channel declares any more are kept, and not polled"
            );
        }
        Ok(withdrawn)
    }

    async fn withdraw(&self, job: &JobId, spec: &JobTypeSpec) -> Result<bool, Failure> {
        let withdrawn = withdraw(self.now, job, spec, self.store).await;
        Ok(withdrawn.context(
            "withdrawing accounts that are no longer in the file failed: run again to complete it",
        )?)
    }

    fn go_on(&self) -> Result<(), Failure> {
        if self.stop.is_asked() {
            return Err(
                anyhow!("stopped before all accounts were registered: run again to complete it").into()
            );
        }
        Ok(())
    }
}
