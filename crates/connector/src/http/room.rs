//! Room for large bodies: a number of places for the whole process, so that many hostile servers at once cannot fill its
//! memory.
//!
//! Bodies are small, as a rule, and never ask. One that grows past [`SMALL_BYTES`] takes a place before it goes on, and
//! keeps it until the last copy of it is dropped, which is when it has been read. While it waits nothing more of it is
//! read, so its server waits too. Waiting takes from the budget of the poll, whose end is a timeout like any other: large
//! bodies of an honest server can be late because of a hostile one, small ones cannot.
//!
//! So `n` polls at a time hold at most `n * SMALL_BYTES + LARGE_BODIES * MAX_DECODED_BYTES` of bodies: 242 MB for the 100
//! of a worker, which has 512 MB. The items that were found in them are not counted here: a poll asks for no more pages
//! after 16 MiB of them.

use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Up to here a body is small, decoded. Pages of real APIs have some hundred kilobytes.
pub(super) const SMALL_BYTES: usize = 512 * 1024;
/// Bodies that may be larger at a time.
pub(super) const LARGE_BODIES: usize = 24;

/// The places of a process.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A place of a large body, given back when dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held to be dropped")] Option<OwnedSemaphorePermit>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_BODIES)))
    }
}

impl Room {
    /// Waits for a place, in the order of arrival.
    pub(super) async fn place(&self) -> Place {
        // It is never closed; if it were, a large body more would do little harm.
        Place(Arc::clone(&self.0).acquire_owned().await.ok())
    }
}

impl Place {
    /// A body that keeps its place as long as there is a copy of it.
    pub(super) fn keep(self, body: Bytes) -> Bytes {
        Bytes::from_owner(Kept { body, _place: self })
    }
}

struct Kept {
    body: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}
