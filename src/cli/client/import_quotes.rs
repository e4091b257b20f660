//! Watches the bytes of a CSV file for a quote that never closes: the parser takes all that follows for one field, so the
//! rows after it would be gone without a word. Notes the line of each row too, which the parser counts by line feeds alone.

use std::collections::VecDeque;
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

/// Where a row has its first byte.
#[derive(Debug, Clone, Copy)]
struct Start {
    byte: u64,
    line: u64,
}

/// A reader that knows whether what it has read ends between quotes and where its rows began, and refuses a row without an
/// end.
#[derive(Debug)]
pub struct Quotes<R> {
    input: R,
    place: Place,
    /// Bytes read so far.
    bytes: u64,
    /// The line of the next byte, from 1.
    line: u64,
    /// The last byte was a carriage return, so that a line feed ends the same line.
    is_returned: bool,
    /// Of the rows that nobody asked for yet: at most those of what the parser reads at once.
    starts: VecDeque<Start>,
    row_bytes: u64,
    row_bytes_max: u64,
}

impl<R> Quotes<R> {
    /// Watches `input`, whose rows have at most so many bytes.
    pub const fn new(input: R, row_bytes_max: u64) -> Self {
        Self {
            input,
            place: Place::FieldStart,
            bytes: 0,
            line: 1,
            is_returned: false,
            starts: VecDeque::new(),
            row_bytes: 0,
            row_bytes_max,
        }
    }

    /// Whether a quote is open where the bytes read so far end.
    pub const fn is_open(&self) -> bool {
        matches!(self.place, Place::Quoted)
    }

    /// The line of the row that the parser began to look for at a byte: it passes over blank lines. Rows are asked for in
    /// order.
    pub fn line_of_row(&mut self, byte: u64) -> u64 {
        while self.starts.front().is_some_and(|start| start.byte < byte) {
            self.starts.pop_front();
        }
        self.starts.pop_front().map_or(self.line, |start| start.line)
    }

    fn see(&mut self, byte: u8) {
        let is_end = matches!(byte, b'\n' | b'\r');
        let is_in_row = !is_end || self.is_open();
        if is_in_row && self.row_bytes == 0 {
            self.starts.push_back(Start { byte: self.bytes, line: self.line });
        }
        self.place = self.place.after(byte);
        self.row_bytes = if is_in_row { self.row_bytes + 1 } else { 0 };
        self.line += u64::from(is_end && !(byte == b'\n' && self.is_returned));
        self.is_returned = byte == b'\r';
        self.bytes += 1;
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Looked at before more is read: the rows before this one have been handed on.
        if self.row_bytes > self.row_bytes_max {
            let open = if self.is_open() { "; is a quote left open?" } else { "" };
            let line = self.starts.back().map_or(self.line, |start| start.line);
            let why = format!("the row at line {line} is longer than {} bytes{open}", self.row_bytes_max);
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
        for row in ["1,2\n", "1,2\r\n", "1,2\r"] {
            let rows = row.repeat(500);
            let mut quotes = Quotes::new(rows.as_bytes(), 100);
            io::copy(&mut quotes, &mut io::sink()).unwrap();
        }
        let endless = format!("1,2\n\n1,\"{}", "2\n".repeat(500));
        let mut reader = io::BufReader::with_capacity(64, Quotes::new(endless.as_bytes(), 100));
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("the row at line 3 is longer") && said.contains("quote left open"), "{said}");
    }
}
