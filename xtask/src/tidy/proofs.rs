//! A test with a long form is among the proofs that `cargo xtask torture` runs, or nobody ever runs that form.

use super::{File, Finding};
use crate::torture::PROOFS;

/// How a test asks for its long form.
const ASKS: [&str; 2] = ["torture()", "var(\"MUNIMENT_TORTURE\")"];

/// Functions that ask for a long form and that no name of the list covers.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let Some(module) = module(&file.path) else { return Vec::new() };
    let mut function = String::new();
    let mut findings = Vec::new();
    for (index, (line, text)) in file.lines.iter().zip(file.text.lines()).enumerate() {
        if let Some(name) = defined(&line.code) {
            name.clone_into(&mut function);
        }
        // A comment may name the variable, and the harness defines what the others call.
        let asks = ASKS.iter().any(|ask| text.contains(ask)) && !line.code.trim().is_empty();
        if asks && function != "torture" && !is_proved(&file.path, &format!("{module}{function}")) {
            let what = format!("{module}{function} has a long form that no name in xtask/src/torture.rs covers");
            findings.push(file.finding(index + 1, what));
        }
    }
    findings
}

/// The path of a file's module within its test binary, with `::` at the end; `None` for what belongs to no binary of
/// proofs.
fn module(path: &str) -> Option<String> {
    let proofs = PROOFS.iter().find(|proofs| path.starts_with(&format!("{}/", proofs.folder)))?;
    let inside = path.strip_prefix(proofs.folder)?.strip_prefix('/')?.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let at_the_root = matches!(inside, "main" | "lib" | "mod");
    Some(if at_the_root { String::new() } else { format!("{}::", inside.replace('/', "::")) })
}

fn is_proved(path: &str, test: &str) -> bool {
    PROOFS.iter().any(|proofs| path.starts_with(&format!("{}/", proofs.folder)) && proofs.hold(test))
}

/// The name of the function that begins on this line.
fn defined(code: &str) -> Option<&str> {
    let rest = code.trim_start();
    let rest = rest.strip_prefix("pub(crate) ").or_else(|| rest.strip_prefix("pub(super) ")).unwrap_or(rest);
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&File::new(path.to_owned(), text.to_owned())).len()
    }

    #[test]
    fn a_long_form_that_no_name_covers_is_found() {
        let asks = |name: &str| format!("fn {name}() {{\n    let rounds = if torture() {{ 500 }} else {{ 8 }};\n}}\n");
        assert_eq!(findings("tests/e2e/crash/ledger.rs", &asks("rounds")), 0, "a folder of proofs");
        assert_eq!(findings("tests/e2e/accounts/sockets.rs", &asks("acc_218_no_handshake")), 0, "one test of a file");
        assert_eq!(findings("tests/e2e/accounts/sockets.rs", &asks("acc_999_another")), 1);
        assert_eq!(findings("tests/e2e/points.rs", &asks("met_085_points")), 1);
        assert_eq!(findings("tests/e2e/harness/mod.rs", &asks("torture")), 0, "the definition");
        assert_eq!(findings("tests/e2e/points.rs", "// torture()\n"), 0, "words");
    }

    #[test]
    fn the_variable_counts_as_well() {
        let asks = "#[test]\nfn long() {\n    std::env::var(\"MUNIMENT_TORTURE\").is_ok();\n}\n";
        assert_eq!(findings("projections/tests/read_models/store.rs", asks), 1);
        assert_eq!(findings("projections/tests/read_models/properties.rs", asks), 0);
        assert_eq!(findings("src/runtime/why/tests.rs", asks), 1);
    }
}
