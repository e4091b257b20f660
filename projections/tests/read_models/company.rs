//! Applications, their history and review, and agent tokens.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use muniment_aggregates::application::{
    Application, ApplicationCommand, ApplicationStatus, ChangeStatus, IssueToken, Narrative, NewToken, RevokeToken,
    RotateToken, Submit, TokenScope, Withdraw,
};
use muniment_aggregates::ids::{ApplicationId, CompanyId, CredentialId, FounderId, MetricId, PointId};
use muniment_aggregates::metric::{MetricDefined, MetricEvent, PointRecorded};
use muniment_aggregates::sealed::SubjectId;
use muniment_projections::applications::ReviewFilter;
use muniment_projections::points::{Order, PointKey, PointQuery};
use muniment_projections::{LastUsed, PAGE_ROWS_MAX, ReadStore, agent_tokens, applications, metrics, points};

use crate::harness::on_both_engines;
use crate::history::{History, beginning, bytes, sealed};

pub(crate) fn token(number: u64, name: &str) -> NewToken {
    let mut id = [0; 9];
    id[..8].copy_from_slice(&number.to_le_bytes());
    NewToken {
        id: CredentialId::from_random(id),
        name: name.to_owned(),
        secret_hash: "ab".repeat(32),
        scopes: TokenScope::DEFAULT.to_vec(),
        allowed_metrics: None,
        expires_at: None,
        created_by: None,
    }
}

pub(crate) fn submit(number: u64, name: &str, subject: &str) -> Submit {
    Submit {
        company: CompanyId::from_random(bytes(number)),
        company_name: name.to_owned(),
        founder: FounderId::from_random(bytes(number)),
        founder_name: sealed(subject, "name"),
        founder_email: sealed(subject, "email"),
        founder_email_verified: true,
        subject: SubjectId(subject.to_owned()),
        website: None,
        narrative: Narrative::Sealed(sealed(subject, "narrative")),
        token: token(number * 100, "default-agent-token"),
    }
}

pub(crate) fn apply(history: &mut History, number: u64, name: &str, subject: &str) -> (ApplicationId, Application) {
    let id = ApplicationId::from_random(bytes(number));
    let mut state = Application::default();
    history.decide(id.as_str(), &mut state, &ApplicationCommand::Submit(submit(number, name, subject)));
    (id, state)
}

pub(crate) fn define(history: &mut History, company: &CompanyId, application: &ApplicationId, key: &str) -> MetricId {
    let id = MetricId::from_random(bytes(9_000 + history.head().0));
    let defined = MetricDefined {
        company: company.clone(),
        application: application.clone(),
        metric_key: key.to_owned(),
        display_name: key.to_owned(),
        unit: "count".to_owned(),
        cadence: "weekly".to_owned(),
        direction: "up".to_owned(),
        source_type: "self_reported".to_owned(),
        verification_level: "self_reported".to_owned(),
    };
    history.record("metric", id.as_str(), &MetricEvent::Defined(defined));
    id
}

pub(crate) fn point(history: &mut History, company: &CompanyId, metric: &MetricId, key: &str, value: f64) -> PointId {
    let id = PointId::from_random(bytes(70_000 + history.head().0));
    let recorded = PointRecorded {
        company: company.clone(),
        metric_key: key.to_owned(),
        point: id.clone(),
        value,
        timestamp: "2026-11-20".to_owned(),
        instant: beginning(),
        source: "bot".to_owned(),
        confidence: 0.5,
        raw_event_id: None,
        idempotency_key: format!("key-{}", history.head()),
    };
    history.record("metric", metric.as_str(), &MetricEvent::PointRecorded(recorded));
    id
}

/// The company of the histories here.
pub(crate) fn acme() -> CompanyId {
    CompanyId::from_random(bytes(1))
}

/// How many points its metrics have, read page by page as the product does.
pub(crate) async fn count_points(store: &ReadStore) -> usize {
    let mut points_count = 0;
    for metric in metrics::of_company(store, &acme(), None, PAGE_ROWS_MAX).await.unwrap() {
        let mut query = PointQuery { from: None, to: None, order: Order::Ascending, after: None, limit: PAGE_ROWS_MAX };
        loop {
            let page = points::page(store, &metric.id, &query).await.unwrap();
            points_count += page.len();
            let Some(last) = page.last() else { break };
            query.after = Some(PointKey { instant: last.instant, position: last.position });
        }
    }
    points_count
}

