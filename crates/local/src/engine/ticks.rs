//! The ticks of a run: each minute's, when it arrives.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pollwheel_core::ports::{Bus, Clock, ControlStore, CredentialStore, JobStore, Poller, PortError, Queues};
use pollwheel_core::tick::{self, Dispatch, TickEnd};
use pollwheel_core::time::{EpochMinute, Timestamp};

use super::surroundings::{Function, FunctionClock};
use super::{Engine, Run, Snapshot, Ticks};
use crate::meter::Meter;
use crate::store::Store;

impl<S, Q, B, P, K> Engine<'_, S, Q, B, P, K>
where
    S: JobStore + ControlStore,
    Q: Queues,
    B: Bus,
    P: Poller,
    K: CredentialStore,
{
    /// Ticks once a minute of the wheel, or as often as the surroundings have it. A tick that takes longer than a minute
    /// leaves the next one a wider window.
    pub(super) async fn tick_loop<W: FnMut(&Snapshot)>(
        &self,
        ticks: Ticks,
        run: &RefCell<Run<W>>,
        meter: &Meter,
    ) {
        let mut arrivals: BTreeMap<(Timestamp, EpochMinute), u32> = BTreeMap::new();
        let mut last: Option<EpochMinute> = None;
        let mut count = 0;
        while ticks != Ticks::Count(count) {
            let minute = self.clock.minute();
            if last.is_none_or(|last| minute > last) {
                for after in self.surroundings.minute(minute) {
                    *arrivals.entry((minute.start().plus(after), minute)).or_default() += 1;
                }
                last = Some(minute);
                count += 1;
            }
            while let Some(entry) = arrivals.first_entry().filter(|entry| entry.key().0 <= self.clock.now()) {
                let ((_, minute), times) = entry.remove_entry();
                for _ in 0..times {
                    self.tick(minute, run, meter).await;
                }
            }
            if ticks == Ticks::Count(count) {
                break;
            }
            let next_minute = minute.plus(1).start();
            let wake = arrivals.keys().next().map_or(next_minute, |&(at, _)| at.min(next_minute));
            tokio::time::sleep(self.clock.real_until(wake)).await;
        }
    }

    async fn tick<W: FnMut(&Snapshot)>(&self, minute: EpochMinute, run: &RefCell<Run<W>>, meter: &Meter) {
        if let Some(store) = self.trailing
            && let Err(error) = self.trail(store, Some(minute)).await
        {
            tracing::warn!(error = error.chain(), %minute, "the cursors could not be read, the tick is left to the next");
            return;
        }
        meter.tick(self.catalog.iter().count(), self.clock.now());
        let ports = self.metered(meter);
        let invocation = self.surroundings.invoked(Function::Scheduler);
        let clock = FunctionClock::new(*self.clock, invocation);
        let dispatch = Dispatch {
            catalog: self.catalog,
            store: &ports.store,
            queues: &ports.queues,
            clock: &clock,
            deadline: Timestamp::from_millis(u64::MAX),
            fan_out_above: self.config.fan_out_above,
        };
        // A tick that hangs is given up like a function that times out; its cursors have not moved.
        let ticking = self.marked(invocation, tick::tick(minute, &dispatch));
        let ticked = tokio::time::timeout(self.config.function_timeout, ticking).await;
        let reports = ticked.unwrap_or_else(|_| {
            tracing::error!(%minute, "the tick timed out, the next one covers it");
            run.borrow_mut().totals.invocations_failed += 1;
            Vec::new()
        });
        for report in &reports {
            if let TickEnd::Failed(error) = &report.end {
                tracing::warn!(job_type = %report.job_type, %minute, error = error.chain(), "a tick failed, the next one covers it");
            }
        }
        let mut run = run.borrow_mut();
        let Run { totals, watch } = &mut *run;
        totals.add_tick(&reports);
        totals.usage = meter.metered();
        let late = self.clock.now().since(minute.start());
        watch(&Snapshot { minute, late, totals });
    }

    /// Tells the store the oldest minute of each job type whose work is not confirmed, so that the cursor it persists
    /// stays behind it. Before a tick, the tick's own window counts as unconfirmed.
    pub(super) async fn trail(&self, store: &Store, tick: Option<EpochMinute>) -> Result<(), PortError> {
        for spec in self.catalog.iter() {
            let queued = self.queues.oldest_unconfirmed(&spec.id);
            let window = match tick {
                Some(minute) => {
                    let cursor = store.gate(&spec.id).await?.cursor;
                    Some(cursor.map_or(minute, |cursor| cursor.plus(1).min(minute)))
                }
                None => None,
            };
            store.set_unconfirmed(&spec.id, queued.into_iter().chain(window).min());
        }
        Ok(())
    }
}
