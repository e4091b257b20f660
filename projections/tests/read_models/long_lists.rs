//! Lists of what grew for years: the newest rows are read by an index, however many lie behind them.

use std::time::Duration;

use chrono::TimeDelta;
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{AccountId, OfferId, PersonaId};
use muniment_aggregates::offer_book::{NoteLapsed, OfferBook, OfferBookCommand, OfferBookEvent, OfferMade};
use muniment_aggregates::record::Position;
use muniment_projections::audit::{AuditFilter, page};
use muniment_projections::audit_log::{Filter, everywhere};
use muniment_projections::{audit_log, offers, sessions};

use crate::harness::{Desk, on_both_engines, shortest};
use crate::history::History;
use crate::people::{register, sign_in};

const NUMBERS: &str =
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) INSERT INTO ";

/// Puts 100,000 rows into a table; `rows` selects them from `numbers (n)`.
async fn fill(desk: &Desk, rows: &str) {
    let database = desk.tamper().await;
    database.run_script(&format!("{NUMBERS}{rows}")).await.unwrap();
    database.close().await;
}

/// Ten times as long, and what a busy machine adds, is as fast; reading 100,000 rows takes a hundred times as long.
fn is_as_fast(young: Duration, old: Duration) -> bool {
    old < young * 10 + Duration::from_millis(2)
}

/// How often all readings are taken again where they were not as fast: something else may have begun on this machine.
const LOOKS: usize = 20;

/// The shortest of several readings, taken again where it is not as fast.
async fn as_fast<T>(young: Duration, reading: impl AsyncFn() -> T) -> Duration {
    let mut old = shortest(&reading).await;
    for _ in 1..LOOKS {
        if is_as_fast(young, old) {
            break;
        }
        old = shortest(&reading).await;
    }
    old
}

fn account(id: &str) -> AccountId {
    AccountId(id.to_owned())
}

#[tokio::test]
async fn what_an_account_has_open_is_found_as_fast_after_100_000_sign_ins() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut owner = register(&mut history, "account-1", "subject-1");
        sign_in(&mut history, "account-1", &mut owner, 1);
        desk.fold(&history, 10).await;
        let (owner, now) = (account("account-1"), history.now);
        let readings = async || {
            let of_account = async || sessions::live_of_account(&desk.store, &owner, now, 10).await.unwrap();
            let all = async || sessions::live_all(&desk.store, now, 10).await.unwrap();
            let expired = async || sessions::expired(&desk.store, now + TimeDelta::days(90), 10).await.unwrap();
            assert_eq!((of_account().await.len(), all().await.len(), expired().await.len()), (1, 1, 1));
            [shortest(of_account).await, shortest(all).await, shortest(expired).await]
        };
        let young = readings().await;
        let ended = "sessions_v2_g0 SELECT 'ended-' || n, account_id, kind, secret_hash, created_at, expires_at, \
                     created_at, 'logout', position + n FROM sessions_v2_g0, numbers";
        fill(desk, ended).await;
        let are_as_fast = |old: &[Duration; 3]| young.iter().zip(old).all(|(young, old)| is_as_fast(*young, *old));
        let mut old = readings().await;
        for _ in 1..LOOKS {
            if are_as_fast(&old) {
                break;
            }
            old = readings().await;
        }
        assert!(are_as_fast(&old), "{young:?}, then {old:?}");
    })
    .await;
}

