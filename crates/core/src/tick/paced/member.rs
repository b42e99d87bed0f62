//! A job type on its way through a tick that it shares with others.

use super::super::sending::{self, Untaken};
use super::super::{CursorMove, Dispatch, Entry, JobTypeTick, Skip, TickEnd, enter};
use crate::policy::JobTypeSpec;
use crate::ports::{ControlStore, JobStore, Outgoing, QueueName, Queues, Retry};
use crate::row::WakeUp;
use crate::time::EpochMinute;
use crate::wheel::Window;

/// A job type of the group, on its way through the tick.
pub(super) struct Member<'c> {
    pub(super) spec: &'c JobTypeSpec,
    pub(super) report: JobTypeTick,
    /// The cursor and the window, while its tick goes on.
    pub(super) open: Option<(Option<EpochMinute>, Window)>,
}

/// Enters a job type's tick.
pub(super) async fn member<'c, S, Q, C>(
    minute: EpochMinute,
    spec: &'c JobTypeSpec,
    dispatch: &Dispatch<'_, S, Q, C>,
) -> Member<'c>
where
    S: ControlStore,
    Q: Queues,
{
    let mut report = JobTypeTick::new(spec);
    let open = match enter(minute, spec, dispatch).await {
        Ok(Entry::Repeated) => {
            report.end_with(TickEnd::Skipped(Skip::Repeated));
            None
        }
        Ok(Entry::Skip(skip, window)) => {
            report.behind_minutes = window.minutes();
            report.end_with(TickEnd::Skipped(skip));
            None
        }
        Ok(Entry::Open { cursor, window }) => {
            report.window_minutes = window.minutes();
            report.behind_minutes = window.minutes();
            Some((cursor, window))
        }
        Err(error) => {
            report.end_with(TickEnd::Failed(error));
            None
        }
    };
    Member { spec, report, open }
}

impl Member<'_> {
    /// Whether what it has due is what the minute asks for: a late window has more, and of a minute that failed, or that was
    /// dispatched before, nothing is known here. A job type that is paused asks for nothing.
    pub(super) fn is_ordinary(&self) -> bool {
        match (&self.open, &self.report.end) {
            (Some((_, window)), _) => window.minutes() == 1,
            (None, TickEnd::Skipped(skip)) => *skip != Skip::Repeated,
            (None, TickEnd::Dispatched(_) | TickEnd::Failed(_)) => false,
        }
    }

    /// Ends its tick without moving the cursor.
    pub(super) fn end(&mut self, end: TickEnd) {
        self.open = None;
        if let TickEnd::Failed(_) = end {
            self.report.drained.forget_due();
        }
        self.report.end_with(end);
    }

    /// Sends copies, and wakes jobs. What the queue does not take is woken as well, so that nobody is sent twice for it; only
    /// when it takes nothing is the minute left to the next tick.
    pub(super) async fn send<S: JobStore, Q: Queues, C>(
        &mut self,
        copies: Vec<Sending>,
        mut wakes: Vec<WakeUp>,
        dispatch: &Dispatch<'_, S, Q, C>,
    ) {
        let messages: Vec<Outgoing> = copies.iter().map(|copy| copy.message.clone()).collect();
        let mut untaken =
            sending::send(&QueueName::Jobs(self.spec.id.clone()), messages, dispatch.queues).await;
        if untaken.len() == copies.len()
            && let Some(Untaken { error, .. }) = untaken.pop()
        {
            return self.end(TickEnd::Failed(error));
        }
        let mut untaken = untaken.into_iter().peekable();
        let drained = &mut self.report.drained;
        for (place, copy) in copies.into_iter().enumerate() {
            let Some(Untaken { error, .. }) = untaken.next_if(|untaken| untaken.place == place) else {
                drained.sent(1, copy.missed, copy.late_minutes);
                continue;
            };
            drained.refused += u64::from(copy.missed) + 1;
            wakes.extend(copy.wake.filter(|_| error.retry != Retry::Never));
        }
        if !sending::wake(wakes, dispatch.store).await.is_empty() {
            self.end(TickEnd::Dispatched(CursorMove::Kept));
        }
    }

    pub(super) async fn move_cursor<S: ControlStore, Q, C>(
        &mut self,
        minute: EpochMinute,
        dispatch: &Dispatch<'_, S, Q, C>,
    ) {
        let Some((cursor, _)) = self.open else { return };
        let end = match dispatch.store.move_cursor(&self.spec.id, cursor, minute).await {
            Ok(true) => TickEnd::Dispatched(CursorMove::Moved),
            Ok(false) => TickEnd::Dispatched(CursorMove::Lost),
            Err(error) => TickEnd::Failed(error),
        };
        self.report.end_with(end);
    }
}

/// A copy to be sent.
pub(super) struct Sending {
    pub(super) message: Outgoing,
    /// Earlier due minutes that it makes up for.
    pub(super) missed: u32,
    pub(super) late_minutes: u32,
    /// The wake-up of its job, should the queue not take it; none when the job comes round by then.
    pub(super) wake: Option<WakeUp>,
}
