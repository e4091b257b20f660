//! Two nodes: one that starts beside another that records, one that stands still, and both when the database lost what they
//! had shown.

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::crash::{contiguous, verifies};
use crate::harness::{Engine, Server, Setup, Store, eventually, runtime};

/// What whoever creates tables of read models takes first.
const SCHEMA_LOCK: &str = "7311270834502";

#[test]
fn a_node_that_starts_late_keeps_what_others_folded_meanwhile() {
    let first = Server::with(Engine::Postgres, &[]);
    let company = first.company();
    company.metric("revenue");
    let Store::Postgres { url } = &first.store else { panic!("it is on PostgreSQL") };
    let mut holder = runtime().block_on(PgConnection::connect(url)).unwrap();
    let mut hold = |sql: &str| {
        let sql = format!("SELECT {sql}({SCHEMA_LOCK})");
        runtime().block_on(async { sqlx::raw_sql(&sql).execute(&mut holder).await.unwrap() });
    };
    hold("pg_advisory_lock");
    let second = std::thread::scope(|threads| {
        let second = threads.spawn(|| first.second_node());
        eventually("the second node waits to open the read models", || {
            let sql = "SELECT 'waits' FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            (!first.store.texts(sql).is_empty()).then_some(())
        });
        company.point("revenue", &json!({ "value": 7 }));
        // The answer waits for the read models: they are beyond the head that the second node opened the journal at.
        company.agent.get("/v1/status").expect(200);
        hold("pg_advisory_unlock");
        second.join().unwrap()
    });
    assert!(!second.log().contains("begins again"), "the read models of the first node were dropped");
    second.agent(&company.token).get("/v1/status").expect(200);
}

#[test]
fn the_first_account_of_one_node_closes_the_bootstrap_of_the_other() {
    let (setup, _folder) = Setup::new(Engine::Postgres).with_accounts().with_bootstrap_file();
    let first = setup.start();
    let second = first.second_node();
    let offered = |node: &Server| node.anonymous().get("/api/account/status").json()["bootstrap_available"].clone();
    assert_eq!((offered(&first), offered(&second)), (json!(true), json!(true)));
    first.bootstrap("keeper").expect(200);
    eventually("the other node hears of it", || (offered(&second) == json!(null)).then_some(()));
    assert_eq!(offered(&first), json!(null));
}

/// The kernel goes on answering for a process that stands still, so its connections stay.
#[test]
fn what_one_node_does_for_all_is_done_by_another_while_it_stands_still() {
    let first = Server::with(Engine::Postgres, &[]);
    let company = first.company();
    company.metric("revenue");
    company.status();
    let second = first.second_node();
    let there = second.agent(&company.token);
    first.freeze(true);
    there.post("/v1/metrics/revenue/points", &json!({ "value": 7 })).expect(201);
    let status = eventually("the other node projects", || {
        there.try_get("/v1/status").filter(|reply| reply.status == 200).map(|reply| reply.json())
    });
    assert_eq!(status["metrics"][0]["latest_value"], json!(7));
    first.freeze(false);
    eventually("the one that stood still notices", || {
        first.log().contains("the lock of a duty was lost").then_some(())
    });
    company.point("revenue", &json!({ "value": 8 }));
    assert_eq!(company.status_of("revenue")["latest_value"], json!(8));
    contiguous(&first);
}

/// As after a failover to a server that had not received everything.
#[test]
fn nodes_whose_database_lost_what_they_had_shown_end_and_cursors_of_before_are_refused() {
    let first = Server::with(Engine::Postgres, &[]);
    let company = first.company();
    company.metric("revenue");
    let kept = first.store.texts("SELECT position::text FROM journal_head").remove(0);
    company.point("revenue", &json!({ "value": 7 }));
    let second = first.second_node();
    let there = second.agent(&company.token);
    let cursor = there.get("/v1/events?after=start&limit=1000").expect(200)["next"].as_str().unwrap().to_owned();
    first.store.execute(&format!(
        "DELETE FROM events WHERE position > {kept}; DELETE FROM streams WHERE number > {kept}; \
         UPDATE journal_head SET (position, hash, recorded_at) = \
         (SELECT position, hash, recorded_at FROM events WHERE position = {kept})"
    ));
    for node in [&first, &second] {
        assert_eq!(node.ends_by_itself().code(), Some(6), "worth another try");
        node.restart();
    }
    for value in 1..=3 {
        company.point("revenue", &json!({ "value": value }));
    }
    let refused = there.get(&format!("/v1/events?after={cursor}"));
    assert_eq!((refused.status, refused.code().as_str()), (409, "store_changed"), "other events stand there now");
    assert_eq!(company.points("revenue").len(), 3);
    contiguous(&first);
    verifies(&first);
}
