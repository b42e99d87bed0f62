//! Listing registrations: of an account, or page by page.

use pollwheel_core::id::AccountId;
use pollwheel_core::ports::{Clock, JobStore};
use pollwheel_core::row::{Place, Registration};
use serde::Serialize;

use crate::answer::Answer;
use crate::handler::{Control, ControlError, Done};
use crate::jobs::JobName;
use crate::ports::{Objects, Pauses, Registry, Vault};

/// Registrations, as they are listed.
#[derive(Debug, Serialize)]
pub struct Listed {
    registrations: Vec<Entry>,
    /// Those that this build cannot read. They stay where they are.
    #[serde(skip_serializing_if = "is_zero")]
    unreadable: u32,
    /// The same command goes on from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    job: JobName,
    service_level: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    Active { cadence_minutes: u16 },
    Parked,
}

impl From<Registration> for Entry {
    fn from(registration: Registration) -> Self {
        let state = match registration.place {
            Place::Cohort(cohort) => State::Active { cadence_minutes: cohort.cadence.minutes() },
            Place::Parked { .. } => State::Parked,
        };
        Self { job: JobName::from(&registration.job), service_level: registration.level.to_string(), state }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    /// An account without registrations is an empty list, not an error: nobody can tell it from one that has left.
    pub(crate) async fn list_of(&self, account: &AccountId) -> Result<Done, ControlError> {
        let found = self.store.registrations_of(account).await?;
        let registrations = found.into_iter().map(Entry::from).collect();
        Ok(Done::Answer(Answer::Listed(Listed { registrations, unreadable: 0, next: None })))
    }

    pub(crate) async fn list_all(&self, from: Option<&str>, limit: usize) -> Result<Done, ControlError> {
        let page = self.store.registrations_page(from, limit).await?;
        let registrations = page.items.into_iter().map(Entry::from).collect();
        Ok(Done::Answer(Answer::Listed(Listed {
            registrations,
            unreadable: page.unreadable,
            next: page.next,
        })))
    }
}
