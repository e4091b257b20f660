//! The page of figures has a row for each that the program counts or measures, and none for another: an alert on a name
//! that is no more never rings.

use std::collections::{HashMap, HashSet};

use super::{File, Finding};

/// The page.
pub(crate) const PAGE: &str = "docs/operate/figures.md";

/// Where its second table begins, whose rows name figures of the first.
const ALERTS: &str = "## What to be woken by";

/// What makes a figure.
const MAKERS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

/// Figures without a row, and rows without a figure.
pub(crate) fn check(page: &File, rust: &[File]) -> Vec<Finding> {
    let program: Vec<&File> = rust.iter().filter(|file| is_program(&file.path)).collect();
    let constants: HashMap<&str, &str> = program.iter().flat_map(|file| constants(&file.text)).collect();
    let made: HashMap<&str, &File> = program
        .iter()
        .flat_map(|file| made(&file.text).map(move |name| (name, *file)))
        .filter_map(|(name, file)| Some((quoted(name).or_else(|| constants.get(name).copied())?, file)))
        .collect();
    let (figures, _alerts) = page.text.split_once(ALERTS).unwrap_or((&page.text, ""));
    let rows: HashSet<&str> = figures.lines().filter_map(row).collect();
    let mut findings: Vec<Finding> = made
        .iter()
        .filter(|(name, _)| !rows.contains(*name))
        .map(|(name, file)| file.finding(1, format!("the figure {name} has no row in {PAGE}")))
        .collect();
    let lines = page.text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, row(line)?)));
    let gone = lines.filter(|(_, name)| !made.contains_key(name));
    findings.extend(gone.map(|(line, name)| page.finding(line, format!("there is no figure {name}"))));
    findings
}

fn is_program(path: &str) -> bool {
    ["src/", "journal/src/", "projections/src/", "sql/src/"].iter().any(|folder| path.starts_with(folder))
}

/// The first argument of whatever makes a figure outside tests: a name in quotation marks, or a constant's.
fn made(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    MAKERS
        .iter()
        .flat_map(move |maker| code.split(*maker).skip(1))
        .filter_map(|rest| Some(rest.split([',', ')']).next()?.trim()))
}

fn constants(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let defined = text.split("const ").skip(1).filter_map(|rest| rest.split_once(": &str = "));
    defined.filter_map(|(name, rest)| Some((name, quoted(rest.split(';').next()?)?)))
}

fn quoted(text: &str) -> Option<&str> {
    text.trim().strip_prefix('"')?.strip_suffix('"')
}

/// The figure that a line of the page's tables is about, without its labels.
fn row(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split(['`', '{']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_a_row_and_a_row_without_a_figure_are_found() {
        let code = "const LOST: &str = \"a_lost_total\";\nfn a() { counter!(LOST, \"by\" => by); }\n\
                    fn b() { gauge!(\"a_head\"); }\n\
                    #[cfg(test)]\nmod tests { fn c() { counter!(\"a_test\"); } }\n";
        let rust = [File::new("journal/src/a.rs".to_owned(), code.to_owned())];
        let found = |text: &str| check(&File::new(PAGE.to_owned(), text.to_owned()), &rust).len();
        assert_eq!(found("| figure | is |\n|---|---|\n| `a_lost_total{by}` | 1 |\n| `a_head` | 2 |\n"), 0);
        assert_eq!(found("| `a_head` | 2 |\n"), 1);
        assert_eq!(found("| `a_lost_total` | 1 |\n| `a_head` | 2 |\n| `a_gone` | 3 |\n"), 1);
    }
}
