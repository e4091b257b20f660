//! The command line in front of a server: everything here is a call of its public surface.
//!
//! [`http`] speaks to the server, [`credentials`] finds and keeps what proves who calls; then a file a command.

pub mod alert;
pub mod apply;
pub mod context;
pub mod contexts;
pub mod credentials;
pub mod demo;
pub mod events;
pub mod history;
pub mod http;
pub mod import;
pub mod import_quotes;
pub mod import_rows;
pub mod invite;
pub mod login;
pub mod metric;
pub mod offer;
pub mod paged;
pub mod rpc;
pub mod rule;
pub mod saved;
pub mod setup_agent;
pub mod status;
pub mod token;
pub mod value;
pub mod whoami;

use std::os::unix::ffi::OsStrExt as _;

use anyhow::Result;
use clap::Args;

use super::flags::Global;
use super::interrupt::quoted;
use super::output::Printer;
use credentials::Credentials;
use http::{Api, Auth};

/// What every client command needs.
pub struct Session {
    /// The flags.
    pub global: Global,
    /// Where results go.
    pub printer: Printer,
    /// Who calls.
    pub credentials: Credentials,
    /// The server.
    pub api: Api,
}

/// Which company a founder means.
#[derive(Debug, Args)]
pub struct Company {
    /// The company, where you have several [default: the one applied for from here]
    #[arg(long, value_name = "ID")]
    company_id: Option<String>,
}

impl Company {
    /// The flag as it was given, with a blank before it.
    #[must_use]
    pub fn flag(&self) -> String {
        let company = self.company_id.as_ref();
        company.map(|company| format!(" --company-id {}", quoted(company.as_bytes()))).unwrap_or_default()
    }
}

impl Session {
    /// Finds the credentials and the server.
    ///
    /// # Errors
    /// When the context that is named is not there, a credentials file cannot be read or the URL is none.
    pub fn open(global: &Global) -> Result<Self> {
        let credentials = Credentials::find(global)?;
        let place = &credentials.place;
        if !place.is_default() && !place.file.exists() {
            return Err(context::missing(&place.name));
        }
        Self::with(global, credentials)
    }

    /// The same for a command that makes the context it names.
    ///
    /// # Errors
    /// When a credentials file cannot be read or the URL is none.
    pub fn begin(global: &Global) -> Result<Self> {
        Self::with(global, Credentials::find(global)?)
    }

    fn with(global: &Global, credentials: Credentials) -> Result<Self> {
        let api = Api::new(&credentials.url, global.timeout)?;
        Ok(Self { global: global.clone(), printer: Printer::new(global), credentials, api })
    }

    /// The flags that bring another command to the same server, each with a blank before it. What the environment says
    /// counts for that command too.
    #[must_use]
    pub fn server_flags(&self) -> String {
        let url = self.global.url.as_ref().map(|url| format!(" --url {}", quoted(url.as_bytes())));
        format!("{}{}", self.credentials.place.flag(), url.unwrap_or_default())
    }

    /// The same, with those that name the files of what proves who calls.
    #[must_use]
    pub fn flags(&self) -> String {
        let global = &self.global;
        let files = [("--token-file", &global.token_file), ("--session-token-file", &global.session_token_file)];
        let given = files.into_iter().filter_map(|(flag, file)| Some((flag, file.as_ref()?.as_os_str().as_bytes())));
        given.fold(self.server_flags(), |flags, (flag, file)| format!("{flags} {flag} {}", quoted(file)))
    }

    /// The agent token.
    ///
    /// # Errors
    /// When there is none.
    pub fn agent(&self) -> Result<Auth> {
        self.credentials.agent()
    }

    /// The founder session.
    ///
    /// # Errors
    /// When there is none.
    pub fn founder(&self) -> Result<Auth> {
        self.credentials.founder()
    }

    /// The agent token where there is one, else the founder session.
    ///
    /// # Errors
    /// When there is neither.
    pub fn either(&self) -> Result<Auth> {
        self.credentials.either()
    }

    /// Who looks at the company: where one is named the founder, if he is signed in, since a token knows its own alone.
    ///
    /// # Errors
    /// When there is neither a token nor a session.
    pub fn reader(&self, company: &Company) -> Result<Auth> {
        match company.company_id {
            Some(_) => self.founder().or_else(|_| self.either()),
            None => self.either(),
        }
    }

    /// The company to name in a call: the one of the flag, or that is saved with the session; a token is bound to one.
    #[must_use]
    pub fn company_of(&self, auth: &Auth, company: &Company) -> Option<String> {
        // What is saved is the company of whoever is signed in here, not of a session that a variable brings.
        let is_saved = matches!(auth, Auth::Session(_)) && self.credentials.session_is_saved();
        let saved = || self.credentials.saved.company_id.clone().filter(|_| is_saved);
        company.company_id.clone().or_else(saved)
    }

    /// The same as the query of a call.
    #[must_use]
    pub fn company_query(&self, auth: &Auth, company: &Company) -> Vec<(&'static str, String)> {
        self.company_of(auth, company).map(|company| ("company_id", company)).into_iter().collect()
    }
}
