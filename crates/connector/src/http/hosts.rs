//! How many requests are under way to one host: a cap that holds for the whole process, whoever polls.
//!
//! A request that finds the host busy waits, within its own budget, in the order of arrival. A host is remembered only
//! while requests to it are under way or wait, so however many hosts there are in a day, the map stays as small as the
//! traffic is at one moment.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::uri::Authority;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many hosts are remembered before those that nobody speaks to any more are looked for.
const FEW_HOSTS: usize = 64;

/// The hosts that requests are under way to.
#[derive(Debug, Default)]
pub(super) struct Hosts(Mutex<Busy>);

#[derive(Debug, Default)]
struct Busy {
    /// By host and port, and by the cap: channels that share a host and differ in their caps count apart.
    slots: HashMap<(Authority, NonZeroU16), Weak<Semaphore>>,
    /// The number of hosts at which it is worth the time to look for idle ones.
    sweep_at: usize,
}

/// A place among the requests under way to a host, given back when dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held to be dropped")] Option<OwnedSemaphorePermit>);

impl Hosts {
    /// Waits until fewer than `cap` requests are under way to the host.
    pub(super) async fn place(&self, host: &Authority, cap: NonZeroU16) -> Place {
        let slots = self.slots(host, cap);
        // It is never closed; if it were, a request more would do no harm.
        Place(slots.acquire_owned().await.ok())
    }

    fn slots(&self, host: &Authority, cap: NonZeroU16) -> Arc<Semaphore> {
        // Nothing in here can panic half-way, so what a poisoned lock holds is whole.
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.clone(), cap);
        if let Some(slots) = busy.slots.get(&key).and_then(Weak::upgrade) {
            return slots;
        }
        let slots = Arc::new(Semaphore::new(usize::from(cap.get())));
        busy.slots.insert(key, Arc::downgrade(&slots));
        if busy.slots.len() >= busy.sweep_at.max(FEW_HOSTS) {
            busy.slots.retain(|_, slots| slots.strong_count() > 0);
            busy.sweep_at = busy.slots.len() * 2;
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Authority {
        name.parse().unwrap()
    }

    fn cap(cap: u16) -> NonZeroU16 {
        NonZeroU16::new(cap).unwrap()
    }

    #[tokio::test]
    async fn a_busy_host_makes_wait_and_another_does_not() {
        let hosts = Arc::new(Hosts::default());
        let (a, b) = (host("a.example"), host("a.example:8080"));
        let first = hosts.place(&a, cap(2)).await;
        let _second = hosts.place(&a, cap(2)).await;
        let _other = hosts.place(&b, cap(2)).await;
        let mut third = tokio::spawn({
            let hosts = hosts.clone();
            async move { hosts.place(&host("a.example"), cap(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        assert!((&mut third).await.is_ok());
    }

    #[tokio::test]
    async fn hosts_that_nobody_speaks_to_are_forgotten() {
        let hosts = Hosts::default();
        let kept = hosts.place(&host("kept.example"), cap(1)).await;
        for number in 0..10_000 {
            hosts.place(&host(&format!("h{number}.example")), cap(1)).await;
        }
        let remembered = hosts.0.lock().unwrap().slots.len();
        assert!(remembered <= 2 * FEW_HOSTS, "{remembered}");
        assert!(hosts.slots(&host("kept.example"), cap(1)).try_acquire().is_err());
        drop(kept);
    }
}
