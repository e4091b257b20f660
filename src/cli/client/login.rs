//! Signing in by a code sent by e-mail, and signing out.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::http::Call;
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::interrupt::quoted;
use crate::cli::output::{printable, say};

/// Sign in by e-mail code
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  muniment login --email ana@example.com\n  muniment login --email ana@example.com --code 123456"
)]
pub struct Login {
    /// Your e-mail address
    #[arg(long)]
    email: Option<String>,
    /// The code from the mail; without it a new one is sent
    #[arg(long)]
    code: Option<String>,
}

/// Signs in and keeps the session.
///
/// # Errors
/// When the server refuses address or code, or there is nobody to ask for what is missing.
pub async fn login(session: &mut Session, command: &Login) -> Result<()> {
    let email = ask::for_flag(&session.global, command.email.as_deref(), "--email", "E-mail")?;
    // A code is used once: it is not spent on a session that would be lost.
    session.credentials.check_savable()?;
    let (answer, saved) = sign_in(session, &email, command.code.as_deref()).await?;
    saved?;
    let shown = json!({ "email": answer["email"], "expires_at": answer["expires_at"] });
    session.printer.result(&shown, || {
        let until = answer["expires_at"].as_str().unwrap_or("-");
        vec![format!("Signed in as {} until {until}", answer["email"].as_str().unwrap_or(&email))]
    })
}

/// The code dialogue: sends a code unless one is given, has it verified, keeps the session. What the server answered,
/// and whether the session could be saved.
pub(super) async fn sign_in(session: &mut Session, email: &str, code: Option<&str>) -> Result<(Value, Result<()>)> {
    let code = match code {
        // Asking for a new code would make the given one worthless.
        Some(code) => code.to_owned(),
        None => {
            let start = Call::post(&["v1", "auth", "otp", "start"], json!({ "email": email }));
            let started = session.api.send(start).await?;
            match started["dev_otp"].as_str() {
                // The one document is what comes of it.
                Some(code) if session.printer.is_one_document() && ask::somebody(&session.global) => {
                    say(&printable(&format!("Development OTP: {code}")));
                }
                Some(code) => {
                    session.printer.line(&json!({ "dev_otp": code }), || format!("Development OTP: {code}"))?
                }
                None => session.printer.message(&format!("A code was sent to {email}.")),
            }
            if !ask::somebody(&session.global) {
                let again = format!("--code is missing: run `{} --code <code>`", this_login(session, email));
                return Err(Exit::Usage.because(again));
            }
            ask::line("Code")?
        }
    };
    let verify = json!({ "email": email, "code": code });
    let if_lost = format!("`{}` sends a new code; this one may be used up", this_login(session, email));
    let answer = session.api.send(Call::post_once(&["v1", "auth", "otp", "verify"], verify, if_lost)).await?;
    let token = answer["session_token"].as_str().context("the answer has no session_token")?.to_owned();
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let saved = session.credentials.save_of(answer["email"].as_str().unwrap_or(email), |saved| {
        saved.email = text("email");
        saved.session_expires_at = text("expires_at");
        saved.session_token = Some(token);
    });
    Ok((answer, saved))
}

/// The command that asks the same server for a code for this address.
pub(super) fn this_login(session: &Session, email: &str) -> String {
    format!("muniment login{} --email {}", session.server_flags(), quoted(email.as_bytes()))
}

/// Ends the session on the server and forgets it here. One that a flag or a variable gave leaves the saved one as it is.
///
/// # Errors
/// When there is none, or the server cannot be reached; it is kept then.
pub async fn logout(session: &mut Session) -> Result<()> {
    let auth = session.founder()?;
    let ended = session.api.send(Call::post(&["v1", "auth", "logout"], json!({})).auth(auth)).await;
    // A session that the server no longer knows has ended already.
    let gone = ended.as_ref().is_err_and(|error| crate::cli::exit::of(error) == Exit::Denied);
    if !gone {
        ended?;
    }
    session.credentials.forget_session()?;
    session.printer.result(&json!({ "ok": true }), || vec!["Signed out.".to_owned()])
}
