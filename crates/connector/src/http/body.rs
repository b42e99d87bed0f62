//! Reading a body: capped on the wire, capped decoded, large ones only a few at a time ([`room`](super::room)), and never
//! waiting long for the next piece.

use std::io::Write;
use std::time::Duration;

use bytes::Buf;
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

use super::failure;
use super::room::{Place, Room, SMALL_BYTES};
use crate::exchange::FetchError;

/// Most bytes of a body on the wire. Pages of real APIs have some hundred kilobytes.
const MAX_WIRE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of a decoded body.
pub(super) const MAX_DECODED_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of the body of an error, on the wire and decoded. What is beyond is not read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Time between two pieces of a body.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the whole body of a 200; of anything else as much as an error needs. What a status says stands whatever
/// becomes of the body behind it: a 429 with a broken body is a 429.
pub(super) async fn read(
    status: StatusCode,
    headers: &HeaderMap,
    mut body: Incoming,
    room: &Room,
) -> Result<Bytes, FetchError> {
    if status == StatusCode::OK {
        return read_whole(headers, &mut body, room).await;
    }
    let Ok(mut decoder) = Decoder::new(headers, MAX_ERROR_BYTES) else { return Ok(Bytes::new()) };
    let mut wire_bytes = 0_usize;
    while let Ok(Some(Ok(frame))) = timeout(IDLE_TIMEOUT, body.frame()).await {
        let Ok(mut data) = frame.into_data() else { continue };
        wire_bytes += data.len();
        if decoder.take(&mut data).is_err() || wire_bytes > MAX_ERROR_BYTES {
            break;
        }
    }
    Ok(decoder.so_far())
}

async fn read_whole(headers: &HeaderMap, body: &mut Incoming, room: &Room) -> Result<Bytes, FetchError> {
    let announced = http_body::Body::size_hint(body).lower();
    if announced > MAX_WIRE_BYTES as u64 {
        return Err(too_large("on the wire", MAX_WIRE_BYTES));
    }
    let mut growing = Growing { decoder: Decoder::new(headers, SMALL_BYTES)?, place: None, room };
    let mut wire_bytes = 0_usize;
    while let Some(frame) = timeout(IDLE_TIMEOUT, body.frame()).await.map_err(|_| FetchError::Timeout)? {
        let frame = frame.map_err(|error| failure::of_body(&error))?;
        // Trailers say nothing that we ask for.
        let Ok(mut data) = frame.into_data() else { continue };
        wire_bytes += data.len();
        if wire_bytes > MAX_WIRE_BYTES {
            return Err(too_large("on the wire", MAX_WIRE_BYTES));
        }
        growing.on(|decoder| decoder.take(&mut data)).await?;
    }
    growing.on(Decoder::finish).await?;
    Ok(growing.whole())
}

fn too_large(what: &str, limit: usize) -> FetchError {
    FetchError::Bad(format!("the body is larger than {limit} bytes {what}"))
}

/// A body that takes a place among the large ones when it is not small any more.
struct Growing<'r> {
    decoder: Decoder,
    place: Option<Place>,
    room: &'r Room,
}

impl Growing<'_> {
    /// Takes a step of decoding. One that stops at a limit leaves everything as it is, and can be taken again.
    async fn on(&mut self, mut step: impl FnMut(&mut Decoder) -> Result<(), Stop>) -> Result<(), FetchError> {
        let mut taken = step(&mut self.decoder);
        if matches!(taken, Err(Stop::AtLimit)) && self.place.is_none() {
            self.place = Some(self.room.place().await);
            self.decoder.raise(MAX_DECODED_BYTES);
            taken = step(&mut self.decoder);
        }
        taken.map_err(|stop| match stop {
            Stop::AtLimit => too_large("decoded", MAX_DECODED_BYTES),
            Stop::NotGzip => FetchError::Bad("the body is not the gzip that it claims to be".to_owned()),
        })
    }

    fn whole(self) -> Bytes {
        let body = self.decoder.so_far();
        match self.place {
            Some(place) => place.keep(body),
            None => body,
        }
    }
}

/// Why decoding does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The body is as long as it may be for now.
    AtLimit,
    /// It cannot be decoded.
    NotGzip,
}

/// A body as it comes in.
enum Decoder {
    /// As it is.
    Plain(Plain),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

impl Decoder {
    /// A decoder that stops at so many bytes.
    fn new(headers: &HeaderMap, limit: usize) -> Result<Self, FetchError> {
        let encoding =
            headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
        match encoding.as_deref() {
            None | Some(b"" | b"identity") => Ok(Self::Plain(Plain { pieces: Pieces::None, limit })),
            Some(b"gzip" | b"x-gzip") => {
                Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Capped { bytes: Vec::new(), limit }))))
            }
            Some(_) => {
                Err(FetchError::Bad("the body has a content encoding that was not asked for".to_owned()))
            }
        }
    }

    /// Goes on to another limit.
    fn raise(&mut self, limit: usize) {
        match self {
            Self::Plain(plain) => plain.limit = limit,
            Self::Gzip(decoder) => decoder.get_mut().limit = limit,
        }
    }

    /// Takes a piece, and off it what was taken.
    fn take(&mut self, data: &mut Bytes) -> Result<(), Stop> {
        match self {
            Self::Plain(plain) => plain.take(data),
            Self::Gzip(decoder) => {
                while !data.is_empty() {
                    let taken = decoder.write(data).map_err(|error| stop(&error))?;
                    if taken == 0 {
                        return Err(Stop::NotGzip);
                    }
                    data.advance(taken);
                }
                Ok(())
            }
        }
    }

    /// Hands over what is still held back. A body that was cut off is found here.
    fn finish(&mut self) -> Result<(), Stop> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish().map_err(|error| stop(&error)),
        }
    }

    /// What was decoded, whether or not the body was whole.
    fn so_far(mut self) -> Bytes {
        // That it may be cut off is no matter here.
        let _ = self.finish();
        match self {
            Self::Plain(plain) => plain.pieces.join(),
            Self::Gzip(mut decoder) => std::mem::take(&mut decoder.get_mut().bytes).into(),
        }
    }
}

