//! One invocation: a command is read, done and answered.

use pollwheel_aws::Meter;
use pollwheel_aws::lambda::{Deadline, Dimension, Metric, Metrics};
use pollwheel_connector::members::Flaw;
use pollwheel_connector::{ChannelSet, PrivateAddresses};
use pollwheel_core::policy::Catalog;
use pollwheel_core::ports::{Clock, JobStore, PauseScope, PortError, Retry};
use pollwheel_core::register::RegisterError;

use crate::answer::{Answer, Refusal};
use crate::command::{Command, Declared};
use crate::ports::{Objects, Pauses, Registry, Vault};
use crate::request::{self, Caller};

/// The function, on whatever ports it is given.
pub struct Control<S, P, V, O, C> {
    /// Every channel of the deployment.
    pub channels: ChannelSet,
    /// Their job types.
    pub catalog: Catalog,
    /// Whether accounts may name private addresses.
    pub private_addresses: PrivateAddresses,
    /// Rows and registrations.
    pub store: S,
    /// Pauses.
    pub pauses: P,
    /// Credentials.
    pub vault: V,
    /// Files of accounts.
    pub objects: O,
    /// The time of the wheel.
    pub clock: C,
    /// Where metrics go.
    pub metrics: Metrics,
    /// What the ports on AWS used.
    pub meter: Meter,
}

/// Why an invocation failed. Repeating it is always safe, and completes what was begun.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A table, a key or an object failed.
    #[error("{}", .0.chain())]
    Port(#[from] PortError),
    /// Registering failed.
    #[error("{}", told(.0))]
    Register(#[from] RegisterError),
    /// An event of the bus that stands for no command that can be done.
    #[error("the event is refused: {0}")]
    Refused(String),
}

impl ControlError {
    /// Whether the same command may be done a moment later.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Port(error) | Self::Register(RegisterError::Store(error)) => error.retry != Retry::Never,
            Self::Register(RegisterError::UnknownJobType { .. }) | Self::Refused(_) => false,
        }
    }
}

fn told(error: &RegisterError) -> String {
    match error {
        RegisterError::Store(error) => error.chain(),
        RegisterError::UnknownJobType { .. } => error.to_string(),
    }
}

/// What a command comes to: done, or refused because of what is stored.
pub(crate) enum Done {
    Answer(Answer),
    Refused(Vec<Refusal>),
}

impl Done {
    /// Refused because of one field.
    pub(crate) fn refused(field: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(vec![Refusal::of(Flaw::of(field, message))])
    }
}

impl<S, P, V, O, C> Control<S, P, V, O, C>
where
    S: JobStore + Registry,
    P: Pauses,
    V: Vault,
    O: Objects,
    C: Clock,
{
    /// Handles an event.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn handle(&self, event: &str, deadline: Deadline) -> Result<Answer, ControlError> {
        let declared = Declared { channels: &self.channels, private: self.private_addresses };
        let (caller, command) = request::read(event, declared);
        let done = match command {
            Ok(command) => {
                tracing::info!(command = command.name(), ?caller, "a command");
                self.run(command, deadline).await
            }
            Err(flaws) => Ok(Done::Refused(flaws.into_iter().map(Refusal::of).collect())),
        };
        self.count(&done);
        match (done?, caller) {
            (Done::Answer(answer), _) => Ok(answer),
            (Done::Refused(refused), Caller::Direct) => {
                tracing::warn!(problems = refused.len(), "a command was refused");
                Ok(Answer::Refused { refused })
            }
            (Done::Refused(refused), Caller::Bus) => {
                let all: Vec<String> = refused.iter().map(ToString::to_string).collect();
                Err(ControlError::Refused(all.join("; ")))
            }
        }
    }

    async fn run(&self, command: Command, deadline: Deadline) -> Result<Done, ControlError> {
        match command {
            Command::Register(account) => self.register(*account).await,
            Command::Change { account, channel, level } => self.change(&account, &channel, &level).await,
            Command::Remove(selection) => self.remove(&selection).await,
            Command::ListOf(account) => self.list_of(&account).await,
            Command::ListAll { from, limit } => self.list_all(from.as_deref(), limit).await,
            Command::Show(selection) => self.show(&selection).await,
            Command::PollNow(selection) => self.poll_now(&selection).await,
            Command::Unpark(selection, reason) => self.unpark(&selection, reason).await,
            Command::UnparkPage { parking, from, limit } => {
                self.unpark_page(&parking, from.as_deref(), limit).await
            }
            Command::PauseJobs(selection) => self.pause_jobs(&selection).await,
            Command::ResumeJobs(selection) => self.resume_jobs(&selection).await,
            Command::Pause(scope) => {
                self.pauses.pause(&scope).await?;
                Ok(Done::Answer(Answer::Paused { paused: name_of(&scope) }))
            }
            Command::Resume(scope) => {
                self.pauses.resume(&scope).await?;
                Ok(Done::Answer(Answer::Resumed { resumed: name_of(&scope) }))
            }
            Command::Import { object, from } => self.import(&object, from, deadline).await,
            Command::SetApplication(channel, application) => {
                self.vault.put_application(&channel, &application).await?;
                let tokens = application.tokens.len() as u64;
                tracing::info!(%channel, tokens, "the application of a channel was set");
                Ok(Done::Answer(Answer::ApplicationSet { application: channel.to_string(), tokens }))
            }
            Command::RemoveApplication(channel) => {
                self.vault.delete_application(&channel).await?;
                tracing::info!(%channel, "the application of a channel was removed");
                Ok(Done::Answer(Answer::ApplicationRemoved { removed_application: channel.to_string() }))
            }
        }
    }

    fn count(&self, done: &Result<Done, ControlError>) {
        let usage = self.meter.take();
        let refused = matches!(done, Ok(Done::Refused(_)));
        let values = vec![
            Metric::count("Commands", 1),
            Metric::count("CommandsRefused", u64::from(refused)),
            Metric::count("CommandsFailed", u64::from(done.is_err())),
            Metric::amount("ReadUnits", usage.read_units),
            Metric::amount("WriteUnits", usage.write_units),
        ];
        self.metrics.emit(self.clock.now(), Dimension::Function("control"), values);
    }
}

fn name_of(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Channel(channel) => channel.to_string(),
        PauseScope::JobType(job_type) => job_type.to_string(),
    }
}
