//! The job of a recorded poll, as the core would hand it out.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use pollwheel_core::cadence::Cadence;
use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel, Target};
use pollwheel_core::ports::{Application, Credentials, PoolToken, Secret, Secrets};
use pollwheel_core::row::{JobRow, Place, Revision, Subject};
use pollwheel_core::time::{EpochMinute, Timestamp};
use pollwheel_core::wheel::Cohort;

use super::case::Case;
use super::play::Unplayable;
use crate::channel::Channel;

/// The account's id: recordings know no product that gives one.
const ACCOUNT_ID: &str = "a1";
const LEVEL: &str = "recorded";

/// A row, and what it authenticates with.
pub(super) struct Job {
    pub(super) row: JobRow,
    pub(super) credentials: Option<Credentials>,
    pub(super) application: Option<Application>,
}

impl Job {
    pub(super) fn of(channel: &Channel, case: &Case) -> Result<Self, Unplayable> {
        let bad = |field, message: String| Unplayable { field, message };
        let job_type = JobTypeId::of(channel.name(), &case.job_type)
            .map_err(|error| bad("job_type", error.to_string()))?;
        if channel.job_types().all(|known| known.spec().id != job_type) {
            let message = format!("channel `{}` has no job type `{}`", channel.name(), case.job_type);
            return Err(bad("job_type", message));
        }
        let target = case.target.as_deref().map(Target::new).transpose();
        let target = target.map_err(|error| bad("target", error.to_string()))?;
        let account = AccountId::new(ACCOUNT_ID).map_err(|error| bad("account", error.to_string()))?;
        let job = JobId { job_type, account, target };
        let subject = Subject {
            external_id: case.account.external_id.clone(),
            base_url: case.account.base_url.clone(),
        };
        let place = Place::Cohort(Cohort::of(&job, Cadence::FASTEST, NonZeroU16::MIN));
        let level = ServiceLevel::new(LEVEL).map_err(|error| bad("account", error.to_string()))?;
        let mut row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(0));
        row.context = case.context.clone();
        Ok(Self { row, credentials: credentials(case), application: application(case) })
    }
}

fn credentials(case: &Case) -> Option<Credentials> {
    let account = &case.account;
    let mut secrets = secrets(&account.credentials);
    if let Some(token) = &account.token {
        secrets.insert(Credentials::TOKEN.into(), Secret::new(token.as_str()));
    }
    let expires_at = account.expires_at.as_deref().and_then(instant);
    (!secrets.is_empty()).then_some(Credentials { secrets, expires_at, ..Credentials::default() })
}

fn application(case: &Case) -> Option<Application> {
    let application = &case.application;
    if application.is_empty() {
        return None;
    }
    let token = |token: &super::case::Token| PoolToken {
        name: token.name.as_str().into(),
        token: Secret::new(token.token.as_str()),
    };
    Some(Application {
        credentials: Credentials {
            secrets: secrets(&application.credentials),
            expires_at: application.expires_at.as_deref().and_then(instant),
            ..Credentials::default()
        },
        tokens: application.tokens.iter().map(token).collect(),
    })
}

fn secrets(named: &BTreeMap<String, String>) -> Secrets {
    named.iter().map(|(name, secret)| (name.as_str().into(), Secret::new(secret.as_str()))).collect()
}

/// Reading the case has checked it.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(u64::try_from(instant.as_millisecond()).unwrap_or(0)))
}
