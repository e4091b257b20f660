//! The names that an account gave stand in clear in its rows; they go when the account is erased (docs/decisions/0010).

use muniment_sql::SqlError;
use serde_json::Value;

use crate::projection::ApplyError;
use crate::query::json;
use crate::rows::Rows;

/// Keys of metadata that hold a name which a person gave.
const NAMES: [&str; 2] = ["username", "name"];

/// Takes the names out of the rows of what an erased account did and how it was made, and out of the row of the invitation that it came by.
pub(super) async fn names_of(account: &str, rows: &mut Rows<'_>) -> Result<(), ApplyError> {
    let sql = "SELECT seq, metadata FROM audit_log_v2_g0 WHERE (account_id = $1 OR target_account_id = $1) \
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
    // An account is erased rarely, so a look through the rows of one type is cheaper than an index kept for it.
    let sql = "SELECT seq, metadata FROM audit_log_v2_g0 WHERE event_type = 'invite_create' AND metadata LIKE $1";
    for row in rows.fetch_all(sql, &[format!("%{invite}%").into()]).await? {
        let metadata: Value = json(&row, "metadata")?;
        if metadata.get("invite_id").and_then(Value::as_str) == Some(invite.as_str()) {
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
    let sql = "UPDATE audit_log_v2_g0 SET metadata = $1 WHERE seq = $2";
    rows.execute(sql, &[metadata.to_string().into(), seq.into()]).await?;
    Ok(())
}
