//! Every kind of cursor with every kind of page, on a timeline that grows and shrinks: everything above the mark comes out
//! exactly once, however late, and the mark never goes back.
//!
//! proptest prints what fails, the dice's seed among it, and keeps it for the next run. `PROPTEST_CASES=20000` runs more.

use std::collections::BTreeMap;

use pollwheel_core::outcome::Outcome;
use proptest::prelude::*;
use serde_json::Value;

use super::model::{Dice, Ids, Model, PAGINGS, Paging};
use super::server::Job;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Greatest,
    Time { overlap_seconds: u32 },
    Seen,
}

#[derive(Debug, Clone)]
struct Setting {
    cursor: Cursor,
    paging: Paging,
    page_size: usize,
    limit: u32,
    seed: usize,
    forgets: bool,
    validates: bool,
    /// Posted and deleted before each poll, and posted and deleted between its pages.
    bursts: Vec<[usize; 4]>,
    dice: u64,
}

fn setting() -> impl Strategy<Value = Setting> {
    let cursor = prop_oneof![
        Just(Cursor::Greatest),
        (0_u32..6).prop_map(|overlap_seconds| Cursor::Time { overlap_seconds }),
        Just(Cursor::Seen)
    ];
    let sizes = (0_usize..9, 3_usize..8, 1_u32..5, 0_usize..6);
    let bursts = prop::collection::vec([0_usize..30, 0_usize..4, 0_usize..3, 0_usize..2], 1..8);
    (cursor, sizes, any::<(bool, bool)>(), bursts, any::<u64>()).prop_map(
        |(cursor, (paging, page_size, limit, seed), (forgets, validates), mut bursts, dice)| {
            // Cursors that do not outlive a poll leave its fifty pages to reach the gap in.
            let page_size = if forgets { page_size + 6 } else { page_size };
            if forgets {
                bursts.iter_mut().for_each(|burst| burst[2] = 0);
            }
            Setting {
                cursor,
                // Who does not know which id is the oldest cannot ask for what is older.
                paging: if cursor == Cursor::Seen && PAGINGS[paging] == Paging::MaxId {
                    Paging::Link
                } else {
                    PAGINGS[paging]
                },
                page_size,
                limit,
                // Without order nothing but the first page is known at first.
                seed: if cursor == Cursor::Seen { seed.min(page_size) } else { seed },
                forgets,
                validates,
                bursts,
                dice,
            }
        },
    )
}

fn job(setting: &Setting) -> Job {
    let cursor = match setting.cursor {
        Cursor::Greatest => "{greatest_id: numeric}".to_owned(),
        Cursor::Time { overlap_seconds } => format!("{{time: {{overlap_seconds: {overlap_seconds}}}}}"),
        Cursor::Seen => "{seen: {keep: 500}}".to_owned(),
    };
    let paging = setting.paging;
    Job::declared(
        paging.auth(),
        "",
        &format!(
            "    request: {}\n    items: {{list: .items, id: .id, time: .at, type: test.item, data: .}}\n    \
             cursor: {cursor}\n    pages: {{follow: {}, limit: {}}}\n",
            paging.request(),
            paging.follow(),
            setting.limit
        ),
    )
}

fn model(setting: &Setting) -> Model {
    let ids = if setting.cursor == Cursor::Greatest { Ids::Growing } else { Ids::Random };
    let mut model = Model {
        posts: Vec::new(),
        paging: setting.paging,
        ids,
        page_size: setting.page_size,
        forgets: setting.forgets,
        generation: 0,
        validates: setting.validates,
        dice: Dice(setting.dice),
    };
    model.post(setting.seed);
    model
}

/// The mark in a context, comparable.
fn mark(job: &Job) -> Option<String> {
    let context: Value = serde_json::from_str(job.row.context.as_json()).unwrap();
    context["poll"]["cursor"].as_str().map(str::to_owned)
}

/// Polls until nothing is left to come. How often each serial was published.
fn run(setting: &Setting, model: &mut Model) -> Result<BTreeMap<u64, u32>, TestCaseError> {
    let mut job = job(setting);
    let outcome = job.poll(|out| Ok(model.answer(out))).outcome;
    prop_assert!(matches!(outcome, Outcome::Seeded { .. }), "{:?}", outcome);
    let mut published = BTreeMap::new();
    let mut bursts = setting.bursts.iter();
    let (mut quiet, mut polls) = (0, 0);
    while quiet < 2 {
        polls += 1;
        prop_assert!(polls < 400, "no end: {}", job.row.context.as_json());
        let burst = bursts.next();
        let [posts, deletions, posts_between, deletions_between] = burst.copied().unwrap_or_default();
        model.post(posts);
        if !model.posts.is_empty() {
            model.delete(deletions);
        }
        model.generation += 1;
        let before = mark(&job);
        let polled = job.poll(|out| {
            let response = model.answer(out);
            model.post(posts_between);
            // Where pages move up, what is deleted between two pages of one poll takes others out of sight.
            if model.paging.is_anchored() && !model.posts.is_empty() {
                model.delete(deletions_between);
            }
            Ok(response)
        });
        prop_assert!(mark(&job) >= before, "{:?} after {:?}", mark(&job), before);
        prop_assert!(job.row.context.as_json().len() < 8_000);
        prop_assert!(!job.row.context.as_json().contains("s3cret"));
        let is_fine = matches!(polled.outcome, Outcome::New { .. } | Outcome::Unchanged { .. });
        prop_assert!(is_fine, "{:?}", polled.outcome);
        let mut more = false;
        if let Outcome::New { items, more: has_more, .. } = polled.outcome {
            prop_assert_eq!(items as usize, polled.items.len());
            more = has_more;
        }
        for item in &polled.items {
            *published.entry(model.serial(&item.id)).or_default() += 1;
        }
        let is_quiet = burst.is_none() && polled.items.is_empty() && !more;
        quiet = if is_quiet { quiet + 1 } else { 0 };
    }
    Ok(published)
}

proptest! {
    #[test]
    fn r27_everything_above_the_mark_comes_out_exactly_once(setting in setting()) {
        let mut model = model(&setting);
        let published = run(&setting, &mut model)?;
        for post in &model.posts {
            let times = published.get(&post.serial).copied().unwrap_or(0);
            if post.serial <= setting.seed as u64 {
                prop_assert_eq!(times, 0, "{} was there before", post.serial);
            } else if post.is_deleted {
                prop_assert!(times <= 1, "{} came {} times", post.serial, times);
            } else {
                prop_assert_eq!(times, 1, "{} of {}: {:?}", post.serial, model.posts.len(), published);
            }
        }
    }
}
