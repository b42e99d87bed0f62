//! The worker's ports on AWS, and its connector.

use std::error::Error;

use pollwheel_aws::lambda::{Environment, Metrics};
use pollwheel_aws::{
    Connection, ControlTable, CredentialTable, EventBridgeBus, Meter, SqsQueues, SystemClock,
};
use pollwheel_connector::{ChannelSet, Connector, ConnectorOptions};
use pollwheel_worker::{ChannelWorker, Settings};

type OnAws = ChannelWorker<Connector, EventBridgeBus, SqsQueues, ControlTable, CredentialTable, SystemClock>;

/// Reads the configuration and makes the clients. None of them connects before it is used.
pub(crate) fn start(environment: Environment<'_>) -> Result<OnAws, Box<dyn Error>> {
    let settings = Settings::read(environment)?;
    let (connection, meter) = (Connection::new(&settings.connection), Meter::default());
    let channel = settings.channel.ok_or("no channel was read")?;
    let channels = ChannelSet::load(&settings.task_root.join("channels").join(channel.as_str()))?;
    let options = ConnectorOptions {
        private_addresses: settings.private_addresses,
        contact: settings.contact,
        idle_connections_per_host: settings.concurrency,
        ..ConnectorOptions::default()
    };
    Ok(ChannelWorker {
        catalog: channels.catalog(),
        poller: Connector::new(channels, &options)?,
        bus: EventBridgeBus::new(&connection, settings.bus, &meter),
        queues: SqsQueues::new(&connection, settings.queue_url_prefix, &meter),
        control: ControlTable::new(&connection, settings.control_table, &meter),
        credentials: CredentialTable::new(&connection, settings.credentials_table, &meter),
        clock: SystemClock,
        concurrency: settings.concurrency,
        metrics: Metrics::new(settings.stack),
        meter,
        channel,
    })
}
