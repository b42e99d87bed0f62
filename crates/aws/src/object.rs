//! Objects in S3, read as a stream from a byte on: an accounts file may be larger than a function's memory.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use pollwheel_core::ports::{PortError, Retry};

use crate::connection::Connection;
use crate::failure::failure;

/// Objects of any bucket that the function's role may read.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
}

/// An object being read.
#[derive(Debug)]
pub struct ObjectStream {
    /// The object's version: another one has another tag.
    pub etag: String,
    what: String,
    body: ByteStream,
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

    /// Opens an object from a byte on. With a tag: only this version of it, so that a file that was replaced between two
    /// readings is refused.
    ///
    /// # Errors
    /// When it is not there, may not be read, or is another version.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        from_byte: u64,
        etag: Option<&str>,
    ) -> Result<ObjectStream, PortError> {
        let what = format!("reading s3://{bucket}/{key}");
        let range = (from_byte > 0).then(|| format!("bytes={from_byte}-"));
        let answer = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_range(range)
            .set_if_match(etag.map(str::to_owned))
            .send()
            .await
            .map_err(|error| failure(what.clone(), error))?;
        Ok(ObjectStream { etag: answer.e_tag.unwrap_or_default(), what, body: answer.body })
    }
}

impl ObjectStream {
    /// The next piece of the object; none at its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        match self.body.next().await {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes.to_vec())),
            Some(Err(error)) => Err(PortError::new(self.what.clone(), Retry::Transient, error)),
        }
    }
}