#[tokio::test]
async fn the_newest_offers_are_read_as_fast_after_100_000() {
    on_both_engines(async |desk| {
        // Every tenth is to the keeper's own account, and so on both of its sides.
        let made = "offers_v2_g0 (id, account_id, grantor, grantor_account, role, created_at, expires_at, \
                    position) SELECT 'made-' || n, CASE WHEN n % 10 = 0 THEN 'keeper' ELSE 'other-' || n END, 'p', \
                    'keeper', 'teacher', n / 2, 1, n FROM numbers";
        fill(desk, made).await;
        let received = "offers_v2_g0 (id, account_id, grantor, grantor_account, role, created_at, expires_at, \
                        position) SELECT 'received', 'keeper', 'q', 'ann', 'admin', 49999, 1, 99997 FROM numbers \
                        WHERE n = 1";
        fill(desk, received).await;
        let ids = async |limit, offset| {
            let rows = offers::history(&desk.store, &account("keeper"), limit, offset).await.unwrap();
            rows.into_iter().map(|row| row.id.0).collect::<Vec<_>>()
        };
        let newest = ids(6, 0).await;
        assert_eq!(newest, ["made-100000", "made-99999", "made-99998", "received", "made-99997", "made-99996"]);
        assert_eq!([ids(2, 0).await, ids(2, 2).await, ids(2, 4).await].concat(), newest);
        let of = async |id| offers::history(&desk.store, &account(id), 20, 0).await.unwrap();
        let young = shortest(async || of("ann").await).await;
        let old = as_fast(young, async || of("keeper").await).await;
        assert!(is_as_fast(young, old), "{young:?} for who made one, {old:?} for who made 100,000");
    })
    .await;
}

