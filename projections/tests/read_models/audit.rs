//! The audit view: which rows events make, and who they name (MET-136 in miniature).

use chrono::TimeDelta;
use muniment_aggregates::challenge::{Challenge, ChallengeCommand, Guess, Issue, Limits, Purpose};
use muniment_aggregates::ids::{CompanyId, OtpId};
use muniment_aggregates::metric::{Metric, MetricCommand, MetricEvent, PointCorrected, RuleChange, RuleType, SetRule};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::scheduler::{Scheduler, SchedulerCommand, Tick};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{Revoke, SessionCommand};
use muniment_projections::audit::{ActorLabel, AuditFilter, MutationRow, page};
use serde_json::json;

use crate::company::{apply, define, point};
use crate::harness::on_both_engines;
use crate::history::{History, account, agent, bytes, sealed};
use crate::people::{register, session_id, sign_in};

fn limits() -> Limits {
    Limits { starts: None, guesses_per_code: None, guesses: None }
}

fn start_code(history: &mut History, challenge: &mut Challenge) {
    let issue = Issue {
        otp: OtpId::from_random(bytes(history.head().0)),
        purpose: Purpose::SignIn,
        subject: SubjectId("subject-1".to_owned()),
        email: sealed("subject-1", "email"),
        digest: "aa".repeat(32),
        expires_at: history.now + TimeDelta::minutes(10),
        sent: true,
        limits: limits(),
    };
    history.decide("sign_in-subject-1", challenge, &ChallengeCommand::Issue(issue));
}

fn wrong_guess(history: &mut History, challenge: &mut Challenge) {
    let guess = Guess { digest: "bb".repeat(32), limits: limits() };
    assert_eq!(history.decide("sign_in-subject-1", challenge, &ChallengeCommand::Guess(guess)), 1);
}

fn shown(row: &MutationRow) -> (&str, &str, Option<&str>) {
    (row.action.as_str(), row.resource_type.as_str(), row.resource_id.as_deref())
}

#[tokio::test]
async fn a_sign_in_is_a_row_for_the_code_and_one_for_the_session_by_the_e_mail() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut challenge = Challenge::default();
        start_code(&mut history, &mut challenge);
        let right = Guess { digest: "aa".repeat(32), limits: limits() };
        history.decide("sign_in-subject-1", &mut challenge, &ChallengeCommand::Guess(right));
        // The session's stream may come before the account that it is of.
        let mut unregistered = muniment_aggregates::account::Account::default();
        let mut session = sign_in(&mut history, "account-1", &mut unregistered, 1);
        register(&mut history, "account-1", "subject-1");
        history.as_who(account("account-1"));
        history.decide(&session_id(1).0, &mut session, &SessionCommand::Revoke(Revoke { reason: "logout".to_owned() }));
        desk.fold(&history, 3).await;
        let rows = page(&desk.store, &AuditFilter::default(), 10).await.unwrap();
        let id = session_id(1).0;
        let otp = OtpId::from_random(bytes(0));
        assert_eq!(
            rows.iter().map(shown).collect::<Vec<_>>(),
            [
                ("session.revoked", "email_session", Some(id.as_str())),
                ("auth.otp.verified", "email_session", Some(id.as_str())),
                ("auth.otp.started", "email_otp", Some(otp.as_str())),
            ]
        );
        for row in &rows {
            assert_eq!(row.actor, ActorLabel::Sealed(sealed("subject-1", "email")), "{}", row.action);
        }
        assert_eq!(rows[0].metadata, json!({ "reason": "logout" }));
        assert_eq!(rows[1].metadata, json!({}));
        assert_eq!(rows[1].account_id.as_deref(), Some("account-1"));
        assert_eq!(rows[2].metadata, json!({ "sent": true }));
        assert!(rows.iter().all(|row| row.id.starts_with("audit_") && row.id.len() == 22));
    })
    .await;
}

#[tokio::test]
async fn failed_guesses_make_one_row_an_e_mail_and_minute_with_a_count() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut challenge = Challenge::default();
        start_code(&mut history, &mut challenge);
        for seconds in [0, 20, 20, 30, 1] {
            history.pass(seconds);
            wrong_guess(&mut history, &mut challenge);
        }
        // Batches that cut through the minute count the same.
        desk.fold(&history, 2).await;
        let filter = AuditFilter { action: Some("auth.otp.failed".to_owned()), ..AuditFilter::default() };
        let rows = page(&desk.store, &filter, 10).await.unwrap();
        let counts: Vec<_> = rows.iter().map(|row| (row.seq, row.metadata.clone())).collect();
        assert_eq!(counts, [(Position(5), json!({ "count": 2 })), (Position(2), json!({ "count": 3 }))]);
    })
    .await;
}

