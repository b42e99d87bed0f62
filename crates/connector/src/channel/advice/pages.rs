//! Lists that look paged, and paths that look mistyped.

use crate::channel::file::ChannelFile;
use crate::channel::problem::Problems;

/// Parameters by which APIs are asked for so many elements.
const SIZES: [&str; 14] = [
    "limit",
    "per_page",
    "perPage",
    "page_size",
    "pageSize",
    "pagesize",
    "count",
    "first",
    "max_results",
    "maxResults",
    "size",
    "take",
    "num",
    "rpp",
];

pub(super) fn check(file: &ChannelFile, problems: &mut Problems) {
    for (name, job) in &file.job_types.value {
        let field = format!("job_types.{name}");
        let request = &job.value.request;
        let size = request.query.iter().find(|(name, _)| SIZES.contains(&name.as_str()));
        if let Some((parameter, value)) = size.filter(|_| job.value.pages.is_none()) {
            let message = "asks for a page of a list, and there are no `pages`: what a burst pushes beyond the first page is lost";
            problems.warn(value.place, format!("{field}.request.query.{parameter}"), message);
        }
        if let Some(path) = request.path.as_ref().filter(|path| path.value.starts_with("//")) {
            let message = "starts with `//`: a host is given by `base_url`, and a path starts with one `/`";
            problems.warn(path.place, format!("{field}.request.path"), message);
        }
    }
}
