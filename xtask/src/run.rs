//! `cargo xtask run`: the program on the embedded store, from a fresh clone, in one command.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// Builds the program and starts it in the foreground; what follows `--` is passed on to `muniment serve`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let program = shell::build_program()?;
    let passed_on = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let mut command = Command::new(program);
    command.arg("serve").args(passed_on).current_dir(shell::root());
    // In place of this process: signals and exit codes are the program's own.
    Err(command.exec()).with_context(|| format!("could not start {}", command.get_program().display()))
}
