//! Reads the rows of an import, one at a time, from CSV or NDJSON. Knows nothing of the server.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::format::{self, Fixed, Item, Parsed, StrftimeItems};
use chrono::{DateTime, SecondsFormat};
use muniment_aggregates::metric::timestamp;
use serde_json::{Map, Value, json};

use super::import_quotes::Quotes;
use super::value;
use crate::cli::exit::Exit;

/// Longest row of an import. A row is a few short texts; a file without line ends must not fill the memory.
const ROW_BYTES_MAX: u64 = 64 * 1024;
/// What some programs begin a UTF-8 file with. The parser of CSV passes it over by itself.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// What a row of NDJSON may hold: a point's fields.
const FIELDS: [&str; 6] = ["timestamp", "value", "source", "confidence", "raw_event_id", "idempotency_key"];

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A point, as the body of a request has it.
    Point {
        /// Line in the file, from 1.
        line: u64,
        /// The body.
        body: Value,
    },
    /// It has no value.
    Empty,
    /// It cannot be sent.
    Refused {
        /// Line in the file, from 1.
        line: u64,
        /// Why.
        reason: String,
    },
}

/// How to read a CSV file.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Name of the column with the time.
    pub timestamp: String,
    /// Name of the column with the value.
    pub value: String,
    /// Name of the column with the idempotency key, where there is one.
    pub idempotency_key: Option<String>,
    /// How times are written, in the letters of strftime. Without it they are sent as they are.
    pub format: Option<TimeFormat>,
}

/// How times are written.
#[derive(Debug, Clone)]
pub struct TimeFormat(String);

impl TimeFormat {
    /// Reads a strftime format.
    ///
    /// # Errors
    /// When it has a letter that strftime does not know or that cannot be read back, or does not tell which day is
    /// meant, or tells the time of day in part.
    pub fn parse(format: &str) -> Result<Self, String> {
        let known = !StrftimeItems::new(format).any(|item| matches!(item, Item::Error));
        if !known || format.is_empty() {
            return Err("is no strftime format".to_owned());
        }
        if StrftimeItems::new(format).any(|item| matches!(item, Item::Fixed(Fixed::TimezoneName))) {
            return Err("has %Z: a zone's name does not tell its offset; where all rows say UTC write UTC in its place, else write offsets, \
                        which %z reads".to_owned());
        }
        let format = Self(format.to_owned());
        let mut written = String::new();
        // What can only be read, as `%#z`, cannot be tried out.
        let tried = write!(written, "{}", DateTime::UNIX_EPOCH.fixed_offset().format(&format.0));
        if tried.is_ok() && format.read(&written).is_none() {
            let has_day = format.parsed(&written).is_some_and(|parsed| parsed.to_naive_date().is_ok());
            let lacks = if has_day {
                "tells the time of day in part: it needs hour and minute, as %H:%M or %I:%M %p"
            } else {
                "does not tell which day is meant: it needs year, month and day, as %Y-%m-%d"
            };
            return Err(lacks.to_owned());
        }
        Ok(format)
    }

