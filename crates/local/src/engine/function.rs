//! One invocation of a function: a batch of messages, one pass of the core, and the answer that Lambda would judge.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use pollwheel_core::batch::{BatchResult, Record};
use pollwheel_core::complete::{self, Completion, CompletionReport};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::message::{DrainMessage, Message};
use pollwheel_core::poll::{self, PollReport, Worker};
use pollwheel_core::ports::{Bus, Clock, ControlStore, CredentialStore, JobStore, Poller, Queues};
use pollwheel_core::tick::{Dispatch, DrainReport, drain_messages};
use pollwheel_core::time::Timestamp;
use tokio::time::Instant;

use super::mappings::Batch;
use super::metered::MeteredPorts;
use super::surroundings::{Function, FunctionClock, Invocation, Surroundings};
use super::{Engine, Totals};
use crate::mapping::{InvocationError, Verdict, judge};
use crate::meter::{Meter, MeteredBus, MeteredStore};
use crate::queue::LocalQueues;

/// What a pass reported.
pub(super) enum Report {
    Polled(Box<PollReport>),
    Completed(Box<CompletionReport>),
    Drained(Vec<(JobTypeId, DrainReport)>),
}

/// An invocation that has ended, one way or another.
pub(super) struct Finished {
    pub(super) mapping: usize,
    batch: Batch,
    invoked: Timestamp,
    answer: Result<String, InvocationError>,
    report: Option<Report>,
}

impl<S, Q, B, P, K> Engine<'_, S, Q, B, P, K>
where
    S: JobStore + ControlStore,
    Q: Queues,
    B: Bus,
    P: Poller,
    K: CredentialStore,
{
    /// Runs a function on a batch, within its time-out, its panics contained.
    pub(super) async fn invoke(&self, batch: Batch, meter: &Meter) -> Finished {
        let records: Vec<Record> = batch
            .deliveries
            .iter()
            .map(|delivery| Record { id: delivery.message_id.clone(), body: delivery.body.to_string() })
            .collect();
        let invoked = self.clock.now();
        let invocation = self.surroundings.invoked(batch.function);
        let clock = FunctionClock::new(*self.clock, invocation);
        let handler = self.marked(invocation, self.handle(batch.function, &records, clock, meter));
        let handler = AssertUnwindSafe(handler).catch_unwind();
        let (answer, report) = match tokio::time::timeout(self.config.function_timeout, handler).await {
            Ok(Ok((result, report))) => {
                for failure in &result.failed {
                    tracing::warn!(queue = %batch.queue, message_id = failure.id, reason = failure.reason, "a message failed");
                }
                (Ok(result.response().to_json()), Some(report))
            }
            Ok(Err(_)) => (Err(InvocationError::Failed), None),
            Err(_) => (Err(InvocationError::TimedOut), None),
        };
        if let Err(error) = &answer {
            tracing::error!(queue = %batch.queue, messages = records.len(), %error, "a batch failed");
        }
        Finished { mapping: batch.mapping, batch, invoked, answer, report }
    }

    /// Tells the surroundings whenever this invocation goes on.
    pub(super) async fn marked<T>(&self, invocation: Invocation, running: impl Future<Output = T>) -> T {
        let mut running = pin!(running);
        poll_fn(|context| {
            self.surroundings.runs(invocation);
            running.as_mut().poll(context)
        })
        .await
    }

    async fn handle(
        &self,
        function: Function,
        records: &[Record],
        clock: FunctionClock,
        meter: &Meter,
    ) -> (BatchResult, Report) {
        let ports = self.metered(meter);
        match function {
            Function::Worker => {
                let (result, report) = self.poll(records, &clock, &ports).await;
                for (error, (job, polls)) in &report.errors {
                    tracing::warn!(polls, %job, %error, "polls failed, their jobs are held");
                }
                for (reason, jobs) in &report.unavailable_because {
                    tracing::error!(jobs, %reason, "jobs could not be polled for a reason of our own, they are tried again");
                }
                (result, Report::Polled(Box::new(report)))
            }
            Function::Completion => {
                if let Err(error) = (self.before_completion)() {
                    return (fail_all(records, &error), Report::Completed(Box::default()));
                }
                let (result, report) =
                    complete::complete(clock.now(), records, &self.completion(&ports)).await;
                (result, Report::Completed(Box::new(report)))
            }
            Function::Burial => {
                let (result, report) = complete::bury(clock.now(), records, &self.completion(&ports)).await;
                (result, Report::Completed(Box::new(report)))
            }
            Function::Drain | Function::Scheduler => {
                let dispatch = Dispatch {
                    catalog: self.catalog,
                    store: &ports.store,
                    queues: &ports.queues,
                    clock: &clock,
                    deadline: clock.now().plus(self.clock.to_wheel(self.config.function_timeout / 2)),
                    fan_out_above: self.config.fan_out_above,
                };
                let (mut result, mut reports) = (BatchResult::default(), Vec::new());
                for record in records {
                    // Each alone, so that it is known whose due minutes it counts.
                    let (one, report) = drain_messages(std::slice::from_ref(record), &dispatch).await;
                    result.failed.extend(one.failed);
                    let of = DrainMessage::decode(&record.body).ok().map(|message| message.job_type);
                    reports.extend(of.map(|job_type| (job_type, report)));
                }
                (result, Report::Drained(reports))
            }
        }
    }

    async fn poll(
        &self,
        records: &[Record],
        clock: &FunctionClock,
        ports: &MeteredPorts<'_, S, Q, B, P, K>,
    ) -> (BatchResult, PollReport) {
        let (started, timeout) = (Instant::now(), self.config.function_timeout);
        let time_left = move || timeout.saturating_sub(started.elapsed());
        let worker = Worker {
            catalog: self.catalog,
            poller: &ports.poller,
            bus: &ports.bus,
            queues: &ports.queues,
            control: &ports.store,
            credentials: &ports.credentials,
            clock,
            time_left: &time_left,
            limits: self.config.limits,
        };
        let cut_off = tokio::time::sleep(timeout.saturating_sub(self.config.limits.reserve));
        poll::poll(records, &worker, cut_off).await
    }

    const fn completion<'p>(
        &'p self,
        ports: &'p MeteredPorts<'_, S, Q, B, P, K>,
    ) -> Completion<'p, MeteredStore<'p, S>, MeteredBus<'p, B>> {
        Completion { catalog: self.catalog, store: &ports.store, bus: &ports.bus, seed: self.config.seed }
    }
}

