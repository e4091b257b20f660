//! Dead files: every Rust file must be reached from a target's root through `mod` lines.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, Finding};

/// Files that no target reaches.
pub(crate) fn check(files: &[File], manifests: &[File]) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &File> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> =
        by_path.keys().filter(|path| is_default_root(path)).map(|path| (*path).to_owned()).collect();
    open.extend(manifests.iter().flat_map(named_roots));
    while let Some(path) = open.pop() {
        let Some(file) = by_path.get(path.as_str()) else { continue };
        if reached.insert(path.clone()) {
            open.extend(children(file, is_root(&path, manifests)));
        }
    }
    let dead = files.iter().filter(|file| !reached.contains(&file.path));
    dead.map(|file| file.finding(1, "no `mod` line reaches this file; wire it in or delete it".to_owned())).collect()
}

/// Roots that cargo finds by itself.
fn is_default_root(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        [.., "src", "lib.rs" | "main.rs"] | [.., "build.rs"] | [.., "src", "bin", _] => true,
        [.., "tests" | "benches" | "examples", name] => *name != "mod.rs",
        [.., "tests" | "benches" | "examples", _, "main.rs"] => true,
        _ => false,
    }
}

/// Roots that a manifest names with `path = "….rs"`.
fn named_roots(manifest: &File) -> Vec<String> {
    let folder = manifest.path.strip_suffix("Cargo.toml").unwrap_or_default();
    let lines = manifest.text.lines().filter_map(|line| line.trim().strip_prefix("path = \""));
    lines
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.ends_with(".rs"))
        .map(|path| format!("{folder}{path}"))
        .collect()
}

fn is_root(path: &str, manifests: &[File]) -> bool {
    is_default_root(path) || manifests.iter().any(|manifest| named_roots(manifest).iter().any(|root| root == path))
}

/// The files that the `mod` lines of this one name, in both places each may live.
fn children(file: &File, is_root: bool) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let home = if is_root || stem == "mod" { folder.to_owned() } else { format!("{folder}/{stem}") };
    let mut found = Vec::new();
    let raw: Vec<&str> = file.text.lines().collect();
    for (index, line) in file.lines.iter().enumerate() {
        let words: Vec<&str> = line.code.split_whitespace().skip_while(|word| word.starts_with("pub")).collect();
        let ["mod", name] = words.as_slice() else { continue };
        let Some(name) = name.strip_suffix(';') else { continue };
        let above = index.checked_sub(1).and_then(|above| raw.get(above)).copied().unwrap_or_default();
        if let Some(path) = above.trim().strip_prefix("#[path = \"").and_then(|rest| rest.split('"').next()) {
            found.push(normalise(&format!("{folder}/{path}")));
        } else {
            found.push(format!("{home}/{name}.rs"));
            found.push(format!("{home}/{name}/mod.rs"));
        }
    }
    found
}

/// Resolves `..` in a path.
fn normalise(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." | "" => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::check;

    #[test]
    fn a_file_without_a_mod_line_is_dead() {
        let files = [
            File::new("src/main.rs".to_owned(), "mod cli;\n".to_owned()),
            File::new("src/cli/mod.rs".to_owned(), "mod serve;\n".to_owned()),
            File::new("src/cli/serve.rs".to_owned(), String::new()),
            File::new("src/cli/stray.rs".to_owned(), String::new()),
        ];
        let dead: Vec<String> = check(&files, &[]).into_iter().map(|finding| finding.path).collect();
        assert_eq!(dead, ["src/cli/stray.rs"]);
    }
}
