//! What of each event type leaves the house: an allow-list of fields, and whom the type may reach at most.
//!
//! A type that is not listed reaches nobody, and a field that is not listed does not leave. Sealed texts become
//! `null` wherever they stand.

use serde_json::{Map, Value};

use super::routing::is_sealed;

/// Whom events of a type may reach at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// No subscriber at all.
    Nobody,
    /// Readers of the company of the stream.
    Company,
    /// The account of the stream.
    Account,
}

/// The exposure of one event type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exposure {
    /// Whom it may reach.
    pub(crate) audience: Audience,
    fields: &'static [&'static str],
}

const NOBODY: Exposure = Exposure { audience: Audience::Nobody, fields: &[] };

/// Every event type that leaves, with the fields of its payload that leave.
const EXPOSED: &[(&str, Audience, &[&str])] = &[
    (
        "metric.defined",
        Audience::Company,
        &["company", "application", "key", "display_name", "unit", "cadence", "direction", "source_type"],
    ),
    ("metric.settings_changed", Audience::Company, &["display_name", "unit", "cadence", "direction"]),
    (
        "metric.point_recorded",
        Audience::Company,
        &["point", "id", "value", "timestamp", "instant", "source", "confidence", "raw_event_id", "idempotency_key"],
    ),
];

/// The exposure of an event type.
pub(crate) fn of(event_type: &str) -> Exposure {
    match EXPOSED.iter().find(|(name, _, _)| *name == event_type) {
        Some((_, audience, fields)) => Exposure { audience: *audience, fields },
        None => NOBODY,
    }
}

impl Exposure {
    /// What leaves of a payload.
    pub(crate) fn open(&self, payload: Map<String, Value>) -> Map<String, Value> {
        payload
            .into_iter()
            .filter(|(name, _)| self.fields.contains(&name.as_str()))
            .map(|(name, value)| (name, without_sealed(value)))
            .collect()
    }
}

fn without_sealed(value: Value) -> Value {
    match value {
        Value::String(text) if is_sealed(&text) => Value::Null,
        Value::Array(values) => Value::Array(values.into_iter().map(without_sealed).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, without_sealed(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
