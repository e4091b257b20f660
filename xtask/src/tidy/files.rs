//! Whole files: a module doc at the top, a bound on the size, manifests that inherit from the root, and the two
//! engines' migrations side by side.

use std::collections::BTreeSet;

use super::{File, Finding};

/// Longest file, in lines.
const LINES_MAX: usize = 500;

/// Files that may be longer, with the reason. The list may only shrink.
const LONG_FILES: [(&str, &str); 0] = [];

/// Migrations of one engine alone, with the reason.
const ONE_ENGINE: [(&str, &str); 2] = [
    ("migrations/sqlite/journal/0003_dedupe_keys.sql", "PostgreSQL keeps its index; docs/decisions/0011"),
    ("migrations/postgres/journal/0003_streams_required.sql", "an embedded store has one program at a time"),
];

/// Dependencies that a crate's manifest must not have.
const MANIFEST_BANS: [(&str, &[&str]); 3] = [
    ("aggregates/Cargo.toml", &["tokio", "actix", "actix-web", "sqlx", "tracing", "rand", "getrandom", "muniment-"]),
    ("sql/Cargo.toml", &["muniment-", "actix"]),
    ("xtask/Cargo.toml", &["muniment", "tokio", "sqlx"]),
];

/// The module doc and the size of one Rust file.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let first = file.text.lines().find(|line| !line.trim().is_empty());
    if !first.is_some_and(|line| line.starts_with("//!")) {
        findings.push(file.finding(1, "opens without a `//!` doc: say what it is for and what it promises".to_owned()));
    }
    let length = file.text.lines().count();
    let excused = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    if length > LINES_MAX && !excused {
        findings.push(file.finding(
            LINES_MAX,
            format!("{length} lines, {LINES_MAX} at most: a second subject wants a file of its own"),
        ));
    }
    if excused && length <= LINES_MAX {
        findings.push(file.finding(1, "is short enough now: take it off LONG_FILES".to_owned()));
    }
    findings
}

/// Manifests: versions and lints come from the root, and no layer depends on what it must not know.
pub(crate) fn check_manifest(manifest: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !manifest.text.contains("[lints]\nworkspace = true") {
        findings.push(manifest.finding(1, "does not inherit the workspace's lints".to_owned()));
    }
    let bans = MANIFEST_BANS.iter().filter(|(path, _)| *path == manifest.path);
    let banned: Vec<&str> = bans.flat_map(|(_, names)| names.iter().copied()).collect();
    let mut in_dependencies = false;
    for (index, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]") && !line.contains("workspace.");
            continue;
        }
        let Some(name) = line.split(['.', ' ', '=']).next().filter(|name| in_dependencies && !name.is_empty()) else {
            continue;
        };
        if name.starts_with('#') {
            continue;
        }
        if !line.contains("workspace = true") {
            findings.push(
                manifest.finding(
                    index + 1,
                    format!("`{name}`: declare the version in the root's [workspace.dependencies]"),
                ),
            );
        }
        let hit = banned.iter().any(|ban| name == *ban || (ban.ends_with('-') && name.starts_with(*ban)));
        if hit && !in_dev(manifest, index) {
            findings.push(manifest.finding(index + 1, format!("`{name}` does not belong in this layer")));
        }
    }
    findings
}

fn in_dev(manifest: &File, index: usize) -> bool {
    let heading = manifest.text.lines().take(index).filter(|line| line.starts_with('[')).last();
    heading == Some("[dev-dependencies]")
}

/// Each engine has the same migrations under the same names, but for [`ONE_ENGINE`].
pub(crate) fn check_parity(names: &[String]) -> Vec<Finding> {
    let shared = || names.iter().filter(|name| ONE_ENGINE.iter().all(|(alone, _)| alone != name));
    let of = |engine: &str| -> BTreeSet<&str> {
        shared().filter_map(|name| name.split_once(engine).map(|(_, rest)| rest)).collect()
    };
    let (sqlite, postgres) = (of("migrations/sqlite/"), of("migrations/postgres/"));
    sqlite
        .symmetric_difference(&postgres)
        .map(|name| {
            let lacking = if sqlite.contains(name) { "postgres" } else { "sqlite" };
            Finding {
                path: format!("migrations/{lacking}/{name}"),
                line: 1,
                what: "is missing; the other engine has it".to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::{check, check_manifest, check_parity};

    #[test]
    fn a_missing_module_doc_and_a_long_file_are_found() {
        assert_eq!(check(&File::new("src/a.rs".to_owned(), "fn a() {}\n".to_owned())).len(), 1);
        assert_eq!(check(&File::new("src/a.rs".to_owned(), format!("//! A.\n{}", "\n".repeat(500)))).len(), 1);
    }

    #[test]
    fn a_version_outside_the_root_is_found() {
        let text = "[lints]\nworkspace = true\n\n[dependencies]\nserde = \"1\"\ntokio.workspace = true\n";
        assert_eq!(check_manifest(&File::new("aggregates/Cargo.toml".to_owned(), text.to_owned())).len(), 2);
    }

    #[test]
    fn a_migration_of_one_engine_only_is_found() {
        let names =
            ["migrations/sqlite/journal/0001_a.sql".to_owned(), "migrations/postgres/journal/0002_b.sql".to_owned()];
        assert_eq!(check_parity(&names).len(), 2);
    }
}
