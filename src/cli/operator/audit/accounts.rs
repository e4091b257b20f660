//! The audit of accounts and consent, as administrators see it over the network: who signed in, offered, accepted, was
//! refused.

use std::collections::HashMap;

use anyhow::Result;
use clap::Args;
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::OneOf;
use muniment_aggregates::sealed::Sealed;
use muniment_aggregates::wire;
use muniment_journal::{Journal, KeyRing, SealError};
use muniment_projections::audit_log::{self, AuditLog, AuditRow, Filter};
use muniment_projections::{OnMismatch, PAGE_ROWS_MAX, ReadStore, accounts, personas};
use serde_json::{Map, Value, json};

use super::event::{ERASED, open_one};
use super::trace::metadata as metadata_of;
use crate::cli::listing::{gather, offset_hint, print_part};
use crate::cli::operator::keeper;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::config::audit_events::is_built_in;

/// `audit accounts`.
#[derive(Debug, Args)]
pub struct Accounts {
    /// How many rows
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// How many to skip
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    offset: usize,
    /// Only of this type, as login or role_grant_offer_accept
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Only success, or only failure
    #[arg(long, value_name = "OUTCOME", value_parser = ["success", "failure"])]
    outcome: Option<String>,
    /// Only by or to this account: username, e-mail address or id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only later than this position
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Prints rows, newest first.
pub(super) async fn list(printer: &Printer, command: &Accounts) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::reading(&config).await?;
    let account = match &command.account {
        None => None,
        Some(named) => Some(keeper::account(&journal, named).await?),
    };
    let store = open::read_models(&config, &journal, OnMismatch::Refuse).await?;
    open::catch_up(&journal, &store, &AuditLog).await?;
    open::catch_up(&journal, &store, &accounts::Accounts).await?;
    open::catch_up(&journal, &store, &personas::Personas).await?;
    // By the last row had: what a server beside us folds in between two pages moves all that is there.
    let page = async |have: &[AuditRow], limit: usize| {
        let before_seq = have.last().map(|row| row.seq);
        let filter = Filter {
            event_type: command.event_type.clone(),
            outcome: command.outcome.clone(),
            account: account.clone(),
            since_seq: command.after.map(Position),
            before_seq,
            limit,
            offset: if before_seq.is_none() { command.offset } else { 0 },
        };
        Ok(audit_log::list(&store, &filter).await?)
    };
    let listed = gather(command.limit, PAGE_ROWS_MAX, page).await?;
    let rest = listed.more.then(|| offset_hint("older rows", command.limit, command.offset));
    let (mut names, mut rows) = (HashMap::new(), Vec::new());
    for row in listed.rows {
        rows.push(shown(row, &journal, &store, &mut names).await?);
    }
    let columns = ["seq", "created_at", "event_type", "outcome", "username", "target_username", "metadata"];
    print_part(printer, json!({ "events": rows }), &rows, &columns, rest)
}

type Names = HashMap<String, Option<String>>;

async fn shown(row: AuditRow, journal: &Journal, store: &ReadStore, names: &mut Names) -> Result<Value> {
    let keyring = journal.keyring();
    let mut metadata = row.metadata;
    // What a program of the operator's wrote is shown as it stands.
    if is_built_in(&row.event_type) {
        open_sealed(&mut metadata, keyring).await?;
    }
    let address = match &row.client {
        None => None,
        Some(sealed) => Some(open_one(&OneOf::clients(), sealed, keyring).await?),
    };
    // A record that was tampered with keeps nobody from the rows; `audit verify` says what is wrong with it.
    let event = journal.event(row.seq).await.ok().flatten();
    let correlation = event.as_deref().and_then(|event| metadata_of(event).ok()).map(|it| it.correlation);
    let username = username_of(row.actor_id.as_ref(), row.account_id.as_ref(), store, names).await?;
    let (target, of_target) = (row.target_actor_id.as_ref(), row.target_account_id.as_ref());
    let target_username = username_of(target, of_target, store, names).await?;
    Ok(json!({
        "seq": row.seq.to_string(),
        "id": row.id,
        "event_type": row.event_type,
        "outcome": row.outcome,
        "created_at": wire::instant(row.created_at),
        "actor_id": row.actor_id,
        "username": username,
        "account_id": row.account_id,
        "target_username": target_username,
        "target_account_id": row.target_account_id,
        "target_actor_id": row.target_actor_id,
        "ip": address,
        "correlation_id": correlation,
        "metadata": metadata,
    }))
}

/// The username of whom a row names: of the persona's account where there is such a persona, else of the account. Who is
/// erased has none.
async fn username_of(
    persona: Option<&String>,
    account: Option<&String>,
    store: &ReadStore,
    names: &mut Names,
) -> Result<Option<String>> {
    let through = match persona {
        None => None,
        Some(id) => personas::by_id(store, &PersonaId(id.clone())).await?.map(|row| row.account.0),
    };
    let Some(id) = through.as_ref().or(account) else { return Ok(None) };
    if let Some(known) = names.get(id) {
        return Ok(known.clone());
    }
    let row = accounts::by_id(store, &AccountId(id.clone())).await?;
    let name = row.filter(|row| row.erased_at.is_none()).map(|row| row.username);
    names.insert(id.clone(), name.clone());
    Ok(name)
}

/// Opens what the read model marks as sealed, as the network's listing does. A text of a client that has the look of a sealed
/// value is none; one that does not open stands as it is.
async fn open_sealed(metadata: &mut Value, keyring: &KeyRing) -> Result<()> {
    for field in metadata.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(Value::String(text)) = field.get("$sealed") else { continue };
        match keyring.open_anywhere(&Sealed::from_text(text.as_str())).await {
            Ok(opened) => *field = opened.unwrap_or_else(|| ERASED.to_owned()).into(),
            Err(SealError::Malformed | SealError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
