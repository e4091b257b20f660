//! What this machine knows of who calls. No request is made.

use anyhow::Result;
use serde_json::json;

use super::Session;
use crate::cli::output::cell;

/// Prints it; tokens are only said to be there.
///
/// # Errors
/// When stdout is closed.
pub fn whoami(session: &Session) -> Result<()> {
    let credentials = &session.credentials;
    let saved = &credentials.saved;
    let shown = json!({
        "context": credentials.place.name,
        "url": credentials.url,
        "email": saved.email,
        "session": credentials.has_session(),
        "session_expires_at": saved.session_expires_at,
        "company_id": saved.company_id,
        "application_id": saved.application_id,
        "token": credentials.has_agent(),
    });
    session.printer.result(&shown, || {
        let word = |is: bool| if is { "yes" } else { "no" };
        vec![
            format!("URL: {}", credentials.url),
            format!("E-mail: {}", cell(&shown["email"])),
            format!("Session: {}, until {}", word(credentials.has_session()), cell(&shown["session_expires_at"])),
            format!("Company: {}", cell(&shown["company_id"])),
            format!("Application: {}", cell(&shown["application_id"])),
            format!("Token: {}", word(credentials.has_agent())),
            format!("Context: {}", credentials.place.name),
        ]
    })
}