/// A company with one metric and three points.
pub(crate) fn company_history() -> History {
    let mut history = History::new();
    let (application, _) = apply(&mut history, 1, "Acme", "subject-1");
    let company = CompanyId::from_random(bytes(1));
    let metric = define(&mut history, &company, &application, "revenue");
    for value in [1.0, 2.0, 3.0] {
        point(&mut history, &company, &metric, "revenue", value);
    }
    history
}

#[tokio::test]
async fn an_application_shows_company_founder_and_narrative() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (id, _) = apply(&mut history, 1, "Acme", "subject-1");
        desk.fold(&history, 10).await;
        let found = applications::by_id(&desk.store, &id).await.unwrap().unwrap();
        assert_eq!(found.company_name, "Acme");
        assert_eq!(found.founder_email, sealed("subject-1", "email"));
        assert_eq!(found.narrative, Narrative::Sealed(sealed("subject-1", "narrative")));
        assert_eq!(found.status, ApplicationStatus::Submitted);
        let company = CompanyId::from_random(bytes(1));
        assert_eq!(applications::by_company(&desk.store, &company).await.unwrap(), Some(found.clone()));
        let subject = SubjectId("subject-1".to_owned());
        assert_eq!(applications::of_founder(&desk.store, &subject).await.unwrap(), [found]);
        let stranger = SubjectId("subject-2".to_owned());
        assert!(applications::of_founder(&desk.store, &stranger).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn every_status_stays_in_the_history_with_who_when_and_why() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (id, mut state) = apply(&mut history, 1, "Acme", "subject-1");
        history.pass(60);
        let review = ChangeStatus { status: ApplicationStatus::InReview, reason: None, by: "ana".to_owned() };
        history.decide(id.as_str(), &mut state, &ApplicationCommand::ChangeStatus(review));
        let withdraw = Withdraw { reason: Some("changed our mind".to_owned()), by: "founder".to_owned() };
        history.decide(id.as_str(), &mut state, &ApplicationCommand::Withdraw(withdraw));
        desk.fold(&history, 1).await;
        let steps = applications::history(&desk.store, &id).await.unwrap();
        let steps: Vec<_> = steps.iter().map(|row| (row.status, row.by.as_deref(), row.reason.as_deref())).collect();
        assert_eq!(
            steps,
            [
                (ApplicationStatus::Submitted, None, None),
                (ApplicationStatus::InReview, Some("ana"), None),
                (ApplicationStatus::Withdrawn, Some("founder"), Some("changed our mind")),
            ]
        );
        let withdrawn = applications::by_id(&desk.store, &id).await.unwrap().unwrap();
        assert_eq!(withdrawn.status, ApplicationStatus::Withdrawn);
    })
    .await;
}

#[tokio::test]
async fn the_history_of_an_application_that_was_decided_a_thousand_times_ends_with_its_status() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (id, mut state) = apply(&mut history, 1, "Acme", "subject-1");
        let mut decide = |status| {
            let (reason, by) = (Some("look again".to_owned()), "ana".to_owned());
            let change = ApplicationCommand::ChangeStatus(ChangeStatus { status, reason, by });
            assert_eq!(history.decide(id.as_str(), &mut state, &change), 1);
        };
        for _ in 0..=PAGE_ROWS_MAX / 2 {
            decide(ApplicationStatus::InReview);
            decide(ApplicationStatus::Accepted);
        }
        decide(ApplicationStatus::InReview);
        desk.fold(&history, 100).await;
        let steps = applications::history(&desk.store, &id).await.unwrap();
        assert!(steps.is_sorted_by_key(|step| step.position));
        let newest = steps.last().unwrap();
        assert_eq!(
            (steps.len(), newest.status, newest.position),
            (PAGE_ROWS_MAX, state.status().unwrap(), history.head())
        );
    })
    .await;
}

