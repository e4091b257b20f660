//! `cargo xtask golden`: writes the golden copy of each event that has none yet. Released copies are never edited:
//! the same test, run without the variable, compares them with what today's code writes.

use anyhow::Result;

use crate::shell;

/// Runs the golden test of `aggregates` in writing mode, then once more in comparing mode.
pub(crate) fn run(_arguments: &[String]) -> Result<()> {
    let mut write = shell::cargo(["test", "--package", "muniment-aggregates", "golden"]);
    write.env("UPDATE_GOLDEN", "1");
    shell::run(write)?;
    shell::run(shell::cargo(["test", "--package", "muniment-aggregates", "golden"]))
}