#[tokio::test]
async fn what_lapsed_is_found_as_fast_after_100_000_whose_lapse_was_noted() {
    on_both_engines(async |desk| {
        let mut history = History::new();
        let mut book = OfferBook::default();
        let now = history.now + TimeDelta::days(30);
        let made = OfferMade {
            offer: OfferId("offer-1".to_owned()),
            grantor: PersonaId("keeper-persona".to_owned()),
            grantor_account: account("keeper"),
            to_persona: None,
            role: "teacher".to_owned(),
            scope: None,
            message: None,
            expires_at: now,
            at: history.now,
        };
        let made = OfferBookEvent::Made(made);
        book.evolve(&made);
        history.record("offer", "ann", &made);
        desk.fold(&history, 10).await;
        let due = async |at| offers::lapsed(&desk.store, at, 10).await.unwrap();
        assert_eq!(due(now - TimeDelta::seconds(1)).await, []);
        assert_eq!(due(now).await, [account("ann")]);
        let young = shortest(async || due(now).await).await;
        let noted = "offers_v2_g0 SELECT 'noted-' || n, account_id, grantor, grantor_account, to_persona, role, \
                     scope_kind, scope_id, message, created_at, expires_at, accepted_at, declined_at, decline_reason, \
                     retracted_at, superseded_at, resulting_grant, NULL, position + n FROM offers_v2_g0, numbers";
        // PostgreSQL does so by itself where many rows came.
        fill(desk, &format!("{noted}; ANALYZE offers_v2_g0")).await;
        let old = as_fast(young, async || due(now).await).await;
        assert!(is_as_fast(young, old), "{young:?}, then {old:?}");

        history.now = now;
        assert_eq!(history.decide("ann", &mut book, &OfferBookCommand::NoteLapsed(NoteLapsed {})), 1);
        desk.fold(&history, 10).await;
        assert_eq!(due(now).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_newest_audit_rows_of_an_account_are_read_as_fast_after_100_000() {
    on_both_engines(async |desk| {
        let grants_until = async |until, limit, offset| {
            let rows = audit_log::grant_history(&desk.store, Position(until), limit, offset).await.unwrap();
            rows.into_iter().map(|row| row.seq.0).collect::<Vec<_>>()
        };
        let grants = async |limit, offset| grants_until(100_000, limit, offset).await;
        let none = shortest(async || grants(20, 0).await).await;
        // By the account, about it, and every sixth both.
        let rows = "audit_log_v3_g0 (seq, id, event_type, outcome, account_id, target_account_id, created_at, metadata) \
                    SELECT n, 'id-' || n, CASE WHEN n % 4 = 0 THEN 'role_grant_create' ELSE 'role_grant_revoke' END, \
                    'success', \
                    CASE WHEN n % 2 = 0 THEN 'keeper' END, CASE WHEN n % 3 = 0 OR n % 2 = 1 THEN 'keeper' END, n, '{}' \
                    FROM numbers";
        fill(desk, rows).await;
        let of = async |id: Option<&str>, limit, offset| {
            let filter = Filter { account: id.map(account), limit, offset, ..Filter::default() };
            let rows = everywhere::list(&desk.store, &filter).await.unwrap();
            rows.into_iter().map(|row| row.seq.0).collect::<Vec<_>>()
        };
        let newest: Vec<u64> = (99_981..=100_000).rev().collect();
        assert_eq!(of(Some("keeper"), 20, 0).await, newest);
        assert_eq!([of(Some("keeper"), 7, 0).await, of(Some("keeper"), 13, 7).await].concat(), newest);
        let young = shortest(async || of(None, 20, 0).await).await;
        let old = as_fast(young, async || of(Some("keeper"), 20, 0).await).await;
        assert!(is_as_fast(young, old), "{young:?} for the whole list, {old:?} for the rows of one account");
        // The same without what applications and metrics have, as operators list it.
        let own = async |limit, offset| {
            let filter = Filter { account: Some(account("keeper")), limit, offset, ..Filter::default() };
            let rows = audit_log::list(&desk.store, &filter).await.unwrap();
            rows.into_iter().map(|row| row.seq.0).collect::<Vec<_>>()
        };
        assert_eq!([own(7, 0).await, own(13, 7).await].concat(), newest);
        let old = as_fast(young, async || own(20, 0).await).await;
        assert!(is_as_fast(young, old), "{young:?} for the whole list, {old:?} for the rows of one account alone");
        assert_eq!([grants(7, 0).await, grants(13, 7).await].concat(), newest);
        assert_eq!(grants_until(99_990, 10, 0).await, newest[10..]);
        let old = as_fast(none, async || grants(20, 0).await).await;
        assert!(is_as_fast(none, old), "{none:?} for no roles given and taken, {old:?} for all of them");
    })
    .await;
}

#[tokio::test]
async fn what_was_done_to_one_thing_is_read_as_fast_among_100_000_points() {
    on_both_engines(async |desk| {
        // Every hundredth row is of a thing of its own, all others are of points; the one action is the oldest of all.
        let rows = "audit_v3_g0 (seq, id, action, recorded_at, resource_type, resource_id, actor_kind, actor_label, \
                    actor_sealed, correlation, surface, command, metadata, occurrences) \
                    SELECT n, 'id-' || n, CASE WHEN n = 1 THEN 'metric.created' WHEN n % 100 = 0 THEN 'rule.set' \
                    ELSE 'metric_point.created' END, n, CASE WHEN n = 1 THEN 'application' WHEN n % 100 = 0 THEN 'metric' \
                    ELSE 'metric_point' END, \
                    'thing-' || n, 'system', 'system', 0, 'request-' || n, 'http', 'bench', '{}', 1 FROM numbers";
        fill(desk, rows).await;
        let read = async |filter: &AuditFilter| {
            let rows = page(&desk.store, filter, 20).await.unwrap();
            rows.into_iter().map(|row| row.seq.0).collect::<Vec<_>>()
        };
        let all = AuditFilter::default();
        let young = shortest(async || read(&all).await).await;
        let action = |action: &str| AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
        let resource = AuditFilter { resource_id: Some("thing-100".to_owned()), ..AuditFilter::default() };
        let kind = |kind: &str| AuditFilter { resource_type: Some(kind.to_owned()), ..AuditFilter::default() };
        for (filter, newest) in [
            (kind("application"), vec![1]),
            (kind("metric"), vec![100_000, 99_900]),
            (kind("metric_point"), vec![99_999]),
            (action("metric.created"), vec![1]),
            (action("rule.set"), vec![100_000, 99_900]),
            (action("metric_point.created"), vec![99_999]),
            (resource, vec![100]),
        ] {
            assert!(read(&filter).await.starts_with(&newest), "{filter:?}");
            let old = as_fast(young, async || read(&filter).await).await;
            assert!(is_as_fast(young, old), "{young:?} for the whole list, {old:?} for {filter:?}");
        }
        // The program's own list of the whole installation has the same rows by the same index.
        for (filter, count) in [
            (Filter { event_type: Some("metric.created".to_owned()), limit: 20, ..Filter::default() }, 1),
            (Filter { outcome: Some("failure".to_owned()), limit: 20, ..Filter::default() }, 0),
        ] {
            let listed = async || everywhere::list(&desk.store, &filter).await.unwrap();
            assert_eq!(listed().await.len(), count);
            let old = as_fast(young, listed).await;
            assert!(is_as_fast(young, old), "{young:?} for the whole list, {old:?} for {filter:?} of the installation");
        }
    })
    .await;
}