/// A body that is not encoded.
struct Plain {
    pieces: Pieces,
    limit: usize,
}

/// One piece, as small bodies are, is not copied.
enum Pieces {
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Plain {
    fn take(&mut self, data: &mut Bytes) -> Result<(), Stop> {
        let left = self.limit.saturating_sub(self.pieces.len());
        let piece = data.split_to(left.min(data.len()));
        self.pieces.push(piece, self.limit);
        if data.is_empty() { Ok(()) } else { Err(Stop::AtLimit) }
    }
}

impl Pieces {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn join(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.into(),
        }
    }

    fn push(&mut self, data: Bytes, limit: usize) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(data),
            Self::One(first) => Self::Many([first, data].concat()),
            Self::Many(mut bytes) => {
                append(&mut bytes, &data, limit);
                Self::Many(bytes)
            }
        }
    }
}

/// Adds to a buffer, whose room doubles, but never past the limit: one of 5 MiB would otherwise become one of 10.
fn append(bytes: &mut Vec<u8>, data: &[u8], limit: usize) {
    let needed = bytes.len() + data.len();
    if needed > bytes.capacity() {
        let capacity = (2 * bytes.capacity()).min(limit).max(needed);
        bytes.reserve_exact(capacity - bytes.len());
    }
    bytes.extend_from_slice(data);
}

fn stop(error: &std::io::Error) -> Stop {
    if error.kind() == std::io::ErrorKind::FileTooLarge { Stop::AtLimit } else { Stop::NotGzip }
}

/// A buffer with an end. The decoder fills it by some kilobytes at a time, and holds on to what does not fit, so a bomb
/// is noticed that much above the limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Capped {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let left = self.limit.saturating_sub(self.bytes.len());
        if left == 0 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let taken = left.min(data.len());
        append(&mut self.bytes, &data[..taken], self.limit);
        Ok(taken)
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

    async fn decoded(encoding: &'static str, pieces: &[&[u8]]) -> Result<Bytes, FetchError> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding))]);
        let room = Room::default();
        let mut growing = Growing { decoder: Decoder::new(&headers, SMALL_BYTES)?, place: None, room: &room };
        for piece in pieces {
            let mut data = Bytes::copy_from_slice(piece);
            growing.on(|decoder| decoder.take(&mut data)).await?;
        }
        growing.on(Decoder::finish).await?;
        Ok(growing.whole())
    }

    #[tokio::test]
    async fn pieces_become_one_body() {
        assert_eq!(decoded("identity", &[b"ab", b"c", b"d"]).await.unwrap(), "abcd");
        let zipped = gzip(b"abcd");
        assert_eq!(decoded("GZIP", &[&zipped[..9], &zipped[9..]]).await.unwrap(), "abcd");
    }

    #[tokio::test]
    async fn r24_a_bomb_ends_at_the_cap() {
        let bomb = gzip(&vec![b' '; MAX_DECODED_BYTES * 4]);
        assert!(bomb.len() < MAX_DECODED_BYTES / 200);
        let error = decoded("gzip", &[&bomb]).await.unwrap_err();
        assert_eq!(error, FetchError::Bad("the body is larger than 8388608 bytes decoded".to_owned()));
    }

    #[tokio::test]
    async fn a_body_grows_past_what_is_small_and_to_the_cap_whole() {
        for length in [SMALL_BYTES, SMALL_BYTES + 1, 3_000_000, MAX_DECODED_BYTES] {
            let body: Vec<u8> = (0_u8..251).cycle().take(length).collect();
            let zipped = gzip(&body);
            let (half, rest) = zipped.split_at(zipped.len() / 2);
            assert!(decoded("gzip", &[half, rest]).await.unwrap() == body, "{length} bytes in gzip");
            let (half, rest) = body.split_at(length / 2);
            assert!(decoded("identity", &[half, rest]).await.unwrap() == body, "{length} bytes");
        }
    }

    #[tokio::test]
    async fn two_members_of_gzip_are_one_body_where_the_first_ends_at_what_is_small() {
        let zipped = [gzip(&vec![b'a'; SMALL_BYTES]), gzip(b"b")].concat();
        let body = decoded("gzip", &[&zipped]).await.unwrap();
        assert!(body.len() == SMALL_BYTES + 1 && body.ends_with(b"ab"));
    }

    #[test]
    fn r24_a_bomb_that_is_an_error_is_read_no_further_than_an_error_is() {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"))]);
        let mut decoder = Decoder::new(&headers, MAX_ERROR_BYTES).unwrap();
        let mut bomb = gzip(&vec![b' '; MAX_DECODED_BYTES]).into();
        assert_eq!(decoder.take(&mut bomb), Err(Stop::AtLimit));
        assert_eq!(decoder.so_far().len(), MAX_ERROR_BYTES);
    }

    #[tokio::test]
    async fn r24_a_body_that_is_not_what_it_says_is_refused() {
        for (encoding, body) in [("gzip", &b"plain"[..]), ("gzip", &gzip(b"cut off")[..12]), ("br", b"x")] {
            assert!(matches!(decoded(encoding, &[body]).await, Err(FetchError::Bad(_))), "{encoding}");
        }
    }
}
