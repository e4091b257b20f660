//! `cargo xtask bench`: builds every benchmark in `benches/` optimised and runs them one after the other.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{postgres, shell};

/// Runs all benchmarks, or those whose name an argument gives; further arguments go to them.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let folder = shell::root().join("benches");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} has no benchmarks", folder.display()))? {
        let path = entry?.path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if let Some(name) = path.file_stem().filter(|_| is_source) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    let (wanted, passed_on): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|name| names.contains(name));
    if names.is_empty() {
        bail!("{} has no benchmarks", folder.display());
    }
    postgres::ensure_installed()?;
    for name in names.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        let mut command = shell::cargo(["bench", "--bench", name, "--"]);
        command.args(&passed_on);
        shell::run(command)?;
    }
    Ok(())
}
