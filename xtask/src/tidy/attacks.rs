//! The page of attacks names tests: each must exist, or the page promises what nobody checks.

use std::collections::HashSet;

use super::{File, Finding};

/// The page.
pub(crate) const PAGE: &str = "docs/operate/attacks.md";

/// Names of a table's last column that are no function of the tree.
pub(crate) fn check(page: &File, rust: &[File]) -> Vec<Finding> {
    let functions: HashSet<&str> = rust.iter().flat_map(|file| functions(&file.text)).collect();
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let Some(tests) = line.trim_end_matches(['|', ' ']).rsplit('|').next() else { continue };
        // Odd pieces stand between backticks.
        for name in tests.split('`').skip(1).step_by(2).filter(|name| !functions.contains(name)) {
            findings.push(page.finding(index + 1, format!("there is no test {name}; name the one that tries this")));
        }
    }
    findings
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let rust = [File::new("tests/a.rs".to_owned(), "fn a1_there() {}".to_owned())];
        let page = |text: &str| File::new(PAGE.to_owned(), text.to_owned());
        assert!(check(&page("| A1 `x` | `a1_there` |"), &rust).is_empty());
        assert_eq!(check(&page("| A1 | `a1_there`, `a2_gone` |"), &rust).len(), 1);
    }
}
