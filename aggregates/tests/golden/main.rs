//! Golden copies: the stored form of every event there is, one file a type and version in `golden/`. A file is
//! written once (`cargo xtask golden`, which sets `UPDATE_GOLDEN=1`) and never edited: a shape that must change
//! gets a new version and an upcaster, and the old file goes on proving that old logs replay.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot read its samples must fail")]

mod accounts;
mod ended;
mod metadata;
mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::application::*;
use muniment_aggregates::catalog::{self, CATALOG};
use muniment_aggregates::challenge::*;
use muniment_aggregates::decider::DomainEvent;
use muniment_aggregates::ids::*;
use muniment_aggregates::metric::*;
use muniment_aggregates::record::{Position, RecordedEvent, StreamId};
use muniment_aggregates::scheduler::*;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_aggregates::session::{SessionEvent, SessionKind, SessionRevoked, SessionStarted};
use muniment_aggregates::subject::*;
use serde::Serialize;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn instant() -> DateTime<Utc> {
    "2026-06-08T12:00:00.123456Z".parse().unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn sealed(context: &str) -> Sealed {
    Sealed::from_parts(&subject(), context, "c2VhbGVk")
}

fn subject() -> SubjectId {
    SubjectId("sub_QUJDREVGR0hJSktM".to_owned())
}

fn credential(byte: u8) -> CredentialId {
    CredentialId::from_random([byte; 9])
}

/// An event as the journal hands it out.
fn recorded(event_type: &str, event_version: &str, payload: String) -> RecordedEvent {
    RecordedEvent {
        position: Position(1),
        stream: StreamId::new("any", "any"),
        sequence: 1,
        event_type: event_type.into(),
        event_version: event_version.into(),
        payload: payload.into(),
        metadata: "{}".into(),
        recorded_at: instant(),
        dedupe: None,
        hash: [0; 32],
    }
}

/// The stored form of one event of each type.
#[derive(Default)]
struct Samples(BTreeMap<String, Value>);

impl Samples {
    fn add<E: DomainEvent + PartialEq + std::fmt::Debug>(&mut self, event: &E) {
        let payload = serde_json::to_string(event).unwrap();
        let read: E = catalog::decode(event.event_type(), event.event_version(), &payload).unwrap();
        assert_eq!(&read, event, "{} reads back as it was written", event.event_type());
        let row = catalog::find(event.event_type()).expect("every event is in the catalogue");
        assert_eq!(row.version, event.event_version(), "the catalogue has the newest version of {}", row.event_type);
        let recorded = recorded(event.event_type(), event.event_version(), payload);
        let claims = catalog::claims_of(&recorded).unwrap();
        assert_eq!(claims, event.claims(&recorded.stream), "the claims of {} are found again", event.event_type());
        self.0.insert(file_name(event.event_type(), event.event_version()), stored(event));
    }
}

fn stored(event: &impl Serialize) -> Value {
    serde_json::to_value(event).unwrap()
}

fn file_name(event_type: &str, version: &str) -> String {
    format!("{event_type}.v{version}.json")
}

fn samples() -> Samples {
    let mut samples = Samples::default();
    metric_samples(&mut samples);
    application_samples(&mut samples);
    challenge_samples(&mut samples);
    accounts::account_samples(&mut samples);
    accounts::offer_samples(&mut samples);
    accounts::invitation_samples(&mut samples);
    small_samples(&mut samples);
    samples
}

#[expect(clippy::too_many_lines, reason = "a table: one sample an event")]
fn metric_samples(samples: &mut Samples) {
    let (company, metric_key) = (CompanyId::from_random([1; 12]), "weekly_revenue".to_owned());
    let (point, previous) = (PointId::from_random([3; 12]), PointId::from_random([4; 12]));
    let alert = rules::alert_id(&point, RuleType::GrowthSpike);
    let at = instant();
    samples.add(&MetricEvent::Defined(MetricDefined {
        company: company.clone(),
        application: ApplicationId::from_random([2; 12]),
        metric_key: metric_key.clone(),
        display_name: "Weekly Revenue".to_owned(),
        unit: "usd".to_owned(),
        cadence: "weekly".to_owned(),
        direction: "up".to_owned(),
        source_type: "self_reported".to_owned(),
        verification_level: "self_reported".to_owned(),
    }));
    samples.add(&MetricEvent::SettingsChanged(SettingsChanged {
        company: company.clone(),
        metric_key: metric_key.clone(),
        display_name: some("Revenue"),
        unit: some("eur"),
        cadence: some("monthly"),
        direction: some("neutral"),
        source_type: some("ledger"),
    }));
    samples.add(&MetricEvent::PointRecorded(PointRecorded {
        company: company.clone(),
        metric_key: metric_key.clone(),
        point: point.clone(),
        value: 18_500.1,
        timestamp: "2026-06-08T14:00:00.123456+02:00".to_owned(),
        instant: at,
        source: "default-agent-token".to_owned(),
        confidence: 0.5,
        raw_event_id: some("evt-1"),
        idempotency_key: "acme-weekly-revenue-2026-W23".to_owned(),
    }));
    samples.add(&MetricEvent::PointCorrected(PointCorrected {
        company: company.clone(),
        metric_key: metric_key.clone(),
        point: point.clone(),
        value: 18_400.0,
        reason: some("a refund"),
        at,
    }));
    samples.add(&MetricEvent::RuleSet(RuleSet {
        company: company.clone(),
        metric_key: metric_key.clone(),
        rule: Rule {
            version: 2,
            enabled: true,
            severity: Severity::Medium,
            cool_down: CoolDown::Points(3),
            condition: Condition::Growth { threshold: 0.25, periods: 4 },
        },
        by: some("ana"),
        at,
    }));
    samples.add(&MetricEvent::AlertRaised(AlertRaised {
        company: company.clone(),
        metric_key: metric_key.clone(),
        finding: Finding {
            alert: alert.clone(),
            alert_type: RuleType::GrowthSpike,
            rule_version: 1,
            severity: Severity::High,
            summary: "Weekly Revenue increased 54% from 12000 to 18500.1.".to_owned(),
            display_name: "Weekly Revenue".to_owned(),
            point,
            value: 18_500.1,
            instant: at,
            previous_point: Some(previous),
            previous_value: Some(12_000.0),
            growth: Some((18_500.1 - 12_000.0) / 12_000.0),
            threshold: 0.5,
        },
    }));
    samples.add(&MetricEvent::AlertAcknowledged(AlertAcknowledged {
        company: company.clone(),
        metric_key: metric_key.clone(),
        alert: alert.clone(),
        by: "ana".to_owned(),
        note: some("seen"),
        at,
    }));
    let note = some("a bulk order");
    samples.add(&MetricEvent::AlertResolved(AlertResolved {
        company,
        metric_key,
        alert,
        by: "ana".to_owned(),
        note,
        at,
    }));
}

fn application_samples(samples: &mut Samples) {
    let company = CompanyId::from_random([1; 12]);
    let at = instant();
    let grant = |byte: u8| TokenGrant {
        id: credential(byte),
        name: "reporting".to_owned(),
        secret_hash: "ab".repeat(32),
        scopes: TokenScope::ALL.to_vec(),
        allowed_metrics: Some(["weekly_revenue".to_owned()].into()),
        expires_at: Some(at),
        created_by: some("3f1f5a3e-0000-4000-8000-000000000001"),
    };
    let by = || "3f1f5a3e-0000-4000-8000-000000000001".to_owned();
    samples.add(&ApplicationEvent::Submitted(ApplicationSubmitted {
        company: company.clone(),
        company_name: "Acme".to_owned(),
        founder: FounderId::from_random([2; 12]),
        founder_name: sealed("application/app_AgICAgICAgICAgIC/founder_name"),
        founder_email: sealed("application/app_AgICAgICAgICAgIC/founder_email"),
        founder_email_verified: true,
        subject: subject(),
        website: some("https://acme.example"),
        narrative: Narrative::Sealed(sealed("application/app_AgICAgICAgICAgIC/narrative")),
        submitted_at: at,
    }));
    samples.add(&ApplicationEvent::StatusChanged(StatusChanged {
        company: company.clone(),
        previous: ApplicationStatus::Submitted,
        status: ApplicationStatus::InReview,
        reason: some("looks good"),
        by: by(),
        at,
    }));
    samples.add(&ApplicationEvent::Withdrawn(ApplicationWithdrawn {
        company: company.clone(),
        previous: ApplicationStatus::InReview,
        reason: some("sold"),
        by: by(),
        at,
    }));
    samples.add(&ApplicationEvent::TokenIssued(TokenIssued { company: company.clone(), token: grant(5), at }));
    samples.add(&ApplicationEvent::TokenRevoked(TokenRevoked {
        company: company.clone(),
        token: credential(5),
        name: "reporting".to_owned(),
        reason: some("leaked"),
        by: by(),
        at,
    }));
    let (token, ends_at, replacement) = (credential(5), at, grant(6));
    samples.add(&ApplicationEvent::TokenRotated(TokenRotated { company, token, ends_at, replacement, by: by(), at }));
}

fn challenge_samples(samples: &mut Samples) {
    let (otp, at) = (OtpId::from_random([7; 12]), instant());
    let email = || sealed("challenge/sign_in-sub_QUJDREVGR0hJSktM/email");
    samples.add(&ChallengeEvent::Issued(ChallengeIssued {
        otp: otp.clone(),
        purpose: Purpose::SignIn,
        subject: subject(),
        email: email(),
        digest: "cd".repeat(32),
        expires_at: at,
        sent: true,
        at,
    }));
    let superseded_by = OtpId::from_random([8; 12]);
    samples.add(&ChallengeEvent::Superseded(ChallengeSuperseded { otp: otp.clone(), superseded_by, at }));
    samples.add(&ChallengeEvent::GuessFailed(GuessFailed {
        otp: otp.clone(),
        subject: subject(),
        email: email(),
        wrong_guesses: 3,
        at,
    }));
    samples.add(&ChallengeEvent::Consumed(ChallengeConsumed { otp, subject: subject(), email: email(), at }));
}

fn small_samples(samples: &mut Samples) {
    let (account, at) = (AccountId("3f1f5a3e-0000-4000-8000-000000000001".to_owned()), instant());
    samples.add(&SessionEvent::Started(SessionStarted {
        account: account.clone(),
        kind: SessionKind::Founder,
        secret_hash: "ef".repeat(32),
        expires_at: at,
        at,
    }));
    samples.add(&SessionEvent::Extended(muniment_aggregates::session::SessionExtended {
        account: account.clone(),
        expires_at: at,
        at,
    }));
    samples.add(&SessionEvent::Revoked(SessionRevoked { account, reason: "logout".to_owned(), at }));
    samples.add(&SchedulerEvent::Ticked(Ticked { interval_seconds: 1_800, at }));
    samples.add(&SubjectEvent::Erased(SubjectErased { reason: "asked".to_owned(), at }));
}

#[test]
fn golden_copies_hold() {
    let samples = samples();
    let catalogued: BTreeSet<_> = CATALOG.iter().map(|row| file_name(row.event_type, row.version)).collect();
    let sampled: BTreeSet<_> = samples.0.keys().cloned().collect();
    assert_eq!(sampled, catalogued, "each catalogued event has a sample here, and each sample is catalogued");
    for (name, sample) in &samples.0 {
        let differs = "a released event keeps its shape; give the new one a version and an upcaster";
        expect_golden(&folder().join(name), sample, differs);
    }
    every_version_still_reads();
}

/// Compares with the golden copy, which is written where there is none and that was asked for.
fn expect_golden(path: &Path, sample: &Value, differs: &str) {
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{}\n", serde_json::to_string_pretty(sample).unwrap())).unwrap();
    }
    let name = path.display();
    let golden = fs::read_to_string(path)
        .unwrap_or_else(|_| panic!("{name} is missing: run `cargo xtask golden`, and commit what it writes"));
    let golden: Value = serde_json::from_str(&golden).unwrap();
    assert_eq!(&golden, sample, "{name} differs: {differs}");
}

