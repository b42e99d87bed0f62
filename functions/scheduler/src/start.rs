//! The scheduler's ports on AWS.

use std::error::Error;

use pollwheel_aws::lambda::{Environment, Metrics, load_catalog};
use pollwheel_aws::{Connection, ControlTable, JobTables, Meter, SqsQueues, Store, SystemClock};
use pollwheel_core::tick::FAN_OUT_ABOVE_PARTITIONS;
use pollwheel_scheduler::{Scheduler, Settings};

/// Reads the configuration and makes the clients. None of them connects before it is used.
pub(crate) fn start(
    environment: Environment<'_>,
) -> Result<Scheduler<Store, SqsQueues, SystemClock>, Box<dyn Error>> {
    let settings = Settings::read(environment)?;
    let (connection, meter) = (Connection::new(&settings.connection), Meter::default());
    Ok(Scheduler {
        catalog: load_catalog(&settings.task_root)?,
        store: Store {
            jobs: JobTables::new(&connection, settings.jobs_table, settings.registrations_table, &meter),
            control: ControlTable::new(&connection, settings.control_table, &meter),
        },
        queues: SqsQueues::new(&connection, settings.queue_url_prefix, &meter),
        clock: SystemClock,
        fan_out_above: FAN_OUT_ABOVE_PARTITIONS,
        metrics: Metrics::new(settings.stack),
        meter,
    })
}
