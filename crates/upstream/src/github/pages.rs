//! Pages by number, and the `Link` header that leads through them.

use crate::call::{Call, Query};

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    page: usize,
    per_page: usize,
}

impl Pages {
    /// `page` and `per_page`.
    pub(super) fn of(query: Query<'_>, default: u64, most: u64) -> Self {
        let page = query.count("page", 1, u64::MAX).max(1);
        let per_page = match query.count("per_page", default, most) {
            0 => usize::try_from(default).unwrap_or(1),
            n => n,
        };
        Self { page, per_page }
    }

    /// Items on the pages before.
    pub(super) fn skipped(self) -> usize {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The items of the page.
    pub(super) fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.skipped()).take(self.per_page).collect()
    }

    /// `prev` and `first` except on the first page, `next` and `last` except on the last.
    pub(super) fn link(self, call: &Call<'_>, items: usize) -> Option<String> {
        let last_page = items.div_ceil(self.per_page).max(1);
        let base_url = call.base_url();
        let per_page = call.query.get("per_page").map(|_| self.per_page.to_string());
        let link = |page: usize, rel: &str| {
            let page = page.to_string();
            let query = call.query.with(&[("per_page", per_page.as_deref()), ("page", Some(&page))]);
            format!("<{base_url}{}?{query}>; rel=\"{rel}\"", call.path)
        };
        let mut links = Vec::new();
        if self.page > 1 {
            links.push(link((self.page - 1).min(last_page), "prev"));
        }
        if self.page < last_page {
            links.push(link(self.page + 1, "next"));
            links.push(link(last_page, "last"));
        }
        if self.page > 1 {
            links.push(link(1, "first"));
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}
