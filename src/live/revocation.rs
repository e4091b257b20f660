//! What recorded events do to the rights of readers who are connected at that moment.

use chrono::{DateTime, Utc};
use muniment_aggregates::record::RecordedEvent;
use serde_json::Value;

use super::routing::payload_fields;

/// A change to the rights of connected readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A token or session is no more.
    CredentialEnds {
        /// Its public id.
        credential: String,
        /// Why, for the client.
        why: &'static str,
    },
    /// A token gets an end.
    CredentialEndsBy {
        /// Its public id.
        credential: String,
        /// When.
        end: DateTime<Utc>,
    },
    /// Every session of an account is over.
    AccountEnds {
        /// The account.
        account: String,
        /// Why, for the client.
        why: &'static str,
    },
    /// A subject's personal data is erased, and with it the person.
    SubjectErased {
        /// The subject.
        subject: String,
    },
    /// A subject became a founder of a company.
    CompanyOpens {
        /// The subject.
        subject: String,
        /// The company.
        company: String,
    },
}

/// The change an event makes, if any.
pub(crate) fn change(event: &RecordedEvent) -> Option<Change> {
    let id = || event.stream.id.to_string();
    match &*event.event_type {
        "agent_token.revoked" => {
            let credential = text(event, "id")?;
            Some(Change::CredentialEnds { credential, why: "the token was revoked" })
        }
        "session.revoked" => Some(Change::CredentialEnds { credential: id(), why: "the session was revoked" }),
        "account.session_closed" | "account.session_evicted" => {
            let credential = text(event, "session")?;
            Some(Change::CredentialEnds { credential, why: "the session was closed" })
        }
        "account.erased" => Some(Change::AccountEnds { account: id(), why: "the account was erased" }),
        "subject.erased" => Some(Change::SubjectErased { subject: id() }),
        _ => None,
    }
}

fn text(event: &RecordedEvent, name: &str) -> Option<String> {
    payload_fields(&event.payload).get(name).and_then(Value::as_str).map(str::to_owned)
}