#[tokio::test]
async fn review_filters_by_status_and_by_name_without_regard_to_case_and_counts() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let named =
            [(1, "Acme"), (2, "ACME Labs"), (3, "Élan"), (4, "Zen_%"), (5, "acmf"), (6, "Acmeville"), (7, "Οδοσία")];
        for (number, name) in named {
            apply(&mut history, number, name, "subject-1");
        }
        let company = CompanyId::from_random(bytes(2));
        let metric = define(&mut history, &company, &ApplicationId::from_random(bytes(2)), "revenue");
        history.pass(30);
        point(&mut history, &company, &metric, "revenue", 1.0);
        desk.fold(&history, 4).await;
        let names = async |prefix: &str| {
            let filter = ReviewFilter { name_prefix: Some(prefix.to_owned()), ..ReviewFilter::default() };
            let page = applications::review_page(&desk.store, &filter, 10).await.unwrap();
            page.into_iter().map(|row| row.application.company_name).collect::<Vec<_>>()
        };
        assert_eq!(names("aCmE").await, ["Acmeville", "ACME Labs", "Acme"]);
        assert_eq!(names(" acme ").await, ["ACME Labs"], "a blank behind it is part of the name");
        // A capital sigma at the end of what was typed is another small letter than within the name.
        assert_eq!(names("ΟΔΟΣ").await, ["Οδοσία"]);
        assert_eq!(names("éL").await, ["Élan"]);
        assert_eq!(names("%").await, Vec::<String>::new());
        assert_eq!(names("zen_").await, ["Zen_%"]);
        assert_eq!(names(" ").await.len(), named.len());

        let rejected = ReviewFilter { status: Some(ApplicationStatus::Rejected), ..ReviewFilter::default() };
        assert!(applications::review_page(&desk.store, &rejected, 10).await.unwrap().is_empty());
        let first = applications::review_page(&desk.store, &ReviewFilter::default(), 2).await.unwrap();
        let before = Some(first[1].application.position);
        let rest = ReviewFilter { before, ..ReviewFilter::default() };
        assert_eq!(applications::review_page(&desk.store, &rest, 10).await.unwrap().len(), named.len() - 2);

        let two = ApplicationId::from_random(bytes(2));
        let row = applications::review_by_id(&desk.store, &two).await.unwrap().unwrap();
        assert_eq!((row.metrics_count, row.open_alerts), (1, 0));
        assert_eq!(row.last_point_at, Some(beginning() + TimeDelta::seconds(30)));
    })
    .await;
}

#[tokio::test]
async fn tokens_are_listed_newest_first_with_their_ends_and_their_last_use() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (id, mut state) = apply(&mut history, 1, "Acme", "subject-1");
        let company = CompanyId::from_random(bytes(1));
        let allowed: BTreeSet<String> = ["revenue".to_owned()].into();
        let named = NewToken {
            scopes: vec![TokenScope::MetricsWrite],
            allowed_metrics: Some(allowed.clone()),
            created_by: Some("account-1".to_owned()),
            ..token(2, "robot")
        };
        let issue = ApplicationCommand::IssueToken(IssueToken { token: named });
        assert_eq!(history.decide(id.as_str(), &mut state, &issue), 1);
        history.pass(10);
        let rotate = RotateToken {
            token: token(2, "").id,
            replacement: token(3, "").id,
            secret_hash: "cd".repeat(32),
            grace_seconds: 60,
            by: "account-1".to_owned(),
        };
        assert_eq!(history.decide(id.as_str(), &mut state, &ApplicationCommand::RotateToken(rotate)), 1);
        let revoke = RevokeToken { token: token(100, "").id, reason: None, by: "account-1".to_owned() };
        assert_eq!(history.decide(id.as_str(), &mut state, &ApplicationCommand::RevokeToken(revoke)), 1);
        desk.fold(&history, 2).await;
        LastUsed::new(desk.store.clone()).note(&token(3, "").id, None, history.now).await.unwrap();

        let tokens = agent_tokens::of_company(&desk.store, &company, None, 10).await.unwrap();
        let ids: Vec<_> = tokens.iter().map(|row| row.public_id.clone()).collect();
        assert_eq!(ids, [token(3, "").id, token(2, "").id, token(100, "").id]);
        let [new, old, default] = tokens.as_slice() else { panic!("three tokens") };
        assert_eq!((new.name.as_str(), new.allowed_metrics.as_ref()), ("robot", Some(&allowed)));
        assert_eq!(
            (new.scopes.as_slice(), new.last_used_at),
            ([TokenScope::MetricsWrite].as_slice(), Some(history.now))
        );
        assert_eq!(old.expires_at, Some(history.now + TimeDelta::seconds(60)));
        assert_eq!(old.rotated_to, Some(new.public_id.clone()));
        assert_eq!(default.revoked_at, Some(history.now));
        assert_eq!(default.founder_subject, SubjectId("subject-1".to_owned()));
        assert_eq!(agent_tokens::by_public_id(&desk.store, &new.public_id).await.unwrap().as_ref(), Some(new));
    })
    .await;
}

#[tokio::test]
async fn a_text_with_a_nul_is_kept_on_both_engines() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let (id, _) = apply(&mut history, 1, "Ac\0me", "subject-1");
        desk.fold(&history, 10).await;
        let found = applications::by_id(&desk.store, &id).await.unwrap().unwrap();
        assert_eq!(found.company_name, "Ac\u{FFFD}me");
    })
    .await;
}
