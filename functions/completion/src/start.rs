//! The completion's ports on AWS.

use std::error::Error;

use pollwheel_aws::lambda::{Environment, Metrics, load_catalog};
use pollwheel_aws::{Connection, ControlTable, EventBridgeBus, JobTables, Meter, Store, SystemClock};
use pollwheel_completion::{Completer, Settings, seed_of};

/// Reads the configuration and makes the clients. None of them connects before it is used.
pub(crate) fn start(
    environment: Environment<'_>,
) -> Result<Completer<Store, EventBridgeBus, SystemClock>, Box<dyn Error>> {
    let settings = Settings::read(environment)?;
    let (connection, meter) = (Connection::new(&settings.connection), Meter::default());
    Ok(Completer {
        catalog: load_catalog(&settings.task_root)?,
        seed: seed_of(&settings.jobs_table),
        store: Store {
            jobs: JobTables::new(&connection, settings.jobs_table, settings.registrations_table, &meter),
            control: ControlTable::new(&connection, settings.control_table, &meter),
        },
        bus: EventBridgeBus::new(&connection, settings.bus, &meter),
        clock: SystemClock,
        metrics: Metrics::new(settings.stack),
        meter,
    })
}
