//! What a release must not hold: the test-support program. Only the file that says so is compiled, once as a release
//! would and once as a test would.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// The file that the program cannot be built without.
const GUARD: &str = "testing/src/release.rs";
/// What it says.
const MESSAGE: &str = "never in a release";

/// Checks that a release build of the test-support program ends with its refusal, and a test build does not.
pub(crate) fn refuses_test_support() -> Result<()> {
    let main = std::fs::read_to_string(shell::root().join("testing/src/main.rs"))?;
    if !main.contains("\nmod release;\n") {
        bail!("testing/src/main.rs does not hold the guard {GUARD}");
    }
    let (test_builds, _) = compile(&[])?;
    if !test_builds {
        bail!("{GUARD} refuses a test build as well");
    }
    match compile(&["-O"])? {
        (false, said) if said.contains(MESSAGE) => Ok(()),
        (false, said) => bail!("{GUARD} does not compile, for another reason:\n{said}"),
        (true, _) => bail!("{GUARD} lets a release build through"),
    }
}

fn compile(options: &[&str]) -> Result<(bool, String)> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"]).args(options);
    command.arg("--out-dir").arg(folder.path()).arg(GUARD).current_dir(shell::root()).stdin(Stdio::null());
    let output = command.output().context("rustc could not be started")?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}
