//! The command line: server, client and investigator in one program (spec/cli.md).
//!
//! [`client`] calls the public surface of a server; [`operator`] opens the record itself, beside a running server or
//! without one. Results go to stdout, all else to stderr; [`exit`] has the codes.

// Both panic where nobody reads: `output` has what writes instead.
#![deny(clippy::print_stderr, clippy::print_stdout)]
#![expect(
    rustdoc::broken_intra_doc_links,
    reason = "`--help` shows the comments of arguments, `[default: …]` among them"
)]
#![expect(rustdoc::invalid_html_tags, reason = "likewise `<FILE>`")]

pub mod ask;
pub mod client;
pub mod exit;
pub mod flags;
pub mod help;
pub mod interrupt;
pub mod listing;
pub mod operator;
pub mod output;
pub mod progress;

use anyhow::{Context as _, Result};
use clap::{FromArgMatches as _, Parser, Subcommand};

use client::Session;
use flags::Global;
use interrupt::{Farewell, Standing, no_resume, resumed_by, until_interrupted};

/// A record of who may do what, who agreed to it, and what the numbers were.
#[derive(Debug, Parser)]
#[command(name = "muniment", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    before_help = "Examples:\n  muniment dev                                  a server with demo data, thrown away at the end\n  \
    muniment serve                                the server\n  \
    muniment login --email ana@example.com        sign in\n  \
    muniment metric update weekly_revenue 18500   record a value\n  \
    muniment audit verify                         prove that the record is whole"
)]
pub struct Cli {
    /// The flags every command takes.
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Operator(operator::Command),
    Login(client::login::Login),
    /// Sign out: end the session and forget it
    #[command(before_help = "Example:\n  muniment logout")]
    Logout,
    Apply(client::apply::Apply),
    /// How your company stands
    #[command(before_help = "Examples:\n  muniment status\n  muniment status --json")]
    Status,
    /// What this machine knows of you; no request is made
    #[command(before_help = "Examples:\n  muniment whoami\n  muniment whoami --json")]
    Whoami,
    SetupAgent(client::setup_agent::SetupAgent),
    #[command(subcommand)]
    Context(client::context::Context),
    #[command(subcommand)]
    Metric(client::metric::Metric),
    #[command(subcommand)]
    Token(client::token::Token),
    #[command(subcommand)]
    Alert(client::alert::Alert),
    #[command(subcommand)]
    Rule(client::rule::Rule),
    #[command(subcommand)]
    Offer(client::offer::Offer),
    #[command(subcommand)]
    Invite(client::invite::Invite),
    #[command(subcommand)]
    Events(client::events::Events),
}

impl Command {
    /// Whether it logs as its settings say, not as a command does.
    const fn is_a_server(&self) -> bool {
        matches!(self, Self::Operator(operator::Command::Serve(_) | operator::Command::Dev(_)))
    }
}

impl Cli {
    /// The command line of this process. Ends the process where it asks for help or cannot be read.
    #[must_use]
    pub fn of_process() -> Self {
        let mut command = help::command();
        // Before anything is read: what is wrong with the rest is told without colours, too.
        if std::env::args_os().any(|given| given == "--no-color") {
            command = command.color(clap::ColorChoice::Never);
        }
        let read = command.clone().try_get_matches().and_then(|matches| Self::from_arg_matches(&matches));
        read.unwrap_or_else(|error| match flags::refused_secret(&error) {
            Some(refused) => refused.format(&mut command).exit(),
            None => error.format(&mut command).exit(),
        })
    }

