//! Stable hashes. Phase, shard, spread and jitter come from XXH3, event ids from SHA-256.
//!
//! Both are fixed by their specifications, so a job keeps its place across releases and machines. `std`'s hasher
//! promises no such thing.

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::id::{JobId, MAX_ACCOUNT_ID_BYTES, MAX_NAME_BYTES, MAX_TARGET_BYTES};

/// What a hash is for. A purpose separates the hashes of one job, so that its phase says nothing of its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The minute of a cadence.
    Phase,
    /// The partition of a cohort.
    Shard,
    /// The second of a minute.
    Spread,
    /// The jitter of a hold.
    Jitter,
    /// The token of a pool.
    Token,
}

/// The hash of a job for one purpose.
#[must_use]
pub fn job_hash(job: &JobId, purpose: Purpose) -> u64 {
    let seed = match purpose {
        Purpose::Phase => 1,
        Purpose::Shard => 2,
        Purpose::Spread => 3,
        Purpose::Jitter => 4,
        Purpose::Token => 5,
    };
    let target = job.target.as_ref().map_or("", |target| target.as_str());
    let parts = [job.job_type.as_str(), job.account.as_str(), target];
    // Three ids at their longest and three separators: hashed in one go, which is much quicker than as a stream.
    let mut bytes = [0_u8; 2 * MAX_NAME_BYTES + 1 + MAX_ACCOUNT_ID_BYTES + MAX_TARGET_BYTES + 3];
    let mut length = 0;
    for part in parts {
        // A NUL cannot be part of an id, so two different jobs never hash the same bytes.
        if let Some(room) = bytes.get_mut(length..length + part.len()) {
            room.copy_from_slice(part.as_bytes());
        }
        length += part.len() + 1;
    }
    xxh3_64_with_seed(bytes.get(..length).unwrap_or(&bytes), seed)
}

/// How much a job belongs to something of this name. Whoever takes the greatest among some names keeps to it while others
/// come and go (rendezvous hashing).
#[must_use]
pub fn affinity(job: &JobId, name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), job_hash(job, Purpose::Token))
}

/// Mixes a number into a hash: a new, equally well spread hash.
#[must_use]
pub fn mix(hash: u64, number: u64) -> u64 {
    xxh3_64_with_seed(&number.to_le_bytes(), hash)
}

/// A hash scaled to `0..bound`; 0 when `bound` is 0.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the high half of a product with a u32 is below that u32"
)]
pub fn below(hash: u64, bound: u32) -> u32 {
    ((u128::from(hash) * u128::from(bound)) >> 64) as u32
}

/// 128 bits of SHA-256 over length-prefixed parts, in hex. Outsiders choose some of the parts, so the hash resists
/// collisions; the length prefix keeps `("a", "bc")` and `("ab", "c")` apart.
#[must_use]
pub fn digest_id(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    const HEX: &[u8; 16] = b"0123456789abcdef";
    digest
        .iter()
        .take(16)
        .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, JobTypeId, Target};

    fn job(account: &str, target: Option<&str>) -> JobId {
        JobId {
            job_type: JobTypeId::new("mastodon/statuses").unwrap(),
            account: AccountId::new(account).unwrap(),
            target: target.map(|target| Target::new(target).unwrap()),
        }
    }

    #[test]
    fn hashes_never_change() {
        // A change here moves every registered job to another minute.
        let job = job("a1", None);
        assert_eq!(
            [Purpose::Phase, Purpose::Shard, Purpose::Spread].map(|purpose| job_hash(&job, purpose)),
            GOLDEN
        );
        assert_eq!(digest_id(&["mastodon", "a1"]), GOLDEN_ID);
    }
    const GOLDEN: [u64; 3] =
        [16_476_166_807_799_684_248, 13_257_357_608_657_529_564, 2_677_093_167_116_440_679];
    const GOLDEN_ID: &str = "a69d4b3b38316ddf94dc318ffff347c7";

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(
            job_hash(&job("ab", Some("c")), Purpose::Phase),
            job_hash(&job("a", Some("bc")), Purpose::Phase)
        );
        assert_ne!(digest_id(&["a", "bc"]), digest_id(&["ab", "c"]));
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        assert_eq!(below(u64::MAX, 5), 4);
        assert_eq!(below(0, 5), 0);
        assert_eq!(below(u64::MAX, 0), 0);
    }
}
