//! `cargo xtask torture`: the proofs that are too long for every change, in full length, with their counts.

use anyhow::{Result, bail};

use crate::summary::Summary;
use crate::{postgres, shell};

/// A test binary, and which of its tests are proofs: those whose path contains one of the names. `tidy` holds that every
/// test with a long form is among them.
pub(crate) struct Proofs {
    package: &'static str,
    target: &'static [&'static str],
    /// Where the binary's modules begin; a file below it is the module of its path.
    pub(crate) folder: &'static str,
    pub(crate) names: &'static [&'static str],
}

/// Every proof that has a long form, and those beside them that belong to the same promises.
pub(crate) const PROOFS: [Proofs; 5] = [
    Proofs {
        package: "muniment",
        target: &["--test", "simulation"],
        folder: "tests/simulation",
        names: &["every_seed_keeps_what_was_acknowledged"],
    },
    Proofs {
        package: "muniment",
        target: &["--test", "e2e"],
        folder: "tests/e2e",
        names: &[
            "accounts::entitled::",
            "accounts::large::",
            "accounts::last_holder::",
            "accounts::races::",
            "accounts::replayed::",
            "accounts::revocation::",
            "accounts::scope_under_kill::",
            "accounts::sockets::acc_218",
            "accounts::timing::",
            "alerts::met_107",
            "crash::",
            "equality::",
            "erase::",
            "fuzz::",
            "interrupted::",
            "live::",
            "lost_events::",
            "races::",
            "rotate_master::",
            "tamper::",
            "tokens::met_124_a_token_that_ended",
        ],
    },
    Proofs { package: "muniment", target: &["--lib"], folder: "src", names: &["torture_role_why"] },
    Proofs {
        package: "muniment-aggregates",
        target: &["--lib"],
        folder: "aggregates/src",
        names: &["offer_book::properties::"],
    },
    Proofs {
        package: "muniment-projections",
        target: &["--test", "read_models"],
        folder: "projections/tests/read_models",
        names: &["properties::"],
    },
];

/// Runs the long forms in an optimised build, one after the other; arguments narrow the list. A name that no test bears
/// fails: what it stood for would not be proved by anything.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    postgres::ensure_installed()?;
    let listed = PROOFS.iter().map(list).collect::<Result<Vec<_>>>()?;
    let mut missing = Vec::new();
    let mut summary = Summary::default();
    for (proofs, tests) in PROOFS.iter().zip(&listed) {
        missing.extend(unmatched(proofs.names, tests).map(|name| format!("{name} of {}", proofs.folder)));
    }
    let chosen: Vec<Vec<&String>> = PROOFS.iter().zip(&listed).map(|(proofs, tests)| proofs.choose(tests)).collect();
    for argument in arguments {
        if !chosen.iter().flatten().any(|test| test.contains(argument.as_str())) {
            missing.push(argument.clone());
        }
    }
    if !missing.is_empty() {
        bail!("no test bears these names: {}", missing.join(", "));
    }
    for (proofs, tests) in PROOFS.iter().zip(chosen) {
        let wanted = |test: &&String| arguments.is_empty() || arguments.iter().any(|part| test.contains(part.as_str()));
        let tests: Vec<&String> = tests.into_iter().filter(wanted).collect();
        if !tests.is_empty() {
            summary.step(&format!("{}: {} proofs", proofs.folder, tests.len()), || proofs.run(&tests));
        }
    }
    summary.finish()
}

/// The names that no test's path contains.
fn unmatched<'a>(names: &'a [&'a str], tests: &'a [String]) -> impl Iterator<Item = &'a str> {
    names.iter().copied().filter(|name| !tests.iter().any(|test| test.contains(name)))
}

/// Every test of a binary, by its path.
fn list(proofs: &Proofs) -> Result<Vec<String>> {
    let mut command = proofs.command();
    command.args(["--", "--list", "--format", "terse"]);
    let listed = String::from_utf8(shell::output(command)?)?;
    Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

impl Proofs {
    /// Whether a test of this path is among them.
    pub(crate) fn hold(&self, test: &str) -> bool {
        self.names.iter().any(|name| test.contains(name))
    }

    fn choose<'a>(&self, tests: &'a [String]) -> Vec<&'a String> {
        tests.iter().filter(|test| self.hold(test)).collect()
    }

    fn command(&self) -> std::process::Command {
        let mut command = shell::cargo(["test", "--release", "--package", self.package]);
        command.args(self.target);
        command
    }

    fn run(&self, tests: &[&String]) -> Result<()> {
        let mut command = self.command();
        command.args(["--", "--exact", "--nocapture", "--test-threads", "1"]).args(tests);
        command.env("MUNIMENT_TORTURE", "full");
        shell::run(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_test_bears_is_told() {
        let tests = ["races::met_085::sqlite".to_owned(), "crash::server::met_092::postgres".to_owned()];
        let told: Vec<&str> = unmatched(&["races::", "crash::database", "server::met"], &tests).collect();
        assert_eq!(told, ["crash::database"]);
        assert_eq!(unmatched(&["races::"], &[]).count(), 1, "a binary without tests proves nothing");
    }
}
