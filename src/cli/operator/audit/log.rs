//! The audit view: what was done, by whom, to what.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::wire;
use muniment_journal::KeyRing;
use muniment_projections::audit::{self, ActorLabel, AuditFilter, MutationRow};
use muniment_projections::{OnMismatch, PAGE_ROWS_MAX};
use serde_json::{Value, json};

use super::event::{ERASED, open_one};
use crate::cli::exit::Exit;
use crate::cli::listing::{gather, print_part};
use crate::cli::operator::keeper;
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;

/// `audit log`.
#[derive(Debug, Args)]
pub struct Log {
    /// How many rows
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// Only this action, as metric_point.created
    #[arg(long)]
    action: Option<String>,
    /// Only of this company
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// Only of this kind of resource, as metric
    #[arg(long, value_name = "KIND")]
    resource_type: Option<String>,
    /// Only of this resource
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Only done by this account: username, e-mail address or id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only of this request
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Only later than this position
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// Only earlier than this position
    #[arg(long, value_name = "POSITION")]
    before: Option<u64>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Prints rows, newest first.
pub(super) async fn log(printer: &Printer, command: &Log) -> Result<()> {
    let company = command
        .company
        .as_deref()
        .map(|text| CompanyId::parse(text).ok_or_else(|| Exit::Usage.because(format!("{text} is no company id"))));
    let company = company.transpose()?;
    let config = command.store.load()?.config;
    let journal = open::reading(&config).await?;
    let account = match &command.account {
        None => None,
        Some(named) => Some(keeper::account(&journal, named).await?),
    };
    let mut filter = AuditFilter {
        action: command.action.clone(),
        company,
        resource_type: command.resource_type.clone(),
        resource_id: command.resource.clone(),
        account_id: account.map(|account| account.0),
        correlation: command.correlation.clone(),
        since: command.after.map(Position),
        before: command.before.map(Position),
    };
    let store = open::read_models(&config, &journal, OnMismatch::Refuse).await?;
    for model in audit::READ_MODELS {
        open::catch_up(&journal, &store, *model).await?;
    }
    let page = async |have: &[MutationRow], wanted: usize| {
        filter.before = have.last().map(|row| row.seq).or(filter.before);
        Ok(audit::page(&store, &filter, wanted).await?)
    };
    let listed = gather(command.limit, PAGE_ROWS_MAX, page).await?;
    let last = listed.rows.last().map(|row| format!(", --before {} goes on behind them", row.seq));
    let rest = listed.more.then(|| {
        format!("older rows are left out; --limit lists more than these {}{}", command.limit, last.unwrap_or_default())
    });
    let mut rows = Vec::with_capacity(listed.rows.len());
    for row in listed.rows {
        rows.push(shown(row, journal.keyring()).await?);
    }
    let columns = ["seq", "created_at", "event_type", "actor", "resource_type", "resource_id", "metadata"];
    print_part(printer, json!({ "events": rows }), &rows, &columns, rest)?;
    if let (true, Some(correlation)) = (rows.is_empty(), &command.correlation) {
        // Not all that a request records has a row here.
        printer.message(&format!("`muniment audit trace --correlation {correlation}` looks in the whole record"));
    }
    Ok(())
}

async fn shown(row: MutationRow, keyring: &KeyRing) -> Result<Value> {
    let actor = match row.actor {
        ActorLabel::Clear(label) => label,
        ActorLabel::Sealed(sealed) => keyring.open_anywhere(&sealed).await?.unwrap_or_else(|| ERASED.to_owned()),
    };
    let address = match &row.client {
        None => None,
        Some(sealed) => Some(open_one(&SealContext::client(&row.correlation), sealed, keyring).await?),
    };
    Ok(json!({
        "seq": row.seq.to_string(),
        "id": row.id,
        "event_type": row.action,
        "created_at": wire::instant(row.recorded_at),
        "actor": actor,
        "actor_kind": row.actor_kind,
        "account_id": row.account_id,
        "actor_id": row.persona_id,
        "credential_type": row.credential,
        "credential_id": row.credential_id,
        "company_id": row.company,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "ip": address,
        "correlation_id": row.correlation,
        "causation": row.causation.map(|position| position.to_string()),
        "surface": row.surface,
        "command": row.command,
        // Nothing is sealed in it: what a client wrote there is shown as it stands.
        "metadata": row.metadata,
    }))
}