#[tokio::test]
async fn an_application_names_its_founder_and_its_first_metric_the_default_token() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (application, _) = apply(&mut history, 1, "Acme", "subject-1");
        let company = CompanyId::from_random(bytes(1));
        let metric = define(&mut history, &company, &application, "revenue");
        history.as_who(agent("robot"));
        let second = define(&mut history, &company, &application, "users");
        let first_point = point(&mut history, &company, &metric, "revenue", 12_000.0);
        let rule = RuleChange { threshold: Some(1.0), ..RuleChange::of(RuleType::GrowthSpike) };
        let mut state = Metric::default();
        for event in history.events.iter().filter(|event| *event.stream.id == *metric.as_str()) {
            use muniment_aggregates::decider::Decider;
            state.evolve(&serde_json::from_str(&event.payload).unwrap());
        }
        let set = MetricCommand::SetRule(SetRule { rule, by: Some("robot".to_owned()) });
        assert_eq!(history.decide(metric.as_str(), &mut state, &set), 1);
        desk.fold(&history, 100).await;
        let filter = AuditFilter { company: Some(company.clone()), ..AuditFilter::default() };
        let rows = page(&desk.store, &filter, 10).await.unwrap();
        let rule_id = format!("{metric}/growth_spike");
        let actions: Vec<_> = rows.iter().map(shown).collect();
        let token = crate::company::token(100, "").id.0;
        assert_eq!(
            actions,
            [
                ("rule.set", "rule", Some(rule_id.as_str())),
                ("metric_point.created", "metric_point", Some(first_point.as_str())),
                ("metric.created", "metric", Some(second.as_str())),
                ("metric.created", "metric", Some(metric.as_str())),
                ("agent_token.created", "agent_token", Some(token.as_str())),
                ("application.created", "application", Some(application.as_str())),
            ]
        );
        let robot = ActorLabel::Clear("robot".to_owned());
        let founder = ActorLabel::Sealed(sealed("subject-1", "email"));
        assert_eq!([&rows[0].actor, &rows[1].actor, &rows[2].actor], [&robot, &robot, &robot]);
        assert_eq!(rows[3].actor, ActorLabel::Clear("default-agent-token".to_owned()));
        assert_eq!([&rows[4].actor, &rows[5].actor], [&founder, &founder]);
        assert_eq!(rows[1].metadata, json!({ "key": "revenue", "value": 12_000 }));
        assert_eq!(rows[3].metadata, json!({ "key": "revenue" }));
        assert_eq!(rows[5].metadata, json!({}));
        assert_eq!(rows[1].credential_id.as_deref(), Some("0123456789abcdef01"));
        let text = serde_json::to_string(&rows.iter().map(|row| &row.metadata).collect::<Vec<_>>()).unwrap();
        assert!(!text.contains(&"ab".repeat(32)), "no hash of a secret");
    })
    .await;
}

#[tokio::test]
async fn a_tick_is_a_row_of_the_system() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        history.as_who(Who::System { component: "scheduler".to_owned() });
        let tick = SchedulerCommand::Tick(Tick { interval_seconds: 1_800 });
        history.decide("main", &mut Scheduler::default(), &tick);
        desk.fold(&history, 1).await;
        let rows = page(&desk.store, &AuditFilter::default(), 10).await.unwrap();
        let [row] = rows.as_slice() else { panic!("one row") };
        assert_eq!(shown(row), ("scheduled_tick", "worker", None));
        assert_eq!(row.actor, ActorLabel::Clear("system".to_owned()));
        assert_eq!(row.metadata, json!({ "note": "reserved for source sync jobs" }));
    })
    .await;
}

#[tokio::test]
async fn rows_are_filtered_and_paged_newest_first() {
    on_both_engines(async |desk| {
        let history = crate::company::company_history();
        desk.fold(&history, 100).await;
        let filter = AuditFilter { resource_type: Some("metric_point".to_owned()), ..AuditFilter::default() };
        let two = page(&desk.store, &filter, 2).await.unwrap();
        assert_eq!(two.len(), 2);
        let rest = AuditFilter { before: Some(two[1].seq), ..filter.clone() };
        assert_eq!(page(&desk.store, &rest, 2).await.unwrap().len(), 1);
        let since = AuditFilter { since: Some(two[1].seq), ..filter };
        assert_eq!(page(&desk.store, &since, 5).await.unwrap(), two[..1]);
        let one = AuditFilter { correlation: Some("request-3".to_owned()), ..AuditFilter::default() };
        assert_eq!(page(&desk.store, &one, 5).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_rows_of_one_thing_are_all_that_name_it() {
    on_both_engines(async |desk| {
        let mut history = crate::company::company_history();
        let company = CompanyId::from_random(bytes(1));
        let (application, _) = apply(&mut history, 2, "Bolt", "subject-2");
        let metric = define(&mut history, &company, &application, "users");
        let recorded = point(&mut history, &company, &metric, "users", 4.0);
        let corrected = PointCorrected {
            company: company.clone(),
            metric_key: "users".to_owned(),
            point: recorded.clone(),
            value: 5.0,
            reason: None,
            at: history.now,
        };
        history.record("metric", metric.as_str(), &MetricEvent::PointCorrected(corrected));
        desk.fold(&history, 100).await;
        let all = page(&desk.store, &AuditFilter::default(), 100).await.unwrap();
        for row in &all {
            let same = |other: &&MutationRow| other.resource_id == row.resource_id;
            let Some(id) = &row.resource_id else { continue };
            let filter = AuditFilter { resource_id: Some(id.clone()), ..AuditFilter::default() };
            let found = page(&desk.store, &filter, 100).await.unwrap();
            assert_eq!(found, all.iter().filter(same).cloned().collect::<Vec<_>>(), "{id}");
            let filter = AuditFilter { action: Some(row.action.clone()), ..AuditFilter::default() };
            let same = |other: &&MutationRow| other.action == row.action;
            let found = page(&desk.store, &filter, 100).await.unwrap();
            assert_eq!(found, all.iter().filter(same).cloned().collect::<Vec<_>>(), "{}", row.action);
        }
        let of_point = all.iter().filter(|row| row.resource_id.as_deref() == Some(recorded.as_str()));
        assert_eq!(
            of_point.map(shown).map(|(action, ..)| action).collect::<Vec<_>>(),
            ["metric_point.corrected", "metric_point.created"]
        );
    })
    .await;
}
