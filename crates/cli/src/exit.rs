//! How a command ends: what went wrong, and the exit code that tells a script which kind of thing it was.

use std::process::ExitCode;

use pollwheel_connector::ConnectorError;

use crate::screen::Screen;

/// Bad input: the same code as for a bad argument.
const BAD_INPUT: u8 = 2;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What it was given is wrong: a channel file, an accounts file, an argument. Nothing was started.
    Input(String),
    /// The system or the store refuses, or something failed under way.
    Run(anyhow::Error),
    /// What was asked about is not as it should be. The answer on standard output says what.
    Verdict,
    /// Whoever reads standard output has had enough.
    Closed,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Contact => Self::Input(format!("`--contact`: {error}")),
            ConnectorError::Tls(_) => Self::Run(anyhow::Error::new(error)),
        }
    }
}

/// Says what went wrong, and with which code to exit.
pub(crate) fn code(done: Result<(), Failure>, screen: &Screen) -> ExitCode {
    let (text, code) = match done {
        Ok(()) | Err(Failure::Closed) => return ExitCode::SUCCESS,
        Err(Failure::Verdict) => return ExitCode::FAILURE,
        Err(Failure::Input(text)) => (text, ExitCode::from(BAD_INPUT)),
        Err(Failure::Run(error)) => (format!("{error:#}"), ExitCode::FAILURE),
    };
    screen.log(format!("error: {text}\n").as_bytes());
    code
}
