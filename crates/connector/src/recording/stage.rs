//! A recorded job, polled against answers that a script makes up: as often as wanted, at any time.

use std::time::SystemTime;

use pollwheel_core::ports::{Application, Credentials, Polled, Request};
use pollwheel_core::row::JobRow;

use super::case::{Answer, Case};
use super::job::Job;
use super::play::{BUDGET, Unplayable};
use crate::channel::{Channel, ChannelSet};
use crate::exchange::FetchError;
use crate::replay::{Asked, replay_with};

/// A request, as a script sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Asking {
    fn of(asked: &Asked) -> Self {
        let header = |(name, value): (&::http::HeaderName, &::http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Self {
            method: asked.method().to_string(),
            url: asked.uri().to_string(),
            headers: asked.headers().iter().map(header).collect(),
        }
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The job of a case.
pub struct Stage<'c> {
    channels: &'c ChannelSet,
    row: JobRow,
    credentials: Option<Credentials>,
    application: Option<Application>,
}

impl<'c> Stage<'c> {
    /// Sets a case's job up.
    ///
    /// # Errors
    /// When the case has no job type of the channel, or ids that are none.
    pub fn of(channels: &'c ChannelSet, channel: &Channel, case: &Case) -> Result<Self, Unplayable> {
        let Job { row, credentials, application } = Job::of(channel, case)?;
        Ok(Self { channels, row, credentials, application })
    }

    /// The job as it was recorded.
    #[must_use]
    pub const fn row(&self) -> &JobRow {
        &self.row
    }

    /// Polls once, from a row, at a time. `script` answers each request.
    pub fn poll(&self, row: &JobRow, now: SystemTime, mut script: impl FnMut(&Asking) -> Answer) -> Polled {
        let request = Request {
            row,
            credentials: self.credentials.as_ref(),
            application: self.application.as_ref(),
            token: self.application.as_ref().and_then(|application| application.tokens.first()),
            budget: BUDGET,
            permits: None,
        };
        replay_with(self.channels, request, now, |asked| {
            let answer = script(&Asking::of(asked));
            answer.http().map_err(|_| FetchError::Bad("the script's answer cannot be sent".to_owned()))
        })
    }
}
