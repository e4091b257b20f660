//! PostgreSQL dies under a living server: refusals for a while, then everything promised is there.

use muniment_testkit::Cluster;

use super::ledger::{Ledger, company, rounds, tell, verifies};
use super::watch::Watch;
use crate::harness::{Engine, Setup, eventually};

#[test]
fn every_acknowledged_point_survives_a_kill_of_the_database() {
    let cluster = Cluster::start();
    let server = Setup::new(Engine::Postgres).on_cluster(&cluster).start();
    let company = company(&server);
    let ledger = Ledger::default();
    let (mut resent, mut resumed) = ((0, 0), 0);
    for round in 0..rounds() {
        let watch = Watch::begin(&server, &company, round);
        let mut kept = None;
        watch.while_posting(|| {
            ledger.write_until(&company, 200, || {
                kept = Some(watch.look());
                cluster.kill9();
                cluster.restart();
            });
        });
        eventually("the server serves again", || {
            company.agent.try_get("/v1/status").filter(|reply| reply.status == 200).map(drop)
        });
        let (again, found) = ledger.resend(&company);
        resent = (resent.0 + again, resent.1 + found);
        ledger.check(&server, &company);
        resumed += watch.resumes(kept.unwrap());
        verifies(&server);
    }
    println!("kill -9 of PostgreSQL: {resumed} events after the cursors of before the kills, no gap");
    tell("kill -9 of PostgreSQL,", Engine::Postgres, rounds(), ledger.acknowledged.lock().unwrap().len(), resent);
}
