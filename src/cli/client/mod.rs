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

use anyhow::Result;

use super::exit::Exit;
use super::flags::Global;
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
        let login = format!("run `muniment login{} --email <address>`", self.credentials.place.flag());
        let place = self.credentials.called();
        let neither = || {
            let text = format!("there is neither a token nor a session for {place}: set MUNIMENT_TOKEN, or {login}");
            Exit::Denied.because(text)
        };
        self.credentials.agent().or_else(|_| self.credentials.founder()).map_err(|_| neither())
    }

    /// The company to name in a call by session; a token is bound to one already.
    #[must_use]
    pub fn company_query(&self, auth: &Auth) -> Vec<(&'static str, String)> {
        match (auth, &self.credentials.saved.company_id) {
            (Auth::Session(_), Some(company)) => vec![("company_id", company.clone())],
            (Auth::Session(_), None) | (Auth::Agent(_) | Auth::None, _) => Vec::new(),
        }
    }
}
