//! A response and what its body says, each form of it made at most once.

use std::cell::OnceCell;

use http::StatusCode;
use http::header;

use crate::body_filter::JsonBody;
use crate::exchange::Response;
use crate::format::{self, Format, FormatError};

/// A response, being read.
#[derive(Debug)]
pub(crate) struct Answer<'r> {
    pub(crate) response: &'r Response,
    format: Format,
    body: OnceCell<Result<JsonBody<'r>, FormatError>>,
}

impl<'r> Answer<'r> {
    /// A response to a request whose items come in `format`. What an API says when it refuses is JSON or nothing that we
    /// read.
    pub(crate) fn new(response: &'r Response, format: Format) -> Self {
        let format = if response.status == StatusCode::OK { format } else { Format::Json };
        Self { response, format, body: OnceCell::new() }
    }

    /// The body as the text of a JSON value.
    ///
    /// # Errors
    /// How it differs from its format.
    pub(crate) fn body(&self) -> Result<&JsonBody<'r>, &FormatError> {
        let read = || {
            let kind = self.response.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            format::document(self.format, kind, &self.response.body).map(JsonBody::new)
        };
        self.body.get_or_init(read).as_ref()
    }
}
