//! Sending the outcomes of a batch on: one message, or a few when they are large.

use super::batch::Group;
use super::{Ended, PollReport};
use crate::batch::BatchResult;
use crate::message::{ORDINARY_BYTES, encode_completed, finished};
use crate::ports::{Outgoing, QueueName, Queues};

/// Most bytes of outcomes in a message. SQS bills by 64 KB and takes 1 MiB.
pub const MAX_OUTCOME_BYTES: usize = 200 * 1024;

pub(super) async fn send<Q: Queues>(
    completed: Vec<(Group<'_>, Ended)>,
    queues: &Q,
    result: &mut BatchResult,
    report: &mut PollReport,
) {
    let room = (completed.len() * ORDINARY_BYTES).min(MAX_OUTCOME_BYTES);
    let mut parcels = Vec::<Parcel<'_>>::new();
    let mut json = String::with_capacity(ORDINARY_BYTES);
    for (group, poll) in completed {
        json.clear();
        if finished(&mut json, &group.message, poll.at, (&poll.outcome, &poll.hints)).is_err() {
            report.unsent += 1;
            group.fail(result, "the outcome could not be written down");
            continue;
        }
        match parcels.last_mut().filter(|parcel| parcel.polls.len() + json.len() < MAX_OUTCOME_BYTES) {
            Some(parcel) => parcel.add(group, &json),
            None => {
                let mut parcel = Parcel { polls: String::with_capacity(room), ..Parcel::default() };
                parcel.add(group, &json);
                parcels.push(parcel);
            }
        }
    }
    if parcels.is_empty() {
        return;
    }
    let outgoing = parcels.iter().map(Parcel::outgoing).collect();
    let mut answers = queues.send(&QueueName::Completed, outgoing).await.into_iter();
    for parcel in parcels {
        let reason = match answers.next() {
            Some(Ok(())) => continue,
            Some(Err(error)) => error.chain(),
            None => "the outcome's message was not answered for".to_owned(),
        };
        report.unsent += parcel.groups.len() as u64;
        for group in parcel.groups {
            group.fail(result, &reason);
        }
    }
}

/// The outcomes of one message, and the records that are done once it is accepted.
#[derive(Default)]
struct Parcel<'r> {
    groups: Vec<Group<'r>>,
    /// In JSON, with commas between them.
    polls: String,
    hop: u8,
}

impl<'r> Parcel<'r> {
    fn add(&mut self, group: Group<'r>, json: &str) {
        self.hop = self.hop.max(group.message.hop.saturating_add(1));
        self.groups.push(group);
        if !self.polls.is_empty() {
            self.polls.push(',');
        }
        self.polls.push_str(json);
    }

    fn outgoing(&self) -> Outgoing {
        Outgoing { body: encode_completed(self.hop, &self.polls), delay_seconds: 0 }
    }
}
