//! What comes in on a socket, looked at before it is collected. The codec gathers a frame whole before it compares its
//! length with what one may have, so whoever announces an endless frame would fill the memory. Here the announcement is
//! enough, or the end of the frame where that is near: whoever is closed while he still sends may never read why.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, ready};

/// Longest header of a frame without its mask: two bytes and eight of length.
const HEADER_BYTES_MAX: usize = 10;
/// Bytes of a mask, behind the header.
const MASK_BYTES: u64 = 4;
/// How many times as long as it may be a frame is passed over to its end, before it is refused.
const PASSED_OVER_TIMES: u64 = 16;
/// The header of a text with a length that no codec takes: it stands in for one that announces too much.
const TOO_LONG: [u8; HEADER_BYTES_MAX] = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// The bytes of a socket up to the first frame that announces more than a frame may have.
pub(crate) struct Inbound<S> {
    bytes: S,
    frames: Frames,
    is_over: bool,
}

impl<S> Inbound<S> {
    /// The bytes of a socket whose frames have at most so many bytes.
    pub(crate) fn up_to(frame_bytes_max: usize, bytes: S) -> Self {
        // More than 64 bits of length cannot be announced.
        let frame_bytes_max = u64::try_from(frame_bytes_max).unwrap_or(u64::MAX);
        Self {
            bytes,
            frames: Frames { frame_bytes_max, left: 0, is_passed_over: false, header: BytesMut::new() },
            is_over: false,
        }
    }
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Inbound<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            let Some(read) = ready!(Pin::new(&mut self.bytes).poll_next(task)) else { return Poll::Ready(None) };
            let seen = match read {
                Ok(chunk) => self.frames.see(chunk),
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            self.is_over = seen.is_too_long;
            // A piece of a header is held back until the whole of it is there.
            if !seen.bytes.is_empty() {
                return Poll::Ready(Some(Ok(seen.bytes)));
            }
        }
    }
}

/// Where in its frames a socket is.
struct Frames {
    frame_bytes_max: u64,
    /// Bytes of the frame's mask and payload that are still to come.
    left: u64,
    /// Whether the frame is too long, so that nothing of it is handed on.
    is_passed_over: bool,
    /// The header of the next frame, as far as it is there.
    header: BytesMut,
}

/// What may be handed on of a chunk.
struct Seen {
    bytes: Bytes,
    is_too_long: bool,
}

impl Frames {
    fn see(&mut self, mut chunk: Bytes) -> Seen {
        // The middle of a frame goes through as it is.
        if let Some(left) = u64::try_from(chunk.len()).ok().and_then(|length| self.left.checked_sub(length))
            && !self.is_passed_over
        {
            self.left = left;
            return Seen { bytes: chunk, is_too_long: false };
        }
        let mut bytes = BytesMut::with_capacity(self.header.len() + chunk.len());
        while !chunk.is_empty() {
            if self.left > 0 {
                let piece = chunk.split_to(usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len()));
                // It was taken from what is left, so it fits.
                self.left -= u64::try_from(piece.len()).unwrap_or(self.left);
                if !self.is_passed_over {
                    bytes.extend_from_slice(&piece);
                } else if self.left == 0 {
                    return Seen::too_long(bytes);
                }
                continue;
            }
            self.header.extend_from_slice(&[chunk.get_u8()]);
            let Some(length) = announced(&self.header) else { continue };
            if length > self.frame_bytes_max.saturating_mul(PASSED_OVER_TIMES) {
                return Seen::too_long(bytes);
            }
            let is_masked = self.header[1] & 0x80 != 0;
            self.left = length + if is_masked { MASK_BYTES } else { 0 };
            self.is_passed_over = length > self.frame_bytes_max;
            let header = self.header.split();
            if !self.is_passed_over {
                bytes.extend_from_slice(&header);
            }
        }
        Seen { bytes: bytes.freeze(), is_too_long: false }
    }
}

impl Seen {
    fn too_long(mut before: BytesMut) -> Self {
        before.extend_from_slice(&TOO_LONG);
        Self { bytes: before.freeze(), is_too_long: true }
    }
}

/// The length that a header announces, once it is whole (RFC 6455 section 5.2).
fn announced(header: &[u8]) -> Option<u64> {
    let (length, rest) = (header.get(1)? & 0x7f, &header[2..]);
    match length {
        126 => Some(u64::from(u16::from_be_bytes(rest.try_into().ok()?))),
        127 => Some(u64::from_be_bytes(rest.try_into().ok()?)),
        _ => Some(u64::from(length)),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use proptest::prelude::*;

    use super::*;

    const FRAME_BYTES_MAX: usize = 70_000;

    fn frame(length: u64, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut bytes = vec![0x81];
        match (u8::try_from(length).ok().filter(|length| *length < 126), u16::try_from(length)) {
            (Some(length), _) => bytes.push(mask | length),
            (None, Ok(length)) => {
                bytes.push(mask | 126);
                bytes.extend(length.to_be_bytes());
            }
            (None, Err(_)) => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        let payload = usize::try_from(length.min(80_000)).expect("small");
        bytes.extend(vec![7; payload + if is_masked { 4 } else { 0 }]);
        bytes
    }

    /// What comes through of these bytes, handed over in pieces of this length.
    fn through(bytes: &[u8], piece: usize) -> Vec<u8> {
        let pieces: Vec<_> = bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let inbound = Inbound::up_to(FRAME_BYTES_MAX, stream::iter(pieces));
        let pieces = inbound.map(|piece| piece.expect("no error goes in")).collect::<Vec<_>>();
        pieces.now_or_never().expect("it never waits for what is there").concat()
    }

    proptest! {
        #[test]
        fn frames_come_through_as_they_are_up_to_the_first_that_announces_too_much(
            lengths in prop::collection::vec(
                (prop_oneof![0..200_u64, 65_500..65_600_u64, 69_990..70_010_u64, Just(u64::MAX), Just(1 << 62)], any::<bool>()),
                0..6,
            ),
            piece in prop_oneof![1..20_usize, 1_000..40_000_usize],
        ) {
            let sent: Vec<u8> = lengths.iter().flat_map(|(length, is_masked)| frame(*length, *is_masked)).collect();
            let most = u64::try_from(FRAME_BYTES_MAX).expect("small");
            let mut expected = Vec::new();
            for (length, is_masked) in &lengths {
                if *length > most {
                    expected.extend(TOO_LONG);
                    break;
                }
                expected.extend(frame(*length, *is_masked));
            }
            prop_assert_eq!(through(&sent, piece), expected);
        }
    }
}
