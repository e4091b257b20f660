//! Runs a simulation once a seed, and says how a seed that fails is run alone.

use std::panic::{RefUnwindSafe, catch_unwind, resume_unwind};

/// What came of each of the first `count` seeds, or of `MUNIMENT_SEED` alone. `only` leads to the test among the others.
pub(crate) fn each<T>(only: &str, count: u64, run: impl Fn(u64) -> T + RefUnwindSafe) -> Vec<T> {
    let seeds = match std::env::var("MUNIMENT_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("MUNIMENT_SEED is a number");
            seed..=seed
        }
        Err(_) => 1..=count,
    };
    let outcome = |seed| {
        catch_unwind(|| run(seed)).unwrap_or_else(|panic| {
            eprintln!("seed {seed} failed; replay it with MUNIMENT_SEED={seed} cargo test --test simulation {only}");
            resume_unwind(panic)
        })
    };
    seeds.map(outcome).collect()
}
