//! LIV-15: whatever the principals, the filters and the history, nobody gets an event that is not his, and what
//! leaves never holds a secret or a sealed text.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::Utc;
use muniment_aggregates::catalog;
use muniment_aggregates::record::{Metadata, Position, RecordedEvent, StreamId, Who};
use muniment_aggregates::upcasters::REGISTRY;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::exposure;
use super::filter::Filter;
use super::revocation::{self, Change};
use super::rights::Authority;
use super::routing::{self, Routed};
use crate::surface::readable::Readable;

const SEALED: &str = "v1|subject-1|account/a/email|AAAA";

fn recorded(position: u64, kind: &str, id: &str, event_type: &str, payload: &Value) -> RecordedEvent {
    let metadata = Metadata {
        who: Who::Operator,
        client: None,
        correlation: "corr".to_owned(),
        causation: Some(Position(1)),
        surface: "http".to_owned(),
        command: "test".to_owned(),
    };
    RecordedEvent {
        position: Position(position),
        stream: StreamId::new(kind, id),
        sequence: position,
        event_type: event_type.into(),
        event_version: "1.0".into(),
        payload: payload.to_string().into_boxed_str(),
        metadata: serde_json::to_string(&metadata).expect("metadata is JSON").into(),
        recorded_at: Utc::now(),
        dedupe: None,
        hash: [0; 32],
    }
}

fn route(event: &RecordedEvent) -> Routed {
    routing::route(event, &routing::belonging(event))
}

fn authority(account: Option<String>, companies: HashSet<String>) -> Arc<Authority> {
    Authority::new(Readable { credential: "c".to_owned(), account, subject: None, companies, expires_at: None })
}

/// An event of one of five companies or five accounts, and whose it is.
fn any_event() -> impl Strategy<Value = (RecordedEvent, Option<String>, Option<String>)> {
    let company_types: Vec<_> = exposure::exposed()
        .filter(|(_, audience)| *audience == exposure::Audience::Company)
        .map(|(name, _)| name)
        .collect();
    let account_types =
        vec!["account.registered", "account.session_opened", "session.started", "challenge.issued", "unheard.of"];
    let of_company = (prop::sample::select(company_types), 0..5_u8).prop_map(|(name, n)| {
        let company = format!("co_{n}");
        let kind = if name.starts_with("metric.") { "metric" } else { "application" };
        let (sealed, hash) = (SEALED, "h");
        let fields = json!({
            "company": company, "metric_key": "key", "founder_email": sealed, "narrative": sealed, "secret_hash": hash,
        });
        (recorded(3, kind, "id", name, &json!({ "variant": fields })), Some(company), None)
    });
    // An account's stream names it by its id, a session's by a field.
    let of_account = (prop::sample::select(account_types), 0..5_u8).prop_map(|(name, n)| {
        let account = format!("account-{n}");
        let kind = name.split('.').next().unwrap_or(name);
        let fields = json!({"account": account, "email": SEALED, "digest": "d"});
        (recorded(3, kind, &account, name, &json!({ "variant": fields })), None, Some(account))
    });
    prop_oneof![of_company, of_account]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let field = prop::sample::select(vec!["type", "aggregate", "account", "company", "metric", "correlation"]);
    let leaf = (field, "[a-z_0-9.]{0,6}", 0..4_u8).prop_map(|(field, text, operator)| match operator {
        0 => json!({"exists": field}),
        1 => json!({"prefix": {field: text}}),
        2 => json!({"gt": {field: text}}),
        _ => json!({"lt": {field: text}}),
    });
    let tree = leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|nodes| json!({ "all": nodes })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|nodes| json!({ "any": nodes })),
            inner.prop_map(|node| json!({ "not": node })),
        ]
    });
    tree.prop_map(|tree| Filter::compile(&tree).expect("a valid filter"))
}

proptest! {
    #[test]
    fn liv_15_nobody_reads_what_is_not_his(
        (event, company, account) in any_event(),
        filter in any_filter(),
        companies in prop::collection::hash_set((0..5_u8).prop_map(|n| format!("co_{n}")), 0..3),
        person in prop::option::of((0..5_u8).prop_map(|n| format!("account-{n}"))),
    ) {
        let routed = route(&event);
        let authority = authority(person.clone(), companies.clone());
        if authority.may_read(&routed) && filter.admits(&routed.keys) {
            let of_company = company.as_ref().is_some_and(|company| companies.contains(company));
            let of_account = account.is_some() && account == person;
            prop_assert!(of_company || of_account, "{} of {company:?} {account:?}", event.event_type);
            prop_assert!(!event.event_type.starts_with("challenge."));
        }
        for forbidden in ["v1|", "hash", "digest", "AAAA"] {
            prop_assert!(!routed.frame.contains(forbidden), "{}", routed.frame);
        }
    }
}

