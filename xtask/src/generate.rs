//! `cargo xtask generate`: writes docs/openapi.json from the built program's own table of methods.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Writes the document, or with `--check` fails when the committed one is stale.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let program = shell::build_program()?;
    let mut command = Command::new(program);
    command.arg("openapi");
    let document = shell::output(command).context("the program has no `muniment openapi`")?;
    let path = shell::root().join("docs").join("openapi.json");
    if arguments.iter().any(|argument| argument == "--check") {
        let committed = fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
        if committed != document {
            bail!("{} is stale: run `cargo xtask generate` and commit the difference", path.display());
        }
        return Ok(());
    }
    fs::create_dir_all(shell::root().join("docs"))?;
    fs::write(&path, document).with_context(|| format!("could not write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
