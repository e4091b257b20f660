//! Invitations to sign up, as an administrator handles them.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, json};

use super::Session;
use super::rpc::{ASKS, Caller, rpc};
use crate::cli::exit::Exit;
use crate::cli::output::cell;

/// What shows, where an answer about an invitation is lost, whether it was done.
const SHOWN_BY: Option<&str> = Some("invite list");

/// Invitations to sign up
#[derive(Debug, Subcommand)]
pub enum Invite {
    /// Invite somebody by e-mail address, username or both
    #[command(before_help = "Examples:\n  muniment invite create --email ana@example.com\n  \
                       muniment invite create --username ana --daemon-token-file /var/lib/muniment/run/daemon_token")]
    Create {
        /// The address that may sign up
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The username that may sign up
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
    /// List invitations, newest first
    #[command(before_help = "Example:\n  muniment invite list --json")]
    List {
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
    /// Take back an invitation that nobody has used
    #[command(before_help = "Example:\n  muniment invite delete 7f0c1e0e-5d7b-4f0e-9b57-0c9a2f4f4b11")]
    Delete {
        /// Its id
        id: String,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
}

/// Runs one.
///
/// # Errors
/// When there is no token, or the server refuses or is away.
pub async fn invite(session: &Session, command: Invite) -> Result<()> {
    match command {
        Invite::Create { email, username, caller } => {
            if email.is_none() && username.is_none() {
                return Err(Exit::Usage.because("--email is missing, or --username, or both"));
            }
            let given = [("email", email), ("username", username)];
            let params = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
            let answer = rpc(session, &caller, "invite_create", params, SHOWN_BY).await?;
            let invite = &answer["invite"];
            session.printer.result(&answer, || {
                let whom = [&invite["username"], &invite["email"]].map(cell).join(" ");
                vec![format!("Invited: {whom} ({})", cell(&invite["id"]))]
            })
        }
        Invite::List { caller } => {
            let answer = rpc(session, &caller, "invite_list", Map::new(), ASKS).await?;
            let items = answer["invites"].as_array().cloned().unwrap_or_default();
            let columns = ["id", "email", "username", "created_at", "created_by_username", "claimed_by_username"];
            session.printer.list(&answer, &items, &columns)
        }
        Invite::Delete { id, caller } => {
            let params = Map::from_iter([("invite_id".to_owned(), json!(id))]);
            let answer = rpc(session, &caller, "invite_delete", params, SHOWN_BY).await?;
            session.printer.result(&answer, || vec![format!("Invitation taken back: {id}")])
        }
    }
}
