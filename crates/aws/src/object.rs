//! Objects in S3, read in parts: an accounts file may be larger than a function's memory.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use pollwheel_core::ports::{PortError, Retry};

use crate::connection::Connection;
use crate::failure::failure;

/// Objects of any bucket that the function's role may read.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
}

/// A part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPart {
    /// The bytes from where it was asked for.
    pub bytes: Vec<u8>,
    /// Bytes of the whole object.
    pub total: u64,
    /// The object's version: another one has another tag.
    pub etag: String,
}

impl Objects {
    /// With a client of its own.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        let mut config = aws_sdk_s3::config::Builder::from(connection.sdk());
        // An emulator has one name for all buckets; AWS takes both forms.
        config.set_force_path_style(Some(connection.sdk().endpoint_url().is_some()));
        Self { client: Client::from_conf(config.build()) }
    }

    /// At most `limit` bytes of an object, from `from` on; fewer at its end, none past it. With a tag: only of this
    /// version, so that a file that was replaced between two readings is refused.
    ///
    /// # Errors
    /// When it is not there, may not be read, or is another version.
    pub async fn read(
        &self,
        bucket: &str,
        key: &str,
        from: u64,
        limit: u64,
        etag: Option<&str>,
    ) -> Result<ObjectPart, PortError> {
        let what = || format!("reading s3://{bucket}/{key}");
        let last = from.saturating_add(limit.max(1)) - 1;
        let sent = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .range(format!("bytes={from}-{last}"))
            .set_if_match(etag.map(str::to_owned))
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            // The range begins at the end: of an empty object, or of one that has been read.
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 416) => {
                return Ok(ObjectPart {
                    bytes: Vec::new(),
                    total: from,
                    etag: etag.unwrap_or_default().to_owned(),
                });
            }
            Err(error) => return Err(failure(what(), error)),
        };
        let total = total(&answer);
        let etag = answer.e_tag.unwrap_or_default();
        let body = answer.body.collect().await;
        let bytes = body.map_err(|error| PortError::new(what(), Retry::Transient, error))?.to_vec();
        let read = from.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(ObjectPart { bytes, total: total.unwrap_or(read), etag })
    }
}

/// The size of the whole object: `Content-Range: bytes 0-9/120`, or the content's length when all of it was sent.
fn total(answer: &GetObjectOutput) -> Option<u64> {
    match answer.content_range() {
        Some(range) => range.rsplit_once('/')?.1.parse().ok(),
        None => answer.content_length().and_then(|length| u64::try_from(length).ok()),
    }
}
