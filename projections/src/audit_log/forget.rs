//! The names that an account gave stand in clear in its rows, and that by which somebody was invited in the row of the
//! invitation; they go when the account is erased, or whoever was invited (docs/decisions/0010).

use muniment_aggregates::sealed::Sealed;
use muniment_sql::SqlError;
use serde_json::Value;

use crate::projection::ApplyError;
use crate::query::json;
use crate::rows::Rows;

/// Keys of metadata that hold a name which a person gave.
const NAMES: [&str; 2] = ["username", "name"];

/// Takes the names out of the rows of what an erased account did and how it was made, and out of the row of the invitation that it came by.
pub(super) async fn names_of(account: &str, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let sql = "SELECT seq, metadata FROM audit_log_v3_g0 WHERE (account_id = $1 OR target_account_id = $1) \
               AND outcome = 'success' AND event_type IN ('signup', 'account_create', 'actor_create', 'token_create')";
    let mut invite = None;
    for row in rows.fetch_all(sql, &[account.into()]).await? {
        let metadata: Value = json(&row, "metadata")?;
        if let Some(Value::String(id)) = metadata.get("invite_id") {
            invite = Some(id.clone());
        }
        take_names(row.count("seq")?, metadata, rows).await?;
    }
    let Some(invite) = invite else { return Ok(()) };
    take_invited(&invite, |metadata| metadata.get("invite_id").and_then(Value::as_str) == Some(&invite), rows).await
}

/// Takes the names out of the rows of the invitations by the e-mail of whoever is erased. No sign-up need tell of them:
/// they may have been used up later, or never.
pub(super) async fn names_of_invited(subject: &str, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let is_of_subject = |metadata: &Value| {
        let email = metadata.pointer("/email/$sealed").and_then(Value::as_str).map(Sealed::from_text);
        email.and_then(|email| email.subject()).is_some_and(|of| of.0 == subject)
    };
    take_invited(subject, is_of_subject, rows).await
}

/// Takes the names out of the rows of invitations whose metadata have this text, and have it where it is meant.
async fn take_invited(text: &str, is_meant: impl Fn(&Value) -> bool, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    // Somebody is erased rarely, so a look through the rows of one type is cheaper than an index kept for it.
    let sql = "SELECT seq, metadata FROM audit_log_v3_g0 \
               WHERE event_type = 'invite_create' AND outcome = 'success' AND metadata LIKE $1";
    for row in rows.fetch_all(sql, &[format!("%{text}%").into()]).await? {
        let metadata: Value = json(&row, "metadata")?;
        if is_meant(&metadata) {
            take_names(row.count("seq")?, metadata, rows).await?;
        }
    }
    Ok(())
}

async fn take_names(seq: u64, mut metadata: Value, rows: &mut Rows<'_>) -> Result<(), SqlError> {
    if let Some(fields) = metadata.as_object_mut() {
        for name in NAMES {
            if let Some(value) = fields.get_mut(name) {
                *value = Value::Null;
            }
        }
    }
    let sql = "UPDATE audit_log_v3_g0 SET metadata = $1 WHERE seq = $2";
    rows.execute(sql, &[metadata.to_string().into(), seq.into()]).await?;
    Ok(())
}
