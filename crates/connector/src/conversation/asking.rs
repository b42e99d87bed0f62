//! The request for the walk's next page.

use http::Uri;

use super::Conversation;
use super::walk::{Place, Start, Verdict};
use crate::channel::Follow;
use crate::exchange::Outbound;
use crate::request::{JobValues, Parameter};
use crate::state::RequestKey;

impl Conversation<'_> {
    pub(super) fn ask(&mut self) -> Result<Outbound, String> {
        self.pages_left = self.pages_left.saturating_sub(1);
        self.pages = self.pages.saturating_add(1);
        let mut outbound = self.outbound()?;
        if let Verdict::Circle(reason) = self.walk.visit(&outbound) {
            return Err(reason.to_owned());
        }
        self.asked_for_changes = false;
        if self.job.conditional && self.walk.start == Start::Top && self.walk.next == Place::First {
            self.ask_for_changes(&mut outbound);
        }
        self.sending.sign(&mut outbound);
        Ok(outbound)
    }

    /// Sends the validators back, to the very request that they came from.
    fn ask_for_changes(&mut self, outbound: &mut Outbound) {
        let key = RequestKey::of(&outbound.uri);
        if let Some(validators) = self.state.validators.as_ref().filter(|validators| key.is_of(validators)) {
            validators.write(&mut outbound.headers);
            self.asked_for_changes = true;
        }
        self.first_page = Some((key, None));
    }

    fn outbound(&self) -> Result<Outbound, String> {
        let (cursor, page) = (self.ledger.text(), self.walk.next.text());
        let values = JobValues::of(self.request).after(cursor.as_deref()).at_page(page.as_deref());
        let uri = match &self.walk.next {
            Place::At(uri) => uri.clone(),
            Place::First
            | Place::Below(_)
            | Place::Cursor(_)
            | Place::Number(_)
            | Place::Offset(_)
            | Place::Token => self.uri(&values, page.as_deref())?,
        };
        self.job.endpoint.outbound(uri, &values).map_err(|error| error.to_string())
    }

    fn uri(&self, values: &JobValues<'_>, page: Option<&str>) -> Result<Uri, String> {
        let name = match self.job.pages.as_ref().map(|pages| &pages.follow) {
            Some(
                Follow::MaxId(parameter)
                | Follow::Cursor { parameter: Some(parameter), .. }
                | Follow::Page { parameter, .. }
                | Follow::Offset { parameter },
            ) => Some(parameter),
            Some(
                Follow::LinkHeader | Follow::Url(_) | Follow::Cursor { parameter: None, .. } | Follow::Token,
            )
            | None => None,
        };
        let extra = name.zip(page).map(|(name, value)| Parameter { name, value });
        let target = self.job.endpoint.target(self.base.prefix(), values, extra);
        let target = target.map_err(|error| error.to_string())?;
        self.base.origin().uri(target).map_err(|error| format!("the request's URL: {error}"))
    }
}