    /// The time as the server takes it: with its offset, as UTC, or as a day. A time of day told in part is none.
    fn read(&self, text: &str) -> Option<String> {
        let parsed = self.parsed(text)?;
        if parsed.timestamp().is_none() && !has_time_of_day(&parsed) {
            return parsed.to_naive_date().ok().map(|day| day.to_string());
        }
        let instant = match parsed.offset() {
            Some(_) => parsed.to_datetime().ok()?.to_utc(),
            None => parsed.to_naive_datetime_with_offset(0).ok()?.and_utc(),
        };
        Some(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// What the text tells, field by field.
    fn parsed(&self, text: &str) -> Option<Parsed> {
        let mut parsed = Parsed::new();
        format::parse(&mut parsed, text, StrftimeItems::new(&self.0)).ok().map(|()| parsed)
    }
}

fn has_time_of_day(parsed: &Parsed) -> bool {
    let of_day = [parsed.hour_div_12(), parsed.hour_mod_12(), parsed.minute(), parsed.second(), parsed.nanosecond()];
    of_day.iter().any(Option::is_some)
}

/// Whether a file's name says that it holds a point a line instead of a table.
pub fn is_ndjson(path: &Path) -> bool {
    path.extension()
        .and_then(OsStr::to_str)
        .is_some_and(|extension| extension.eq_ignore_ascii_case("ndjson") || extension.eq_ignore_ascii_case("jsonl"))
}

/// Reads the rows of a CSV file with a header. Only the columns that are asked for need be UTF-8.
///
/// # Errors
/// When the header lacks a column, or has it twice, at once; when the file cannot be read, at the row.
pub fn csv<R: Read>(input: R, columns: &Columns) -> Result<impl Iterator<Item = Result<Row>> + use<R>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(Quotes::new(input, ROW_BYTES_MAX));
    let header = reader.byte_headers().map_err(|error| unreadable(error, "cannot read the header"))?.clone();
    if header.get(0).is_some_and(|first| first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff")) {
        return Err(Exit::Usage.because("the file is in UTF-16; write it in UTF-8"));
    }
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    if names.iter().all(String::is_empty) {
        return Err(Exit::Usage.because("the input is empty: its first line must name the columns"));
    }
    let place = |name: &str| {
        let mut found = names.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            // As after a join: which one is meant is not told.
            (Some(_), Some(_)) => Err(Exit::Usage.because(format!("there is more than one column {name}"))),
            (None, _) => Err(Exit::Usage.because(format!("there is no column {name}; there are {}", names.join(", ")))),
        }
    };
    let (time, value) = (place(&columns.timestamp)?, place(&columns.value)?);
    let key = columns.idempotency_key.as_deref().map(place).transpose()?;
    let format = columns.format.clone();
    let mut ahead = next_record(&mut reader).transpose();
    Ok(std::iter::from_fn(move || {
        let (line, record) = match ahead.take()? {
            Ok(read) => read,
            Err(error) => return Some(Err(error)),
        };
        ahead = next_record(&mut reader).transpose();
        if ahead.is_none() && reader.get_ref().is_open() {
            let reason = "a quote opens here and is never closed; what follows it was not read".to_owned();
            return Some(Ok(Row::Refused { line, reason }));
        }
        if record.iter().skip(names.len()).any(|field| !field.trim_ascii().is_empty()) {
            // As `1,000` without quotes: its first half would be recorded for the whole.
            let reason = format!("has more fields than the header's {}; is a comma in no quotes?", names.len());
            return Some(Ok(Row::Refused { line, reason }));
        }
        let field = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).map(str::trim);
        Some(Ok(match (field(time), field(value), key.map(field).transpose()) {
            (Ok(time), Ok(value), Ok(key)) => csv_row(line, time, value, key, format.as_ref()),
            (Err(_), _, _) | (_, Err(_), _) | (_, _, Err(_)) => {
                Row::Refused { line, reason: "is not written in UTF-8".to_owned() }
            }
        }))
    }))
}

/// The next record and the line, from 1, that it begins on.
fn next_record<R: Read>(reader: &mut csv::Reader<Quotes<R>>) -> Result<Option<(u64, csv::ByteRecord)>> {
    let mut record = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(|error| unreadable(error, "cannot read a row"))? {
        return Ok(None);
    }
    let begun = record.position().map_or(0, csv::Position::byte);
    Ok(Some((reader.get_mut().line_of_row(begun), record)))
}

/// A row without an end is the file's fault, all else that of whoever reads it.
fn unreadable(error: csv::Error, what: &'static str) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.kind() == ErrorKind::InvalidData => Exit::Usage.because(io.to_string()),
        _ => anyhow::Error::new(error).context(what),
    }
}

fn csv_row(line: u64, time: &str, value_text: &str, key: Option<&str>, format: Option<&TimeFormat>) -> Row {
    if value_text.is_empty() {
        return Row::Empty;
    }
    let time = match format {
        None => time.to_owned(),
        Some(format) => match format.read(time) {
            Some(time) => time,
            None => return Row::Refused { line, reason: format!("{time:?} is not in the format {}", format.0) },
        },
    };
    let value = match value::parse(value_text) {
        Ok(value) => value,
        Err(reason) => return Row::Refused { line, reason },
    };
    if let Some(reason) = bad_time(&time) {
        let other = if format.is_none() { "; --timestamp-format reads others, as %Y%m%d" } else { "" };
        return Row::Refused { line, reason: format!("{reason}{other}") };
    }
    let mut body = json!({ "timestamp": time, "value": value });
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        body["idempotency_key"] = json!(key);
    }
    Row::Point { line, body }
}

fn bad_time(text: &str) -> Option<String> {
    timestamp::parse(text).is_err().then(|| format!("{text:?} is no time: write 2026-06-08 or 2026-06-08T12:00:00Z"))
}

/// Reads the rows of a file with a JSON object a line. Blank lines are no rows.
pub fn ndjson<R: BufRead>(mut input: R) -> impl Iterator<Item = Result<Row>> {
    let mut number = 0_u64;
    std::iter::from_fn(move || {
        loop {
            let mut text = Vec::new();
            match input.by_ref().take(ROW_BYTES_MAX).read_until(b'\n', &mut text) {
                Err(error) => return Some(Err(error).context("cannot read a row")),
                Ok(0) => return None,
                Ok(read) => {
                    number += 1;
                    if u64::try_from(read).is_ok_and(|read| read == ROW_BYTES_MAX) && !text.ends_with(b"\n") {
                        let reason = format!("line {number} is longer than {ROW_BYTES_MAX} bytes");
                        return Some(Err(Exit::Usage.because(reason)));
                    }
                }
            }
            let text = if number == 1 { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text) } else { &text };
            if !text.trim_ascii().is_empty() {
                return Some(Ok(ndjson_row(number, text)));
            }
        }
    })
}

