//! Billing units by size: how many of them one operation takes.

/// Bytes of a read unit. <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
pub const READ_UNIT_BYTES: usize = 4 * 1024;
/// Bytes of a write unit. Source as above.
pub const WRITE_UNIT_BYTES: usize = 1024;
/// SQS and EventBridge bill by started chunks of this many bytes.
/// <https://aws.amazon.com/sqs/pricing/> <https://aws.amazon.com/eventbridge/pricing/>
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Messages of one request to send, receive or delete.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html>
pub const REQUEST_MESSAGES: usize = 10;
/// Bytes of all messages of one request. Source as above.
pub const REQUEST_BYTES: usize = 1024 * 1024;

/// How a read sees writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// It may lag by moments: half a unit.
    Eventual,
    /// It sees every write that was answered: a unit.
    Strong,
    /// It is part of a transaction: two units.
    Transactional,
}

/// How a write happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// By itself, with a condition or without.
    Single,
    /// As a part of a transaction: at twice the price.
    Transactional,
}

/// Half read units of one item, or of one page of a query, which is rounded up as a whole. What is not there costs as
/// much as the smallest.
#[must_use]
pub const fn read_half_units(read: Read, bytes: usize) -> u64 {
    let halves = match read {
        Read::Eventual => 1,
        Read::Strong => 2,
        Read::Transactional => 4,
    };
    halves * started(bytes, READ_UNIT_BYTES)
}

/// Write units of one item: of its size before or after the write, whichever is larger. A write whose condition fails
/// costs as much.
#[must_use]
pub const fn write_units(write: Write, bytes: usize) -> u64 {
    let each = match write {
        Write::Single => 1,
        Write::Transactional => 2,
    };
    each * started(bytes, WRITE_UNIT_BYTES)
}

/// Requests that a request or an event of this size counts as.
#[must_use]
pub const fn chunks(bytes: usize) -> u64 {
    started(bytes, CHUNK_BYTES)
}

/// Requests that sending messages of these sizes counts as: ten a request and 1 MiB, each request in chunks.
pub fn send_requests(sizes: impl IntoIterator<Item = usize>) -> u64 {
    let (mut requests, mut messages, mut bytes) = (0, 0, 0);
    for size in sizes {
        if messages > 0 && (messages == REQUEST_MESSAGES || bytes + size > REQUEST_BYTES) {
            requests += chunks(bytes);
            (messages, bytes) = (0, 0);
        }
        messages += 1;
        bytes += size;
    }
    if messages > 0 { requests + chunks(bytes) } else { requests }
}

/// MB-milliseconds of one invocation. Lambda rounds its time up to a millisecond, which is what it is given in.
#[must_use]
pub const fn function_mb_ms(memory_mb: u64, billed_ms: u64) -> u64 {
    memory_mb * billed_ms
}

const fn started(bytes: usize, unit: usize) -> u64 {
    let units = bytes.div_ceil(unit);
    // At least one; `max` is no const fn.
    if units == 0 { 1 } else { units as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_rounded_up_to_4_kb_and_halved_doubled_or_neither() {
        for (bytes, units) in [(0, 1), (1, 1), (4096, 1), (4097, 2), (8192, 2), (409_600, 100)] {
            assert_eq!(read_half_units(Read::Eventual, bytes), units, "{bytes}");
            assert_eq!(read_half_units(Read::Strong, bytes), 2 * units, "{bytes}");
            assert_eq!(read_half_units(Read::Transactional, bytes), 4 * units, "{bytes}");
        }
    }

    #[test]
    fn writes_are_rounded_up_to_1_kb_and_doubled_in_a_transaction() {
        for (bytes, units) in [(0, 1), (1, 1), (1024, 1), (1025, 2), (3072, 3), (409_600, 400)] {
            assert_eq!(write_units(Write::Single, bytes), units, "{bytes}");
            assert_eq!(write_units(Write::Transactional, bytes), 2 * units, "{bytes}");
        }
    }

    #[test]
    fn a_request_counts_once_for_each_started_64_kb() {
        for (bytes, requests) in [(0, 1), (65_536, 1), (65_537, 2), (131_072, 2), (262_144, 4)] {
            assert_eq!(chunks(bytes), requests, "{bytes}");
        }
    }

    #[test]
    fn messages_are_sent_by_tens_and_by_mebibytes() {
        assert_eq!(send_requests([]), 0);
        assert_eq!(send_requests([450; 10]), 1);
        assert_eq!(send_requests([450; 11]), 2);
        assert_eq!(send_requests([450; 1000]), 100);
        assert_eq!(send_requests([6_553; 10]), 1, "ten of them fill one chunk");
        assert_eq!(send_requests([6_554; 10]), 2, "and these pass it");
        assert_eq!(send_requests([1_048_576, 1]), 17, "a message of the most alone, and the next one");
        assert_eq!(send_requests([524_288, 524_288]), 16, "the limit itself is allowed");
    }

    #[test]
    fn an_invocation_costs_its_memory_for_its_time() {
        assert_eq!(function_mb_ms(512, 300), 153_600);
    }
}
