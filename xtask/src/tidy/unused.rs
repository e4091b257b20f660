//! What is public and that nothing but tests names: the compiler takes `pub` for use. An item is known by its name
//! alone, so one whose name stands elsewhere too is not found.

use std::collections::{HashMap, HashSet};

use super::{File, Finding, words::identifiers};

/// Folders in which nothing is a part of the product.
const TESTS: [&str; 5] = ["benches/", "testkit/", "tests/", "/tests/", "/examples/"];

/// Items that are for tests, or for programs other than ours, with the reason. The list may only shrink.
pub(crate) const EXCUSED: [(&str, &str); 6] = [
    ("in_memory", "the simulation has a key ring without a database"),
    ("from_source", "the simulation has a clock of its own"),
    ("from_bytes", "tests give a master key without a file"),
    ("baseline", "for programs whose tables were made by other means (ACC-233)"),
    ("check_foreign_namespace", "for programs that keep tables of their own beside ours"),
    ("SHOWN", "the audit written out, for the tests that hold it against the rows"),
];

/// An item and the place of its definition.
struct Item<'a> {
    file: &'a File,
    line: usize,
    name: &'a str,
}

/// Public items that no line outside of tests names, but for their definitions; and excuses for what is named, or gone.
pub(crate) fn check(files: &[File], excused: &[(&str, &str)]) -> Vec<Finding> {
    let test_modules = test_modules(files);
    let mut named: HashMap<&str, usize> = HashMap::new();
    let mut items: HashMap<&str, Vec<Item<'_>>> = HashMap::new();
    for file in files.iter().filter(|file| !is_test(&file.path) && !test_modules.contains(&file.path)) {
        for (index, code) in product_lines(file) {
            identifiers(code).for_each(|word| *named.entry(word).or_default() += 1);
            if let Some(name) = defined(code) {
                items.entry(name).or_default().push(Item { file, line: index + 1, name });
            }
        }
    }
    let dead = items.into_values().filter(|same| same.iter().any(|item| named.get(item.name) <= Some(&same.len())));
    let dead: Vec<Item<'_>> = dead.flatten().collect();
    let needless = excused.iter().filter(|(name, _)| dead.iter().all(|item| item.name != *name));
    let needless = needless.map(|(name, _)| Finding {
        path: file!().to_owned(),
        line: 1,
        what: format!("`{name}` needs no excuse: it is used, or gone"),
    });
    let found = dead.iter().filter(|item| excused.iter().all(|(name, _)| *name != item.name));
    let what = |name: &str| format!("nothing but tests names `{name}`: delete it, or mark it `#[cfg(test)]`");
    let found = found.map(|item| item.file.finding(item.line, what(item.name)));
    let mut findings: Vec<Finding> = found.chain(needless).collect();
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    findings
}

fn is_test(path: &str) -> bool {
    let inside = |folder: &&str| path.starts_with(*folder) || (folder.starts_with('/') && path.contains(*folder));
    path.ends_with("tests.rs") || TESTS.iter().any(inside)
}

/// Files whose `mod` line stands under `#[cfg(test)]`.
fn test_modules(files: &[File]) -> HashSet<String> {
    let mut found = HashSet::new();
    for file in files {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let home = match file.path.strip_suffix(".rs") {
            Some(stem) if !["mod", "lib", "main"].iter().any(|root| stem.ends_with(&format!("/{root}"))) => stem,
            _ => folder,
        };
        let mut is_for_tests = false;
        for line in &file.lines {
            let code = line.code.trim();
            let module = code.split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
            found.extend(module.filter(|_| is_for_tests).map(|name| format!("{home}/{name}.rs")));
            is_for_tests = code == "#[cfg(test)]";
        }
    }
    found
}

/// The lines of a file up to its tests, without what stands under `#[cfg(test)]` before them: that item's first line.
fn product_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut is_for_tests = false;
    let lines = file.lines.iter().map(|line| line.code.trim()).enumerate();
    let before_tests = lines.take_while({
        let mut marked = false;
        move |(_, code)| {
            let begins = marked && code.starts_with("mod ") && code.ends_with('{');
            marked = *code == "#[cfg(test)]";
            !begins
        }
    });
    before_tests.filter(move |(_, code)| {
        let skipped = is_for_tests;
        is_for_tests = *code == "#[cfg(test)]" || (is_for_tests && code.starts_with("#["));
        !skipped
    })
}

/// The name of the public item that begins on this line.
fn defined(code: &str) -> Option<&str> {
    let mut words = identifiers(code.strip_prefix("pub")?).peekable();
    while words.next_if(|word| matches!(*word, "crate" | "super" | "async")).is_some() {}
    let kind = words.next()?;
    let named = words.next()?;
    match kind {
        "fn" | "static" | "struct" | "enum" | "trait" | "type" => Some(named),
        "const" if named == "fn" => words.next(),
        "const" => Some(named),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::check;

    fn findings(files: &[(&str, &str)], excused: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> =
            files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect();
        check(&files, excused).into_iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn what_only_tests_name_is_found() {
        let only_tests =
            "pub const fn lonely() {}\npub(crate) const ASKED: u8 = 1;\npub fn excused() {}\nfn b() { ASKED; }\n";
        let tests = "#[cfg(test)]\nmod tests {\n    fn a() { lonely(); }\n}\n";
        let file = format!("{only_tests}{tests}");
        let excused = [("excused", "a test")];
        let by_a_test = [("src/a.rs", file.as_str()), ("tests/e2e/b.rs", "fn c() { lonely(); }\n")];
        assert_eq!(findings(&by_a_test, &excused), ["src/a.rs:1"]);
        let by_the_product = [("src/a.rs", file.as_str()), ("src/b.rs", "fn c() { lonely(); }\n")];
        assert_eq!(findings(&by_the_product, &excused), Vec::<String>::new());
        assert_eq!(findings(&by_the_product, &[excused[0], ("lonely", "no longer")]).len(), 1, "a needless excuse");
    }

    #[test]
    fn what_is_marked_for_tests_may_be() {
        let marked = "#[cfg(test)]\npub fn lonely() {}\n";
        let module = "#[cfg(test)]\npub(crate) mod fragile;\n";
        let files = [("src/a.rs", marked), ("src/b/mod.rs", module), ("src/b/fragile.rs", "pub fn fresh() {}\n")];
        assert_eq!(findings(&files, &[]), Vec::<String>::new());
    }
}
