//! Rounds of one disaster under 64 writers: what was promised is kept, and who listened before goes on without a gap.

use super::ledger::{Ledger, company, rounds, tell, verifies};
use super::watch::Watch;
use crate::harness::{Company, Engine, Server};

/// In each round `kill` runs while points are written and watched, `recover` afterwards. How many requests were under way and
/// had no answer.
pub(super) fn survives(
    server: &Server,
    engine: Engine,
    what: &str,
    kill: impl Fn(),
    recover: impl Fn(&Company),
) -> usize {
    let company = company(server);
    let ledger = Ledger::default();
    let (mut resent, mut resumed) = ((0, 0), 0);
    for round in 0..rounds() {
        let watch = Watch::begin(server, &company, round);
        let mut kept = None;
        watch.while_posting(|| {
            ledger.write_until(&company, 200, || {
                kept = Some(watch.look());
                kill();
            });
        });
        recover(&company);
        let (again, found) = ledger.resend(&company);
        resent = (resent.0 + again, resent.1 + found);
        ledger.check(server, &company);
        resumed += watch.resumes(kept.unwrap());
        verifies(server);
    }
    println!("{what} {engine:?}: {resumed} events after the cursors of before the kills, no gap");
    tell(what, engine, rounds(), ledger.acknowledged.lock().unwrap().len(), resent);
    resent.0
}
