//! PostgreSQL dies under a living server: refusals for a while, then everything promised is there.

use muniment_testkit::Cluster;

use super::kills;
use crate::harness::{Company, Engine, Setup, eventually, torture};

#[test]
fn every_acknowledged_point_survives_a_kill_of_the_database() {
    let cluster = Cluster::start();
    let server = Setup::new(Engine::Postgres).on_cluster(&cluster).start();
    let kill = || {
        cluster.kill9();
        cluster.restart();
    };
    let recover = |company: &Company| {
        let serves = || company.agent.try_get("/v1/status").filter(|reply| reply.status == 200).map(drop);
        eventually("the server serves again", serves);
    };
    kills::survives(&server, Engine::Postgres, "kill -9 of PostgreSQL,", kill, recover);
    let log = server.log();
    let times = |what: &str| log.matches(what).count();
    let (unknown, ended) = (times("outcome of a batch is unknown"), times("a batch met the end of its session"));
    let recorded = times("a batch of unknown outcome is recorded");
    println!("{unknown} batches of unknown outcome, {ended} at the end of a session; {recorded} found recorded");
    assert!(unknown + ended > 0, "no batch met a kill");
    // A kill may come between two batches; of fifty not all do.
    assert!(unknown > 0 || !torture(), "no batch was under way at any kill");
}
