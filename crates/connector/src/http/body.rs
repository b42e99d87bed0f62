//! Reading a body: capped on the wire, capped decoded, and never waiting long for the next piece of it.

use std::io::Write;
use std::time::Duration;

use flate2::write::MultiGzDecoder;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

use super::failure;
use crate::exchange::FetchError;

/// Most bytes of a body on the wire. Pages of real APIs have some hundred kilobytes.
const MAX_WIRE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of a decoded body.
const MAX_DECODED_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of the body of an error. What is beyond is not read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Time between two pieces of a body.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the whole body of a 200; of anything else as much as an error needs. What a status says stands whatever
/// becomes of the body behind it: a 429 with a broken body is a 429.
pub(super) async fn read(
    status: StatusCode,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Result<Bytes, FetchError> {
    if status == StatusCode::OK {
        return read_whole(headers, &mut body).await;
    }
    let Ok(mut decoder) = Decoder::new(headers) else { return Ok(Bytes::new()) };
    let mut wire_bytes = 0_usize;
    while let Ok(Some(Ok(frame))) = timeout(IDLE_TIMEOUT, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        wire_bytes += data.len();
        if decoder.take(data).is_err() || wire_bytes > MAX_ERROR_BYTES {
            break;
        }
    }
    Ok(decoder.so_far())
}

async fn read_whole(headers: &HeaderMap, body: &mut Incoming) -> Result<Bytes, FetchError> {
    let announced = http_body::Body::size_hint(body).lower();
    if announced > MAX_WIRE_BYTES as u64 {
        return Err(too_large("on the wire", MAX_WIRE_BYTES));
    }
    let mut decoder = Decoder::new(headers)?;
    let mut wire_bytes = 0_usize;
    while let Some(frame) = timeout(IDLE_TIMEOUT, body.frame()).await.map_err(|_| FetchError::Timeout)? {
        let frame = frame.map_err(|error| failure::of_body(&error))?;
        // Trailers say nothing that we ask for.
        let Ok(data) = frame.into_data() else { continue };
        wire_bytes += data.len();
        if wire_bytes > MAX_WIRE_BYTES {
            return Err(too_large("on the wire", MAX_WIRE_BYTES));
        }
        decoder.take(data)?;
    }
    decoder.finish()
}

fn too_large(what: &str, limit: usize) -> FetchError {
    FetchError::Bad(format!("the body is larger than {limit} bytes {what}"))
}

/// A body as it comes in.
enum Decoder {
    /// As it is. One piece, as small bodies are, is not copied.
    Plain(Pieces),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

enum Pieces {
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Decoder {
    fn new(headers: &HeaderMap) -> Result<Self, FetchError> {
        let encoding =
            headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
        match encoding.as_deref() {
            None | Some(b"" | b"identity") => Ok(Self::Plain(Pieces::None)),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Capped(Vec::new()))))),
            Some(_) => {
                Err(FetchError::Bad("the body has a content encoding that was not asked for".to_owned()))
            }
        }
    }

    fn take(&mut self, data: Bytes) -> Result<(), FetchError> {
        match self {
            Self::Plain(pieces) => pieces.push(data),
            Self::Gzip(decoder) => decoder.write_all(&data).map_err(|error| not_decoded(&error))?,
        }
        Ok(())
    }

    /// What was decoded, whether or not the body was whole.
    fn so_far(self) -> Bytes {
        match self {
            Self::Plain(pieces) => pieces.join(),
            Self::Gzip(mut decoder) => {
                // Hands over what it holds; that it may be cut off is no matter here.
                let _ = decoder.try_finish();
                std::mem::take(&mut decoder.get_mut().0).into()
            }
        }
    }

    fn finish(self) -> Result<Bytes, FetchError> {
        match self {
            Self::Plain(pieces) => Ok(pieces.join()),
            Self::Gzip(decoder) => {
                decoder.finish().map(|capped| capped.0.into()).map_err(|error| not_decoded(&error))
            }
        }
    }
}

impl Pieces {
    fn join(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.into(),
        }
    }

    fn push(&mut self, data: Bytes) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(data),
            Self::One(first) => Self::Many([first, data].concat()),
            Self::Many(mut bytes) => {
                bytes.extend_from_slice(&data);
                Self::Many(bytes)
            }
        }
    }
}

fn not_decoded(error: &std::io::Error) -> FetchError {
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        too_large("decoded", MAX_DECODED_BYTES)
    } else {
        FetchError::Bad("the body is not the gzip that it claims to be".to_owned())
    }
}

/// A buffer with an end. The decoder fills it by some kilobytes at a time, so a bomb is noticed that much above the cap.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let needed = self.0.len() + data.len();
        if needed > MAX_DECODED_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        if needed > self.0.capacity() {
            // Doubling, but never past the cap: a buffer of 5 MiB would otherwise become one of 10.
            let capacity = (2 * self.0.capacity()).clamp(needed, MAX_DECODED_BYTES);
            self.0.reserve_exact(capacity - self.0.len());
        }
        self.0.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(encoding: &'static str, pieces: &[&[u8]]) -> Result<Bytes, FetchError> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding))]);
        let mut decoder = Decoder::new(&headers)?;
        pieces.iter().try_for_each(|piece| decoder.take(Bytes::copy_from_slice(piece)))?;
        decoder.finish()
    }

    #[test]
    fn pieces_become_one_body() {
        assert_eq!(decoded("identity", &[b"ab", b"c", b"d"]).unwrap(), "abcd");
        let zipped = gzip(b"abcd");
        assert_eq!(decoded("GZIP", &[&zipped[..9], &zipped[9..]]).unwrap(), "abcd");
    }

    #[test]
    fn r24_a_bomb_ends_at_the_cap() {
        let bomb = gzip(&vec![b' '; MAX_DECODED_BYTES * 4]);
        assert!(bomb.len() < MAX_DECODED_BYTES / 200);
        let error = decoded("gzip", &[&bomb]).unwrap_err();
        assert_eq!(error, FetchError::Bad("the body is larger than 8388608 bytes decoded".to_owned()));
    }

    #[test]
    fn r24_a_body_that_is_not_what_it_says_is_refused() {
        for (encoding, body) in [("gzip", &b"plain"[..]), ("gzip", &gzip(b"cut off")[..12]), ("br", b"x")] {
            assert!(matches!(decoded(encoding, &[body]), Err(FetchError::Bad(_))), "{encoding}");
        }
    }
}
