//! A lock of one node at a time, and processes that stand still.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::time::{Duration, Instant};

use muniment_sql::postgres::postgres_pool;
use muniment_sql::{Database, NodeLock};
use muniment_testkit::Cluster;

async fn database(url: &str) -> Database {
    let pool = postgres_pool(2, "SET synchronous_commit = off").connect_with(url.parse().unwrap()).await.unwrap();
    Database::Postgres(pool)
}

async fn try_take(url: &str) -> Option<NodeLock> {
    NodeLock::try_take(&database(url).await, "duty").await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_lock_whose_process_stands_still_goes_to_another() {
    let url = Cluster::shared().fresh_database();
    // A runtime that nobody drives is like a process that was stopped: its connections stay open and say nothing.
    let frozen = runtime();
    let mut lock = frozen.block_on(try_take(&url)).expect("nobody has it");
    let begun = Instant::now();
    let taken = runtime().block_on(async {
        loop {
            if let Some(taken) = try_take(&url).await {
                return taken;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it is kept by a process that stands still");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    assert!(!frozen.block_on(lock.is_held()), "whoever goes on is told at once");
    drop(taken);
}

#[tokio::test]
async fn a_lock_is_kept_by_a_process_that_goes_on_though_nobody_asks() {
    let url = Cluster::shared().fresh_database();
    let mut lock = try_take(&url).await.expect("nobody has it");
    tokio::time::sleep(Duration::from_secs(13)).await;
    assert!(try_take(&url).await.is_none(), "it was given to another");
    assert!(lock.is_held().await);
}
