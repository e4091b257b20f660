//! Watches the bytes of a CSV file for a quote that never closes: the parser takes all that follows for one field, so the
//! rows after it would be gone without a word.

use std::io::{self, Read};

/// Where in a CSV file the bytes read so far end, by the rules of the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a field's first byte.
    FieldStart,
    /// In a field without quotes, or behind the quotes of one that has them.
    Bare,
    /// Between quotes.
    Quoted,
    /// Behind a quote that closes the field or is doubled.
    QuoteInQuoted,
}

impl Place {
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) | (Self::FieldStart | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (_, b',' | b'\n' | b'\r') => Self::FieldStart,
            (Self::FieldStart | Self::Bare | Self::QuoteInQuoted, _) => Self::Bare,
        }
    }
}

/// A reader that knows whether what it has read ends between quotes, and refuses a row without an end.
#[derive(Debug)]
pub struct Quotes<R> {
    input: R,
    place: Place,
    row_bytes: u64,
    row_bytes_max: u64,
}

impl<R> Quotes<R> {
    /// Watches `input`, whose rows have at most so many bytes.
    pub const fn new(input: R, row_bytes_max: u64) -> Self {
        Self { input, place: Place::FieldStart, row_bytes: 0, row_bytes_max }
    }

    /// Whether a quote is open where the bytes read so far end.
    pub const fn is_open(&self) -> bool {
        matches!(self.place, Place::Quoted)
    }

    fn see(&mut self, byte: u8) {
        let is_quoted = self.is_open();
        self.place = self.place.after(byte);
        self.row_bytes = if byte == b'\n' && !is_quoted { 0 } else { self.row_bytes + 1 };
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Looked at before more is read: the rows before this one have been handed on.
        if self.row_bytes > self.row_bytes_max {
            let open = if self.is_open() { "; is a quote left open?" } else { "" };
            let why = format!("a row is longer than {} bytes{open}", self.row_bytes_max);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let read = self.input.read(buffer)?;
        for byte in buffer.iter().take(read) {
            self.see(*byte);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(text: &str) -> bool {
        let mut quotes = Quotes::new(text.as_bytes(), 1_000);
        io::copy(&mut quotes, &mut io::sink()).unwrap();
        quotes.is_open()
    }

    #[test]
    fn an_open_quote_is_seen_where_the_parser_sees_one() {
        for closed in
            ["a,b\n1,\"x\n\"\n", "1,\"a \"\"b\"\" c\"\n", "5\" pipe,1\n", "1,\"a\"b\"\n", "\"\"", "1,a\"\n", ""]
        {
            assert!(!is_open(closed), "{closed:?}");
        }
        for open in ["1,\"a\n2,3\n", "\"", "1,\"a\"\"\n", "\"a\",\"b"] {
            assert!(is_open(open), "{open:?}");
        }
    }

    #[test]
    fn a_row_without_an_end_is_refused() {
        let rows = "1,2\n".repeat(500);
        let mut quotes = Quotes::new(rows.as_bytes(), 100);
        io::copy(&mut quotes, &mut io::sink()).unwrap();
        let endless = format!("1,\"{}", "2\n".repeat(500));
        let mut reader = io::BufReader::with_capacity(64, Quotes::new(endless.as_bytes(), 100));
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("quote left open"), "{error}");
    }
}
