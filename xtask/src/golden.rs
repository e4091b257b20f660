//! `cargo xtask golden`: writes the golden copy of each event, state and kind of metadata that has none yet, and the listings
//! of the surface. Released copies are never edited: the same tests, run without the variable, compare them with what today's code
//! writes.

use anyhow::Result;

use crate::shell;

/// Runs the golden tests in writing mode, then once more in comparing mode.
pub(crate) fn run(_arguments: &[String]) -> Result<()> {
    for tests in [
        ["test", "--package", "muniment-aggregates", "golden"].as_slice(),
        &["test", "--test", "e2e", "the_surface_is_the_committed_one::sqlite"],
        &["test", "--test", "e2e", "the_operations_of_v1_are_the_committed_ones::sqlite"],
    ] {
        let mut write = shell::cargo(tests);
        write.env("UPDATE_GOLDEN", "1");
        shell::run(write)?;
        shell::run(shell::cargo(tests))?;
    }
    Ok(())
}