#[test]
fn a_frame_has_the_fields_of_the_protocol() {
    let payload = json!({"point_recorded": {"company": "co_A", "metric_key": "revenue", "value": 1.5, "novel": 1}});
    let routed = route(&recorded(12, "metric", "metric_1", "metric.point_recorded", &payload));
    let mut frame: Value = serde_json::from_str(&routed.frame).expect("JSON");
    let at = frame["at"].take();
    assert!(at.as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{at}");
    assert_eq!(
        frame,
        json!({
            "p": "12", "type": "metric.point_recorded", "agg": "metric/metric_1", "seq": 12, "at": null, "cause": "1",
            "corr": "corr", "data": {"company": "co_A", "metric_key": "revenue", "value": 1.5},
        })
    );
    assert_eq!(routed.keys.company.as_deref(), Some("co_A"));
    assert_eq!(routed.keys.metric_slug.as_deref(), Some("revenue"));
}

#[test]
fn only_events_of_the_catalogue_are_exposed_and_no_challenge_is() {
    let exposed: HashSet<_> = exposure::exposed().map(|(name, _)| name).collect();
    for name in &exposed {
        assert!(catalog::find(name).is_some(), "{name} is no event");
    }
    let hidden: Vec<_> = catalog::CATALOG.iter().map(|kind| kind.event_type).filter(|n| !exposed.contains(n)).collect();
    assert_eq!(
        hidden,
        [
            "challenge.issued",
            "challenge.superseded",
            "challenge.guess_failed",
            "challenge.consumed",
            "account.session_extended",
            "account.sessions_ended",
            "account.api_token_issued",
            "account.api_token_evicted",
            "account.api_token_revoked",
            "account.tokens_ended",
            "account.password_changed",
            "account.password_removed",
            "account.persona_added",
            "session.extended",
            "offer.made",
            "offer.refreshed",
            "offer.accepted",
            "offer.declined",
            "offer.retracted",
            "offer.superseded",
            "offer.lapsed",
            "grant.created",
            "grant.revoked",
            "scope.joined",
            "scope.left",
            "scope.destroyed",
            "roster.founded",
            "roster.admitted",
            "roster.left",
            "invite.created",
            "invite.claimed",
            "invite.deleted",
            "settings.open_signup_set",
            "attempt.refused",
            "note.recorded",
            "scheduler.ticked",
            "subject.erased",
        ]
    );
}

#[test]
fn every_golden_event_leaves_with_its_listed_fields_and_without_a_secret() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("aggregates/golden");
    for (name, _) in exposure::exposed() {
        let row = catalog::find(name).expect("in the catalogue");
        let old = REGISTRY.iter().filter(|step| step.event_type == name).map(|step| step.from);
        for version in old.chain([row.version]) {
            let text = std::fs::read_to_string(golden.join(format!("{name}.v{version}.json"))).expect("a golden file");
            let payload: Value = serde_json::from_str(&text).expect("JSON");
            let fields = routing::payload_fields(&text);
            let exposure = exposure::of(name, version);
            for listed in exposure.fields() {
                assert!(fields.contains_key(*listed), "{name} {version} has no `{listed}`");
            }
            if version == row.version {
                let is_sealed = |field: &&&str| fields[**field].as_str().is_some_and(exposure::is_sealed);
                let sealed: HashSet<_> = exposure.fields().iter().filter(is_sealed).collect();
                assert_eq!(sealed, exposure.sealed().iter().collect(), "{name}");
            }
            let mut event = recorded(1, row.stream.as_str(), "id", name, &payload);
            event.event_version = version.into();
            let routed = route(&event);
            assert!(!routed.frame.is_empty(), "{name} {version}");
            for secret in ["hash", "digest", "v1|", "c2VhbGVk", "abababab", "sub_"] {
                assert!(!routed.frame.contains(secret), "{name} {version}: {}", routed.frame);
            }
        }
    }
}

