//! Read models: recorded events folded into tables, and the queries on them.
//!
//! Reading order: [`projection`] is what a read model fulfils; [`store`] is their database; [`advance`] folds events
//! in, exactly once; [`rebuild`] replaces the tables of a model while it serves; [`verify`] compares it with a fresh
//! replay. Then one module a model: its row types, its queries, and how it folds. Begin with [`metrics`].
//!
//! **Invariant:** everything here but `last_used` and `request_windows` can be dropped and comes back from the journal,
//! row for row.
//! **Invariant:** what a person wrote stands here as [`muniment_aggregates::sealed::Sealed`]. Names by which accounts, personas
//! and invites are listed stand in clear until the erasure is folded, which takes them out (docs/decisions/0010).

#[macro_use]
mod schema;

pub mod accounts;
pub mod advance;
pub mod agent_tokens;
pub mod alerts;
pub mod api_tokens;
pub mod applications;
mod asking;
pub mod audit;
pub mod audit_log;
mod checkpoint;
mod connecting;
mod dialect;
mod dropping;
mod fact;
mod head;
mod incarnations;
pub mod invites;
pub mod last_used;
mod live_generations;
pub mod metrics;
pub mod offers;
pub mod personas;
pub mod points;
pub mod projection;
mod query;
pub mod rebuild;
pub mod request_windows;
mod rows;
pub mod rules;
pub mod sessions;
pub mod store;
mod subscriptions;
pub mod verify;

use std::sync::Arc;

pub use advance::{Advance, AdvanceError, Outcome};
pub use checkpoint::{Checkpoint, Purpose};
pub use connecting::ReadDatabase;
pub use fact::Fact;
pub use head::AskHead;
pub use last_used::LastUsed;
/// What a query fails with.
pub use muniment_sql::SqlError;
pub use projection::{ApplyError, Former, Poison, Projection, Table};
pub use query::PAGE_ROWS_MAX;
pub use rows::{InsertBatch, Rows};
pub use store::{OnMismatch, OpenError, ReadStore, ReadStoreConfig};

/// Every read model there is: the one registry. Host, status, rebuild and verification follow from being in it.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(metrics::Metrics),
        Arc::new(points::Points),
        Arc::new(alerts::Alerts),
        Arc::new(rules::Rules),
        Arc::new(applications::Applications),
        Arc::new(agent_tokens::AgentTokens),
        Arc::new(sessions::Sessions),
        Arc::new(accounts::Accounts),
        Arc::new(audit::Audit),
        Arc::new(personas::Personas),
        Arc::new(api_tokens::ApiTokens),
        Arc::new(offers::Offers),
        Arc::new(invites::Invites),
        Arc::new(audit_log::AuditLog),
    ]
}
