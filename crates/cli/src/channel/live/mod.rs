//! One poll of a real account, watched: for `try` and `record`. Nothing is published and nothing is kept.

mod account;
mod application;
mod follows;
mod secret_names;
mod secrets;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use pollwheel_connector::watch::{Seen, Watch};
use pollwheel_connector::{ChannelSet, Connector, ConnectorOptions, special_host};
use pollwheel_core::outcome::Outcome;
use pollwheel_core::ports::{Application, Credentials, Grant, Polled, Poller, Request};
use pollwheel_core::row::JobRow;

pub(super) use self::account::{Chosen, timestamp};
pub(super) use self::follows::Follows;
pub(super) use self::secret_names::{is_secret_header, is_secret_name, is_secret_parameter, singular, words};
pub(super) use self::secrets::{HIDDEN, Secrets, application_name, decoded, percent};
use super::args::LiveArgs;
use super::load;
use crate::exit::Failure;

/// Time for one poll, all its pages.
const BUDGET: Duration = Duration::from_secs(60);

/// A job to poll, and what polls it.
pub(super) struct Live {
    connector: Connector,
    runtime: tokio::runtime::Runtime,
    /// What names a missing file of applications.
    args: LiveArgs,
    pub(super) chosen: Chosen,
    /// The deployment's own credentials.
    pub(super) application: Option<Application>,
    /// The account's and the application's, to be hidden.
    pub(super) secrets: Secrets,
}

/// One poll, and what went over the wire.
pub(super) struct Poll {
    /// The job as it was.
    pub(super) row: JobRow,
    pub(super) at: SystemTime,
    pub(super) exchanges: Vec<Seen>,
    pub(super) polled: Polled,
    pub(super) follows: Follows,
}

/// Keeps every exchange.
#[derive(Default)]
struct Notes(Mutex<Vec<Seen>>);

impl Watch for Notes {
    fn seen(&self, exchange: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }
}

impl Live {
    /// Gets ready. Asks for nothing but the application's token, where it has none yet.
    pub(super) fn new(args: &LiveArgs) -> Result<Self, Failure> {
        let (_, channels) = load(&args.channels)?;
        if channels.get(args.name.as_str()).is_none() {
            let known: Vec<String> = channels.iter().map(|channel| format!("`{}`", channel.name())).collect();
            return Err(Failure::Input(format!(
                "`{}` has no channel `{}`, there is {}",
                args.channels.display(),
                args.name,
                known.join(", ")
            )));
        }
        let chosen = account::choose(args, &channels)?;
        let application = application::read(args, &channels)?;
        let connector = connector(args, channels)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start the runtime")?;
        let now = timestamp(SystemTime::now());
        let application = match application {
            Some(application) => {
                let with_token = application::with_token(&connector, &args.name, application, now);
                Some(runtime.block_on(with_token)?)
            }
            None => None,
        };
        let secrets = Secrets::of(chosen.credentials.as_ref(), application.as_ref());
        Ok(Self { connector, runtime, args: args.clone(), chosen, application, secrets })
    }

    /// The channels.
    pub(super) const fn channels(&self) -> &ChannelSet {
        self.connector.channels()
    }

    /// Whether a deployment would have a new access token after this poll, which is not done here: a refresh token may be
    /// good for one use.
    pub(super) fn would_renew(&self, poll: &Poll) -> bool {
        let is_by_refresh_token =
            self.connector.renewal(&self.args.name).is_some_and(|renewal| match renewal.grant {
                Grant::RefreshToken => true,
                Grant::ClientCredentials => false,
            });
        let credentials = self.chosen.credentials.as_ref();
        let has_one = credentials.is_some_and(|known| known.get(Credentials::REFRESH_TOKEN).is_some());
        matches!(poll.polled.outcome, Outcome::Unauthorized) && is_by_refresh_token && has_one
    }

    /// What may make the machine's own address polled, when an address that is not public was refused.
    pub(super) fn advice(&self, poll: &Poll) -> Option<&'static str> {
        let url = poll.exchanges.last().filter(|seen| seen.answer.is_err()).map(|seen| seen.url.as_str())?;
        let is_refused = !self.args.allow_private_addresses && special_host(url).is_some();
        is_refused.then_some("`--allow-private-addresses` allows requests to an address that is not public")
    }

    /// Polls once, from a row.
    pub(super) fn poll(&self, row: JobRow) -> Result<Poll, Failure> {
        let at = SystemTime::now();
        let notes = Notes::default();
        let request = Request {
            row: &row,
            credentials: self.chosen.credentials.as_ref(),
            application: self.application.as_ref(),
            token: self.application.as_ref().and_then(|application| application.tokens.first()),
            budget: BUDGET,
            permits: None,
        };
        let polled = self.runtime.block_on(self.connector.poll_watched(request, &notes));
        let exchanges = notes.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_missing = exchanges.is_empty()
            && self.application.is_none()
            && matches!(polled.outcome, Outcome::BadResponse { .. })
            && self.connector.uses_application(&self.args.name);
        if is_missing {
            return Err(application::missing(&self.args));
        }
        let catalog = self.channels().catalog();
        let spec = catalog.get(&row.job.job_type).context("the channel has lost its job type")?;
        let follows = Follows::of(&row, &polled, spec, timestamp(SystemTime::now()));
        Ok(Poll { row, at, exchanges, polled, follows })
    }
}

fn connector(args: &LiveArgs, channels: ChannelSet) -> Result<Connector, Failure> {
    let options = ConnectorOptions {
        private_addresses: args.private_addresses(),
        contact: args.contact.clone(),
        ..ConnectorOptions::default()
    };
    Ok(Connector::new(channels, &options)?)
}
