//! Dependencies that nothing uses: each crate of a manifest is named in the code beside it, and each version of the root
//! is taken by a manifest.

use std::collections::HashSet;

use super::{File, Finding, words::identifiers};

/// The tables of a manifest, and where the code stands that each is for.
const PLACES: [(&str, &[&str]); 2] =
    [("dependencies", &["src/"]), ("dev-dependencies", &["src/", "tests/", "benches/", "examples/"])];

/// Dependencies of a manifest that no code beside it names, and versions of the root that no manifest takes.
pub(crate) fn check(manifests: &[File], rust: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let taken: HashSet<&str> = manifests
        .iter()
        .flat_map(|manifest| PLACES.iter().flat_map(|(table, _)| entries(manifest, table)))
        .map(|(_, name)| name)
        .collect();
    for manifest in manifests {
        let folder = manifest.path.strip_suffix("Cargo.toml").unwrap_or_default();
        for (table, places) in PLACES {
            let named: HashSet<&str> = rust
                .iter()
                .filter(|file| places.iter().any(|place| file.path.starts_with(&format!("{folder}{place}"))))
                .flat_map(|file| file.lines.iter().flat_map(|line| identifiers(&line.code)))
                .collect();
            for (line, name) in entries(manifest, table) {
                if !named.contains(name.replace('-', "_").as_str()) {
                    findings.push(manifest.finding(line, format!("`{name}`: no code of this crate names it")));
                }
            }
        }
        for (line, name) in entries(manifest, "workspace.dependencies").filter(|(_, name)| !taken.contains(name)) {
            findings.push(manifest.finding(line, format!("`{name}`: no crate takes it")));
        }
    }
    findings
}

/// The names under this heading, with their lines.
fn entries<'a>(manifest: &'a File, table: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let mut inside = false;
    manifest.text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) == Some(table);
            return None;
        }
        let name = line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        inside.then_some((index + 1, name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::check;

    #[test]
    fn a_dependency_that_no_code_names_is_found() {
        let root = "[workspace.dependencies]\nserde-json = \"1\"\nactix-cors = \"0.7\"\nrand = \"1\"\n";
        let manifest = "[dependencies]\nserde-json.workspace = true\n\n[dev-dependencies]\nrand.workspace = true\n";
        let file = |path: &str, text: &str| File::new(path.to_owned(), text.to_owned());
        let manifests = [file("Cargo.toml", root), file("sql/Cargo.toml", manifest)];
        let rust = [file("sql/src/lib.rs", "use serde_json::Value; // rand\n"), file("src/lib.rs", "rand::random()\n")];
        let found: Vec<(String, usize)> =
            check(&manifests, &rust).into_iter().map(|finding| (finding.path, finding.line)).collect();
        assert_eq!(found, [("Cargo.toml".to_owned(), 3), ("sql/Cargo.toml".to_owned(), 5)]);
    }
}