    /// Does what the command line says.
    ///
    /// # Errors
    /// Whatever kept it from being done; [`exit::of`] tells the code.
    pub fn run(self) -> Result<()> {
        let global = self.global;
        if !self.command.is_a_server() {
            crate::telemetry::of_command(global.verbose, global.colors())?;
        }
        match self.command {
            Command::Operator(command) => operator::run(&global, command),
            Command::Context(command) => client::context::context(&global, command),
            Command::Login(command) => {
                let mut session = Session::begin(&global)?;
                on_this_thread(client::login::login(&mut session, &command))
            }
            Command::Logout => with_server(&global, async |session| client::login::logout(session).await),
            Command::Apply(command) => {
                let mut session = Session::begin(&global)?;
                on_this_thread(client::apply::apply(&mut session, &command))
            }
            Command::Status => with_server(&global, async |session| client::status::status(session).await),
            Command::Whoami => client::whoami::whoami(&Session::open(&global)?),
            Command::SetupAgent(command) => client::setup_agent::setup_agent(&Session::open(&global)?, &command),
            Command::Metric(client::metric::Metric::Import(command)) => {
                let session = Session::open(&global)?;
                on_this_thread_resumed(resumed_by(command.resumed()), client::import::import(&session, &command))
            }
            Command::Metric(command) => {
                with_server(&global, async |session| client::metric::metric(session, command).await)
            }
            Command::Token(command) => {
                with_server(&global, async |session| client::token::token(session, command).await)
            }
            Command::Alert(command) => {
                with_server(&global, async |session| client::alert::alert(session, command).await)
            }
            Command::Rule(command) => with_server(&global, async |session| client::rule::rule(session, command).await),
            Command::Offer(command) => {
                with_server(&global, async |session| client::offer::offer(session, command).await)
            }
            Command::Invite(command) => {
                with_server(&global, async |session| client::invite::invite(session, command).await)
            }
            Command::Events(command) => {
                let session = Session::open(&global)?;
                let printed = client::events::Printed::default();
                on_this_thread_resumed(printed.farewell(), client::events::events(&session, command, &printed))
            }
        }
    }
}

/// Runs a command that talks to a server, on this thread, until it ends or is interrupted.
fn with_server(global: &Global, command: impl AsyncFnOnce(&mut Session) -> Result<()>) -> Result<()> {
    let mut session = Session::open(global)?;
    on_this_thread(command(&mut session))
}

/// Runs a future on this thread until it ends or the user interrupts it.
fn on_this_thread(work: impl Future<Output = Result<()>>) -> Result<()> {
    this_thread()?.block_on(until_interrupted(no_resume(), work))
}

/// The same for work that can be gone on with.
fn on_this_thread_resumed(farewell: Farewell, work: impl Future<Output = Result<()>>) -> Result<()> {
    this_thread()?.block_on(until_interrupted(farewell, work))
}

/// As [`on_this_thread`], for work that aggregates' actors take part in.
fn on_actors(work: impl Future<Output = Result<()>>) -> Result<()> {
    actix::System::new().block_on(until_interrupted(no_resume(), work))
}

/// The same for such work that says what is known of it where it is interrupted.
fn on_actors_known(standing: &Standing, work: impl Future<Output = Result<()>>) -> Result<()> {
    actix::System::new().block_on(until_interrupted(standing.farewell(), work))
}

fn this_thread() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        help::command().debug_assert();
    }

    #[test]
    fn met_144_secrets_are_no_flags() {
        for (flag, variable) in [
            ("--token", "MUNIMENT_TOKEN"),
            ("--session-token", "MUNIMENT_SESSION_TOKEN"),
            ("--signup-secret", "MUNIMENT_SIGNUP_SECRET"),
        ] {
            for given in [vec![flag, "sekrit"], vec![&*format!("{flag}=sekrit")]] {
                let line = ["muniment", "status"].into_iter().chain(given);
                let refused = flags::refused_secret(&Cli::try_parse_from(line).unwrap_err()).unwrap();
                assert_eq!(refused.exit_code(), 2);
                let told = refused.to_string();
                assert!(told.contains(variable) && !told.contains("sekrit"), "{told}");
            }
        }
    }

    #[test]
    fn met_143_a_negative_number_is_a_value() {
        for arguments in [
            vec!["metric", "update", "arr", "-5"],
            vec!["metric", "update", "arr", "-5", "--json"],
            vec!["metric", "update", "arr", "--json", "-1e3"],
            vec!["metric", "update", "--key", "arr", "--value", "-5"],
            vec!["metric", "update", "--key=arr", "--value=-5"],
        ] {
            let line = std::iter::once("muniment").chain(arguments.iter().copied());
            assert!(Cli::try_parse_from(line).is_ok(), "{arguments:?}");
        }
        for value in ["0x10", "1,000", "nan", "inf", "", "-x"] {
            let error = Cli::try_parse_from(["muniment", "metric", "update", "arr", value]).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{value}");
        }
    }
}
