//! The permits of one poll: asked for by the poller, answered by the pass, which alone may wait for the store.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::{Either, select};

use crate::ports::{Clock, Permits};
use crate::time::Timestamp;

/// Where the poller asks, and the pass answers.
#[derive(Debug, Default)]
pub(super) struct Till(Mutex<Question>);

#[derive(Debug, Default)]
struct Question {
    is_asked: bool,
    answer: Option<bool>,
    /// The poller.
    asker: Option<Waker>,
    /// The pass.
    teller: Option<Waker>,
}

impl Permits for Till {
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<bool> {
        let mut question = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = question.answer.take() {
            return Poll::Ready(answer);
        }
        question.is_asked = true;
        question.asker = Some(context.waker().clone());
        if let Some(teller) = question.teller.take() {
            teller.wake();
        }
        Poll::Pending
    }
}

impl Till {
    async fn asked(&self) {
        poll_fn(|context| {
            let mut question = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut question.is_asked) {
                return Poll::Ready(());
            }
            question.teller = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn answer(&self, answer: bool) {
        let mut question = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        question.answer = Some(answer);
        if let Some(asker) = question.asker.take() {
            asker.wake();
        }
    }

    /// Runs a poll and answers its questions. The first one is answered by what was taken already, unless it comes too late
    /// for that: `take` reserves for it and for all others.
    pub(super) async fn serve<T>(
        &self,
        poll: impl Future<Output = T>,
        paid_until: Option<Timestamp>,
        clock: &impl Clock,
        take: impl AsyncFn() -> bool,
    ) -> T {
        let mut poll = pin!(poll);
        let mut paid = paid_until;
        let mut tell = pin!(async {
            loop {
                self.asked().await;
                let is_paid = paid.take().is_some_and(|until| clock.now() < until);
                self.answer(is_paid || take().await);
            }
        });
        loop {
            match select(poll.as_mut(), tell.as_mut()).await {
                Either::Left((polled, _)) => return polled,
                Either::Right(((), _)) => {}
            }
        }
    }
}
