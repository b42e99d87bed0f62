//! A small cache with a bound on its size and on the age of what it gives.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Values by key, none older than `max_age`.
pub(super) struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Instant, V)>>,
    max_age: Duration,
    max_entries: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(max_entries: usize, max_age: Duration) -> Self {
        Self { entries: Mutex::default(), max_age, max_entries }
    }

    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = entries.get(key)?;
        (now.duration_since(*since) < self.max_age).then(|| value.clone())
    }

    /// Keeps a value. When there is no room, what is too old goes, and when all is young, everything: rare, and simpler
    /// than an order of use.
    pub(super) fn insert(&self, key: K, value: V, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.max_entries {
            entries.retain(|_, (since, _)| now.duration_since(*since) < self.max_age);
            if entries.len() >= self.max_entries {
                entries.clear();
            }
        }
        entries.insert(key, (now, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_older_or_more_than_allowed() {
        let start = Instant::now();
        let cache = Cache::new(2, Duration::from_secs(30));
        cache.insert("a", 1, start);
        assert_eq!(cache.get(&"a", start + Duration::from_secs(29)), Some(1));
        assert_eq!(cache.get(&"a", start + Duration::from_secs(30)), None);
        cache.insert("b", 2, start + Duration::from_secs(20));
        cache.insert("c", 3, start + Duration::from_secs(40));
        let kept = ["a", "b", "c"].map(|key| cache.get(&key, start + Duration::from_secs(40)));
        assert_eq!(kept, [None, Some(2), Some(3)], "the old one made room");
        cache.insert("d", 4, start + Duration::from_secs(41));
        assert_eq!(cache.entries.lock().unwrap().len(), 1, "the bound holds");
    }
}
