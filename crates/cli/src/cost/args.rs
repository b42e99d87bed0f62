//! What `pollwheel cost` can be asked.

use pollwheel_core::cadence::Cadence;

use super::USUAL_REGION;
use super::workload::Workload;

/// Say what a deployment on AWS costs a month, and what other ways of polling would.
///
/// The month has 30 days. Prices are those of a table that is built in, without free tiers and discounts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pollwheel cost --accounts 10000 --cadence 60
  pollwheel cost --accounts 1000000 --cadence 15 --news-rate 0.02 --job-types 2
  pollwheel cost --accounts 1000000 --cadence 60 --json")]
pub(crate) struct CostArgs {
    /// Accounts to poll.
    #[arg(long, value_name = "N", value_parser = accounts, allow_hyphen_values = true)]
    pub(crate) accounts: u64,

    /// Minutes between two polls of a job: a divisor of the day, such as 5, 15 or 60.
    #[arg(long, value_name = "MIN", value_parser = cadence, allow_hyphen_values = true)]
    pub(crate) cadence: Cadence,

    /// The share of polls that bring a new item, from 0 to 1.
    #[arg(long, value_name = "R", default_value = "0.05", value_parser = rate, allow_hyphen_values = true)]
    pub(crate) news_rate: f64,

    /// Job types that each account is polled for: what is multiplied.
    #[arg(long, value_name = "K", default_value = "1", value_parser = job_types, allow_hyphen_values = true)]
    pub(crate) job_types: u64,

    /// The region whose prices are used.
    #[arg(long, value_name = "REGION", default_value = USUAL_REGION)]
    pub(crate) region: String,

    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl CostArgs {
    pub(super) const fn workload(&self) -> Workload {
        Workload {
            accounts: self.accounts,
            cadence: self.cadence,
            news_rate: self.news_rate,
            job_types: self.job_types,
        }
    }
}

/// As many as there are people: past it a zero too many is more likely.
const MAX_ACCOUNTS: u64 = 10_000_000_000;
/// As many as a stack holds, and more.
const MAX_JOB_TYPES: u64 = 100;

fn accounts(text: &str) -> Result<u64, String> {
    within(text, MAX_ACCOUNTS)
}

fn job_types(text: &str) -> Result<u64, String> {
    within(text, MAX_JOB_TYPES)
}

fn within(text: &str, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("write a whole number from 1 to {most}"))
}

fn cadence(text: &str) -> Result<Cadence, String> {
    text.parse().ok().and_then(|minutes| Cadence::new(minutes).ok()).ok_or_else(|| {
        let all: Vec<String> = Cadence::ALL.iter().map(ToString::to_string).collect();
        format!("a cadence is one of {} minutes", all.join(", "))
    })
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "write a share from 0 to 1, such as 0.05".to_owned())
}
