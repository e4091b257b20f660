//! How instants, values and rules stand on the wire and in what people read: one form on every surface, in the audit
//! and on the command line.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::metric::number::text;
use crate::metric::{CoolDown, Rule};

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

/// A version of a rule: the keys of every rule always; what only some have, where they have it.
#[must_use]
pub fn rule(rule: &Rule) -> Map<String, Value> {
    let condition = &rule.condition;
    let mut shown = Map::new();
    shown.insert("type".to_owned(), json!(condition.rule_type().as_str()));
    shown.insert("version".to_owned(), json!(rule.version));
    shown.insert("enabled".to_owned(), json!(rule.enabled));
    shown.insert("threshold".to_owned(), number(condition.threshold()));
    shown.insert("severity".to_owned(), json!(rule.severity.as_str()));
    if let Some(periods) = condition.periods() {
        shown.insert("periods".to_owned(), json!(periods));
    }
    let cool_down = match rule.cool_down {
        CoolDown::None => None,
        CoolDown::Points(points) => Some(("cool_down_points", points)),
        CoolDown::Seconds(seconds) => Some(("cool_down_seconds", seconds)),
    };
    if let Some((name, count)) = cool_down {
        shown.insert(name.to_owned(), json!(count));
    }
    shown
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
