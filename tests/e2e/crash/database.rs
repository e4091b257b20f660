//! PostgreSQL dies under a living server: refusals for a while, then everything promised is there.

use muniment_testkit::Cluster;

use super::ledger::{Ledger, company, rounds, tell, verifies};
use crate::harness::{Engine, Setup, eventually};

#[test]
fn every_acknowledged_point_survives_a_kill_of_the_database() {
    let cluster = Cluster::start();
    let server = Setup::new(Engine::Postgres).on_cluster(&cluster).start();
    let company = company(&server);
    let ledger = Ledger::default();
    let mut resent = (0, 0);
    for _ in 0..rounds() {
        ledger.write_until(&company, 200, || {
            cluster.kill9();
            cluster.restart();
        });
        eventually("the server serves again", || {
            company.agent.try_get("/v1/status").filter(|reply| reply.status == 200).map(drop)
        });
        let (again, found) = ledger.resend(&company);
        resent = (resent.0 + again, resent.1 + found);
        ledger.check(&server, &company);
    }
    verifies(&server);
    tell("kill -9 of PostgreSQL,", Engine::Postgres, rounds(), ledger.acknowledged.lock().unwrap().len(), resent);
}
