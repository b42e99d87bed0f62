//! `infra/scale.yml`: which channels this deployment has, and its size, where it differs from the usual. A channel's
//! definition is the same for everybody who deploys it; whether anybody needs it, and how many shards a million accounts
//! need, is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use pollwheel_core::id::JobTypeId;
use pollwheel_core::policy::Catalog;
use serde::Deserialize;

/// Shards whose cohorts a tick still hands out in one go.
const MAX_SHARDS: u16 = 1000;
/// What a mapping allows.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html>
const CONCURRENCY: std::ops::RangeInclusive<u32> = 2..=1000;

/// The numbers of one job type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    shards: Option<NonZeroU16>,
    /// Workers at a time.
    pub(crate) worker_concurrency: Option<u32>,
}

/// The file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Scale {
    /// The channels to deploy; all of them when it does not say.
    channels: Option<BTreeSet<String>>,
    #[serde(flatten)]
    sizes: BTreeMap<JobTypeId, Size>,
}

impl Scale {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, names a job type that is not there, or a number that AWS or the wheel would refuse.
    pub(crate) fn load(file: &Path, catalog: &Catalog) -> Result<Self> {
        let name = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
        Self::read(&text, catalog).with_context(|| format!("`{name}` is no scale"))
    }

    fn read(text: &str, catalog: &Catalog) -> Result<Self> {
        let scale: Self = serde_saphyr::from_str(text)?;
        if let Some(channels) = &scale.channels {
            ensure!(!channels.is_empty(), "`channels` is empty: leave it out to deploy all of them");
            let is_known = |name: &&String| catalog.iter().any(|spec| spec.id.channel() == name.as_str());
            if let Some(name) = channels.iter().find(|name| !is_known(name)) {
                bail!("`channels`: there is no channel `{name}`");
            }
        }
        for (id, size) in &scale.sizes {
            ensure!(catalog.get(id).is_some(), "no channel declares the job type `{id}`");
            let shards = size.shards.map_or(1, NonZeroU16::get);
            ensure!(shards <= MAX_SHARDS, "`{id}`: `shards` is {shards}, use at most {MAX_SHARDS}");
            if let Some(concurrency) = size.worker_concurrency {
                let (least, most) = (CONCURRENCY.start(), CONCURRENCY.end());
                ensure!(
                    CONCURRENCY.contains(&concurrency),
                    "`{id}`: `worker_concurrency` is {concurrency}, use {least} to {most}",
                );
            }
        }
        Ok(scale)
    }

    /// The numbers of a job type.
    pub(crate) fn of(&self, id: &JobTypeId) -> Option<&Size> {
        self.sizes.get(id)
    }

    fn deploys(&self, id: &JobTypeId) -> bool {
        self.channels.as_ref().is_none_or(|channels| channels.contains(id.channel()))
    }

    /// A catalog of the channels to deploy, with these numbers.
    pub(crate) fn applied_to(&self, catalog: &Catalog) -> Catalog {
        let deployed = catalog.iter().filter(|spec| self.deploys(&spec.id));
        Catalog::new(deployed.cloned().map(|mut spec| {
            if let Some(shards) = self.of(&spec.id).and_then(|size| size.shards) {
                spec.shards = shards;
            }
            spec
        }))
    }
}

#[cfg(test)]
mod tests {
    use pollwheel_core::cadence::{Cadence, CadenceRange};
    use pollwheel_core::policy::JobTypeSpec;

    use super::*;

    fn catalog() -> Catalog {
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).unwrap();
        Catalog::new(
            ["toy/posts", "toy/likes"].map(|id| JobTypeSpec::new(JobTypeId::new(id).unwrap(), range)),
        )
    }

    #[test]
    fn only_the_job_types_named_change() {
        let scale = Scale::read("toy/posts: {shards: 8, worker_concurrency: 100}", &catalog()).unwrap();
        let shards: Vec<u16> = scale.applied_to(&catalog()).iter().map(|spec| spec.shards.get()).collect();
        assert_eq!(shards, [1, 8]);
        assert_eq!(scale.of(&JobTypeId::new("toy/posts").unwrap()).unwrap().worker_concurrency, Some(100));
        assert_eq!(Scale::read("{}", &catalog()).unwrap().applied_to(&catalog()), catalog());
    }

    #[test]
    fn only_the_channels_named_are_deployed() {
        let range = CadenceRange::new(Cadence::FASTEST, Cadence::SLOWEST).unwrap();
        let catalog = Catalog::new(
            ["toy/posts", "toybox/posts"].map(|id| JobTypeSpec::new(JobTypeId::new(id).unwrap(), range)),
        );
        let scale = Scale::read("channels: [toy]\ntoybox/posts: {shards: 8}", &catalog).unwrap();
        let deployed: Vec<String> =
            scale.applied_to(&catalog).iter().map(|spec| spec.id.to_string()).collect();
        assert_eq!(deployed, ["toy/posts"]);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (text, says) in [
            ("toy/lists: {shards: 2}", "no channel declares the job type `toy/lists`"),
            ("toy/posts: {shards: 1001}", "`shards` is 1001, use at most 1000"),
            ("toy/posts: {shards: 0}", "zero"),
            ("toy/posts: {worker_concurrency: 1}", "`worker_concurrency` is 1, use 2 to 1000"),
            ("toy/posts: {workers: 3}", "workers"),
            ("posts: {shards: 2}", "`posts`"),
            ("channels: [toys]", "there is no channel `toys`"),
            ("channels: []", "`channels` is empty"),
        ] {
            let error = format!("{:#}", Scale::read(text, &catalog()).map(drop).unwrap_err());
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
