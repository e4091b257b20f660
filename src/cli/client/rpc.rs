//! Methods of `/api/rpc`, called by an account's API token, or by the daemon token on the server's own machine.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Session;
use super::credentials::read_secret;
use super::http::{Auth, Call};
use crate::auth::tokens::{self, TokenKind};
use crate::cli::exit::{self, Exit};
use crate::cli::interrupt::quoted;

/// Accounts asked for at once.
const PAGE_ACCOUNTS: usize = 200;

/// As whom a method is called.
#[derive(Debug, Clone, Args)]
pub struct Caller {
    /// The persona that acts [default: the account's only one]
    #[arg(long, value_name = "ID")]
    acting: Option<Uuid>,
    /// Call as the keeper: the server's run/daemon_token, instead of an API token in MUNIMENT_TOKEN or --token-file
    #[arg(long, value_name = "FILE")]
    daemon_token_file: Option<PathBuf>,
}

impl Caller {
    /// The flags as they were given, each with a blank before it.
    fn flags(&self) -> String {
        let acting = self.acting.map(|persona| format!(" --acting {persona}")).unwrap_or_default();
        let keeper = self.daemon_token_file.as_ref();
        let keeper = keeper.map(|file| format!(" --daemon-token-file {}", quoted(file.as_os_str().as_bytes())));
        format!("{acting}{}", keeper.unwrap_or_default())
    }
}

/// One that only answers.
pub const ASKS: Option<&str> = None;

/// Calls one. `shown_by` names, of one that changes something, the command that shows whether it did where no answer came.
///
/// # Errors
/// When there is no token, or the server refuses or is away.
pub async fn rpc(
    session: &Session,
    caller: &Caller,
    method: &str,
    mut params: Map<String, Value>,
    shown_by: Option<&str>,
) -> Result<Value> {
    params.extend(caller.acting.map(|persona| ("acting".to_owned(), json!(persona))));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let path = ["api", "rpc"];
    let call = match shown_by {
        Some(command) => {
            let look = format!("muniment {command}{}{}", session.flags(), caller.flags());
            let if_lost = format!("`{look}` shows whether it was done; if not, the same command again");
            Call::post_once(&path, body, if_lost)
        }
        None => Call::post(&path, body),
    };
    let call = match &caller.daemon_token_file {
        Some(path) => {
            let token = read_secret(path)?;
            call.header("x-daemon-token", token.expose_secret(), "--daemon-token-file")?
        }
        None => call.auth(api_token(session)?),
    };
    let mut answer = session.api.send(call).await?;
    answer.get_mut("result").map(Value::take).context("the answer has no result")
}

/// The API token. A company's agent token is nothing to accounts, and is not sent: wrong bearers are counted against the
/// address of this machine, and after some nobody's is looked at.
fn api_token(session: &Session) -> Result<Auth> {
    let why = match session.agent() {
        Ok(Auth::Agent(token)) if tokens::looks_like(TokenKind::Agent, token.expose_secret()) => {
            "the token at hand is a company's agent token, which stands for no account"
        }
        Ok(token) => return Ok(token),
        Err(error) if session.credentials.agent_is_empty() => return Err(error),
        Err(_) => "there is no API token",
    };
    let next = "make one with account_token_create (docs/integrate/accounts.md) and set MUNIMENT_TOKEN, or on the server's \
                machine add --daemon-token-file <data folder>/run/daemon_token";
    Err(exit::with_next(Exit::Denied.because(why), next))
}

/// The id of an account, which may be named by its username where the caller administers.
///
/// # Errors
/// When there is none, or the server refuses or is away.
pub async fn account_id(session: &Session, caller: &Caller, named: &str) -> Result<String> {
    if Uuid::try_parse(named).is_ok() {
        return Ok(named.to_ascii_lowercase());
    }
    let mut offset = 0;
    loop {
        let page = [("limit".to_owned(), json!(PAGE_ACCOUNTS)), ("offset".to_owned(), json!(offset))];
        let answer = rpc(session, caller, "admin_account_list", page.into_iter().collect(), ASKS).await?;
        let entries = answer["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_named = |account: &&Value| {
            account["username"].as_str().is_some_and(|username| username.eq_ignore_ascii_case(named))
        };
        if let Some(id) = entries.iter().map(|entry| &entry["account"]).find(is_named).and_then(|it| it["id"].as_str())
        {
            return Ok(id.to_owned());
        }
        if entries.len() < PAGE_ACCOUNTS {
            return Err(Exit::NotFound.because(format!("there is no account {named}")));
        }
        offset += entries.len();
    }
}
