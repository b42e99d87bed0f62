//! The batches in which messages come to a function, expected: so many messages come in a second as chance has it
//! (Poisson), and those of one second gather, up to the most that a batch holds.

use super::workload::{float, whole};

/// Above this many messages a second chance hardly matters.
const CERTAIN: f64 = 2_000.0;

/// What a second brings, on average.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Second {
    /// Messages.
    pub(super) messages: f64,
    /// Batches.
    pub(super) batches: f64,
    /// Receives of up to ten messages, and as many deletes: this is one of the two.
    pub(super) tens: f64,
}

/// The batches of at most `most` messages that come when `rate` messages come in a second.
pub(super) fn a_second(rate: f64, most: u64) -> Second {
    if rate > CERTAIN {
        let batches = rate / float(most);
        return Second { messages: rate, batches, tens: batches * float(most.div_ceil(10)) };
    }
    let mut second = Second { messages: rate, ..Second::default() };
    // The probability of n messages, from that of n - 1; as a logarithm, for it may be too small for a float.
    let mut log_probability = -rate;
    let last = whole(rate + 12.0 * rate.sqrt() + 12.0);
    for count in 1..=last {
        log_probability += (rate / float(count)).ln();
        let probability = log_probability.exp();
        let (full, rest) = (count / most, count % most);
        second.batches += probability * float(count.div_ceil(most));
        second.tens += probability * float(full * most.div_ceil(10) + rest.div_ceil(10));
    }
    second
}

/// The batches of outcomes that come in a second: of each of so many job types, `rate` jobs and `batches` messages with
/// their outcomes come in it. A second's batches of jobs end together, and all job types' outcomes gather in one queue.
pub(super) fn of_outcomes(rate: f64, batches: f64, job_types: u64, most: u64) -> f64 {
    let any = 1.0 - (-rate * float(job_types)).exp();
    let messages = batches * float(job_types) / any;
    any * (messages / float(most)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-3 * other
    }

    #[test]
    fn few_messages_come_alone_and_many_in_full_batches() {
        let few = a_second(0.001, 100);
        assert!(near(few.batches, few.messages) && near(few.tens, few.messages), "{few:?}");
        let many = a_second(33_000.0, 100);
        assert!(near(many.messages / many.batches, 100.0) && near(many.tens, 3_300.0), "{many:?}");
    }

    #[test]
    fn a_second_without_messages_has_no_batch() {
        let second = a_second(3.0, 100);
        assert!(near(second.batches, 1.0 - (-3.0_f64).exp()), "{second:?}");
    }

    #[test]
    fn outcomes_of_a_second_gather_whatever_job_type_they_are_of() {
        let few = a_second(0.001, 100);
        assert!(near(of_outcomes(0.001, few.batches, 1, 10), 0.001), "one comes alone");
        for job_types in [1, 2, 9] {
            let middling = a_second(50.0, 100);
            assert!(near(of_outcomes(50.0, middling.batches, job_types, 10), 1.0), "{job_types}");
        }
        let many = a_second(33_000.0, 100);
        assert!(near(of_outcomes(33_000.0, many.batches, 2, 10), 66.0), "ten a batch");
    }

    #[test]
    fn chance_ends_where_it_hardly_matters() {
        let (below, above) = (a_second(CERTAIN, 100), a_second(CERTAIN + 1.0, 100));
        assert!((below.batches / above.batches - 1.0).abs() < 0.03, "{below:?} {above:?}");
    }
}
