//! What to tell a coding agent or a job so that it reports a metric.

use anyhow::Result;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::Session;
use super::http::Auth;

/// Print what an agent needs to report a metric
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  muniment setup-agent weekly_revenue\n  muniment setup-agent --metric arr --show-token"
)]
pub struct SetupAgent {
    /// Key of the metric
    #[arg(value_name = "METRIC", conflicts_with = "metric")]
    key: Option<String>,
    /// Key of the metric
    #[arg(long, value_name = "KEY")]
    metric: Option<String>,
    /// Print the token too
    #[arg(long)]
    show_token: bool,
}

/// Prints command and instruction; the token only when asked for.
///
/// # Errors
/// When the token is asked for and there is none.
pub fn setup_agent(session: &Session, command: &SetupAgent) -> Result<()> {
    let metric = command.key.as_ref().or(command.metric.as_ref()).map_or("weekly_revenue", String::as_str);
    let update = format!("muniment metric update {metric} <value> --idempotency-key {metric}-<period>");
    let instruction = format!(
        "After each reporting period run `{update}` with the period's figure, for example {metric}-2026-W23 as key. \
         The token is in MUNIMENT_TOKEN; never write it to a file that is committed. \
         `Duplicate ignored` means the period was reported already."
    );
    let token = match (command.show_token, session.agent()) {
        (false, _) => None,
        (true, Ok(Auth::Agent(token) | Auth::Session(token))) => Some(token.expose_secret().to_owned()),
        (true, Ok(Auth::None)) => None,
        (true, Err(error)) => return Err(error),
    };
    let (url, mut shown) = (&session.credentials.url, json!({ "command": update, "instruction": instruction }));
    shown["url"] = json!(url);
    if let Some(token) = &token {
        shown["token"] = json!(token);
    }
    session.printer.result(&shown, || {
        let mut lines = vec![format!("export MUNIMENT_URL='{url}'")];
        lines.extend(token.iter().map(|token| format!("export MUNIMENT_TOKEN='{token}'")));
        lines.extend([update.clone(), String::new(), instruction.clone()]);
        lines
    })
}
