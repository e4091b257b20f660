//! Of every event that was ever released: whose credentials it ends.

use std::collections::BTreeMap;
use std::fs;

use chrono::DateTime;
use muniment_aggregates::catalog::CATALOG;
use muniment_aggregates::ended::{Credentials, ended_by};
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};

use crate::{file_name, folder};

/// The golden copy of an event, as if it were recorded in the stream `own`.
fn recorded(event_type: &str, version: &str, stream: &'static str) -> RecordedEvent {
    let path = folder().join(file_name(event_type, version));
    RecordedEvent {
        position: Position(1),
        stream: StreamId::new(stream, "own"),
        sequence: 1,
        event_type: event_type.into(),
        event_version: version.into(),
        payload: fs::read_to_string(&path).expect("a golden copy").into(),
        metadata: "{}".into(),
        recorded_at: DateTime::UNIX_EPOCH,
        dedupe: None,
        hash: [0; 32],
    }
}

#[test]
fn of_all_events_these_end_credentials_and_no_others() {
    let mut ends = BTreeMap::new();
    for kind in CATALOG {
        let event = recorded(kind.event_type, kind.version, kind.stream.as_str());
        if let Some(ended) = ended_by(&event).expect("it decodes") {
            let what = match ended.credentials {
                Credentials::Session { .. } => "a session",
                Credentials::ApiToken(_) => "an API token",
                Credentials::AgentToken(_) => "an agent token",
                Credentials::SessionsOf(account) if account.0 == "own" => "the account's sessions",
                Credentials::ApiTokensOf(account) if account.0 == "own" => "the account's API tokens",
                Credentials::AllOf(account) if account.0 == "own" => "the account's everything",
                Credentials::OfSubject(subject) if subject.0 == "own" => "the subject's everything",
                other => panic!("it ends somebody else's: {other:?}"),
            };
            ends.insert(kind.event_type, what);
        }
    }
    let wanted = [
        ("account.api_token_evicted", "an API token"),
        ("account.api_token_revoked", "an API token"),
        ("account.erased", "the account's everything"),
        ("account.password_changed", "the account's everything"),
        ("account.session_closed", "a session"),
        ("account.session_evicted", "a session"),
        ("account.sessions_ended", "the account's sessions"),
        ("account.tokens_ended", "the account's API tokens"),
        ("agent_token.revoked", "an agent token"),
        ("agent_token.rotated", "an agent token"),
        ("session.revoked", "a session"),
        ("subject.erased", "the subject's everything"),
    ];
    assert_eq!(ends, BTreeMap::from(wanted));
}

#[test]
fn what_cannot_be_read_is_an_error_where_it_could_end_something() {
    let mut event = recorded("session.revoked", "1.0", "session");
    event.payload = "{}".into();
    assert!(ended_by(&event).is_err());
    event.event_type = "session.of_a_newer_program".into();
    assert!(ended_by(&event).is_err());
    event.event_type = "metric.point_recorded".into();
    assert_eq!(ended_by(&event), Ok(None), "a point ends nothing, whatever is in it");
}