fn fail_all(records: &[Record], error: &std::io::Error) -> BatchResult {
    let mut result = BatchResult::default();
    for record in records {
        result.fail(record, format!("the events could not be made durable: {error}"));
    }
    result
}

impl Finished {
    /// Does with the messages what Lambda does with the answer, and counts the report.
    pub(super) fn settle(self, queues: &LocalQueues, surroundings: &dyn Surroundings, totals: &mut Totals) {
        let deliveries = &self.batch.deliveries;
        let ids: Vec<&str> = deliveries.iter().map(|delivery| delivery.message_id.as_str()).collect();
        let is_done: Box<dyn Fn(usize) -> bool> = match surroundings
            .judged(&self.batch.queue, judge(self.answer.as_deref().map_err(|error| *error), &ids))
        {
            Verdict::AllDone => Box::new(|_| true),
            Verdict::SomeFailed { failed } => Box::new(move |index| !failed.contains(&index)),
            Verdict::AllFailed(_) => Box::new(|_| false),
        };
        for (index, delivery) in deliveries.iter().enumerate() {
            if is_done(index) {
                surroundings.deletes(&self.batch.queue, &delivery.body, self.invoked);
                queues.delete(&self.batch.queue, delivery.receipt);
            } else {
                totals.messages_failed += 1;
            }
        }
        match self.report {
            Some(Report::Polled(report)) => totals.add_polls(&report),
            Some(Report::Completed(report)) => totals.add_completions(&report),
            Some(Report::Drained(reports)) => {
                for (job_type, report) in &reports {
                    totals.add_drained(job_type, report);
                }
            }
            None => totals.invocations_failed += 1,
        }
    }
}
