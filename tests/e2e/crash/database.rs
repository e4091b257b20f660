//! PostgreSQL dies under a living server: refusals for a while, then everything promised is there.

use muniment_testkit::Cluster;

use super::kills;
use crate::harness::{Company, Engine, Setup, eventually};

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
}
