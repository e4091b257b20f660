//! `cargo xtask test`: what a change must pass. Sets up what a fresh machine lacks, builds once, runs everything.

use anyhow::{Result, bail};

use crate::summary::Summary;
use crate::{postgres, shell, tidy};

/// The whole suite, or with `--quick` all of it but the end-to-end tests.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let quick = match arguments {
        [] => false,
        [only] if only == "--quick" => true,
        _ => bail!("usage: cargo xtask test [--quick]"),
    };
    postgres::ensure_installed()?;
    let mut summary = Summary::default();
    summary.step("tidy", || tidy::run(&[]));
    summary.step("build", || shell::run(shell::cargo(["test", "--workspace", "--no-run", "--quiet"])));
    summary.step("unit and contract tests", unit_tests);
    if !quick {
        summary.step("end-to-end tests", end_to_end_tests);
    }
    summary.finish()
}

/// In one process: they share a server an engine and one database cluster. They mostly wait for servers, so twice as
/// many run at once as the machine has cores.
fn end_to_end_tests() -> Result<()> {
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let mut command = shell::cargo(["test", "--package", "muniment", "--test", "e2e", "--"]);
    command.arg("--test-threads").arg(threads.to_string());
    shell::run(command)
}

fn unit_tests() -> Result<()> {
    if shell::available("cargo-nextest") {
        let filter = "not binary(e2e)";
        shell::run(shell::cargo(["nextest", "run", "--workspace", "--no-tests", "pass", "-E", filter]))?;
    } else {
        shell::run(shell::cargo(["test", "--workspace", "--lib", "--bins"]))?;
        shell::run(shell::cargo(["test", "--workspace", "--exclude", "muniment", "--tests"]))?;
    }
    shell::run(shell::cargo(["test", "--workspace", "--doc", "--quiet"]))
}
