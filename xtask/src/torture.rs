//! `cargo xtask torture`: the proofs that are too long for every change, in full length, with their counts.

use anyhow::Result;

use crate::{postgres, shell};

/// The test names that have a long form; each reads `MUNIMENT_TORTURE`.
const PROOFS: [&str; 11] = [
    "crash::",
    "races::",
    "met_107",
    "equality",
    "fuzz",
    "simulation",
    "torture",
    "revocation::",
    "acc_218",
    "no_offer_outlives",
    "timing::",
];

/// Runs the long forms in an optimised build, one after the other; an argument narrows the list.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let packages = ["muniment", "muniment-journal", "muniment-projections"];
    postgres::ensure_installed()?;
    let filters: Vec<&str> =
        if arguments.is_empty() { PROOFS.to_vec() } else { arguments.iter().map(String::as_str).collect() };
    for package in packages {
        let mut command = shell::cargo(["test", "--release", "--package", package, "--"]);
        command.args(&filters).args(["--nocapture", "--test-threads", "1"]).env("MUNIMENT_TORTURE", "full");
        shell::run(command)?;
    }
    Ok(())
}
