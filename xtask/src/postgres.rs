//! PostgreSQL as a tool of the tests: found on this machine, or installed from the system's packages. The tests
//! start private instances in temporary folders themselves; no running service is needed or touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// Where Debian keeps one folder a major version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// The oldest major version that a record can be in.
const OLDEST_VERSION: u32 = 15;

/// Makes sure that `initdb` and `postgres` of a version that will do are on this machine.
pub(crate) fn ensure_installed() -> Result<()> {
    if binaries().is_some() {
        return Ok(());
    }
    if !is_root() || !shell::available("apt-get") {
        bail!(
            "PostgreSQL is missing or too old: install the package `postgresql` ({OLDEST_VERSION} or later) and run this \
             again. The tests need its programs `initdb` and `postgres`, not a running service"
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
        bail!(
            "the package `postgresql` is installed, but no `initdb` and `postgres` of version {OLDEST_VERSION} or later are \
             in PATH or under {DEBIAN_FOLDER}: this system's package may be an older one"
        );
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
    let mut version = Command::new(folder.join("postgres"));
    version.arg("--version");
    let is_new_enough = || {
        shell::output(version).is_ok_and(|said| major_version(&String::from_utf8_lossy(&said)) >= Some(OLDEST_VERSION))
    };
    ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file()) && is_new_enough()
}

/// What `postgres --version` says: `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, `postgres (PostgreSQL) 17beta1`.
fn major_version(said: &str) -> Option<u32> {
    let number = said.split_once("(PostgreSQL) ")?.1;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn is_root() -> bool {
    let mut id = Command::new("id");
    id.arg("-u");
    shell::output(id).is_ok_and(|answer| answer.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_version_of_a_server_is_read_from_what_it_says() {
        for (said, version) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres (PostgreSQL) 17beta1", Some(17)),
            ("postgres: not found", None),
        ] {
            assert_eq!(major_version(said), version, "{said}");
        }
    }
}
