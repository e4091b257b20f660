//! Applying for a company: application, first metric and agent token in one call.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use muniment_aggregates::metric::slug;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::Session;
use super::http::{Auth, Call};
use super::login::{sign_in, this_login};
use crate::cli::ask;

/// A session that ends sooner is not worth using.
const SESSION_LEFT_MIN: TimeDelta = TimeDelta::seconds(60);

/// Apply for a company and get its agent token
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  muniment apply\n  muniment apply --founder-email ana@example.com --company Acme --metric-key arr\n  \
                   muniment apply --list",
    after_help = "What is missing is asked for on a terminal."
)]
pub struct Apply {
    /// The founder's e-mail address
    #[arg(long)]
    founder_email: Option<String>,
    /// Name of the company
    #[arg(long)]
    company: Option<String>,
    /// Its website; may be empty
    #[arg(long)]
    website: Option<String>,
    /// Name of the founder
    #[arg(long)]
    founder_name: Option<String>,
    /// What the company does, in a sentence
    #[arg(long)]
    one_liner: Option<String>,
    /// Key of the first metric
    #[arg(long, default_value = "weekly_revenue")]
    metric_key: String,
    /// Unit of the first metric
    #[arg(long, default_value = "usd")]
    metric_unit: String,
    /// List the companies you applied for, newest first, instead
    #[arg(
        long,
        conflicts_with_all = ["founder_email", "company", "website", "founder_name", "one_liner", "metric_key", "metric_unit"]
    )]
    list: bool,
}

/// Applies.
///
/// # Errors
/// When the server refuses, or there is nobody to ask for what is missing.
pub async fn apply(session: &mut Session, command: &Apply) -> Result<()> {
    if command.list {
        return list(session).await;
    }
    let global = session.global.clone();
    let email = ask::for_flag(&global, command.founder_email.as_deref(), "--founder-email", "Founder's e-mail")?;
    let company = ask::for_flag(&global, command.company.as_deref(), "--company", "Company")?;
    let website = match (&command.website, ask::somebody(&global)) {
        (Some(website), _) => website.clone(),
        (None, true) => ask::line("Website (may be empty)")?,
        (None, false) => ask::for_flag(&global, None, "--website", "Website")?,
    };
    let founder = ask::for_flag(&global, command.founder_name.as_deref(), "--founder-name", "Founder's name")?;
    let one_liner = ask::for_flag(&global, command.one_liner.as_deref(), "--one-liner", "One sentence about it")?;
    let auth = founder_session(session, &email).await?;
    let metric = slug::slug(&command.metric_key);
    let body = json!({
        "company_name": company,
        "founder_name": founder,
        "founder_email": email,
        "website": if website.trim().is_empty() { None } else { Some(website) },
        "narrative": { "one_liner": one_liner },
        "primary_metric": {
            "key": command.metric_key,
            "display_name": slug::title(&metric),
            "unit": command.metric_unit,
            "cadence": "weekly",
            "direction": "up",
        },
    });
    let mut call = Call::post_once(&["v1", "applications"], body, if_lost(session, &auth, &email)).auth(auth);
    if let Some(secret) = &session.credentials.signup_secret {
        call = call.header("x-alif-signup-secret", secret.expose_secret(), "the signup secret")?;
    }
    let answer = session.api.send(call).await?;
    let text =
        |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no {name}"));
    let (application, company, token) = (text("application_id")?, text("company_id")?, text("token")?);
    let saved = session.credentials.save_of(email.trim(), |saved| {
        saved.company_id = Some(company.clone());
        saved.application_id = Some(application.clone());
        saved.token = Some(token.clone());
    });
    // The company is there, and its token is shown this once: it is shown whether or not it could be saved.
    if let Err(error) = saved {
        session.printer.warning(&format!("{error:#}; the token below is kept nowhere else"));
    }
    session.printer.result(&answer, || {
        vec![
            format!("Application: {application}"),
            format!("Company: {company}"),
            format!("Metric: {metric}"),
            format!("Update it: muniment metric update {metric} <value>"),
            "For agents and jobs, shown this once:".to_owned(),
            format!("export MUNIMENT_TOKEN='{token}'"),
        ]
    })
}

/// Lists what the founder applied for. What is saved here knows the last company only, and not where the answer was lost.
async fn list(session: &Session) -> Result<()> {
    let answer = session.api.send(Call::get(&["v1", "applications"]).auth(session.founder()?)).await?;
    let items = answer["applications"].as_array().cloned().unwrap_or_default();
    session.printer.list(&answer, &items, &["company_name", "company_id", "submitted_at", "status"])
}

/// What to do where the answer is lost: each application that succeeds is a company, and its token is told once.
fn if_lost(session: &Session, auth: &Auth, email: &str) -> String {
    let flags = session.flags();
    let signed_in = match auth {
        Auth::Session(_) => String::new(),
        Auth::None | Auth::Agent(_) => {
            format!(", after `{}`,", this_login(session, email))
        }
    };
    format!(
        "`muniment apply --list{flags}`{signed_in} shows whether the company is there: `muniment token create --company-id \
         <its id>{flags}` then makes it a token; if not, the same command again"
    )
}

/// The session to apply with: that of a flag or a variable; the saved one where it is this founder's and lasts; else a
/// new one.
async fn founder_session(session: &mut Session, email: &str) -> Result<Auth> {
    let saved = &session.credentials.saved;
    let same = saved.email.as_deref().is_some_and(|saved| saved.eq_ignore_ascii_case(email.trim()));
    let end = saved.session_expires_at.as_deref().and_then(|end| DateTime::parse_from_rfc3339(end).ok());
    let lasts = end.is_some_and(|end| end.to_utc() - Utc::now() > SESSION_LEFT_MIN);
    let explicit = session.credentials.has_session() && !session.credentials.session_is_saved();
    if explicit || (same && lasts) {
        return session.founder();
    }
    // The secret replaces the session, so a job that has it needs nobody to read the mail.
    if session.credentials.signup_secret.is_some() && !ask::somebody(&session.global) {
        return Ok(Auth::None);
    }
    // The session is needed now; one that cannot be saved serves as well.
    let (answer, _) = sign_in(session, email, None).await?;
    let token = answer["session_token"].as_str().context("the answer has no session_token")?;
    Ok(Auth::Session(token.into()))
}
