//! The server, for keeps and for trying out.

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use clap::Args;

use super::open::{self, StoreFlags};
use crate::app::{self, StartError};
use crate::auth::daemon_token::DaemonTokenError;
use crate::cli::client::demo;
use crate::cli::exit::{self, Exit};
use crate::cli::flags::Global;
use crate::cli::output::{Printer, say};
use crate::config::{Config, ConfigErrors, Loaded, MailMode, Surroundings};
use crate::telemetry;

/// Run the server
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  muniment serve\n  muniment serve --listen 127.0.0.1:9000 --data-dir /var/lib/muniment\n  \
MUNIMENT_DATABASE_URL_FILE=/run/secrets/db muniment serve --listen 0.0.0.0:8080",
    after_help = "Stops in order on SIGINT and SIGTERM."
)]
pub struct Serve {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// development or production
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Add a company with points once it runs; development only
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// What a server that is thrown away takes from nobody: keys and files of another one, mail to people, and what the demo
/// data would have to bring. A founder has the signup secret of another server in the environment, for `apply`.
const OF_ANOTHER: [&str; 9] = [
    "keys_dir",
    "master_key",
    "mail.smtp_url",
    "mail.from_email",
    "accounts.bootstrap",
    "accounts.bootstrap_token_path",
    "accounts.otp_signup",
    "applications.require_invite",
    "applications.signup_secret",
];

/// Run a server whose store is thrown away at the end
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  muniment dev\n  muniment dev --listen 127.0.0.1:0 --empty")]
pub struct Dev {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Begin without demo data
    #[arg(long)]
    empty: bool,
}

/// Serves until asked to stop.
///
/// # Errors
/// A configuration that may not serve, or what kept the server from starting.
pub fn serve(global: &Global, command: &Serve) -> Result<()> {
    let surroundings = command
        .store
        .surroundings()?
        .flag("listen", "--listen", command.listen.clone())
        .flag("env", "--env", command.env.clone())
        .flag("telemetry.filter", "-v or -q", log_filter(global));
    let loaded = Config::load(&surroundings)?;
    let refusals = loaded.config.refusals();
    if !refusals.is_empty() {
        return Err(ConfigErrors(refusals).into());
    }
    if command.demo && !matches!(loaded.config.mail.mode(), MailMode::Echo(_)) {
        return Err(Exit::Usage.because("--demo signs in by an echoed code, which only a development server gives"));
    }
    run(global, loaded, command.demo)
}

/// Serves from a folder that goes when the server ends.
///
/// # Errors
/// What kept the server from starting.
pub fn dev(global: &Global, command: &Dev) -> Result<()> {
    let folder = scratch_folder()?;
    let path = folder.0.display().to_string();
    let mail_folder = folder.0.join("mail").display().to_string();
    let surroundings = Surroundings::of_process()
        .without(&OF_ANOTHER)
        .flag("env", "muniment dev", Some("development".to_owned()))
        .flag("data_dir", "muniment dev", Some(path.clone()))
        .flag("database_url", "muniment dev", Some(format!("sqlite:{path}")))
        .flag("mail.dev_folder", "muniment dev", Some(mail_folder))
        .flag("listen", "--listen", command.listen.clone())
        .flag("telemetry.filter", "-v or -q", log_filter(global));
    let loaded = Config::load(&surroundings)?;
    let demo = !command.empty && matches!(loaded.config.mail.mode(), MailMode::Echo(_));
    run(global, loaded, demo)
}

/// Which log lines the flags ask for.
fn log_filter(global: &Global) -> Option<String> {
    let filter = match (global.quiet, global.verbose) {
        (_, 2..) => "info,muniment=trace",
        (_, 1) => "info,muniment=debug",
        (true, 0) => "warn",
        (false, 0) => return None,
    };
    Some(filter.to_owned())
}

fn run(global: &Global, loaded: Loaded, with_demo: bool) -> Result<()> {
    let telemetry = telemetry::start(&loaded.config.telemetry, global.colors())?;
    telemetry::panics::install();
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    if let MailMode::Echo(permit) = loaded.config.mail.mode() {
        let hearers = if permit.is_for_anybody() { "everybody" } else { "whoever seems to be on this machine" };
        tracing::warn!(
            "sign-in codes are answered to {hearers}: where others reach this server, also through a proxy, set env \
             to production"
        );
    }
    let printer = Printer::new(global);
    let global = global.clone();
    let ready = move |address: SocketAddr| {
        let url = format!("http://{address}");
        // A service manager reads log lines only, and this is none.
        if with_demo || std::io::stderr().is_terminal() {
            printer.message(&format!("Muniment listens on {url}"));
        }
        if with_demo {
            // Ends with the system it runs on; a demo that fails harms nothing.
            actix::spawn(async move {
                if let Err(error) = demo::make(&global, &url).await {
                    tracing::warn!(error = format!("{error:#}"), "the demo data is not complete");
                }
            });
        }
    };
    let ended = actix::System::new().block_on(app::serve(loaded.config, ready));
    drop(telemetry);
    ended.map_err(not_started)
}

/// A database that does not answer, or a record that another process holds, may be there on the next try.
fn not_started(error: StartError) -> anyhow::Error {
    match error {
        StartError::Journal(error) => open::ended(error),
        StartError::ReadModels(error) => open::reads_ended(error),
        StartError::DataFolder { ref source, .. }
        | StartError::DaemonToken(DaemonTokenError::Write { ref source, .. }) => {
            let (exit, next) = open::file_refused(source);
            exit::with_next(exit.because_of("the server does not start", error), next)
        }
        error @ StartError::DaemonToken(_) => Exit::Failure.because_of("the server does not start", error),
        StartError::Listen { address, source } => {
            let ended = Exit::Failure.because_of(format!("{address} cannot be listened on"), source);
            exit::with_next(ended, "name another address with --listen; port 0 takes a free one")
        }
        StartError::Departed(reason) => Exit::Unavailable.because(reason),
        other => other.into(),
    }
}

/// A folder that is removed when it is dropped.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            say(&format!("{} stays behind: {error}", self.0.display()));
        }
    }
}

fn scratch_folder() -> Result<Scratch> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = std::env::temp_dir().join(format!("muniment-dev-{}", uuid::Uuid::new_v4()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
    made.with_context(|| format!("cannot make {}", path.display()))?;
    Ok(Scratch(path))
}
