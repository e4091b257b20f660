//! Texts that arrive on a socket in several frames, put together within a bound.

use actix_http::ws::Item;
use bytes::{Bytes, BytesMut};

/// Why a message in pieces is not taken. What still comes of it is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It is no text.
    Binary,
    /// It is longer than a message may be.
    TooLong,
}

/// The pieces of one connection. The codec below lets no piece through that continues nothing.
#[derive(Debug)]
pub(crate) struct Fragments {
    bytes_max: usize,
    so_far: Option<BytesMut>,
}

impl Fragments {
    /// None yet, of messages up to this length.
    pub(crate) fn up_to(bytes_max: usize) -> Self {
        Self { bytes_max, so_far: None }
    }

    /// Takes a piece; the whole text where it was the last.
    ///
    /// # Errors
    /// Once a message, where it cannot be taken.
    pub(crate) fn add(&mut self, item: Item) -> Result<Option<Bytes>, Broken> {
        let (piece, is_last) = match item {
            Item::FirstText(piece) => {
                self.so_far = Some(BytesMut::new());
                (piece, false)
            }
            Item::FirstBinary(_) => {
                self.so_far = None;
                return Err(Broken::Binary);
            }
            Item::Continue(piece) => (piece, false),
            Item::Last(piece) => (piece, true),
        };
        let Some(so_far) = &mut self.so_far else { return Ok(None) };
        if so_far.len() + piece.len() > self.bytes_max {
            self.so_far = None;
            return Err(Broken::TooLong);
        }
        so_far.extend_from_slice(&piece);
        if is_last { Ok(self.so_far.take().map(BytesMut::freeze)) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_whole_with_its_last_piece_and_the_next_begins_anew() {
        let mut fragments = Fragments::up_to(6);
        for _ in 0..2 {
            assert_eq!(fragments.add(Item::FirstText(Bytes::from_static(b"ab"))), Ok(None));
            assert_eq!(fragments.add(Item::Continue(Bytes::from_static(b"cd"))), Ok(None));
            let whole = fragments.add(Item::Last(Bytes::from_static(b"ef")));
            assert_eq!(whole, Ok(Some(Bytes::from_static(b"abcdef"))));
        }
    }

    #[test]
    fn what_is_not_taken_is_told_once_and_its_rest_is_passed_over() {
        let mut fragments = Fragments::up_to(3);
        let rest = || [Item::Continue(Bytes::from_static(b"x")), Item::Last(Bytes::from_static(b"y"))];
        assert_eq!(fragments.add(Item::FirstBinary(Bytes::from_static(b"ab"))), Err(Broken::Binary));
        rest().into_iter().for_each(|item| assert_eq!(fragments.add(item), Ok(None)));
        assert_eq!(fragments.add(Item::FirstText(Bytes::from_static(b"abcd"))), Err(Broken::TooLong));
        rest().into_iter().for_each(|item| assert_eq!(fragments.add(item), Ok(None)));
        assert_eq!(fragments.add(Item::FirstText(Bytes::from_static(b"ab"))), Ok(None));
        assert_eq!(fragments.add(Item::Last(Bytes::from_static(b"c"))), Ok(Some(Bytes::from_static(b"abc"))));
    }
}