/// Else no trial of a rule could read such a metric any more.
#[test]
fn a_text_that_only_looks_sealed_leaves_as_it_is() {
    let payload = json!({"point_recorded": {"company": "co_A", "source": SEALED, "idempotency_key": SEALED}});
    let mut event = recorded(12, "metric", "metric_1", "metric.point_recorded", &payload);
    let data = |event: &RecordedEvent| serde_json::from_str::<Value>(&route(event).frame).expect("JSON")["data"].take();
    assert_eq!(data(&event), payload["point_recorded"]);
    // Of a newer program's events nobody here knows what is sealed.
    event.event_version = "9.0".into();
    assert_eq!(data(&event), json!({"company": "co_A", "source": null, "idempotency_key": null}));
    let payload = json!({"submitted": {"company": "co_A", "company_name": SEALED, "narrative": SEALED}});
    let mut event = recorded(13, "application", "app", "application.submitted", &payload);
    event.event_version = "1.1".into();
    assert_eq!(data(&event), json!({"company": "co_A", "company_name": SEALED, "narrative": null}));
}

#[test]
fn liv_10_events_that_end_rights_are_understood() {
    let at = "2026-03-01T00:00:00Z";
    let change =
        |kind: &str, id: &str, name: &str, payload: Value| revocation::change(&recorded(1, kind, id, name, &payload));
    let ends = |credential: &str, why| Some(Change::CredentialEnds { credential: credential.to_owned(), why });
    let token = json!({"company": "co_A", "token": "abc", "name": "ci", "by": "x", "at": at});
    let revoked = change("application", "app", "agent_token.revoked", json!({ "token_revoked": token }));
    assert_eq!(revoked, ends("abc", "the token was revoked"));
    let revoked = json!({"revoked": {"account": "a", "reason": "logout", "at": at}});
    assert_eq!(change("session", "s1", "session.revoked", revoked), ends("s1", "the session was closed"));
    let closed = json!({"session_closed": {"session": "s1", "reason": "logout", "at": at}});
    assert_eq!(change("account", "a", "account.session_closed", closed), ends("s1", "the session was closed"));
    let ran_out = Some(Change::CredentialRanOut { credential: "s1".to_owned() });
    let revoked = json!({"revoked": {"account": "a", "reason": "expired", "at": at}});
    assert_eq!(change("session", "s1", "session.revoked", revoked), ran_out);
    let closed = json!({"session_closed": {"session": "s1", "reason": "expired", "at": at}});
    assert_eq!(change("account", "a", "account.session_closed", closed), ran_out);
    let evicted = json!({"session_evicted": {"session": "s1", "evicted_by": "s2", "at": at}});
    assert_eq!(change("account", "a", "account.session_evicted", evicted), ends("s1", "the session was closed"));
    let extended = json!({"session_extended": {"session": "s1", "expires_at": at, "at": at}});
    let end = at.parse().expect("an instant");
    let lasts = Change::CredentialLasts { credential: "s1".to_owned(), end };
    assert_eq!(change("account", "a", "account.session_extended", extended), Some(lasts));
    let erased = json!({"erased": {"reason": "asked", "at": at}});
    let subject = "s".to_owned();
    assert_eq!(change("subject", "s", "subject.erased", erased), Some(Change::SubjectErased { subject }));
    let garbled = change("application", "app", "agent_token.revoked", json!({}));
    assert_eq!(garbled, Some(Change::Unreadable));
    assert_eq!(change("future", "f", "future.thing", json!({})), Some(Change::Unreadable));
    assert_eq!(change("metric", "m", "metric.point_recorded", json!({"token": "abc"})), None);
}

#[test]
fn nested_secrets_are_cut_out() {
    let token = json!({"id": "abc", "name": "ci", "secret_hash": "00ff", "scopes": ["application:read"]});
    for (name, field) in [("agent_token.issued", "token"), ("agent_token.rotated", "replacement")] {
        let routed = route(&recorded(1, "application", "app", name, &json!({"v": {"company": "co_A", field: token}})));
        assert!(routed.frame.contains("application:read"), "{}", routed.frame);
        assert!(!routed.frame.contains("00ff"), "{}", routed.frame);
    }
}

#[test]
fn a_challenge_reaches_nobody() {
    let payload = json!({"issued": {"digest": "d", "subject": "s"}});
    let routed = route(&recorded(1, "challenge", "x", "challenge.issued", &payload));
    assert_eq!(routed.audience, exposure::Audience::Nobody);
    assert!(routed.frame.is_empty());
}
