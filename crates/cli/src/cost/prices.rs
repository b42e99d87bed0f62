//! The price table: `infra/prices.toml`, built into the command.

use std::collections::BTreeMap;

use anyhow::Context;
use pollwheel_core::meter::Prices;
use serde::Deserialize;

use crate::exit::Failure;

const BUILT_IN: &str = include_str!("../../../../infra/prices.toml");

/// Prices by region, of one day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceTable {
    /// The day.
    pub(crate) date: String,
    /// Where the prices of each service are from.
    pub(crate) sources: BTreeMap<String, String>,
    /// Services some of whose prices were not read there: which, and where they are from.
    pub(crate) not_verified: BTreeMap<String, String>,
    regions: BTreeMap<String, Prices>,
}

impl PriceTable {
    /// The table of this build.
    pub(crate) fn built_in() -> Result<Self, Failure> {
        let table = toml::from_str(BUILT_IN).context("the price table of this build cannot be read")?;
        Ok(table)
    }

    /// The prices of a region.
    pub(crate) fn region(&self, name: &str) -> Result<&Prices, Failure> {
        self.regions.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.regions.keys().map(String::as_str).collect();
            Failure::Input(format!(
                "`--region`: there are no prices of `{name}`: name one of {}, or add its prices to `infra/prices.toml`",
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_whole_dated_and_sourced() {
        let table = PriceTable::built_in().unwrap();
        assert_eq!(table.date.len(), "2026-11-23".len());
        let text: toml::Table = toml::from_str(BUILT_IN).unwrap();
        for (region, services) in text["regions"].as_table().unwrap() {
            for service in services.as_table().unwrap().keys() {
                let source = table.sources.get(service);
                assert!(
                    source.is_some_and(|url| url.starts_with("https://aws.amazon.com/")),
                    "{region}: the prices of `{service}` have no source"
                );
            }
        }
    }

    #[test]
    fn what_is_not_verified_has_prices() {
        let table = PriceTable::built_in().unwrap();
        assert!(!table.not_verified.is_empty());
        for service in table.not_verified.keys() {
            assert!(table.sources.contains_key(service), "`{service}` has no source");
        }
        // Nothing of the figures that were promised hangs on them, but for storage and logs.
        for service in ["sqs", "lambda", "eventbridge", "scheduler"] {
            assert!(!table.not_verified.contains_key(service), "`{service}`");
        }
    }

    #[test]
    fn the_prices_are_those_that_were_decided() {
        let table = PriceTable::built_in().unwrap();
        let prices = table.region("us-east-1").unwrap();
        let read = [
            prices.dynamodb.million_write_units,
            prices.dynamodb.million_read_units,
            prices.sqs.million_requests,
            prices.eventbridge.million_events,
            prices.scheduler.million_invocations,
            prices.lambda.gb_second,
            prices.lambda.million_requests,
        ];
        assert_eq!(read, [0.625, 0.125, 0.40, 1.00, 1.00, 0.000_013_333_4, 0.20]);
    }

    #[test]
    fn an_unknown_region_is_refused_with_those_that_there_are() {
        let table = PriceTable::built_in().unwrap();
        let Err(Failure::Input(error)) = table.region("mars-1") else { panic!("it was taken") };
        assert!(error.contains("`mars-1`") && error.contains("us-east-1"), "{error}");
    }
}
