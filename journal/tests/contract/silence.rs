//! The server's machine vanishes without a word and another takes its place: what was asked on the old connections ends,
//! and the next question is answered.

use std::time::Duration;

use muniment_journal::{Journal, JournalConfig, Store};
use muniment_testkit::SilentWay;

use crate::support::{Home, one, stream};

/// Longer than anything that is asked of a pool may take, much shorter than a socket takes to notice by itself.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_holds_up_no_question_for_long() {
    let home = Home::postgres();
    let Store::Postgres { url } = &home.store else { panic!("it is on PostgreSQL") };
    let way = SilentWay::to(url);
    let config = JournalConfig { store: Store::Postgres { url: way.url() }, ..home.config() };
    let journal = Journal::open(config).await.unwrap();
    let own = stream("s");
    journal.append(one(&own, 0, "1")).await.unwrap();
    journal.ping().await.unwrap();

    way.fall_silent();
    let engine = journal.engine();
    let asked = async {
        // Which of the first two meet an old connection of the pool is not said; the writing session is one.
        let (_, _, held) = tokio::join!(journal.ping(), journal.read_stream(&own, 0, 10), engine.hold());
        held.expect_err("the writing session answers");
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("every question ends");

    let again = async {
        assert_eq!(journal.read_stream(&own, 0, 10).await.unwrap().len(), 1);
        engine.hold().await.unwrap();
        engine.release().await.unwrap();
        journal.append(one(&own, 1, "2")).await.unwrap();
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the next question is answered");
    tokio::time::timeout(PATIENCE, journal.shutdown()).await.expect("it ends");
}
