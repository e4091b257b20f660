//! Offers of roles: made, looked at and answered.

use std::collections::HashSet;

use anyhow::Result;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use muniment_aggregates::offer_book::GrantScope;
use serde_json::{Map, Value, json};

use super::Session;
use super::rpc::{ASKS, Caller, account_id, rpc};
use crate::cli::listing::{Listed, gather, offset_hint, print_part};
use crate::cli::operator::role::scope;
use crate::cli::output::cell;

/// Offers of one request.
const PAGE_OFFERS: usize = 500;
/// What shows, where an answer about an offer is lost, whether it was done.
const SHOWN_BY: Option<&str> = Some("offer list --all");

/// Offers of roles
#[derive(Debug, Subcommand)]
pub enum Offer {
    /// Offer a role to an account; nobody holds it before its owner accepts
    #[command(before_help = "Examples:\n  muniment offer make ana teacher --message 'for the new class'\n  \
                             muniment offer make ana teacher --scope class:6f1c0d5e-8a3b-4c7d-9e2f-1b0a4d6c8e57")]
    Make(Make),
    /// List the offers that wait for an answer, soonest end first; with --all those that were answered too
    #[command(before_help = "Examples:\n  muniment offer list\n  muniment offer list --account ana --all --json")]
    List {
        /// Another account than one's own; for administrators
        #[arg(long, value_name = "USERNAME|ID")]
        account: Option<String>,
        /// To and by the account, in every state, newest first
        #[arg(long)]
        all: bool,
        /// How many
        #[arg(long, default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
        limit: usize,
        /// How many to skip
        #[arg(long, default_value_t = 0, value_name = "COUNT")]
        offset: usize,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
    /// Accept an offer: the persona that acts holds the role from then on
    #[command(before_help = "Example:\n  muniment offer accept 7f0c1e0e-5d7b-4f0e-9b57-0c9a2f4f4b11")]
    Accept {
        /// Its id
        id: String,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
    /// Decline an offer
    #[command(
        before_help = "Example:\n  muniment offer decline 7f0c1e0e-5d7b-4f0e-9b57-0c9a2f4f4b11 --reason 'no time'"
    )]
    Decline {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
    /// Take back an offer that one made
    #[command(before_help = "Example:\n  muniment offer retract 7f0c1e0e-5d7b-4f0e-9b57-0c9a2f4f4b11")]
    Retract {
        /// Its id
        id: String,
        /// As whom
        #[command(flatten)]
        caller: Caller,
    },
}

/// `offer make`.
#[derive(Debug, Args)]
pub struct Make {
    /// Account id; for administrators also a username
    account: String,
    /// The role
    role: String,
    /// Where [default: everywhere]
    #[arg(long, value_name = "KIND:ID", value_parser = scope)]
    scope: Option<GrantScope>,
    /// Only this persona may accept
    #[arg(long, value_name = "ID")]
    to_actor: Option<String>,
    /// A message to the account
    #[arg(long)]
    message: Option<String>,
    #[command(flatten)]
    caller: Caller,
}

/// Runs one.
///
/// # Errors
/// When there is no token, or the server refuses or is away.
pub async fn offer(session: &Session, command: Offer) -> Result<()> {
    match command {
        Offer::Make(command) => make(session, &command).await,
        Offer::List { account, all, limit, offset, caller } => {
            let mut params = Map::new();
            if let Some(account) = account {
                params.insert("account_id".to_owned(), json!(account_id(session, &caller, &account).await?));
            }
            let Listed { mut rows, more } = if all {
                let page = async |have: &[Value], wanted: usize| {
                    params.insert("limit".to_owned(), json!(wanted));
                    params.insert("offset".to_owned(), json!(offset.saturating_add(have.len())));
                    offers(session, &caller, "role_grant_offer_history", params.clone()).await
                };
                gather(limit, PAGE_OFFERS, page).await?
            } else {
                // Those that wait come in one answer.
                let mut waiting =
                    offers(session, &caller, "role_grant_offer_list", params).await?.into_iter().skip(offset);
                gather(limit, usize::MAX, async |_: &[Value], wanted: usize| {
                    Ok(waiting.by_ref().take(wanted).collect())
                })
                .await?
            };
            // One made between two pages moves the others, and the last of the first page are the first of the second too.
            let mut seen = HashSet::new();
            rows.retain(|row| seen.insert(row["id"].to_string()));
            let columns = ["id", "role", "scope_kind", "scope_id", "to_account_id", "from_actor_id", "expires_at"];
            let ends = ["accepted_at", "declined_at", "retracted_at", "superseded_at"];
            let columns = [columns.as_slice(), if all { ends.as_slice() } else { &[] }].concat();
            let left_out = if all { "older offers" } else { "offers that end later" };
            let rest = more.then(|| offset_hint(left_out, limit, offset));
            print_part(&session.printer, json!({ "offers": rows }), &rows, &columns, rest)
        }
        Offer::Accept { id, caller } => {
            let answer = rpc(session, &caller, "role_grant_offer_accept", of_offer(&id), SHOWN_BY).await?;
            let grant = &answer["role_grant_id"];
            session.printer.result(&answer, || {
                vec![format!("Accepted: {} is held by grant {}", cell(&answer["offer"]["role"]), cell(grant))]
            })
        }
        Offer::Decline { id, reason, caller } => {
            let mut params = of_offer(&id);
            params.extend(reason.map(|reason| ("reason".to_owned(), json!(reason))));
            let answer = rpc(session, &caller, "role_grant_offer_decline", params, SHOWN_BY).await?;
            session.printer.result(&answer, || vec![format!("Declined: {id}")])
        }
        Offer::Retract { id, caller } => {
            let answer = rpc(session, &caller, "role_grant_offer_retract", of_offer(&id), SHOWN_BY).await?;
            session.printer.result(&answer, || vec![format!("Taken back: {id}")])
        }
    }
}

async fn offers(session: &Session, caller: &Caller, method: &str, params: Map<String, Value>) -> Result<Vec<Value>> {
    let mut answer = rpc(session, caller, method, params, ASKS).await?;
    Ok(serde_json::from_value(answer["offers"].take())?)
}

fn of_offer(id: &str) -> Map<String, Value> {
    Map::from_iter([("offer_id".to_owned(), json!(id))])
}

async fn make(session: &Session, command: &Make) -> Result<()> {
    let account = account_id(session, &command.caller, &command.account).await?;
    let mut params =
        Map::from_iter([("to_account_id".to_owned(), json!(account)), ("role".to_owned(), json!(command.role))]);
    if let Some(scope) = &command.scope {
        params.insert("scope_kind".to_owned(), json!(scope.kind));
        params.insert("scope_id".to_owned(), json!(scope.id));
    }
    params.extend(command.to_actor.iter().map(|actor| ("to_actor_id".to_owned(), json!(actor))));
    params.extend(command.message.iter().map(|message| ("message".to_owned(), json!(message))));
    let answer = rpc(session, &command.caller, "role_grant_offer_create", params, SHOWN_BY).await?;
    let offer = &answer["offer"];
    session.printer.result(&answer, || {
        let (id, until) = (cell(&offer["id"]), cell(&offer["expires_at"]));
        vec![format!("Offered: {} to {} until {until} ({id})", command.role, command.account)]
    })
}
