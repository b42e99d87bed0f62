//! The deployment's own credentials, and where renewed tokens are kept.
//!
//! A state folder holds no secret. But a refresh token that is good for one use is gone with the process when what it was
//! exchanged for is not kept: a channel with such tokens needs a file for them.

use pollwheel_connector::{ChannelSet, Connector};
use pollwheel_core::ports::{Grant, Poller};

use crate::accounts::Wanted;
use crate::applications;
use crate::args::RunArgs;
use crate::exit::Failure;

/// Takes the applications from their file.
pub(super) fn add_applications(
    args: &RunArgs,
    channels: &ChannelSet,
    wanted: &mut Wanted,
) -> Result<(), Failure> {
    let Some(file) = &args.applications else { return Ok(()) };
    for (channel, application) in applications::read(file, channels)? {
        wanted.credentials.insert_application(channel, application);
    }
    Ok(())
}

/// Refuses a run that would lose tokens at its end.
pub(super) fn check(args: &RunArgs, connector: &Connector, wanted: &Wanted) -> Result<(), Failure> {
    if args.memory || args.demo || args.secrets.is_some() {
        return Ok(());
    }
    let rotates = |grant| match grant {
        Grant::RefreshToken => true,
        // They are had again for the client's id and secret.
        Grant::ClientCredentials => false,
    };
    let losing = wanted
        .channels()
        .into_iter()
        .find(|channel| connector.renewal(channel).is_some_and(|renewal| rotates(renewal.grant)));
    match losing {
        None => Ok(()),
        Some(channel) => Err(Failure::Input(format!(
            "channel `{channel}` exchanges refresh tokens for new ones, which must outlive this run: name a file for them \
             with `--secrets FILE`, or keep nothing with `--memory`"
        ))),
    }
}

/// Opens the file of renewed tokens, and takes what it holds.
pub(super) fn open(args: &RunArgs, wanted: &mut Wanted) -> Result<(), Failure> {
    let Some(file) = &args.secrets else { return Ok(()) };
    let opened = wanted.credentials.keep_in(file);
    opened.map_err(|error| Failure::Input(format!("`--secrets`: `{}` {error}", file.display())))
}
