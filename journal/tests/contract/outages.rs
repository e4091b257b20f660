//! Connections that are cut and servers that are killed: what was acknowledged is there, and only once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_journal::{AppendError, Journal, Store};
use muniment_sql::Database;
use muniment_testkit::Cluster;

use crate::support::{Home, all, one, stream, verify};

const WRITERS: u64 = 8;

/// Writers that append until told to stop; each gives the positions it was promised and how often it retried.
fn writers(journal: &Journal, stop: &Arc<AtomicBool>) -> Vec<tokio::task::JoinHandle<Vec<(Position, String)>>> {
    (0..WRITERS)
        .map(|writer| {
            let (journal, stop) = (journal.clone(), Arc::clone(stop));
            tokio::spawn(async move {
                let own = stream(&format!("w{writer}"));
                let mut promised = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let payload = format!("w{writer} n{}", promised.len());
                    match journal.append(one(&own, promised.len() as u64, &payload)).await {
                        Ok(appended) => promised.push((appended.first, payload)),
                        Err(AppendError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                        Err(error) => panic!("{error}"),
                    }
                }
                promised
            })
        })
        .collect()
}

async fn check(journal: &Journal, writers: Vec<tokio::task::JoinHandle<Vec<(Position, String)>>>) {
    let mut promised = Vec::new();
    for writer in writers {
        promised.extend(writer.await.unwrap());
    }
    let events = all(journal).await;
    assert_eq!(events.len(), promised.len(), "nothing lost, nothing doubled");
    let places: HashSet<(Position, String)> =
        events.iter().map(|event| (event.position, event.payload.to_string())).collect();
    for (position, payload) in promised {
        assert!(places.contains(&(position, format!("{{\"what\":\"{payload}\"}}"))), "{payload} is not at {position}");
    }
    verify(journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_and_double_nothing() {
    let home = Home::postgres();
    let journal = home.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers = writers(&journal, &stop);
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(40)).await;
        home.meddle(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    check(&journal, writers).await;
    journal.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let cluster = Arc::new(cluster);
    let home = Home::on(&cluster);
    let journal = home.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers = writers(&journal, &stop);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let server = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || {
            server.kill9();
            server.restart();
        })
        .await
        .unwrap();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::Relaxed);
    check(&journal, writers).await;
    journal.shutdown().await;
}

/// Sessions say for themselves that they wait for the disk, whatever the database would have them do. With a writer of the log
/// that comes every ten seconds, what nobody waits for is not there after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_on_the_disk_also_where_the_database_does_not_wait_for_it() {
    let cluster = Arc::new(tokio::task::spawn_blocking(Cluster::start).await.unwrap());
    cluster.psql("postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'");
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let home = Home::on(&cluster);
    home.open().await.shutdown().await;
    let Store::Postgres { url } = &home.store else { panic!("it is on PostgreSQL") };
    let (_, name) = url.rsplit_once('/').unwrap();
    cluster.psql("postgres", &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    for version in 0..3 {
        let journal = home.open().await;
        let Some(Database::Postgres(pool)) = journal.engine().stores().map(|stores| stores.write) else {
            panic!("it is on PostgreSQL")
        };
        let waits: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&pool).await.unwrap();
        assert_eq!(waits, "on", "for keys and mail");
        let appended = journal.append(one(&stream("s"), version, "x")).await.unwrap();
        let server = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || {
            server.kill9();
            server.restart();
        })
        .await
        .unwrap();
        journal.shutdown().await;
        let after = home.open().await;
        assert_eq!(after.head(), appended.last, "what was acknowledged is gone");
        verify(&after).await;
        after.shutdown().await;
    }
}

/// What a failover to a server does that had not received everything.
const CUT: &str = "DELETE FROM events WHERE position > 2; DELETE FROM streams WHERE number > 2; \
    UPDATE journal_head SET (position, hash, recorded_at) = (SELECT position, hash, recorded_at FROM events WHERE position = 2)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_saw_what_the_database_lost_stop_and_give_the_rest_another_name() {
    let home = Home::postgres();
    let (here, there) = (home.open().await, home.open().await);
    for version in 0..4 {
        here.append(one(&stream("s"), version, "x")).await.unwrap();
    }
    assert_eq!(there.confirm_head().await.unwrap(), Position(4));
    home.meddle(CUT).await;
    for node in [&here, &there] {
        assert!(node.confirm_head().await.is_err(), "it takes what it knows for confirmed");
        let reason = tokio::time::timeout(Duration::from_secs(30), node.departed()).await.expect("it notices");
        assert!(reason.contains("start it again"), "{reason}");
        let refused = node.append(one(&stream("s"), 4, "x")).await.unwrap_err();
        assert!(matches!(refused, AppendError::Unavailable(_)), "{refused}");
    }
    here.shutdown().await;
    there.shutdown().await;
    let after = home.open().await;
    assert_eq!((after.head(), after.identity().installation), (Position(2), here.identity().installation));
    assert!(after.identity().epoch > here.identity().epoch, "a cursor of before is good for other events");
    after.append(one(&stream("s"), 2, "other")).await.unwrap();
    verify(&after).await;
    let again = home.open().await;
    assert_eq!(again.identity(), after.identity(), "named once, though two nodes noticed");
    again.shutdown().await;
    after.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_stops_where_the_lost_positions_are_taken_again() {
    let home = Home::postgres();
    let node = home.open().await;
    for version in 0..4 {
        node.append(one(&stream("s"), version, "x")).await.unwrap();
    }
    // As many events as before, the last of them another: nothing but its hash tells.
    home.meddle(
        "UPDATE journal_head SET hash = sha256(hash); UPDATE events SET hash = sha256(hash) WHERE position = 4",
    )
    .await;
    assert!(node.confirm_head().await.is_err(), "it takes what it knows for confirmed");
    tokio::time::timeout(Duration::from_secs(30), node.departed()).await.expect("it notices");
    node.shutdown().await;
}
