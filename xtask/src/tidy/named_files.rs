//! Files that a comment, a manifest or a page names: each exists, or what is said of it is about a tree that is gone.

use std::collections::HashSet;

use super::{File, Finding};

/// Where a path may begin: at the root, in a crate, or in a crate's sources.
const ROOTS: [&str; 11] = [
    "",
    "src/",
    "tests/e2e/",
    "aggregates/",
    "aggregates/src/",
    "journal/",
    "journal/src/",
    "projections/src/",
    "sql/src/",
    "testing/src/",
    "xtask/src/",
];

/// The Rust files of the tree, by path and by name.
pub(crate) struct Known<'a> {
    paths: HashSet<&'a str>,
    names: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    /// Those of the whole tree.
    pub(crate) fn of(rust: &'a [File]) -> Self {
        let paths: HashSet<&str> = rust.iter().map(|file| file.path.as_str()).collect();
        let names = paths.iter().filter_map(|path| path.rsplit('/').next()).collect();
        Self { paths, names }
    }

    /// Names in the comments of a Rust file, or in the whole of another one, that belong to no file.
    pub(crate) fn check(&self, file: &File) -> Vec<Finding> {
        let texts: Vec<&str> = if file.path.ends_with(".rs") {
            file.lines.iter().map(|line| line.comment.as_str()).collect()
        } else {
            file.text.lines().collect()
        };
        let named = texts.iter().enumerate().flat_map(|(index, text)| named(text).map(move |name| (index + 1, name)));
        named
            .filter(|(_, name)| !self.holds(&file.path, name))
            .map(|(line, name)| file.finding(line, format!("there is no file `{name}`")))
            .collect()
    }

    fn holds(&self, by: &str, name: &str) -> bool {
        let name = name.trim_start_matches("../");
        if !name.contains('/') {
            return self.names.contains(name);
        }
        let folder = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = [format!("{folder}/{name}"), format!("{}/{name}", by.trim_end_matches(".rs"))];
        let rooted = ROOTS.iter().map(|root| format!("{root}{name}"));
        beside.into_iter().chain(rooted).any(|path| self.paths.contains(path.as_str()))
    }
}

/// What looks like the path of a Rust file. One with a placeholder or of another project's address is none.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let in_a_path = |character: char| character.is_alphanumeric() || "_-./<>:…*{}".contains(character);
    let words = text.split(move |character| !in_a_path(character)).map(|word| word.trim_end_matches(['.', ':']));
    words.filter(|word| {
        word.strip_suffix(".rs").is_some_and(|stem| !stem.is_empty() && !stem.contains(['<', ':', '…', '*', '{']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        let tree = ["src/live/pace.rs", "aggregates/src/metric/decide.rs"];
        let rust: Vec<File> = tree.iter().map(|path| File::new((*path).to_owned(), String::new())).collect();
        Known::of(&rust).check(&File::new(path.to_owned(), text.to_owned())).len()
    }

    #[test]
    fn a_file_that_is_gone_is_found_where_it_is_named() {
        assert_eq!(findings("src/live/hub.rs", "// see `src/live/pace.rs`, live/pace.rs, pace.rs.\n"), 0);
        assert_eq!(findings("src/live/hub.rs", "// src/live/gone.rs\n//! gone.rs\n"), 2);
        assert_eq!(findings("deny.toml", "reason = \"limits are src/surface/limits.rs\"\n"), 1);
        assert_eq!(
            findings("README.md", "`aggregates/src/<aggregate>/decide.rs` and aggregates/src/metric/decide.rs\n"),
            0
        );
        assert_eq!(findings("src/live/hub.rs", "let path = \"src/gone.rs\";\n"), 0);
    }
}
