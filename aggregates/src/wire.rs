//! How instants and values stand on the wire and in what people read: one form on every surface, in the audit and on the
//! command line.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::metric::number::text;

/// RFC 3339, UTC, milliseconds, `Z`.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whole numbers without a fraction, as they were most likely sent: 12000 rather than 12000.0.
#[must_use]
pub fn number(value: f64) -> Value {
    text(value).parse::<serde_json::Number>().map_or_else(|_| json!(value), Value::Number)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn milliseconds_and_whole_numbers() {
        let at = Utc.timestamp_micros(1_795_000_000_123_999).unwrap();
        assert_eq!(instant(at), "2026-11-18T11:06:40.123Z");
        assert_eq!(number(12_000.0).to_string(), "12000");
        assert_eq!(number(0.5).to_string(), "0.5");
    }
}
