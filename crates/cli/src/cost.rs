//! `pollwheel cost`: what a deployment on AWS costs a month, and what other ways would.
//!
//! The month is arithmetic on the workload (`month`) with the units and sizes of the core's meter; a test holds it to what
//! the meter counts in a run. Prices come from one table (`prices`), which is built in.

mod alternatives;
mod amounts;
mod args;
mod batches;
mod billed;
mod month;
mod prices;
mod show;
mod workload;

use std::collections::BTreeMap;

use crate::exit::Failure;
use crate::output::Output;
use alternatives::Alternative;
pub(crate) use args::CostArgs;
pub(crate) use billed::Billed;
use month::Month;
pub(crate) use prices::PriceTable;
use serde::Serialize;
use workload::Workload;

/// Region whose prices are used when nobody names one.
pub(crate) const USUAL_REGION: &str = "us-east-1";

/// What the command answers.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    workload: &'a Workload,
    region: &'a str,
    prices_of: &'a str,
    #[serde(flatten)]
    month: Month,
    assumptions: Vec<String>,
    alternatives: Vec<Alternative>,
    sources: &'a BTreeMap<String, String>,
    not_verified: &'a BTreeMap<String, String>,
}

impl<'a> Answer<'a> {
    fn of(workload: &'a Workload, region: &'a str, table: &'a PriceTable) -> Result<Self, Failure> {
        let prices = table.region(region)?;
        Ok(Self {
            workload,
            region,
            prices_of: &table.date,
            month: Month::of(workload, prices),
            assumptions: month::assumptions(workload),
            alternatives: alternatives::all(workload, prices),
            sources: &table.sources,
            not_verified: &table.not_verified,
        })
    }
}

/// Answers.
pub(crate) fn run(args: &CostArgs) -> Result<(), Failure> {
    let table = PriceTable::built_in()?;
    let workload = args.workload();
    let answer = Answer::of(&workload, &args.region, &table)?;
    let mut output = Output::new();
    if args.json {
        output.json(&answer)?;
    } else {
        output.bytes(show::text(&answer).as_bytes())?;
    }
    output.finish()
}

#[cfg(test)]
mod tests;