/// The names of the golden copies of events.
fn copies() -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Old versions too: this is what makes a log of any release replay.
fn every_version_still_reads() {
    let mut seen = 0;
    for name in copies() {
        let (event_type, version) = name.strip_suffix(".json").unwrap().rsplit_once(".v").unwrap();
        let event = recorded(event_type, version, fs::read_to_string(folder().join(&name)).unwrap());
        catalog::decode_any(&event).unwrap_or_else(|error| panic!("{name}: {error}"));
        seen += 1;
    }
    assert!(seen >= CATALOG.len());
}

/// How an old copy reads today, written as the newest version writes it.
fn read_today<E: DomainEvent>(name: &str) -> Value {
    let (event_type, version) = name.strip_suffix(".json").unwrap().rsplit_once(".v").unwrap();
    let payload = fs::read_to_string(folder().join(name)).unwrap();
    serde_json::to_value(catalog::decode::<E>(event_type, version, &payload).unwrap()).unwrap()
}

/// What an old shape is taken to say is for ever, too: an upcaster that says something else changes the past.
#[test]
fn old_versions_say_what_they_said() {
    let copy =
        |name: &str| -> Value { serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap() };
    let mut registered = copy("account.registered.v1.0.json");
    registered["registered"]["via"] = "email_code".into();
    let submitted = copy("application.submitted.v1.0.json");
    let told = BTreeMap::from([
        ("account.registered.v1.0.json", (read_today::<AccountEvent>("account.registered.v1.0.json"), registered)),
        (
            "application.submitted.v1.0.json",
            (read_today::<ApplicationEvent>("application.submitted.v1.0.json"), submitted),
        ),
    ]);
    for (name, (read, said)) in &told {
        assert_eq!(read, said, "{name}");
    }
    let newest: BTreeSet<_> = CATALOG.iter().map(|row| file_name(row.event_type, row.version)).collect();
    let old: Vec<String> = copies().into_iter().filter(|name| !newest.contains(name)).collect();
    assert_eq!(old, told.into_keys().collect::<Vec<_>>(), "each old version has its line here");
}

#[test]
fn what_is_not_catalogued_is_an_error_with_its_name() {
    let unknown = catalog::decode::<MetricEvent>("metric.imagined", "1.0", "{}").unwrap_err();
    assert_eq!(unknown.to_string(), "unknown event type metric.imagined");
    let newer = catalog::decode::<MetricEvent>("metric.defined", "9.0", "{}").unwrap_err();
    assert_eq!(newer.to_string(), "metric.defined 9.0: nothing leads from there to 1.0");
    assert!(catalog::decode::<MetricEvent>("metric.defined", "1.0", "{}").is_err());
}
