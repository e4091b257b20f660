//! Running other programs: cargo, package tools, the program itself. Output goes straight to the terminal unless a
//! caller asks for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The manifest folder is `<root>/xtask`, so it always has a parent.
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// `cargo`, started at the root of the workspace.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end and fails unless it succeeded.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = display(&command);
    let status = command.status().with_context(|| format!("could not start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// What a command wrote to its standard output.
pub(crate) fn output(mut command: Command) -> Result<Vec<u8>> {
    let shown = display(&command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("could not start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}", output.status);
    }
    Ok(output.stdout)
}

/// Whether a program answers to `--version`.
pub(crate) fn available(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The built program `muniment`, after building it: beside this one, wherever cargo is told to build.
pub(crate) fn build_program() -> Result<PathBuf> {
    run(cargo(["build", "--bin", "muniment"]))?;
    Ok(std::env::current_exe().context("this program does not know its place")?.with_file_name("muniment"))
}

fn display(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}
