//! What is left of a generation that was replaced, and what replacing one costs those beside it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_projections::rebuild::rebuild;
use muniment_projections::{OnMismatch, Purpose, ReadDatabase};
use muniment_sql::{Database, Engine};

use crate::company::count_points;
use crate::harness::{Desk, on_both_engines};
use crate::rebuild::long_history;

/// How many rows a table has; `None` where it is gone.
async fn rows(of: &Database, table: &str) -> Option<u64> {
    let row = of.fetch_optional(&format!("SELECT COUNT(*) AS total FROM {table}"), &[]).await.ok()?;
    Some(row.unwrap().count("total").unwrap())
}

async fn retired(desk: &Desk) -> Vec<String> {
    let all = desk.store.checkpoints().await.unwrap();
    all.into_iter().filter(|at| at.purpose == Purpose::Retired).map(|at| at.name).collect()
}

/// The rows of `points` under any name: SQLite's have another while they are dropped.
async fn points(of: &Database) -> Option<u64> {
    match rows(of, "points_v1_g0").await {
        Some(rows) => Some(rows),
        None => rows(of, "points_v1_g0_retired").await,
    }
}

#[tokio::test]
async fn a_large_table_goes_in_portions_and_whoever_is_cut_short_leaves_the_rest() {
    on_both_engines(async |desk| {
        let history = long_history(20_000);
        desk.fold(&history, 5_000).await;
        let tampered = desk.tamper().await;
        let retire = "UPDATE read_checkpoints_v1 SET purpose = 'retired' WHERE name = 'points'";
        tampered.execute(retire, &[]).await.unwrap();
        let store = desk.store.clone();
        let dropping = tokio::spawn(async move { store.drop_retired().await });
        while points(&tampered).await == Some(20_003) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        dropping.abort();
        // Where it was through before it could be cut short, there is nothing left to see.
        if dropping.await.is_err() && points(&tampered).await.is_some() {
            assert_eq!(desk.store.engine(), Engine::Sqlite, "in portions");
            assert_eq!(retired(desk).await, ["points"]);
        }
        desk.store.drop_retired().await.unwrap();
        assert_eq!(points(&tampered).await, None);
        assert_eq!(retired(desk).await, [""; 0]);
        tampered.close().await;
    })
    .await;
}

/// Another process hears of a swap only when it finds that its tables are gone. Empty ones would be answers.
#[tokio::test]
async fn who_has_not_heard_of_a_swap_never_finds_a_table_that_is_being_emptied() {
    on_both_engines(async |desk| {
        let history = long_history(5_000);
        desk.fold(&history, 5_000).await;
        let other = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        assert_eq!(count_points(&other).await, 5_003);
        let rebuilding = rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &|_| {});
        let (at, looks) = tokio::join!(rebuilding, async {
            for look in 0..400 {
                assert_eq!(count_points(&other).await, 5_003, "look {look}");
                if retired(desk).await.is_empty() && look > 50 {
                    return look;
                }
            }
            400
        });
        assert_eq!(at.unwrap(), history.head());
        assert_eq!(count_points(&other).await, 5_003, "after {looks} looks");
        other.close().await;
    })
    .await;
}

/// PostgreSQL drops no table that somebody reads; who waited for that held up whoever opens the read models.
#[tokio::test]
async fn a_table_that_somebody_reads_for_long_is_left_for_later() {
    on_both_engines(async |desk| {
        let history = long_history(10);
        desk.fold(&history, 5_000).await;
        let tampered = desk.tamper().await;
        let retire = "UPDATE read_checkpoints_v1 SET purpose = 'retired' WHERE name = 'points'";
        tampered.execute(retire, &[]).await.unwrap();
        let mut reading = tampered.begin_snapshot().await.unwrap();
        reading.fetch_all("SELECT position FROM points_v1_g0", &[]).await.unwrap();
        let dropping = tokio::time::timeout(Duration::from_secs(30), desk.store.drop_retired()).await;
        match desk.store.engine() {
            Engine::Sqlite => dropping.unwrap().unwrap(),
            Engine::Postgres => assert!(dropping.expect("it does not wait").unwrap_err().is_of_a_lock()),
        }
        reading.commit().await.unwrap();
        desk.store.drop_retired().await.unwrap();
        assert_eq!(points(&tampered).await, None);
        tampered.close().await;
    })
    .await;
}

/// SQLite zeroes what it drops: all of it in one transaction would be in its log of writes at once, and nobody else could
/// write meanwhile.
#[tokio::test]
async fn dropping_a_large_table_keeps_the_log_of_writes_short() {
    on_both_engines(async |desk| {
        let ReadDatabase::Sqlite { directory } = &desk.config.database else { return };
        let tampered = desk.tamper().await;
        let fill = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 100000) \
            INSERT INTO points_v1_g0 (position, id, metric_id, instant, timestamp_text, value, source, confidence, \
            idempotency_key, recorded_at) SELECT n, 'p' || n, 'm', n, hex(zeroblob(200)), 1, 's', 1, 'k', n FROM up";
        tampered.execute(fill, &[]).await.unwrap();
        tampered
            .execute("UPDATE read_checkpoints_v1 SET purpose = 'retired' WHERE name = 'points'", &[])
            .await
            .unwrap();
        tampered.fetch_all("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await.unwrap();
        tampered.close().await;
        let log = directory.join("read.db-wal");
        let store = desk.store.clone();
        let dropping = tokio::spawn(async move { store.drop_retired().await });
        let mut longest = 0;
        while !dropping.is_finished() {
            longest = longest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        dropping.await.unwrap().unwrap();
        assert!((1..32_000_000).contains(&longest), "{longest} bytes");
        assert_eq!(retired(desk).await, [""; 0]);
    })
    .await;
}

/// Between the last page and the swap the live tables move on; the planner is told before that, once.
#[tokio::test]
async fn a_rebuild_beside_a_model_that_never_rests_analyses_its_tables_once() {
    on_both_engines(async |desk| {
        let history = long_history(4_000);
        desk.fold(&history.up_to(2_000), 1_000).await;
        let is_done = AtomicBool::new(false);
        let writing = async {
            for upto in 2_001..=4_000 {
                if is_done.load(Ordering::Acquire) {
                    break;
                }
                desk.fold(&history.up_to(upto), 1).await;
            }
        };
        let rebuilding = async {
            let at = rebuild(&desk.store, "points", |after, limit| history.read(after, limit), &|_| {}).await;
            is_done.store(true, Ordering::Release);
            at.unwrap()
        };
        let (at, ()) = tokio::join!(rebuilding, writing);
        assert!(at >= Position(2_000));
        let tampered = desk.tamper().await;
        if desk.store.engine() == Engine::Postgres {
            let sql = "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'points_v1_g1'";
            let counted = tampered.fetch_optional(sql, &[]).await.unwrap().unwrap();
            assert_eq!(counted.int("analyze_count").unwrap(), 1);
        }
        tampered.close().await;
        desk.fold(&history, 1_000).await;
        assert_eq!(count_points(&desk.store).await, 4_003);
    })
    .await;
}
