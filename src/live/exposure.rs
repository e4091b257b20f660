//! What of each event type leaves the program: an allow-list of fields, and whom the type may reach at most.
//!
//! A type that is not listed reaches nobody, and a field that is not listed does not leave, at the first level of
//! the payload. Below it, secrets are cut out by name and sealed texts become `null` wherever they stand.

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

/// An exposed event type: its literal name, its audience, and the fields of its payload that leave.
type Row = (&'static str, Audience, &'static [&'static str]);

/// Every event type that leaves. Sealed fields are listed too: they go out as `null`, so that the shape is whole.
#[rustfmt::skip]
const EXPOSED: &[Row] = &[
    ("metric.defined", Audience::Company, &[
        "company", "application", "metric_key", "display_name", "unit", "cadence", "direction", "source_type",
        "verification_level",
    ]),
    ("metric.settings_changed", Audience::Company, &[
        "company", "metric_key", "display_name", "unit", "cadence", "direction", "source_type",
    ]),
    ("metric.point_recorded", Audience::Company, &[
        "company", "metric_key", "point", "value", "timestamp", "instant", "source", "confidence", "raw_event_id",
        "idempotency_key",
    ]),
    ("metric.point_corrected", Audience::Company, &["company", "metric_key", "point", "value", "reason", "at"]),
    ("metric.rule_set", Audience::Company, &["company", "metric_key", "rule", "by", "at"]),
    ("metric.alert_raised", Audience::Company, &["company", "metric_key", "finding"]),
    ("metric.alert_acknowledged", Audience::Company, &["company", "metric_key", "alert", "by", "note", "at"]),
    ("metric.alert_resolved", Audience::Company, &["company", "metric_key", "alert", "by", "note", "at"]),
    ("application.submitted", Audience::Company, &[
        "company", "company_name", "founder", "founder_name", "founder_email", "founder_email_verified", "website",
        "narrative", "submitted_at",
    ]),
    ("application.status_changed", Audience::Company, &["company", "previous", "status", "reason", "by", "at"]),
    ("application.withdrawn", Audience::Company, &["company", "previous", "reason", "by", "at"]),
    ("agent_token.issued", Audience::Company, &["company", "token", "at"]),
    ("agent_token.revoked", Audience::Company, &["company", "token", "name", "reason", "by", "at"]),
    ("agent_token.rotated", Audience::Company, &["company", "token", "ends_at", "replacement", "by", "at"]),
    ("account.registered", Audience::Account, &["username", "email", "persona", "at"]),
    ("account.email_verified", Audience::Account, &["email", "at"]),
    ("account.session_opened", Audience::Account, &["session", "kind", "expires_at", "at"]),
    ("account.session_evicted", Audience::Account, &["session", "evicted_by", "at"]),
    ("account.session_closed", Audience::Account, &["session", "reason", "at"]),
    ("account.erased", Audience::Account, &["at"]),
    ("session.started", Audience::Account, &["account", "kind", "expires_at", "at"]),
    ("session.revoked", Audience::Account, &["account", "reason", "at"]),
];

/// The exposure of an event type.
pub(crate) fn of(event_type: &str) -> Exposure {
    match EXPOSED.iter().find(|(name, _, _)| *name == event_type) {
        Some((_, audience, fields)) => Exposure { audience: *audience, fields },
        None => NOBODY,
    }
}

/// Names and audiences of the exposed types, for tests against the catalogue.
#[cfg(test)]
pub(crate) fn exposed() -> impl Iterator<Item = (&'static str, Audience)> {
    EXPOSED.iter().map(|(name, audience, _)| (*name, *audience))
}

impl Exposure {
    /// The fields that are listed, for tests against the golden events.
    #[cfg(test)]
    pub(crate) fn fields(&self) -> &'static [&'static str] {
        self.fields
    }

    /// What leaves of a payload.
    pub(crate) fn open(&self, payload: Map<String, Value>) -> Map<String, Value> {
        let listed = payload.into_iter().filter(|(name, _)| self.fields.contains(&name.as_str()));
        listed.filter(|(name, _)| !is_secret(name)).map(|(name, value)| (name, clean(value))).collect()
    }
}

/// Whether a field of this name may never leave, whatever list it stands in.
pub(crate) fn is_secret(name: &str) -> bool {
    name.ends_with("hash") || name.ends_with("digest") || name.contains("secret") || name.contains("password")
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) if is_sealed(&text) => Value::Null,
        Value::Array(values) => Value::Array(values.into_iter().map(clean).collect()),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !is_secret(name));
            Value::Object(kept.map(|(name, value)| (name, clean(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
