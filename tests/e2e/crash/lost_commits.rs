//! PostgreSQL dies before what the read models had reached its disk: no query is answered from before.

use muniment_testkit::Cluster;
use serde_json::json;

use crate::harness::{Engine, Setup, eventually};

#[test]
fn no_query_is_answered_from_before_what_a_crash_took_from_the_read_models() {
    let cluster = Cluster::start();
    // What does not wait for the disk reaches it seconds later, unless something that waits follows.
    cluster.psql("postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'");
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let server = Setup::new(Engine::Postgres).on_cluster(&cluster).start();
    let company = server.company();
    company.metric("arr");
    for value in 1..=3 {
        company.point("arr", &json!({ "value": value }));
        assert_eq!(company.status_of("arr")["latest_value"], json!(value), "it is in the read models");
        cluster.kill9();
        cluster.restart();
        let answer = eventually("the server serves again", || {
            company.agent.try_get("/v1/status").filter(|reply| reply.status == 200)
        });
        let metrics = answer.json()["metrics"].clone();
        assert_eq!(metrics[0]["latest_value"], json!(value), "the first answer is from the past");
    }
}
