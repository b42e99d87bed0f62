//! `pollwheel run`: registers the accounts, polls them, publishes what is new, reports.
//!
//! Everything that can be refused is refused before anything is written: channels, accounts, applications, output files, the
//! state folder, the file of secrets, in this order.

mod cycle;
mod events;
mod outputs;
mod registration;
mod secrets;
mod state;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pollwheel_connector::{ChannelSet, Connector, ConnectorOptions, PrivateAddresses};
use pollwheel_local::bus::Broken;
use pollwheel_local::store::Store;

use crate::accounts::{AccountsFile, Source};
use crate::args::RunArgs;
use crate::channel;
use crate::cost::{PriceTable, USUAL_REGION};
use crate::exit::Failure;
use crate::report::Report;
use crate::screen::Screen;
use crate::signals::{self, Stop};
use events::Events;
pub(crate) use events::Format;
use outputs::Outputs;
pub(crate) use outputs::{keep_apart, show};
use registration::Sync;

/// What is polled, and from where. The demo brings its own.
pub(crate) struct Subjects<S> {
    pub(crate) channels: ChannelSet,
    pub(crate) accounts: AccountsFile<S>,
    pub(crate) store: StoreAt,
    pub(crate) private_addresses: PrivateAddresses,
    pub(crate) format: Format,
    pub(crate) tick: Option<Duration>,
}

/// Where the jobs are kept.
#[derive(Debug)]
pub(crate) enum StoreAt {
    Folder(std::path::PathBuf),
    Memory,
}

impl StoreAt {
    fn open(&self) -> Result<Store, Failure> {
        let opened = match self {
            Self::Folder(folder) if folder.is_file() => {
                let message = format!("`--state`: `{}` is a file: name a folder", folder.display());
                return Err(Failure::Input(message));
            }
            Self::Folder(folder) => Store::open(folder),
            Self::Memory => Store::in_memory(),
        };
        Ok(opened.map_err(anyhow::Error::new)?)
    }
}

/// Runs with the channels and accounts that the arguments name.
pub(crate) fn run(args: &RunArgs, screen: &Arc<Screen>) -> Result<(), Failure> {
    let (Some(channels), Some(accounts)) = (&args.channels, &args.accounts) else {
        return Err(Failure::Input(
            "name `--channels DIR` and `--accounts FILE`, or try `--demo`".to_owned(),
        ));
    };
    keep_apart(args)?;
    let channels =
        ChannelSet::load(&channel::folder(channels)?).map_err(|errors| Failure::Input(errors.to_string()))?;
    let accounts = AccountsFile::open(accounts)?;
    let store = if args.memory { StoreAt::Memory } else { StoreAt::Folder(args.state.clone()) };
    let private_addresses =
        if args.allow_private_addresses { PrivateAddresses::Allowed } else { PrivateAddresses::Refused };
    if args.contact.is_none() {
        tracing::warn!(
            "no operator of an API can reach you about these requests: name a URL or mail address with `--contact`"
        );
    }
    let subjects =
        Subjects { channels, accounts, store, private_addresses, format: Format::Ndjson, tick: args.tick };
    let report = poll(args, subjects, screen)?;
    show(&report, args, "", screen)
}

/// Polls until the ticks are over or a signal comes, writes the report, and returns it.
pub(crate) fn poll<S: Source>(
    args: &RunArgs,
    subjects: Subjects<S>,
    screen: &Arc<Screen>,
) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let report = runtime.block_on(prepare_and_poll(args, subjects, screen))?;
    // What is left are idle connections.
    runtime.shutdown_background();
    Ok(report)
}

async fn prepare_and_poll<S: Source>(
    args: &RunArgs,
    mut subjects: Subjects<S>,
    screen: &Arc<Screen>,
) -> Result<Report, Failure> {
    let table = PriceTable::built_in()?;
    let prices = table.region(USUAL_REGION)?;
    let connector = connector(args, subjects.channels, subjects.private_addresses, subjects.tick)?;
    let channels = connector.channels();
    let mut wanted = subjects.accounts.check(channels, subjects.private_addresses)?;
    secrets::add_applications(args, channels, &mut wanted)?;
    secrets::check(args, &connector, &wanted)?;
    let outputs = Outputs::check(args)?;
    let catalog = state::paced(&channels.catalog(), subjects.tick);
    let store = subjects.store.open()?;
    secrets::open(args, &mut wanted)?;
    let stop = Stop::new();
    signals::listen(stop.clone()).context("cannot listen for signals")?;
    let events = Events::open(&outputs, subjects.format, screen, &stop)?;
    let start = state::start(&store, &catalog, subjects.tick).await?;
    let sync = Sync { now: start.now(), catalog: &catalog, store: &store, stop: &stop };
    sync.run(&mut subjects.accounts, channels, &wanted).await?;
    let cycle = cycle::Cycle {
        catalog: &catalog,
        store: &store,
        bus: &events,
        connector: &connector,
        credentials: &wanted.credentials,
        // From here on the wheel turns.
        clock: start.clock(),
        prices,
    };
    let report = cycle.run(args, &stop, screen).await?;
    outputs.write(&report)?;
    match events.broken() {
        None => Ok(report),
        Some(Broken::ReaderGone) => {
            tracing::warn!(
                "the reader of the events has gone away; what was not written is published by the next run"
            );
            Err(Failure::Closed)
        }
        Some(Broken::NotDurable) => Err(Failure::Run(anyhow::anyhow!(
            "the events could not be made durable: look after the disk that they are on; the next run publishes again what may be missing"
        ))),
    }
}

fn connector(
    args: &RunArgs,
    channels: ChannelSet,
    private_addresses: PrivateAddresses,
    tick: Option<Duration>,
) -> Result<Connector, Failure> {
    let options = ConnectorOptions {
        private_addresses,
        time_scale: state::scale(tick),
        contact: args.contact.clone(),
        idle_connections_per_host: args.concurrency.get(),
    };
    Ok(Connector::new(channels, &options)?)
}
