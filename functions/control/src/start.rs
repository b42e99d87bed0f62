//! The control function's ports on AWS.

use std::error::Error;

use pollwheel_aws::lambda::{Environment, Metrics, load_catalog};
use pollwheel_aws::{Connection, ControlTable, CredentialVault, JobTables, Meter, Objects, SystemClock};
use pollwheel_connector::ChannelSet;
use pollwheel_control::{Control, Settings};

type OnAws = Control<JobTables, ControlTable, CredentialVault, Objects, SystemClock>;

/// Reads the configuration and makes the clients. None of them connects before it is used.
pub(crate) fn start(environment: Environment<'_>) -> Result<OnAws, Box<dyn Error>> {
    let settings = Settings::read(environment)?;
    let (connection, meter) = (Connection::new(&settings.connection), Meter::default());
    let channels = ChannelSet::load(&settings.task_root.join("channels"))?;
    Ok(Control {
        // The rendered one, as the scheduler has it: `infra/scale.yml` has a say in it.
        catalog: load_catalog(&settings.task_root)?,
        channels,
        private_addresses: settings.private_addresses,
        store: JobTables::new(&connection, settings.jobs_table, settings.registrations_table, &meter),
        pauses: ControlTable::new(&connection, settings.control_table, &meter),
        vault: CredentialVault::new(&connection, settings.credentials_table, settings.kms_key, &meter),
        objects: Objects::new(&connection),
        clock: SystemClock,
        metrics: Metrics::new(settings.stack),
        meter,
    })
}
