//! Spans of time as people write them: `30d`, `12h`, `10m`, `45s`, `250ms`, or whole seconds.

use std::time::Duration;

use figment::value::Value;

use super::reader::Reader;
use super::value::FromValue;

/// A span of time, 0 included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

/// A hundred years: what is meant for ever. With much more an instant could no longer be told.
const LIFE_MAX: Duration = Duration::from_secs(36_500 * 86_400);

/// The value of a setting by which something ends: it must live at all, and its end must be an instant.
pub(super) fn life(reader: &mut Reader, name: &'static str, default: Duration) -> Duration {
    let span = reader.get(name, Span(default)).0;
    if span.is_zero() || span > LIFE_MAX {
        reader.refuse(name, "must be more than 0 and at most 36500d");
    }
    span
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

impl FromValue for Span {
    fn from_value(value: &Value) -> Result<Self, String> {
        let refused = || "must be a span of time as 30d, 12h, 10m, 45s or 250ms, or whole seconds".to_owned();
        if let Ok(seconds) = u64::from_value(value) {
            return Ok(Self(Duration::from_secs(seconds)));
        }
        let text = value.as_str().ok_or_else(refused)?;
        let (count, milliseconds) = UNITS
            .iter()
            .find_map(|(unit, milliseconds)| Some((text.strip_suffix(unit)?, *milliseconds)))
            .ok_or_else(refused)?;
        let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count: u64 = count.parse().ok().filter(|_| digits).ok_or_else(refused)?;
        count.checked_mul(milliseconds).map(|span| Self(Duration::from_millis(span))).ok_or_else(refused)
    }

    fn shown(&self) -> String {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |unit: &&(&str, u64)| milliseconds > 0 && milliseconds.is_multiple_of(unit.1);
        match UNITS.iter().skip(1).find(fits) {
            Some((unit, size)) => format!("{}{unit}", milliseconds / size),
            None => format!("{milliseconds}ms"),
        }
    }
}

/// A cap, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap(pub(super) Option<u32>);

impl FromValue for Cap {
    fn from_value(value: &Value) -> Result<Self, String> {
        if value.as_str() == Some("none") {
            return Ok(Self(None));
        }
        let count = u64::from_value(value).ok().and_then(|count| u32::try_from(count).ok());
        count.map(|count| Self(Some(count))).ok_or_else(|| "must be a whole number, or none".to_owned())
    }

    fn shown(&self) -> String {
        self.0.map_or_else(|| "none".to_owned(), |count| count.to_string())
    }
}

/// A span of time, or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanOrOff(pub(super) Option<Duration>);

impl FromValue for SpanOrOff {
    fn from_value(value: &Value) -> Result<Self, String> {
        if value.as_str() == Some("off") {
            return Ok(Self(None));
        }
        Span::from_value(value).map(|span| Self(Some(span.0)))
    }

    fn shown(&self) -> String {
        self.0.map_or_else(|| "off".to_owned(), |span| Span(span).shown())
    }
}
