//! Replacing and checking a generation.

use std::sync::{Arc, Mutex};

use futures_util::future::try_join_all;
use muniment_aggregates::ids::{ApplicationId, CompanyId};
use muniment_aggregates::record::Position;
use muniment_projections::rebuild::{Progress, RebuildError, rebuild};
use muniment_projections::verify::{DifferenceKind, verify};
use muniment_projections::{Advance, AdvanceError, OnMismatch, Purpose, ReadStore, metrics};
use tokio::sync::{Barrier, Notify};

use crate::company::{acme, company_history, count_points, define, point};
use crate::harness::{RECORD, on_both_engines};
use crate::history::{History, bytes};

/// A company whose metric has so many points.
pub(crate) fn long_history(points_count: u32) -> History {
    let mut history = company_history();
    let company = CompanyId::from_random(bytes(1));
    let application = ApplicationId::from_random(bytes(1));
    let metric = define(&mut history, &company, &application, "users");
    for number in 0..points_count {
        point(&mut history, &company, &metric, "users", f64::from(number));
    }
    history
}

#[tokio::test]
async fn a_rebuilt_model_takes_the_place_of_the_live_one() {
    on_both_engines(async |desk| {
        let history = long_history(1_000);
        desk.fold(&history, 300).await;
        let steps = Mutex::new(Vec::new());
        let progress = |step: Progress| steps.lock().unwrap().push(step.position);
        for model in desk.store.projections() {
            let at = rebuild(&desk.store, model.name(), |after, limit| history.read(after, limit), &progress).await;
            assert_eq!(at.unwrap(), history.head(), "{}", model.name());
        }
        let steps = steps.into_inner().unwrap();
        assert!(steps.contains(&Position::START) && steps.contains(&history.head()));
        let all = desk.store.checkpoints().await.unwrap();
        assert_eq!(all.len(), desk.store.projections().len(), "the old generations are gone");
        assert!(all.iter().all(|at| at.purpose == Purpose::Live && at.generation == 1));
        assert_eq!(count_points(&desk.store).await, 1_003);
        assert_eq!(metrics::count_of_company(&desk.store, &acme()).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_model_serves_and_advances_while_it_is_rebuilt() {
    on_both_engines(async |desk| {
        let history = long_history(400);
        let early = history.up_to(200);
        desk.fold(&early, 100).await;
        let arrived = Mutex::new(false);
        let read = async |after: Position, limit: usize| {
            // While the first page is being read, the rest arrives at the live model.
            let first = !std::mem::replace(&mut *arrived.lock().unwrap(), true);
            if first {
                assert_eq!(metrics::count_of_company(&desk.store, &acme()).await.unwrap(), 2);
                desk.fold(&history, 50).await;
            }
            history.read(after, limit).await
        };
        let at = rebuild(&desk.store, "points", &read, &|_| {}).await.unwrap();
        assert_eq!(at, history.head());
        assert_eq!(count_points(&desk.store).await, 403);
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_rebuild_goes_on_where_it_was() {
    on_both_engines(async |desk| {
        let history = long_history(6_000);
        desk.fold(&history, 5_000).await;
        let cut = async |after: Position, limit: usize| {
            if after.0 >= 5_000 { Err("the disk is gone".to_owned()) } else { history.read(after, limit).await }
        };
        let interrupted = rebuild(&desk.store, "points", &cut, &|_| {}).await;
        assert!(matches!(interrupted, Err(RebuildError::Read { after: Position(5_000), .. })));
        assert_eq!(count_points(&desk.store).await, 6_003, "the live model still serves");

        let steps = Mutex::new(Vec::new());
        let progress = |step: Progress| steps.lock().unwrap().push(step.position);
        rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &progress).await.unwrap();
        assert_eq!(steps.into_inner().unwrap(), [Position(5_000), history.head()]);
        assert_eq!(count_points(&desk.store).await, 6_003);
    })
    .await;
}

#[tokio::test]
async fn what_is_unfinished_is_dropped_by_a_failed_verification_and_by_whoever_erases() {
    on_both_engines(async |desk| {
        let history = long_history(6_000);
        desk.fold(&history, 5_000).await;
        let cut = async |after: Position, limit: usize| {
            if after.0 >= 5_000 { Err("the disk is gone".to_owned()) } else { history.read(after, limit).await }
        };
        let unfinished = async || {
            let all = desk.store.checkpoints().await.unwrap();
            all.into_iter().filter(|at| at.purpose != Purpose::Live).map(|at| (at.name, at.purpose)).collect::<Vec<_>>()
        };
        let failed = verify(&desk.store, "points", &cut, &|_| {}).await;
        assert!(matches!(failed, Err(RebuildError::Read { after: Position(5_000), .. })), "{failed:?}");
        assert_eq!(unfinished().await, []);

        rebuild(&desk.store, "points", &cut, &|_| {}).await.unwrap_err();
        assert_eq!(unfinished().await, [("points".to_owned(), Purpose::Rebuild)]);
        desk.store.drop_unfinished().await.unwrap();
        assert_eq!(unfinished().await, []);
        let tamper = desk.tamper().await;
        assert!(tamper.fetch_all("SELECT position FROM points_v1_g1 LIMIT 1", &[]).await.is_err(), "the table is gone");
        tamper.close().await;

        // One that runs meanwhile begins again when it is told to.
        let beside = async |after: Position, limit: usize| {
            desk.store.drop_unfinished().await.unwrap();
            history.read(after, limit).await
        };
        let ended = rebuild(&desk.store, "points", &beside, &|_| {}).await;
        assert!(matches!(ended, Err(RebuildError::Dropped("points"))), "{ended:?}");
        assert_eq!(count_points(&desk.store).await, 6_003, "the live model still serves");
        rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
        assert_eq!(count_points(&desk.store).await, 6_003);
    })
    .await;
}

#[tokio::test]
async fn a_verification_rests_on_no_tables_that_are_there() {
    on_both_engines(async |desk| {
        let history = long_history(50);
        desk.fold(&history, 100).await;
        let tamper = desk.tamper().await;
        let head = history.head();
        let planted = [
            "UPDATE points_v1_g0 SET value = 666 WHERE position = 10".to_owned(),
            "CREATE TABLE points_v1_g7 AS SELECT * FROM points_v1_g0".to_owned(),
            "CREATE TABLE point_corrections_v1_g7 AS SELECT * FROM point_corrections_v1_g0".to_owned(),
            format!(
                "INSERT INTO read_checkpoints_v1 (name, version, generation, purpose, position, record) \
                 VALUES ('points', 1, 7, 'verify', {head}, '{RECORD}')"
            ),
        ];
        for sql in planted {
            tamper.execute(&sql, &[]).await.unwrap();
        }
        let steps = Mutex::new(Vec::new());
        let progress = |step: Progress| steps.lock().unwrap().push(step.position);
        let read = |after, limit| history.read(after, limit);
        let verified = verify(&desk.store, "points", read, &progress).await.unwrap();
        assert_eq!(verified.differences.len(), 1, "{verified:?}");
        assert_eq!(steps.into_inner().unwrap().first(), Some(&Position::START));
        let left = desk.store.checkpoints().await.unwrap();
        assert!(left.iter().all(|at| at.purpose == Purpose::Live), "{left:?}");
        assert!(tamper.fetch_all("SELECT position FROM points_v1_g7", &[]).await.is_err(), "the planted table is gone");
        tamper.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_verifications_the_later_is_told_and_without_the_lock_the_earlier_begins_again() {
    on_both_engines(async |desk| {
        let history = long_history(50);
        desk.fold(&history, 100).await;
        let other = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        let first = desk.store.try_verifying().await.unwrap().expect("nobody else verifies");
        assert!(other.try_verifying().await.unwrap().is_none());
        drop(first);
        // On PostgreSQL the server has to notice.
        while other.try_verifying().await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }

        let beside = async |after: Position, limit: usize| {
            let own = verify(&other, "points", |after, limit| history.read(after, limit), &|_| {}).await;
            assert_eq!(own.unwrap().differences, []);
            history.read(after, limit).await
        };
        let ended = verify(&desk.store, "points", &beside, &|_| {}).await;
        assert!(matches!(ended, Err(RebuildError::Dropped("points"))), "{ended:?}");
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn more_rows_than_are_listed_are_counted_and_rightly_named() {
    on_both_engines(async |desk| {
        let history = long_history(300);
        desk.fold(&history, 100).await;
        let tamper = desk.tamper().await;
        let missing = "DELETE FROM points_v1_g0 WHERE position BETWEEN 100 AND 249";
        assert_eq!(tamper.execute(missing, &[]).await.unwrap(), 150);
        // The last of them by its key.
        let altered = "UPDATE points_v1_g0 SET value = 666 WHERE position = 250";
        assert_eq!(tamper.execute(altered, &[]).await.unwrap(), 1);
        let read = |after, limit| history.read(after, limit);
        let verified = verify(&desk.store, "points", read, &|_| {}).await.unwrap();
        assert_eq!((verified.differing, verified.differences.len()), (151, 100));
        assert!(verified.differences.iter().all(|it| it.kind == DifferenceKind::Missing), "{:?}", verified.differences);
        tamper.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_altered_a_missing_and_a_surplus_row_are_found() {
    on_both_engines(async |desk| {
        let history = long_history(50);
        desk.fold(&history, 100).await;
        let read = |after, limit| history.read(after, limit);
        for model in desk.store.projections() {
            let verified = verify(&desk.store, model.name(), read, &|_| {}).await.unwrap();
            assert_eq!(verified.differences, [], "{}", model.name());
            assert_eq!(verified.position, history.head());
        }
        let tamper = desk.tamper().await;
        for sql in [
            "UPDATE points_v1_g0 SET value = 666 WHERE position = 10",
            "DELETE FROM points_v1_g0 WHERE position = 11",
            "INSERT INTO points_v1_g0 SELECT 99999, 'point_forged', metric_id, instant, timestamp_text, value, \
             original_value, source, confidence, raw_event_id, idempotency_key, recorded_at, corrected_at \
             FROM points_v1_g0 WHERE position = 12",
        ] {
            assert_eq!(tamper.execute(sql, &[]).await.unwrap(), 1);
        }
        let verified = verify(&desk.store, "points", read, &|_| {}).await.unwrap();
        let mut found: Vec<_> = verified.differences.iter().map(|it| (it.key.as_str(), it.kind)).collect();
        found.sort();
        assert_eq!(
            found,
            [("10", DifferenceKind::Altered), ("11", DifferenceKind::Missing), ("99999", DifferenceKind::Surplus)]
        );
        let left = desk.store.checkpoints().await.unwrap();
        assert!(left.iter().all(|at| at.purpose == Purpose::Live), "the shadow is gone");

        rebuild(&desk.store, "points", read, &|_| {}).await.unwrap();
        assert_eq!(verify(&desk.store, "points", read, &|_| {}).await.unwrap().differences, []);
        tamper.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_rebuild_stops_at_an_event_it_cannot_take_and_leaves_the_live_model() {
    on_both_engines(async |desk| {
        let mut history = company_history();
        desk.fold(&history, 100).await;
        history.record_raw("subject", "s", "subject.erased", "{\"erased\":{\"reason\":\"x\",\"at\":1}}");
        let accounts = desk.store.projection("accounts").unwrap();
        desk.store.advance(accounts.as_ref(), &history.events[history.events.len() - 1..]).await.unwrap();
        let audit = desk.store.projection("audit").unwrap();
        let stopped = desk.store.advance(audit.as_ref(), &history.events[history.events.len() - 1..]).await;
        assert!(matches!(stopped, Err(AdvanceError::Stopped(_))));
        let unknown = rebuild(&desk.store, "nothing", |after, limit| history.read(after, limit), &|_| {}).await;
        assert!(matches!(unknown, Err(RebuildError::Unknown(_))));
        // Up to where the stopped model is, its events can be folded: it can be rebuilt to that point.
        let at = rebuild(&desk.store, "audit", |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
        assert_eq!(at, Position(history.head().0 - 1));
    })
    .await;
}

#[tokio::test]
async fn models_that_a_run_over_all_was_not_done_with_are_told() {
    on_both_engines(async |desk| {
        let history = company_history();
        desk.fold(&history, 100).await;
        let store = &desk.store;
        assert!(store.unfinished_rebuilds().await.unwrap().is_empty());
        let all: Vec<&str> = store.projections().iter().map(|model| model.name()).collect();
        store.begin_rebuilds(&all).await.unwrap();
        let generations = store.checkpoints().await.unwrap().len();
        store.begin_rebuilds(&all).await.unwrap();
        assert_eq!(store.checkpoints().await.unwrap().len(), generations, "they are made once");
        rebuild(store, all[0], |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
        assert_eq!(store.unfinished_rebuilds().await.unwrap(), all[1..]);
        store.drop_unfinished().await.unwrap();
        assert!(store.unfinished_rebuilds().await.unwrap().is_empty(), "an erasure leaves none");
    })
    .await;
}

#[tokio::test]
async fn another_node_finds_the_new_tables_after_a_swap() {
    on_both_engines(async |desk| {
        let history = company_history();
        desk.fold(&history, 100).await;
        let other = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        assert_eq!(count_points(&other).await, 3);
        rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
        assert_eq!(count_points(&other).await, 3);
        let mut longer = history.clone();
        longer.record_raw("offer", "offer_x", "offer.made", "{}");
        let model = other.projection("points").unwrap();
        let moved = other.advance(model.as_ref(), &longer.events[history.events.len()..]).await.unwrap();
        assert_eq!(moved, Advance::Moved(longer.head()));
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_that_still_knows_the_old_tables_advances_the_new_ones() {
    on_both_engines(async |desk| {
        let history = company_history();
        desk.fold(&history, 100).await;
        let other = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
        let mut longer = history.clone();
        longer.record_raw("offer", "offer_x", "offer.made", "{}");
        let model = other.projection("points").unwrap();
        let moved = other.advance(model.as_ref(), &longer.events[history.events.len()..]).await.unwrap();
        assert_eq!(moved, Advance::Moved(longer.head()));
        let live = desk.store.live().await.unwrap();
        assert_eq!(live.iter().find(|at| at.name == "points").unwrap().position, longer.head());
        other.close().await;
    })
    .await;
}

/// Rebuilds the points in `other` as well, held while it reads until they were rebuilt in `first` so many times.
async fn rebuilt_beside(
    first: &ReadStore,
    other: &ReadStore,
    history: &History,
    times: usize,
) -> Result<Position, RebuildError> {
    let (reads, goes_on) = (Notify::new(), Notify::new());
    let held = async |after, limit| {
        reads.notify_one();
        goes_on.notified().await;
        history.read(after, limit).await
    };
    let meanwhile = async {
        reads.notified().await;
        for _ in 0..times {
            let at = rebuild(first, "points", |after, limit| history.read(after, limit), &|_| {}).await.unwrap();
            assert_eq!(at, history.head());
        }
        goes_on.notify_one();
    };
    tokio::join!(rebuild(other, "points", &held, &|_| {}), meanwhile).0
}

#[tokio::test]
async fn a_model_that_two_runs_rebuild_at_once_is_rebuilt_and_serves() {
    on_both_engines(async |desk| {
        let history = long_history(400);
        desk.fold(&history, 100).await;
        let other = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        for (times, generation) in [(1, 1), (2, 3)] {
            let ended = rebuilt_beside(&desk.store, &other, &history, times).await;
            if times == 1 {
                assert_eq!(ended.unwrap(), history.head(), "the other run rebuilt it");
            } else {
                assert!(matches!(ended, Err(RebuildError::Dropped("points"))), "{ended:?}");
            }
            for store in [&desk.store, &other] {
                let points = store.checkpoints().await.unwrap().into_iter().filter(|at| at.name == "points");
                let points: Vec<_> = points.map(|at| (at.generation, at.purpose, at.position)).collect();
                assert_eq!(points, [(generation, Purpose::Live, history.head())]);
                assert_eq!(count_points(store).await, 403);
                let read = |after, limit| history.read(after, limit);
                assert_eq!(verify(store, "points", read, &|_| {}).await.unwrap().differences, []);
            }
        }
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_begin_at_once_fill_the_same_tables() {
    on_both_engines(async |desk| {
        let history = long_history(400);
        desk.fold(&history, 100).await;
        let stores = [(); 4].map(|()| desk.reopen(history.head(), OnMismatch::Refuse));
        let stores = try_join_all(stores).await.unwrap();
        // None reads before all have begun.
        let begun = Barrier::new(stores.len());
        let read = async |after: Position, limit: usize| {
            if after == Position::START {
                begun.wait().await;
            }
            history.read(after, limit).await
        };
        let untold = |_: Progress| {};
        let runs = stores.iter().map(|store| rebuild(store, "points", &read, &untold));
        assert_eq!(try_join_all(runs).await.unwrap(), [history.head(); 4]);
        let points = desk.store.checkpoints().await.unwrap().into_iter().filter(|at| at.name == "points");
        assert_eq!(points.map(|at| at.generation).collect::<Vec<_>>(), [1]);
        assert_eq!(count_points(&desk.store).await, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_advances_all_the_while_is_verified_and_rebuilt() {
    on_both_engines(async |desk| {
        let history = Arc::new(long_history(3_000));
        let (store, whole) = (desk.store.clone(), Arc::clone(&history));
        let writer = tokio::spawn(async move {
            let models = store.projections().to_vec();
            let mut at = 0;
            while at < whole.events.len() {
                let upto = (at + 20).min(whole.events.len());
                for outcome in store.advance_together(&models, &whole.events[at..upto]).await {
                    assert_eq!(outcome.result.expect(outcome.name), Advance::Moved(Position(upto as u64)));
                }
                at = upto;
            }
        });
        for model in ["points", "metrics", "audit"] {
            let read = |after, limit| history.read(after, limit);
            assert_eq!(verify(&desk.store, model, read, &|_| {}).await.unwrap().differences, [], "{model}");
            rebuild(&desk.store, model, read, &|_| {}).await.unwrap();
            assert_eq!(verify(&desk.store, model, read, &|_| {}).await.unwrap().differences, [], "{model}");
        }
        writer.await.unwrap();
        assert_eq!(count_points(&desk.store).await, 3_003);
    })
    .await;
}
