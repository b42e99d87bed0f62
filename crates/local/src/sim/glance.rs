//! What the checker reads off a message without parsing it: it sees every message of a run, most of them twice.
//!
//! Our own messages have their members in a fixed order, and a quote inside a text is escaped, so that a member's name with
//! its quotes stands nowhere else. A message that cannot be read gives nothing.

use super::notebook::Detail;

/// What precedes a job's own members.
const JOB: &str = r#""job":{"job_type":""#;
/// Bytes of a message within which its hop count stands, and its first job begins.
const HEAD: usize = 160;
/// What every message of this version begins with.
const OURS: &str = r#"{"v":1,"m":{"#;

/// The hop count of a message.
pub(super) fn hop(body: &str) -> Option<u8> {
    let (_, rest) = body.get(..body.len().min(HEAD))?.split_once(r#""hop":"#)?;
    let end = rest.find(|character: char| !character.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

/// The jobs of a message: the text of each one's members, which tells it from every other.
pub(super) fn jobs(body: &str) -> impl Iterator<Item = &str> {
    let readable = if body.starts_with(OURS) { body } else { "" };
    readable.split(JOB).skip(1).filter_map(|rest| rest.split_once('}').map(|(job, _)| job))
}

/// A job's text for people.
pub(super) fn shown(job: &str) -> String {
    job.replace(r#"","account":""#, " ").replace(r#"","target":""#, " ").replace('"', "")
}

/// Whether a message is of a job that is looked at.
pub(super) fn is_looked_at(detail: Detail, body: &str) -> bool {
    match detail {
        Detail::All => true,
        Detail::Sampled => {
            jobs(body).next().is_some_and(|job| job.ends_with("00\"") || job.ends_with("64\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::activity::Price;
    use pollwheel_core::cadence::Cadence;
    use pollwheel_core::id::{AccountId, JobId, JobTypeId, ServiceLevel};
    use pollwheel_core::message::{Message, PollMessage};
    use pollwheel_core::row::{JobRow, Place, Revision, Subject};
    use pollwheel_core::time::EpochMinute;
    use pollwheel_core::wheel::Cohort;

    use super::*;

    fn message(account: &str) -> String {
        let job_type = JobTypeId::new("sim/items").unwrap();
        let job = JobId { job_type, account: AccountId::new(account).unwrap(), target: None };
        let place = Place::Cohort(Cohort { cadence: Cadence::at_least(15), phase: 3, shard: 0 });
        let subject = Subject { external_id: r#"{"job":{"job_type":"x"}}"#.to_owned(), base_url: None };
        let level = ServiceLevel::new("standard").unwrap();
        let row = JobRow::new(job, place, subject, level, Revision(1), EpochMinute::new(1));
        PollMessage {
            due: EpochMinute::new(29_000_000),
            missed: 0,
            spread: 7,
            hop: 3,
            price: Price::USUAL,
            row,
        }
        .encode()
    }

    #[test]
    fn a_glance_sees_what_a_parser_would() {
        let body = message("a64");
        assert_eq!(hop(&body), Some(3));
        assert_eq!(jobs(&body).map(shown).collect::<Vec<_>>(), ["sim/items a64"]);
        assert!(is_looked_at(Detail::Sampled, &body) && !is_looked_at(Detail::Sampled, &message("a65")));
    }

    #[test]
    fn what_cannot_be_read_gives_nothing() {
        for body in ["", "not json", r#"{"v":9,"jobs":[]}"#, &message("a1").replacen("1", "2", 1)] {
            assert_eq!(jobs(body).count(), 0, "{body}");
        }
    }
}
