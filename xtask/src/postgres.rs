//! PostgreSQL as a tool of the tests: found on this machine, or installed from the system's packages. The tests
//! start private instances in temporary folders themselves; no running service is needed or touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// Where Debian keeps one folder a major version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// Makes sure that `initdb` and `postgres` are on this machine.
pub(crate) fn ensure_installed() -> Result<()> {
    if binaries().is_some() {
        return Ok(());
    }
    if !is_root() || !shell::available("apt-get") {
        bail!(
            "PostgreSQL is missing: install the package `postgresql` (15 or later) and run this again. \
             The tests need its programs `initdb` and `postgres`, not a running service"
        );
    }
    eprintln!("xtask: installing the package `postgresql`");
    let mut update = Command::new("apt-get");
    update.args(["update", "--quiet"]);
    shell::run(update)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends", "postgresql"]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    shell::run(install)?;
    if binaries().is_none() {
        bail!("the package `postgresql` is installed, but there is no `initdb` in PATH or under {DEBIAN_FOLDER}");
    }
    Ok(())
}

/// The folder with the server's programs.
fn binaries() -> Option<PathBuf> {
    let in_path =
        std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).find(|folder| has_server(folder)));
    in_path.or_else(|| {
        let versions = fs::read_dir(DEBIAN_FOLDER).ok()?;
        versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).find(|folder| has_server(folder))
    })
}

fn has_server(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

fn is_root() -> bool {
    let mut id = Command::new("id");
    id.arg("-u");
    shell::output(id).is_ok_and(|answer| answer.trim_ascii() == b"0")
}
