//! What a run was billed, as reports show it.

use pollwheel_core::meter::{Bill, Metered, Prices, Usage};
use serde::Serialize;

use super::workload::float;

/// Billing units, and what they cost. The order of the fields is the order in a report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Billed {
    pub(crate) usage: Units,
    pub(crate) usd: Dollars,
    /// All of it, for a million polls; none without polls.
    pub(crate) usd_per_million_polls: Option<f64>,
}

/// Usage in the units that prices are for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Units {
    pub(crate) dynamodb_read_units: f64,
    pub(crate) dynamodb_write_units: u64,
    pub(crate) sqs_requests: u64,
    pub(crate) eventbridge_events: u64,
    pub(crate) scheduler_invocations: u64,
    pub(crate) lambda_requests: u64,
    pub(crate) lambda_gb_seconds: f64,
    pub(crate) log_bytes: u64,
    pub(crate) kms_requests: u64,
}

/// Dollars by component, and together.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Dollars {
    #[serde(flatten)]
    pub(crate) components: Bill,
    /// Of all components, what time costs and polls do not: ticks, empty partitions, waiting for messages.
    pub(crate) standing: f64,
    pub(crate) total: f64,
}

impl Billed {
    /// What usage costs by these prices.
    pub(crate) fn of(metered: &Metered, polls: u64, prices: &Prices) -> Self {
        let usage = metered.total();
        let components = prices.bill(&usage);
        let total = components.total();
        Self {
            usage: Units::from(usage),
            usd: Dollars { components, standing: prices.bill(&metered.standing).total(), total },
            usd_per_million_polls: (polls > 0).then(|| total / float(polls) * 1e6),
        }
    }
}

impl From<Usage> for Units {
    fn from(usage: Usage) -> Self {
        Self {
            dynamodb_read_units: usage.read_units(),
            dynamodb_write_units: usage.write_units,
            sqs_requests: usage.queue_requests,
            eventbridge_events: usage.events,
            scheduler_invocations: usage.schedule_invocations,
            lambda_requests: usage.function_requests,
            lambda_gb_seconds: usage.function_gb_seconds(),
            log_bytes: usage.log_bytes,
            kms_requests: usage.key_requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PriceTable, USUAL_REGION};
    use super::*;

    #[test]
    fn standing_usage_is_in_the_total_and_told_apart() {
        let table = PriceTable::built_in().unwrap();
        let prices = table.region(USUAL_REGION).unwrap();
        let working = Usage { queue_requests: 1_000_000, ..Usage::default() };
        let standing = Usage { queue_requests: 500_000, ..Usage::default() };
        let billed = Billed::of(&Metered { working, standing }, 2_000_000, prices);
        assert!((billed.usd.total - 0.60).abs() < 1e-9 && (billed.usd.standing - 0.20).abs() < 1e-9);
        assert!(billed.usd_per_million_polls.is_some_and(|usd| (usd - 0.30).abs() < 1e-9));
        let json = serde_json::to_value(&billed).unwrap();
        assert_eq!(json["usage"]["sqs_requests"], 1_500_000);
        assert!((json["usd"]["sqs"].as_f64().unwrap() - 0.60).abs() < 1e-9, "{json}");
    }

    #[test]
    fn a_run_without_polls_has_no_price_of_a_poll() {
        let table = PriceTable::built_in().unwrap();
        let billed = Billed::of(&Metered::default(), 0, table.region(USUAL_REGION).unwrap());
        assert_eq!(billed.usd_per_million_polls, None);
    }
}
