//! The answer for people.

use std::fmt::Write;

use super::Answer;
use super::amounts::{count, usd};
use super::month::Component;

/// Width of the names.
const NAME_CHARS: usize = 24;
/// Width of the amounts.
const USD_CHARS: usize = 12;

/// The answer as text, its lines ended.
pub(super) fn text(answer: &Answer<'_>) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = write(&mut text, answer);
    text
}

fn write(text: &mut String, answer: &Answer<'_>) -> std::fmt::Result {
    let Answer { workload, month, .. } = answer;
    writeln!(
        text,
        "{} jobs ({} accounts, {} each), polled every {} minutes, {} % of polls with news: {} polls a month",
        count(workload.jobs()),
        count(workload.accounts),
        workload.job_types,
        workload.cadence,
        (workload.news_rate * 1000.0).round() / 10.0,
        count(workload.polls()),
    )?;
    writeln!(text, "{}, prices of {}, without free tiers\n", answer.region, answer.prices_of)?;
    writeln!(text, "A month, in proportion to polls")?;
    components(text, &month.working)?;
    let a_million = |usd: f64| format!("${usd:.4} a million polls");
    line(text, "sum", month.usd_working, &a_million(month.usd_working_per_million_polls))?;
    writeln!(text, "\nWhatever is polled")?;
    components(text, &month.standing)?;
    line(text, "sum", month.usd_standing, "")?;
    writeln!(text)?;
    line(text, "both", month.usd, &a_million(month.usd_per_million_polls))?;
    writeln!(text, "\nAssumptions")?;
    notes(text, &answer.assumptions)?;
    writeln!(text, "\nInstead of it")?;
    for alternative in &answer.alternatives {
        let times = alternative.usd / month.usd;
        writeln!(
            text,
            "\n  {}: {} a month, {times:.1} times as much",
            alternative.name,
            usd(alternative.usd)
        )?;
        for (name, amount) in &alternative.components {
            line(text, name, *amount, "")?;
        }
        notes(text, &alternative.assumptions)?;
    }
    writeln!(text, "\nPrices are from")?;
    for (service, url) in answer.sources {
        writeln!(text, "  {service:<NAME_CHARS$}  {url}")?;
        if let Some(which) = answer.not_verified.get(service) {
            writeln!(text, "  {:<NAME_CHARS$}  not verified: {which}", "")?;
        }
    }
    Ok(())
}

fn components(text: &mut String, components: &[Component]) -> std::fmt::Result {
    components.iter().try_for_each(|component| line(text, component.name, component.usd, &component.how))
}

fn line(text: &mut String, name: &str, amount: f64, how: &str) -> std::fmt::Result {
    let line = format!("  {name:<NAME_CHARS$}{:>USD_CHARS$}   {how}", usd(amount));
    writeln!(text, "{}", line.trim_end())
}

fn notes(text: &mut String, notes: &[String]) -> std::fmt::Result {
    notes.iter().try_for_each(|note| writeln!(text, "  - {note}"))
}
