//! Several journals over one record: they race, none loses, all see one order. And who may open a file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muniment_aggregates::record::Position;
use muniment_journal::{Append, AppendError, FenceCounter, Journal, KeySource, OpenError, Store};
use muniment_testkit::Cluster;
use sqlx::postgres::PgListener;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::support::{Home, all, claiming, deduped, one, stream, take, verify};

#[tokio::test]
async fn who_loses_the_beginning_of_a_stream_goes_on_in_the_winners() {
    let home = Home::postgres();
    let (winner, loser) = (home.open().await, home.open().await);
    for round in 0..20 {
        let own = stream(&format!("own-{round}"));
        // At another position than the one that the loser, who has not heard of it yet, has in mind.
        winner.append(one(&stream(&format!("apart-{round}")), 0, "apart")).await.unwrap();
        winner.append(one(&own, 0, "begun")).await.unwrap();
        let conflict = AppendError::Conflict { stream: own.clone(), expected: 0, actual: 1 };
        assert_eq!(loser.append(one(&own, 0, "too late")).await.unwrap_err(), conflict);
        let gone_on = loser.append(one(&own, 1, "gone on")).await.unwrap();
        // A read ends at the head its node knows; of this event the winner has only been told.
        assert_eq!(winner.confirm_head().await.unwrap(), gone_on.last, "round {round}");
        assert_eq!(winner.read_stream(&own, 0, 10).await.unwrap().len(), 2, "round {round}");
    }
    verify(&winner).await;
    for node in [winner, loser] {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_racing_on_one_stream_lose_and_double_nothing() {
    let home = Home::postgres();
    let nodes = [home.open().await, home.open().await];
    let own = stream("hot");
    let racers: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(number, node)| {
            let (node, own) = (node.clone(), own.clone());
            tokio::spawn(async move {
                let (mut version, mut done) = (0, 0);
                while done < 50 {
                    match node.append(one(&own, version, &format!("node {number}"))).await {
                        Ok(_) => {
                            version += 1;
                            done += 1;
                        }
                        Err(AppendError::Conflict { actual, .. }) => version = actual,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    for node in &nodes {
        assert_eq!(node.confirm_head().await.unwrap(), Position(100));
        assert_eq!(all(node).await.len(), 100);
        verify(node).await;
    }
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_writing_apart_share_the_head_fairly() {
    let home = Home::postgres();
    let nodes = [home.open().await, home.open().await];
    let writers: Vec<_> = (0..16_u64)
        .map(|writer| {
            let node = nodes[usize::try_from(writer % 2).unwrap()].clone();
            tokio::spawn(async move {
                for version in 0..25 {
                    node.append(one(&stream(&format!("w{writer}")), version, "x")).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for node in &nodes {
        assert_eq!(node.confirm_head().await.unwrap(), Position(400));
        assert_eq!(all(node).await.len(), 400);
        verify(node).await;
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_of_the_other_and_respects_its_keys() {
    let home = Home::postgres();
    let (here, there) = (home.open().await, home.open().await);
    let mut head = there.watch_head();
    let (a, b) = (stream("a"), stream("b"));
    here.append(claiming(&a, 0, &[take("x")])).await.unwrap();
    here.append(deduped(&a, 1, "k")).await.unwrap();
    let heard = head.wait_for(|head| *head == Position(2));
    tokio::time::timeout(Duration::from_secs(30), heard).await.expect("the other node hears of it").unwrap();
    let refused = there.append(claiming(&b, 0, &[take("x")])).await.unwrap_err();
    assert_eq!(refused, AppendError::ClaimTaken { namespace: "name", owner: a.clone() });
    let doubled = there.append(deduped(&a, 2, "k")).await.unwrap_err();
    assert!(matches!(doubled, AppendError::Duplicate { position: Position(2), .. }));
    there.append(one(&a, 2, "3")).await.unwrap();
    assert_eq!(here.confirm_head().await.unwrap(), Position(3));
    here.shutdown().await;
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_node_ended_refuses_what_was_decided_before_this_one_heard_of_it() {
    let home = Home::postgres();
    let (here, there) = (home.open().await, home.open().await);
    let ends = FenceCounter::default();
    let counter = ends.clone();
    there.on_durable(Arc::new(move |events| {
        if events.iter().any(|event| event.payload.contains("ended")) {
            counter.advance();
        }
    }));
    let mut behind = 0;
    for round in 0..50 {
        let right = stream(&format!("right-{round}"));
        let fence = ends.fence();
        let ended = here.append(one(&right, 0, "ended")).await.unwrap();
        behind += u32::from(there.head() < ended.last);
        let late = Append { fence: Some(fence), ..one(&stream(&format!("act-{round}")), 0, "too late") };
        assert_eq!(there.append(late).await.unwrap_err(), AppendError::Fenced, "round {round}");
        let act = Append { fence: Some(ends.fence()), ..one(&stream(&format!("act-{round}")), 0, "in time") };
        there.append(act).await.unwrap();
    }
    assert!(behind > 0, "it had always heard of it");
    assert_eq!(all(&there).await.len(), 100);
    verify(&there).await;
    for node in [here, there] {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_is_told_of_a_new_head() {
    let home = Home::postgres();
    let Store::Postgres { url } = &home.store else { panic!("it is on PostgreSQL") };
    let mut listener = PgListener::connect(url).await.unwrap();
    listener.listen("muniment_head").await.unwrap();
    let journal = home.open().await;
    journal.append(one(&stream("s"), 0, "1")).await.unwrap();
    let notice = tokio::time::timeout(Duration::from_secs(30), listener.recv()).await.expect("a notice").unwrap();
    assert_eq!(notice.payload(), "1");
    journal.shutdown().await;
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A runtime that nobody drives is like a process that was stopped: its connections stay open and say nothing.
#[test]
fn a_node_that_stands_still_does_not_keep_the_head() {
    let home = Home::postgres();
    let Store::Postgres { url } = &home.store else { panic!("it is on PostgreSQL") };
    let (frozen, own) = (runtime(), stream("s"));
    let stopped = frozen.block_on(async {
        let journal = home.open().await;
        journal.append(one(&own, 0, "1")).await.unwrap();
        journal.engine().hold().await.unwrap();
        journal
    });
    let begun = Instant::now();
    let holders =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    assert_eq!(Cluster::psql_at(url, holders).trim(), "1", "it holds the head");
    while Cluster::psql_at(url, holders).trim() != "0" {
        // Every other session is left to itself for half a minute; the one that writes keeps everybody waiting.
        assert!(begun.elapsed() < Duration::from_secs(25), "it holds the head for as long as it likes");
        std::thread::park_timeout(Duration::from_millis(200));
    }
    runtime().block_on(async {
        let other = home.open().await;
        other.append(one(&own, 1, "2")).await.unwrap();
        verify(&other).await;
        other.shutdown().await;
    });
    frozen.block_on(async {
        let late = stopped.append(one(&own, 1, "late")).await.unwrap_err();
        assert_eq!(late, AppendError::Conflict { stream: own.clone(), expected: 1, actual: 2 });
        stopped.append(one(&own, 2, "3")).await.unwrap();
        verify(&stopped).await;
        stopped.shutdown().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_make_one_record() {
    let home = Home::postgres();
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let mut config = home.config();
            config.keys = KeySource::Explicit(Zeroizing::new([7; 32]));
            tokio::spawn(async move { Journal::open(config).await.unwrap() })
        })
        .collect();
    let mut nodes = Vec::new();
    for node in opening {
        nodes.push(node.await.unwrap());
    }
    assert!(nodes.iter().all(|node| node.identity() == nodes[0].identity()), "one installation");
    for (number, node) in nodes.iter().enumerate() {
        node.append(one(&stream(&format!("s{number}")), 0, "x")).await.unwrap();
    }
    for node in &nodes {
        assert_eq!(node.confirm_head().await.unwrap(), Position(6));
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_a_file_is_told_so() {
    let home = Home::sqlite();
    let journal = home.open().await;
    let Err(error) = Journal::open(home.config()).await else { panic!("two writers on one file") };
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("journal.lock"), "{error}");
    journal.shutdown().await;
}

async fn a_reader_follows(home: Home) {
    let journal = home.open().await;
    journal.append(one(&stream("s"), 0, "1")).await.unwrap();
    let reader = Journal::open_read_only(home.config()).await.unwrap();
    assert_eq!(reader.head(), Position(1));
    assert_eq!(reader.append(one(&stream("s"), 1, "2")).await.unwrap_err(), AppendError::Closed);
    journal.append(one(&stream("s"), 1, "2")).await.unwrap();
    assert_eq!(reader.confirm_head().await.unwrap(), Position(2));
    assert_eq!(all(&reader).await.len(), 2);
    verify(&reader).await;
    reader.shutdown().await;
    journal.shutdown().await;
}

crate::support::both_engines! { a_reader_follows }
