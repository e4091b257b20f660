//! `cargo xtask test`: what a change must pass. Sets up what a fresh machine lacks, builds once, runs everything.

use anyhow::{Result, bail};

use crate::summary::Summary;
use crate::{postgres, release, shell, tidy};

/// Builds the test-support program, so that its tests run.
const TEST_SUPPORT: &str = "muniment-testing/testing";

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
    summary.step("release without test support", release::refuses_test_support);
    summary.step("build", || {
        shell::run(shell::cargo(["test", "--workspace", "--features", TEST_SUPPORT, "--no-run", "--quiet"]))
    });
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
        let run = ["nextest", "run", "--workspace", "--features", TEST_SUPPORT, "--no-tests", "pass", "-E", filter];
        shell::run(shell::cargo(run))?;
    } else {
        let features = ["--features", TEST_SUPPORT];
        shell::run(shell::cargo(["test", "--workspace", "--lib", "--bins"].iter().chain(&features)))?;
        shell::run(shell::cargo(["test", "--workspace", "--exclude", "muniment", "--tests"].iter().chain(&features)))?;
        shell::run(shell::cargo(["test", "--package", "muniment", "--test", "simulation"]))?;
    }
    shell::run(shell::cargo(["test", "--workspace", "--doc", "--quiet"]))
}
