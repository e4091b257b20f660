//! How the program ends: one code a kind of outcome (spec/cli.md), and the report of what went wrong.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::output::say;
use crate::config::ConfigErrors;
use crate::runtime::errors::came_of_the_connection;
use crate::runtime::fold::FoldError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nobody reads the output any more; that is the reader's right.
    Unread,
    /// It failed.
    Failure,
    /// The command line, or the configuration, cannot be used.
    Usage,
    /// What it names does not exist.
    NotFound,
    /// Not signed in, or not allowed.
    Denied,
    /// It contradicts what is recorded.
    Conflict,
    /// Unavailable or timed out; worth another try.
    Unavailable,
    /// A check was made and failed.
    CheckFailed,
    /// The terminal it ran on was closed.
    HungUp,
    /// Stopped by the user.
    Interrupted,
    /// Asked to end by whoever started it.
    Terminated,
}

/// For `--help`.
pub const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failure, 2 usage or configuration, 3 not found, \
4 unauthenticated or forbidden, 5 conflict, 6 unavailable or timed out (retry), 7 a check failed, 130 interrupted (129, 143 by SIGHUP, SIGTERM)";

impl Exit {
    /// Whether the error is worth a line.
    #[must_use]
    pub fn is_loud(self) -> bool {
        self != Self::Unread
    }

    /// An error that ends the program this way.
    pub fn because(self, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Ending { exit: self, message: message.into(), next: None, source: None })
    }

    /// The same, with what caused it beneath.
    pub fn because_of(self, message: impl Into<String>, cause: impl Into<anyhow::Error>) -> anyhow::Error {
        let source = Some(cause.into().into_boxed_dyn_error());
        anyhow::Error::new(Ending { exit: self, message: message.into(), next: None, source })
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Conflict => 5,
            Self::Unavailable => 6,
            Self::CheckFailed => 7,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A message and how the program ends because of it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Ending {
    exit: Exit,
    message: String,
    /// What to do about it, as a command where one does it.
    next: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The error with what to do about it, which the report prints last. Only an [`Exit::because`] that nothing stands over
/// takes it: any other error comes back as it was, without the advice.
#[must_use]
pub fn with_next(error: anyhow::Error, next: impl Into<String>) -> anyhow::Error {
    match error.downcast::<Ending>() {
        Ok(ending) => anyhow::Error::new(Ending { next: Some(next.into()), ..ending }),
        Err(other) => other,
    }
}

/// How a command ends that was to prove something by a record that lacks a part of it.
#[must_use]
pub fn damaged(what: impl Into<String>) -> anyhow::Error {
    with_next(Exit::CheckFailed.because(what), "`muniment audit verify` says what is wrong with it")
}

/// How a command ends because a stream could not be read whole.
#[must_use]
pub fn unfolded(error: FoldError) -> anyhow::Error {
    match error {
        FoldError::Missing { .. } => damaged(error.to_string()),
        FoldError::Journal(_) | FoldError::Panicked { .. } | FoldError::Undecodable { .. } => error.into(),
    }
}

/// How the program ends because of an error: what its chain says first.
#[must_use]
pub fn of(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(ending) = cause.downcast_ref::<Ending>() {
            return ending.exit;
        }
        if cause.is::<ConfigErrors>() {
            return Exit::Usage;
        }
        if came_of_the_connection(cause) {
            return Exit::Unavailable;
        }
    }
    Exit::Failure
}

/// What went wrong and its causes. A cause that only repeats what was said before it is left out.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said: Vec<String> = vec![error.to_string()];
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if said.last().is_none_or(|before| !before.contains(&cause)) {
            said.push(cause);
        }
    }
    said
}

fn next(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| cause.downcast_ref::<Ending>()?.next.as_deref())
}

/// The whole chain, a line a cause, then what to do.
#[must_use]
pub(super) fn report(error: &anyhow::Error) -> String {
    let mut text = format!("muniment: {}\n", causes(error).join("\n  because: "));
    if let Some(next) = next(error) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  next: {next}");
    }
    text
}

/// The same in a line, for a list of findings.
#[must_use]
pub fn in_a_line(error: &anyhow::Error) -> String {
    let said = causes(error).join(": ");
    match next(error) {
        Some(next) => format!("{said}; {next}"),
        None => said,
    }
}

/// Says on stderr what went wrong.
pub fn tell(error: &anyhow::Error) {
    say(report(error).trim_end());
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use muniment_journal::JournalError;

    use super::*;

    #[test]
    fn the_first_ending_of_the_chain_decides() {
        let error = Err::<(), _>(Exit::NotFound.because("no such metric")).context("cannot show it").unwrap_err();
        assert_eq!(of(&error), Exit::NotFound);
        assert_eq!(report(&error), "muniment: cannot show it\n  because: no such metric\n");
    }

    #[test]
    fn an_ending_keeps_its_cause() {
        let error = Exit::Unavailable.because_of("no answer", std::io::Error::other("refused"));
        assert_eq!(of(&error), Exit::Unavailable);
        assert_eq!(report(&error), "muniment: no answer\n  because: refused\n");
    }

    #[test]
    fn what_to_do_comes_last() {
        let error = Exit::Unavailable.because_of("no answer", std::io::Error::other("refused"));
        let error = with_next(error, "muniment serve").context("cannot ask");
        assert_eq!(of(&error), Exit::Unavailable);
        assert_eq!(
            report(&error),
            "muniment: cannot ask\n  because: no answer\n  because: refused\n  next: muniment serve\n"
        );
    }

    #[test]
    fn a_pipe_that_breaks_elsewhere_than_behind_the_results_is_a_failure() {
        let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(of(&anyhow::Error::new(broken()).context("asking the database")), Exit::Failure);
        let unread = Exit::Unread.because_of("nobody reads the results", broken());
        assert_eq!(of(&unread), Exit::Unread);
        assert!(!of(&unread).is_loud());
    }

    #[test]
    fn a_head_that_cannot_be_confirmed_is_worth_another_try() {
        let away = || JournalError::Unavailable("no answer".to_owned());
        assert_eq!(of(&anyhow::Error::new(away()).context("it cannot be shown")), Exit::Unavailable);
        assert_eq!(of(&anyhow::Error::new(FoldError::from(away()))), Exit::Unavailable);
        assert_eq!(of(&Exit::Failure.because_of("not so", away())), Exit::Failure, "who says more is believed");
        assert_eq!(of(&anyhow::Error::new(JournalError::Closed)), Exit::Failure);
    }

    #[test]
    fn a_refused_configuration_is_a_usage_error() {
        assert_eq!(of(&anyhow::Error::new(ConfigErrors(Vec::new()))), Exit::Usage);
    }
}
