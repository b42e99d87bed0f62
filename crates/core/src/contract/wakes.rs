//! The clauses of `JobStore` about wake-ups.

use super::{HOME, NOW, apply, cohort, job, job_type};
use crate::cadence::Cadence;
use crate::id::JobTypeId;
use crate::ports::{Applied, Change, JobStore};
use crate::row::{Place, WakeUp};
use crate::time::{EpochMinute, MINUTES_PER_DAY};

pub(super) async fn check(store: &impl JobStore) {
    setting_one_again_changes_nothing(store).await;
    minutes_shards_days_and_job_types_do_not_mix(store).await;
    pages_hold_every_wake_up_once(store).await;
}

#[expect(clippy::expect_used, reason = "the contract: a read of what can be read is no error")]
async fn read(store: &impl JobStore, job_type: &JobTypeId, minute: EpochMinute, shard: u16) -> Vec<WakeUp> {
    let mut wakes = Vec::new();
    let mut from = None;
    loop {
        let page = store
            .read_wakes(job_type, minute, shard, from.as_deref(), 2)
            .await
            .expect("the store can be read");
        assert!(page.items.len() <= 2, "a page keeps its limit");
        assert_eq!(page.unreadable, 0, "everything here was written by this build");
        wakes.extend(page.items);
        match page.next {
            Some(next) => from = Some(next),
            None => return wakes,
        }
    }
}

async fn setting_one_again_changes_nothing(store: &impl JobStore) {
    let job_type = job_type("contract/wake");
    let wake = WakeUp { minute: NOW, job: job(&job_type, "a#", Some("%t")), place: HOME };
    assert!(read(store, &job_type, NOW, 0).await.is_empty());
    for _ in 0..2 {
        assert_eq!(apply(store, Change::Wake(wake.clone())).await, Applied::Done);
        assert_eq!(read(store, &job_type, NOW, 0).await, std::slice::from_ref(&wake));
    }
}

async fn minutes_shards_days_and_job_types_do_not_mix(store: &impl JobStore) {
    let job_type = job_type("contract/wakes");
    let other = super::job_type("contract/wakes-");
    let day = u32::from(MINUTES_PER_DAY);
    let place = |shard| Place::Cohort(cohort(Cadence::SLOWEST, 7, shard));
    let mut all = Vec::new();
    for job_type in [&job_type, &other] {
        for minute in [NOW, NOW.plus(1), NOW.plus(day), NOW.minus(day), NOW.plus(256)] {
            for shard in [0, 1, 255, 256, u16::MAX] {
                all.push(WakeUp { minute, job: job(job_type, "a", None), place: place(shard) });
            }
        }
    }
    for wake in &all {
        assert_eq!(apply(store, Change::Wake(wake.clone())).await, Applied::Done);
    }
    for wake in &all {
        let Place::Cohort(cohort) = wake.place else { continue };
        let found = read(store, &wake.job.job_type, wake.minute, cohort.shard).await;
        assert_eq!(found, std::slice::from_ref(wake), "only its own minute, day, shard and job type");
    }
}

async fn pages_hold_every_wake_up_once(store: &impl JobStore) {
    let job_type = job_type("contract/wake-pages");
    let wakes: Vec<WakeUp> = (0..7)
        .map(|number| WakeUp { minute: NOW, job: job(&job_type, &format!("a{number}"), None), place: HOME })
        .collect();
    let changes = wakes.iter().rev().cloned().map(Change::Wake).collect();
    assert!(store.apply(changes).await.iter().all(|answer| matches!(answer, Ok(Applied::Done))));
    assert_eq!(read(store, &job_type, NOW, 0).await, wakes, "in the order of their keys");
}
