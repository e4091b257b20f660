//! What of each event type leaves the program: an allow-list of fields, and whom the type may reach at most.
//!
//! A type that is not listed reaches nobody, and a field that is not listed does not leave, at the first level of
//! the payload. Below it, secrets are cut out by name. Sealed fields leave as `null`; every other text leaves as it is, for a
//! caller's own may look like a sealed one.

use muniment_aggregates::catalog;
use muniment_aggregates::sealed::Sealed;
use serde_json::{Map, Value};

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
    sealed: &'static [&'static str],
    /// Whether this program knows what is sealed in this version. A newer one on another node may seal more.
    is_known: bool,
}

const NOBODY: Exposure = Exposure { audience: Audience::Nobody, fields: &[], sealed: &[], is_known: false };

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

/// The sealed fields among those that are listed. No other exposed event has one; a test holds both against the golden
/// events.
const SEALED: &[(&str, &[&str])] = &[
    ("application.submitted", &["founder_name", "founder_email", "narrative"]),
    ("account.registered", &["email"]),
    ("account.email_verified", &["email"]),
];

/// The exposure of an event type, in a version.
pub(crate) fn of(event_type: &str, event_version: &str) -> Exposure {
    let Some((_, audience, fields)) = EXPOSED.iter().find(|(name, _, _)| *name == event_type) else { return NOBODY };
    let sealed = SEALED.iter().find(|(name, _)| *name == event_type).map_or(&[][..], |(_, sealed)| sealed);
    Exposure { audience: *audience, fields, sealed, is_known: catalog::knows(event_type, event_version) }
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

    /// The sealed ones among them.
    #[cfg(test)]
    pub(crate) fn sealed(&self) -> &'static [&'static str] {
        self.sealed
    }

    /// What leaves of a payload.
    pub(crate) fn open(&self, payload: Map<String, Value>) -> Map<String, Value> {
        let listed = payload.into_iter().filter(|(name, _)| self.fields.contains(&name.as_str()));
        let open = listed.filter(|(name, _)| !is_secret(name));
        open.map(|(name, value)| {
            let value = match value {
                Value::String(_) if self.sealed.contains(&name.as_str()) => Value::Null,
                value => clean(value, self.is_known),
            };
            (name, value)
        })
        .collect()
    }
}

/// Whether a text has the form of a sealed value.
pub(crate) fn is_sealed(text: &str) -> bool {
    Sealed::from_text(text).parts().is_some()
}

/// Whether a field of this name may never leave, whatever list it stands in.
pub(crate) fn is_secret(name: &str) -> bool {
    name.ends_with("hash") || name.ends_with("digest") || name.contains("secret") || name.contains("password")
}

/// A value without its secrets. What is not known to be open loses whatever may be sealed too.
fn clean(value: Value, is_known: bool) -> Value {
    match value {
        Value::String(text) if !is_known && is_sealed(&text) => Value::Null,
        Value::Array(values) => Value::Array(values.into_iter().map(|value| clean(value, is_known)).collect()),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !is_secret(name));
            Value::Object(kept.map(|(name, value)| (name, clean(value, is_known))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
