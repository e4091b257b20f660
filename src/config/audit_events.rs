//! Which types of row there are and which keys their metadata is known to have (spec/accounts-and-offers.md sections 6.1
//! and 6.6), built in and the operator's. Rows that drifted from this stand all the same; `audit_drift` counts them, so
//! that somebody looks. The audit view knows nothing of it: a read model is made from the record alone.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use figment::value::Value as Setting;

use super::reader::Reader;
use super::value::FromValue;

/// The type of row that says that an operator let an account sign in again.
pub const THROTTLE_LIFTED: &str = "account_unthrottle";

/// What a value may be. A sealed value counts as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Anything.
    Any,
}

impl Kind {
    /// The kind of a name, as `string`, `integer`, `number`, `boolean` or `any`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "any" => Self::Any,
            _ => return None,
        })
    }
}

/// A known key of a row's metadata. Further keys are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What its value may be.
    pub kind: Kind,
    /// Whether a row of success must have it, and not as null.
    pub is_required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Key {
    Key { name: Cow::Borrowed(name), kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Key {
    Key { name: Cow::Borrowed(name), kind, is_required: false }
}

/// A type of row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType {
    /// Its name, for example `login`.
    pub name: Cow<'static, str>,
    /// What its metadata is known to have.
    pub keys: Vec<Key>,
}

fn event<const N: usize>(name: &'static str, keys: [Key; N]) -> EventType {
    EventType { name: Cow::Borrowed(name), keys: keys.to_vec() }
}

/// What every row about an offer has, and more.
fn of_offer<const N: usize>(name: &'static str, more: [Key; N]) -> EventType {
    let mut keys = vec![must("offer_id", Kind::Text), must("role", Kind::Text), may("scope_id", Kind::Text)];
    keys.extend(more);
    EventType { name: Cow::Borrowed(name), keys }
}

/// What every row about applications and metrics has (spec/metrics.md section 11).
fn of_metrics(name: &'static str) -> EventType {
    event(
        name,
        [
            must("actor", Kind::Text),
            must("resource_type", Kind::Text),
            may("resource_id", Kind::Text),
            may("company_id", Kind::Text),
        ],
    )
}

/// The types that are always there. Names that a person gave are null once the account is erased.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table: one type of row after the other")]
pub fn built_in() -> Vec<EventType> {
    vec![
        event("login", [may("username", Kind::Text)]),
        event("logout", []),
        event("bootstrap", [may("error", Kind::Text)]),
        event(
            "signup",
            [
                may("username", Kind::Text),
                may("invite_id", Kind::Text),
                may("open_signup", Kind::Boolean),
                may("email", Kind::Text),
                may("reason", Kind::Text),
            ],
        ),
        event(
            "password_change",
            [
                must("sessions_revoked", Kind::Integer),
                must("tokens_revoked", Kind::Integer),
                must("credential_type", Kind::Text),
                may("reason", Kind::Text),
            ],
        ),
        event("session_revoke", [must("session_id", Kind::Text), must("credential_type", Kind::Text)]),
        event(
            "session_revoke_all",
            [must("count", Kind::Integer), may("credential_type", Kind::Text), may("attempted_account_id", Kind::Text)],
        ),
        event(
            "token_create",
            [must("token_id", Kind::Text), may("name", Kind::Text), must("credential_type", Kind::Text)],
        ),
        event("token_revoke", [must("token_id", Kind::Text), must("credential_type", Kind::Text)]),
        event(
            "token_revoke_all",
            [must("count", Kind::Integer), may("attempted_account_id", Kind::Text), may("reason", Kind::Text)],
        ),
        event(
            "role_grant_create",
            [
                must("role", Kind::Text),
                must("role_grant_id", Kind::Text),
                may("scope_id", Kind::Text),
                may("source_offer_id", Kind::Text),
                may("self_service", Kind::Boolean),
            ],
        ),
        event(
            "role_grant_revoke",
            [
                must("role", Kind::Text),
                must("role_grant_id", Kind::Text),
                may("scope_id", Kind::Text),
                may("reason", Kind::Text),
                may("self_service", Kind::Boolean),
            ],
        ),
        of_offer("role_grant_offer_create", [must("to_account_id", Kind::Text)]),
        of_offer("role_grant_offer_accept", [must("role_grant_id", Kind::Text)]),
        of_offer("role_grant_offer_decline", [may("reason", Kind::Text)]),
        of_offer("role_grant_offer_retract", []),
        of_offer("role_grant_offer_expire", []),
        of_offer("role_grant_offer_supersede", [must("reason", Kind::Text), must("cause_id", Kind::Text)]),
        event("invite_create", [must("invite_id", Kind::Text), may("email", Kind::Text), may("username", Kind::Text)]),
        event("invite_delete", [must("invite_id", Kind::Text)]),
        event(
            "app_settings_update",
            [must("setting", Kind::Text), may("old_value", Kind::Any), may("new_value", Kind::Any)],
        ),
        event(THROTTLE_LIFTED, []),
        event("account_create", [may("username", Kind::Text), must("via", Kind::Text), may("invite_id", Kind::Text)]),
        event("account_erase", [must("reason", Kind::Text)]),
        event("subject_erase", [must("subject_id", Kind::Text), must("reason", Kind::Text)]),
        event("email_verify", []),
        event("session_end", [must("session_id", Kind::Text), must("reason", Kind::Text)]),
        event("password_remove", [must("reason", Kind::Text)]),
        event("scope_destroy", [must("scope_kind", Kind::Text), must("scope_id", Kind::Text)]),
        event("actor_create", [must("actor_id", Kind::Text), may("name", Kind::Text)]),
        of_metrics("auth.otp.started"),
        of_metrics("auth.otp.verified"),
        of_metrics("auth.otp.failed"),
        of_metrics("session.revoked"),
        of_metrics("application.created"),
        of_metrics("application.status_changed"),
        of_metrics("application.withdrawn"),
        of_metrics("agent_token.created"),
        of_metrics("agent_token.revoked"),
        of_metrics("agent_token.rotated"),
        of_metrics("metric.created"),
        of_metrics("metric.settings_changed"),
        of_metrics("metric_point.created"),
        of_metrics("metric_point.corrected"),
        of_metrics("rule.set"),
        of_metrics("alert.raised"),
        of_metrics("alert.acknowledged"),
        of_metrics("alert.resolved"),
        of_metrics("scheduled_tick"),
    ]
}

/// Whether a type is one of those that are always there: only the program records those.
#[must_use]
pub fn is_built_in(event_type: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<Cow<'static, str>>> =
        LazyLock::new(|| built_in().into_iter().map(|known| known.name).collect());
    NAMES.contains(event_type)
}

/// The built-in types of audit event and the operator's, each once.
pub(super) fn read(reader: &mut Reader) -> Vec<EventType> {
    let given: Vec<EventType> = reader.get("audit_events", Vec::new());
    let mut all = built_in();
    for event in given {
        if !is_event_type(&event.name) {
            let message = format!("{:?} is no type of event: a letter, then letters, digits and _ . / -", event.name);
            reader.refuse("audit_events", message);
        }
        if all.iter().any(|known| known.name == event.name) {
            reader.refuse("audit_events", format!("names {} twice, or it is built in", event.name));
        }
        all.push(event);
    }
    all
}

/// The form of a type of audit event: `^[A-Za-z][A-Za-z0-9_./-]*$`.
#[must_use]
pub fn is_event_type(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
}

/// A table in a file; `name` or `name:key=kind+key=kind?` in a variable. `?` marks a key that may be absent or null.
impl FromValue for EventType {
    fn from_value(value: &Setting) -> Result<Self, String> {
        let (name, keys) = if let Some(text) = value.as_str() {
            let (name, keys) = text.split_once(':').unwrap_or((text, ""));
            let keys = keys.split('+').filter(|key| !key.is_empty());
            let pair = |key: &str| {
                let (key, kind) =
                    key.split_once('=').ok_or_else(|| "a metadata key needs a kind: key=kind".to_owned())?;
                metadata_key(key, kind)
            };
            (name.to_owned(), keys.map(pair).collect::<Result<Vec<_>, _>>()?)
        } else {
            let table = value.as_dict().ok_or_else(|| "must be names, or tables with a name each".to_owned())?;
            if let Some(unknown) = table.keys().find(|key| !["name", "metadata"].contains(&key.as_str())) {
                return Err(format!("a type of audit event has no field {unknown}"));
            }
            let name = table.get("name").and_then(Setting::as_str).ok_or_else(|| "a type needs a name".to_owned())?;
            let metadata = table.get("metadata").map(|metadata| metadata.as_dict().ok_or("metadata must be a table"));
            let metadata = metadata.transpose()?;
            let pair = |(key, kind): (&String, &Setting)| metadata_key(key, kind.as_str().unwrap_or_default());
            (name.to_owned(), metadata.into_iter().flatten().map(pair).collect::<Result<Vec<_>, _>>()?)
        };
        Ok(Self { name: name.into(), keys })
    }

    fn shown(&self) -> String {
        self.name.clone().into_owned()
    }
}

fn metadata_key(key: &str, kind: &str) -> Result<Key, String> {
    let (kind, is_required) = kind.strip_suffix('?').map_or((kind, true), |kind| (kind, false));
    let kind = Kind::parse(kind).ok_or_else(|| {
        format!("metadata key {key} must be string, integer, number, boolean or any, or that with a ?")
    })?;
    Ok(Key { name: key.to_owned().into(), kind, is_required })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_each_there_once() {
        let mut names: Vec<_> = built_in().iter().map(|known| known.name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), built_in().len());
    }
}
