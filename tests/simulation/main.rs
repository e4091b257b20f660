//! The actors on a seeded journal seam with paused time: slow commits, moved and locked heads, commits stored whose answer
//! was lost, copies that land when nobody waits for them any more, refusals, failures, sessions that end, questions without
//! an answer, crashes between any two steps, lost and doubled wake-ups, two nodes over one store, rights that end on one of
//! them.
//!
//! After each seed: positions contiguous, the chain verifies, every acknowledged command is there once, no refused or
//! failed one is, every state equals a fold from the first event, and so do the read models, which both nodes'
//! projectors moved meanwhile; and every node that lives goes on. A failing seed is printed; run it alone with
//! `MUNIMENT_SEED=<seed> cargo test --test simulation`.

#![expect(clippy::expect_used, reason = "a simulation that cannot go on has failed")]

mod checks;
mod claims;
mod cut_off;
mod engine;
mod faults;
mod models;
mod rights;
mod scenario;
mod scopes;
mod seeds;
mod stored;

use faults::Faults;

/// Seeds of the short form, which the test command runs.
const SEEDS_SHORT: u64 = 300;

/// Seeds of the full form.
const SEEDS_FULL: u64 = 10_000;

#[test]
fn every_seed_keeps_what_was_acknowledged_and_nothing_else() {
    let is_full = std::env::var("MUNIMENT_TORTURE").is_ok_and(|form| form == "full");
    let outcomes = seeds::each("every_seed", if is_full { SEEDS_FULL } else { SEEDS_SHORT }, scenario::run);
    let mut total = scenario::Counts::default();
    let mut faults = Faults::default();
    for (counts, of_seed) in &outcomes {
        total.add(counts);
        faults.add(of_seed);
    }
    println!("{} seeds: {total:?} {faults:?}", outcomes.len());
    assert!(total.acknowledged > 0, "a simulation in which nothing is acknowledged proves nothing");
    if outcomes.len() > 100 {
        assert!(total.fenced > 0 && total.under_rights > 0, "{total:?}");
        let asked = [total.rules, total.duplicates, total.reads, total.pages, total.pages_of_another];
        assert!(total.crashes > 0 && asked.iter().all(|count| *count > 0), "{total:?}");
        assert!(total.failed > 0, "{total:?}");
        faults.all_happened();
    }
}
