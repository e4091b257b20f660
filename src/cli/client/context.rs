//! Contexts as a person handles them: listed, added, chosen, removed. No request is made.

use std::fs;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::contexts::{DEFAULT, Folder, name};
use super::credentials::Credentials;
use super::http::{Api, Auth};
use super::saved::read_saved;
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::output::Printer;

/// Saved servers and logins
#[derive(Debug, Subcommand)]
pub enum Context {
    /// List them
    #[command(before_help = "Example:\n  muniment context list")]
    List,
    /// Save a server, and the agent token of --token-file, under a name; `login --context NAME` does it by signing in
    #[command(
        before_help = "Examples:\n  muniment context add staging --url https://staging.example.com --token-file token\n  \
                       muniment login --context staging --url https://staging.example.com --email ana@example.com"
    )]
    Add {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Let one count where nothing names another
    #[command(before_help = "Examples:\n  muniment context use staging\n  muniment context use default")]
    Use {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Forget one; the server is not asked, so sign out first
    #[command(before_help = "Example:\n  muniment logout --context staging && muniment context remove staging --yes")]
    Remove {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
}

/// Runs one.
///
/// # Errors
/// When there is no such context, or a file cannot be read or written.
pub fn context(global: &Global, command: Context) -> Result<()> {
    let folder = Folder::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let printer = Printer::new(global);
    match command {
        Context::List => list(&printer, &folder),
        Context::Add { name } => add(global, &printer, &folder, &name),
        Context::Use { name } => {
            known(&folder, &name)?;
            folder.choose(&name)?;
            if let Some(named) = named_by_variable().filter(|named| *named != name) {
                printer.warning(&format!("MUNIMENT_CONTEXT names {named}, which counts before it: unset it"));
            }
            printer.result(&json!({ "context": name }), || vec![format!("{name} counts from now on")])
        }
        Context::Remove { name } => {
            let file = known(&folder, &name)?;
            ask::confirm(global, &format!("Server and login of {name} are forgotten here"), &name)?;
            match fs::remove_file(&file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other.with_context(|| format!("cannot remove {}", file.display()))?,
            }
            if folder.chosen()? == name {
                folder.choose(DEFAULT)?;
            }
            printer.result(&json!({ "removed": name }), || vec![format!("{name} is forgotten")])
        }
    }
}

/// The context that the environment names.
fn named_by_variable() -> Option<String> {
    std::env::var("MUNIMENT_CONTEXT").ok().filter(|name| !name.is_empty())
}

fn known(folder: &Folder, name: &str) -> Result<std::path::PathBuf> {
    let file = folder.file(name);
    if name == DEFAULT || file.exists() { Ok(file) } else { Err(missing(name)) }
}

/// Why a command cannot go on in a context that is not there.
pub(super) fn missing(name: &str) -> anyhow::Error {
    Exit::NotFound.because(format!(
        "there is no context {name}: `muniment login --context {name} --url <url>` makes it, `muniment context list` \
         lists them"
    ))
}

fn list(printer: &Printer, folder: &Folder) -> Result<()> {
    let chosen = folder.place(None, named_by_variable().as_deref())?.name;
    let mut items: Vec<Value> = Vec::new();
    for name in folder.names()? {
        let saved = read_saved(&folder.file(&name), None)?;
        items.push(json!({
            "name": name,
            "chosen": name == chosen,
            "url": saved.url,
            "email": saved.email,
            "session": saved.session_token.is_some(),
            "token": saved.token.is_some(),
        }));
    }
    let columns = ["name", "chosen", "url", "email", "session", "token"];
    printer.list(&json!({ "contexts": items }), &items, &columns)
}

fn add(global: &Global, printer: &Printer, folder: &Folder, name: &str) -> Result<()> {
    if folder.file(name).exists() {
        return Err(Exit::Conflict
            .because(format!("there is a context {name} already: `muniment context remove {name}` forgets it")));
    }
    let mut global = global.clone();
    global.context = Some(name.to_owned());
    let mut credentials = Credentials::find(&global)?;
    // Only what this command line names is kept: a token of the environment may be another server's.
    let token = match (&global.token_file, credentials.agent()) {
        (Some(_), Ok(Auth::Agent(token))) => Some(token.expose_secret().to_owned()),
        (Some(_), Err(error)) => return Err(error),
        (Some(_) | None, _) => None,
    };
    // Every later command of the context would be refused for it.
    Api::new(&credentials.url, global.timeout)?;
    credentials.save(|saved| saved.token = token)?;
    let url = &credentials.url;
    printer.result(&json!({ "context": name, "url": url }), || vec![format!("{name} is {url}")])
}
