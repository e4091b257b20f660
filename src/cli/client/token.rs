//! Agent tokens: made, listed, revoked and rotated by a founder.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::http::Call;
use super::{Company, Session};
use crate::cli::ask;
use crate::cli::output::cell;

/// Agent tokens
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; it is shown once
    #[command(
        before_help = "Example:\n  muniment token create --name nightly --scope metrics:write --metric arr --expires-in-days 90"
    )]
    Create {
        /// Its name, unique among the company's live tokens
        #[arg(long)]
        name: Option<String>,
        /// What it may do: application:read, metrics:create, metrics:write, alerts:ack
        #[arg(long = "scope", value_name = "SCOPE", num_args = 1.., value_delimiter = ',')]
        scopes: Vec<String>,
        /// The metrics it may write [default: all]
        #[arg(long = "metric", value_name = "KEY", num_args = 1.., value_delimiter = ',')]
        metrics: Vec<String>,
        /// When it ends [default: never]
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
        /// Whose
        #[command(flatten)]
        company: Company,
    },
    /// List the company's tokens
    #[command(before_help = "Example:\n  muniment token list")]
    List(Company),
    /// End a token now
    #[command(before_help = "Example:\n  muniment token revoke 5f0c3a91 --reason 'left the team'")]
    Revoke {
        /// Its public id
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Replace a token by a new one
    #[command(before_help = "Example:\n  muniment token rotate 5f0c3a91 --grace-seconds 3600")]
    Rotate {
        /// Its public id
        id: String,
        /// How long the old one still works
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        grace_seconds: u32,
    },
}

/// Runs a token command.
///
/// # Errors
/// When nobody is signed in, or the server refuses or is away.
pub async fn token(session: &Session, command: Token) -> Result<()> {
    let auth = session.founder()?;
    match command {
        Token::Create { name, scopes, metrics, expires_in_days, company } => {
            let name = ask::for_flag(&session.global, name.as_deref(), "--name", "Name of the token")?;
            let scopes = if scopes.is_empty() { vec!["metrics:write".to_owned()] } else { scopes };
            let mut body = Map::new();
            body.insert("name".to_owned(), json!(name));
            body.insert("scopes".to_owned(), json!(scopes));
            if !metrics.is_empty() {
                body.insert("allowed_metrics".to_owned(), json!(metrics));
            }
            body.extend(expires_in_days.map(|days| ("expires_in_days".to_owned(), json!(days))));
            // The text of a new token is told once.
            let flags = session.flags();
            let if_lost = format!(
                "`muniment token list{}{flags}` shows whether it is there: `muniment token revoke <its id>{flags}` ends it, \
                 and the same command then makes another",
                company.flag()
            );
            let company = session.company_of(&auth, &company);
            body.extend(company.map(|company| ("company_id".to_owned(), json!(company))));
            let call = Call::post_once(&["v1", "tokens"], Value::Object(body), if_lost).auth(auth);
            made(session, &session.api.send(call).await?)
        }
        Token::List(company) => {
            let query = session.company_query(&auth, &company);
            let answer = session.api.send(Call::get(&["v1", "tokens"]).query(query).auth(auth)).await?;
            let items = answer["tokens"].as_array().cloned().unwrap_or_default();
            let columns =
                ["public_id", "name", "scopes", "allowed_metrics", "expires_at", "last_used_at", "revoked_at"];
            session.printer.list(&answer, &items, &columns)
        }
        Token::Revoke { id, reason } => {
            let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
            let answer = session.api.send(Call::post(&["v1", "tokens", &id, "revoke"], body).auth(auth)).await?;
            session.printer.result(&answer, || {
                vec![format!("Token revoked: {} at {}", cell(&answer["public_id"]), cell(&answer["revoked_at"]))]
            })
        }
        Token::Rotate { id, grace_seconds } => {
            let body = json!({ "grace_seconds": grace_seconds });
            let if_lost = format!(
                "`muniment token list{}`, with --company-id where you have several companies, shows whether a newer one has \
                 its name: rotate that one; if not, the same command again",
                session.flags()
            );
            let call = Call::post_once(&["v1", "tokens", &id, "rotate"], body, if_lost).auth(auth);
            made(session, &session.api.send(call).await?)
        }
    }
}

fn made(session: &Session, answer: &Value) -> Result<()> {
    session.printer.result(answer, || {
        vec![
            format!("Token created: {} ({})", cell(&answer["name"]), cell(&answer["public_id"])),
            "Shown this once:".to_owned(),
            format!("export MUNIMENT_TOKEN='{}'", cell(&answer["token"])),
        ]
    })
}
