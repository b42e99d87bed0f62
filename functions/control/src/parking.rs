//! Pausing accounts, and taking parked jobs back into the wheel, one by one or page by page.

use futures_util::{StreamExt, TryStreamExt, stream};
use pollwheel_core::id::{ChannelName, JobId, JobTypeId};
use pollwheel_core::policy::JobTypeSpec;
use pollwheel_core::ports::{Clock, JobStore, PortError};
use pollwheel_core::register;
use pollwheel_core::row::{ParkReason, Place, Registration};

use crate::accounts::{AT_ONCE, not_registered};
use crate::answer::Answer;
use crate::handler::{Control, ControlError, Done};
use crate::ports::{Objects, Pauses, Registry, Vault};
use crate::selection::Selection;

/// Which parked jobs, whoever's they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parking {
    pub(crate) channel: Option<ChannelName>,
    pub(crate) job_type: Option<JobTypeId>,
    pub(crate) reason: Option<ParkReason>,
}

impl Parking {
    /// Whether a registration may be one of them. Why it is parked stands in its row.
    fn may_hold(&self, registration: &Registration) -> bool {
        let job_type = &registration.job.job_type;
        matches!(registration.place, Place::Parked { .. })
            && self.channel.as_ref().is_none_or(|channel| job_type.channel() == channel.as_str())
            && self.job_type.as_ref().is_none_or(|wanted| wanted == job_type)
    }
}

/// What is done to each of some jobs.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Park,
    Unpark(Option<ParkReason>),
}

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    /// Takes an account's jobs out of the wheel until they are resumed. No registration brings them back before.
    pub(crate) async fn pause_jobs(&self, selection: &Selection) -> Result<Done, ControlError> {
        self.each(selection, Deed::Park).await
    }

    /// Takes back those that were paused, and no others.
    pub(crate) async fn resume_jobs(&self, selection: &Selection) -> Result<Done, ControlError> {
        self.each(selection, Deed::Unpark(Some(ParkReason::Paused))).await
    }

    /// Takes an account's parked jobs back, all of them or those that were parked for a reason.
    pub(crate) async fn unpark(
        &self,
        selection: &Selection,
        reason: Option<ParkReason>,
    ) -> Result<Done, ControlError> {
        self.each(selection, Deed::Unpark(reason)).await
    }

    async fn each(&self, selection: &Selection, deed: Deed) -> Result<Done, ControlError> {
        let selected = self.selected(selection).await?;
        let declared = self.declared(selected.into_iter().map(|one| one.job));
        if declared.is_empty() {
            return Ok(not_registered(&selection.account, selection.channel()));
        }
        let (changed, unchanged) = self.done_to(declared, deed).await?;
        Ok(Done::Answer(Answer::Changed { changed, unchanged }))
    }

    /// Takes back the parked jobs of a page of registrations.
    pub(crate) async fn unpark_page(
        &self,
        parking: &Parking,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Done, ControlError> {
        let page = self.store.registrations_page(from, limit).await?;
        let chosen = page.items.into_iter().filter(|registration| parking.may_hold(registration));
        let declared = self.declared(chosen.map(|registration| registration.job));
        let (unparked, unchanged) = self.done_to(declared, Deed::Unpark(parking.reason)).await?;
        Ok(Done::Answer(Answer::Unparked { unparked, unchanged, next: page.next }))
    }

    fn declared(&self, jobs: impl Iterator<Item = JobId>) -> Vec<(JobId, &JobTypeSpec)> {
        jobs.filter_map(|job| self.catalog.get(&job.job_type).map(|spec| (job, spec))).collect()
    }

    /// How many it was done to, and how many it was not.
    async fn done_to(&self, jobs: Vec<(JobId, &JobTypeSpec)>, deed: Deed) -> Result<(u64, u64), PortError> {
        let now = self.clock.now();
        let done = stream::iter(jobs)
            .map(|(job, spec)| async move {
                match deed {
                    Deed::Park => register::park(now, &job, spec, &self.store).await,
                    Deed::Unpark(reason) => register::unpark_if(now, &job, reason, spec, &self.store).await,
                }
            })
            .buffer_unordered(AT_ONCE);
        let done: Vec<bool> = done.try_collect().await?;
        let count = |what| done.iter().filter(|one| **one == what).count() as u64;
        Ok((count(true), count(false)))
    }
}