fn ndjson_row(line: u64, text: &[u8]) -> Row {
    let refused = |reason: String| Row::Refused { line, reason };
    let body: Map<String, Value> = match serde_json::from_slice(text) {
        Ok(body) => body,
        Err(error) => return refused(format!("is no JSON object: {error}")),
    };
    if let Some(name) = body.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return refused(format!("has an unknown field {name:?}"));
    }
    match body.get("value") {
        None | Some(Value::Null) => return Row::Empty,
        Some(Value::Number(_)) => {}
        Some(_) => return refused("value must be a number".to_owned()),
    }
    match body.get("timestamp") {
        Some(Value::String(time)) => {
            if let Some(reason) = bad_time(time) {
                return refused(reason);
            }
        }
        // Now, for every row of a file, would be a guess that nobody notices.
        None | Some(_) => return refused("timestamp is missing".to_owned()),
    }
    Row::Point { line, body: Value::Object(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(format: Option<&str>) -> Columns {
        let format = format.map(|format| TimeFormat::parse(format).unwrap());
        Columns { timestamp: "date".to_owned(), value: "price".to_owned(), idempotency_key: None, format }
    }

    fn rows(text: &str, columns: &Columns) -> Vec<Row> {
        csv(text.as_bytes(), columns).unwrap().collect::<Result<_>>().unwrap()
    }

    fn point(line: u64, time: &str, value: f64) -> Row {
        Row::Point { line, body: json!({ "timestamp": time, "value": value }) }
    }

    #[test]
    fn csv_rows_become_points_and_rows_without_value_are_empty() {
        let text = "symbol,date,price\nMSFT,Jan 1 2000,39.81\nMSFT,Feb 1 2000,\n\"M, S\",Mar 1 2000,-4e1\n";
        let expected = [point(2, "2000-01-01", 39.81), Row::Empty, point(4, "2000-03-01", -40.0)];
        assert_eq!(rows(text, &columns(Some("%b %d %Y"))), expected);
    }

    /// The lines of the rows that are refused.
    fn refused(text: &str) -> Vec<u64> {
        let refused = rows(text, &columns(None)).into_iter().filter_map(|row| match row {
            Row::Refused { line, .. } => Some(line),
            Row::Point { .. } | Row::Empty => None,
        });
        refused.collect()
    }

    /// As an editor counts them: whatever ends a line ends one, also between quotes and where the line is blank.
    #[test]
    fn lines_are_counted_by_any_end() {
        let unix = "\ndate,price\n2026-01-01,x\n\n\n2026-01-02,x\n\"2026-01-03\n\",3\n2026-01-04,x\n";
        for end in ["\n", "\r\n", "\r"] {
            let text = unix.replace('\n', end);
            assert_eq!(refused(&text), [3, 6, 9], "{text:?}");
            assert_eq!(refused(&format!("\u{feff}{text}")), [3, 6, 9], "{text:?}");
        }
        assert_eq!(refused("date,price\r\n\n\r2026-01-01,x"), [4]);
    }

    #[test]
    fn a_row_that_cannot_be_sent_is_refused_with_its_line() {
        let text = "date,price\n2026-02-30,1\n2026-03-01,1,000\n2026-03-02,abc\n";
        assert_eq!(refused(text), [2, 3, 4]);
        // Programs that export tables may end every row with commas.
        assert_eq!(rows("date,price\n2026-03-01,1,, \n", &columns(None)), [point(2, "2026-03-01", 1.0)]);
    }

    #[test]
    fn other_columns_may_be_in_any_encoding() {
        let text = b"date,price,note\n2026-03-01,1,caf\xe9\n2026-03-\xff,2,x\n2026-03-03,3,y\n";
        let rows: Vec<Row> = csv(text.as_slice(), &columns(None)).unwrap().collect::<Result<_>>().unwrap();
        let refused = Row::Refused { line: 3, reason: "is not written in UTF-8".to_owned() };
        assert_eq!(rows, [point(2, "2026-03-01", 1.0), refused, point(4, "2026-03-03", 3.0)]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_no_row() {
        for text in
            ["date,price,note\n2026-03-01,1,a\n2026-03-02,2,\"b\n2026-03-03,3,c\n", "date,price\n2026-03-01,1\n\"2026"]
        {
            let rows = rows(text, &columns(None));
            assert_eq!(rows.len(), 2, "{rows:?}");
            assert_eq!(rows[0], point(2, "2026-03-01", 1.0));
            assert!(matches!(&rows[1], Row::Refused { line: 3, .. }), "{rows:?}");
        }
    }

    #[test]
    fn a_missing_column_names_those_there_are() {
        let Err(error) = csv("day,price\n".as_bytes(), &columns(None)) else { panic!("accepted") };
        assert_eq!(crate::cli::exit::of(&error), Exit::Usage);
        assert!(error.to_string().contains("day, price"), "{error}");
    }

    /// Which one is meant is told by nothing, and a point is recorded for ever. Other columns may be called alike.
    #[test]
    fn a_wanted_column_that_is_there_twice_is_refused() {
        for twice in ["date,price,price\n", "date, price,date\n"] {
            let Err(error) = csv(twice.as_bytes(), &columns(None)) else { panic!("{twice} was accepted") };
            assert_eq!(crate::cli::exit::of(&error), Exit::Usage);
            assert!(error.to_string().contains("more than one column"), "{error}");
        }
        assert_eq!(rows("note,date,price,note\na,2026-03-01,1,b\n", &columns(None)), [point(2, "2026-03-01", 1.0)]);
    }

    #[test]
    fn times_may_be_days_local_times_or_have_an_offset() {
        let read = |format: &str, text: &str| TimeFormat::parse(format).unwrap().read(text);
        assert_eq!(read("%Y%m%d", "19580329").as_deref(), Some("1958-03-29"));
        assert_eq!(read("%d.%m.%Y %H:%M", "01.02.2026 13:30").as_deref(), Some("2026-02-01T13:30:00Z"));
        assert_eq!(read("%Y-%m-%d %H:%M %z", "2026-02-01 13:30 +0100").as_deref(), Some("2026-02-01T12:30:00Z"));
        assert_eq!(read("%Y%m%d", "1958-03-29"), None);
        assert!(TimeFormat::parse("%Q").is_err());
        for without_day in ["%b %Y", "%H:%M", "%d.%m.", "day"] {
            let refused = TimeFormat::parse(without_day).unwrap_err();
            assert!(refused.contains("which day"), "{without_day}: {refused}");
        }
        for (in_part, lost) in [
            ("%Y-%m-%d %H", "hour and minute"),
            ("%d.%m.%Y %I:%M", "%I:%M %p"),
            ("%Y-%m-%d %M:%S", "hour and minute"),
            ("%Y-%m-%d %H:%M %Z", "%z"),
        ] {
            let refused = TimeFormat::parse(in_part).unwrap_err();
            assert!(refused.contains(lost), "{in_part}: {refused}");
        }
        assert_eq!(read("%d.%m.%Y %I:%M %p", "01.02.2026 01:30 pm").as_deref(), Some("2026-02-01T13:30:00Z"));
        assert_eq!(read("%s", "1").as_deref(), Some("1970-01-01T00:00:01Z"));
        // No offset is so far, and the time of another place is not taken for this one's.
        assert_eq!(read("%F %R %z", "2026-02-01 13:30 +9900"), None);
        // Cannot be tried out before it reads.
        assert_eq!(read("%#z %F %H", "+01 2026-02-01 13"), None);
        for whole in
            ["%d.%m.%Y %H:%M", "%s", "%Y-%j", "%G-W%V-%u", "%c", "%+", "%D", "%Y-%m-%d %H:%M:%S%.f %z", "%#z %F %T"]
        {
            assert!(TimeFormat::parse(whole).is_ok(), "{whole}");
        }
    }

    #[test]
    fn ndjson_rows_are_points_as_they_stand() {
        let text = concat!(
            "{\"timestamp\":\"2026-01\",\"value\":1,\"idempotency_key\":\"k\"}\n\n",
            "{\"timestamp\":\"2026-02\",\"value\":null}\n",
            "{\"timestamp\":\"2026-03\",\"value\":\"3\"}\n",
            "{\"value\":4}\n",
            "{\"timestamp\":\"2026-05\",\"valve\":5}\n",
            "[1]\n",
            "{\"timestamp\":\"2026-06\",\"value\":6}",
        );
        let rows: Vec<Row> = ndjson(text.as_bytes()).collect::<Result<_>>().unwrap();
        let first = json!({ "timestamp": "2026-01", "value": 1, "idempotency_key": "k" });
        assert_eq!(rows[0], Row::Point { line: 1, body: first });
        assert_eq!(rows[1], Row::Empty);
        let lines: Vec<u64> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Refused { line, .. } => Some(*line),
                Row::Point { .. } | Row::Empty => None,
            })
            .collect();
        assert_eq!(lines, [4, 5, 6, 7]);
        assert_eq!(rows[6], Row::Point { line: 8, body: json!({ "timestamp": "2026-06", "value": 6 }) });
    }
}
