//! The objects of the wire (spec/accounts-and-offers.md section 4.2): every key always there, sealed values opened,
//! what was erased shown as `null`.

use chrono::{DateTime, Utc};
use muniment_aggregates::account::Account;
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::offer_book::{Grant, GrantScope, Offer, OfferStatus};
use muniment_aggregates::seal_context::{Admits, OneOf, SealContext};
use muniment_aggregates::sealed::Sealed;
use muniment_journal::SealError;
use muniment_projections::audit_log::AuditRow;
use muniment_projections::offers::OfferRow;
use muniment_projections::sessions::SessionRow;
use serde_json::{Map, Value, json};

use super::failure::ApiFailure;
use crate::config::audit_events;
use crate::surface::Surface;
use crate::surface::text::instant;

/// The key under which a read model marks a sealed value.
const SEALED: &str = "$sealed";

fn instant_or_null(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| json!(instant(at)))
}

fn kind_of(scope: Option<&GrantScope>) -> Option<&str> {
    scope.map(|scope| scope.kind.as_str())
}

fn id_of(scope: Option<&GrantScope>) -> Option<&str> {
    scope.map(|scope| scope.id.as_str())
}

/// A role somebody holds.
#[must_use]
pub(super) fn role_grant(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "role": grant.role,
        "scope_kind": kind_of(grant.scope.as_ref()),
        "scope_id": id_of(grant.scope.as_ref()),
        "created_at": instant(grant.created_at),
        "expires_at": instant_or_null(grant.expires_at),
        "granted_by": grant.granted_by,
    })
}

/// A session, when it was seen last included.
#[must_use]
pub(super) fn session(row: &SessionRow) -> Value {
    json!({
        // A hash of the token is the id here whichever way the session was opened.
        "id": row.secret_hash,
        "account_id": row.account,
        "created_at": instant(row.created_at),
        "expires_at": instant(row.expires_at),
        "last_seen_at": instant(row.last_used_at.unwrap_or(row.created_at)),
    })
}

impl Surface {
    /// The sealed text of a field; `null` where there is none or it was erased.
    ///
    /// # Errors
    /// When it does not open, or is of another field.
    pub async fn opened(&self, place: &impl Admits, sealed: Option<&Sealed>) -> Result<Value, ApiFailure> {
        Ok(match sealed {
            None => Value::Null,
            Some(sealed) => {
                self.runtime.journal.keyring().open(place, sealed).await?.map_or(Value::Null, Value::String)
            }
        })
    }

    /// The account as its owner sees it.
    pub(super) async fn session_account(&self, id: &AccountId, account: &Account) -> Result<Value, ApiFailure> {
        let registered = account.registered().ok_or_else(|| ApiFailure::fault("an account without a beginning"))?;
        Ok(json!({
            "id": id,
            "username": registered.username,
            "email": self.opened(&SealContext::account_email(id), registered.email.as_ref()).await?,
            "email_verified": account.email_verified(),
            "created_at": instant(registered.at),
        }))
    }

    /// An offer as its book has it.
    ///
    /// # Errors
    /// When a sealed text does not open.
    pub async fn offer_on_wire(&self, recipient: &AccountId, offer: &Offer) -> Result<Value, ApiFailure> {
        let mut on_wire = json!({
            "id": offer.id,
            "from_actor_id": offer.grantor,
            "to_account_id": recipient,
            "to_actor_id": offer.to_persona,
            "role": offer.role,
            "scope_kind": kind_of(offer.scope.as_ref()),
            "scope_id": id_of(offer.scope.as_ref()),
            "message": self.opened(&OneOf::offer_messages(recipient), offer.message.as_ref()).await?,
            "created_at": instant(offer.created_at),
            "expires_at": instant(offer.expires_at),
            "accepted_at": null,
            "declined_at": null,
            "decline_reason": null,
            "retracted_at": null,
            "superseded_at": null,
            "resulting_role_grant_id": null,
        });
        match &offer.status {
            OfferStatus::Pending => {}
            OfferStatus::Accepted { grant, at, .. } => {
                on_wire["accepted_at"] = json!(instant(*at));
                on_wire["resulting_role_grant_id"] = json!(grant);
            }
            OfferStatus::Declined { reason, at } => {
                on_wire["declined_at"] = json!(instant(*at));
                on_wire["decline_reason"] =
                    self.opened(&SealContext::decline_reason(recipient, &offer.id), reason.as_ref()).await?;
            }
            OfferStatus::Retracted { at } => on_wire["retracted_at"] = json!(instant(*at)),
            OfferStatus::Superseded { at } => on_wire["superseded_at"] = json!(instant(*at)),
        }
        Ok(on_wire)
    }

    /// An offer as the read model has it.
    pub(super) async fn offer_row(&self, row: &OfferRow) -> Result<Value, ApiFailure> {
        Ok(json!({
            "id": row.id,
            "from_actor_id": row.grantor,
            "to_account_id": row.account,
            "to_actor_id": row.to_persona,
            "role": row.role,
            "scope_kind": row.scope_kind,
            "scope_id": row.scope_id,
            "message": self.opened(&OneOf::offer_messages(&row.account), row.message.as_ref()).await?,
            "created_at": instant(row.created_at),
            "expires_at": instant(row.expires_at),
            "accepted_at": instant_or_null(row.accepted_at),
            "declined_at": instant_or_null(row.declined_at),
            "decline_reason": self.opened(&SealContext::decline_reason(&row.account, &row.id), row.decline_reason.as_ref()).await?,
            "retracted_at": instant_or_null(row.retracted_at),
            "superseded_at": instant_or_null(row.superseded_at),
            "resulting_role_grant_id": row.resulting_grant,
        }))
    }

    /// A row of the audit, sealed values opened.
    ///
    /// # Errors
    /// When a sealed value does not open.
    pub async fn audit_event(&self, row: &AuditRow) -> Result<Value, ApiFailure> {
        let metadata = match &row.metadata {
            // What an operator's program wrote is shown as it stands: no read model has sealed anything in it.
            Value::Object(fields) if audit_events::is_built_in(&row.event_type) => self.open_all(row, fields).await?,
            other => other.clone(),
        };
        Ok(json!({
            "id": row.id,
            "seq": row.seq.0,
            "event_type": row.event_type,
            "outcome": row.outcome,
            "actor_id": row.actor_id,
            "account_id": row.account_id,
            "target_account_id": row.target_account_id,
            "target_actor_id": row.target_actor_id,
            "ip": self.opened(&OneOf::clients(), row.client.as_ref()).await?,
            "created_at": instant(row.created_at),
            "metadata": metadata,
        }))
    }

    /// One value that does not open hides itself, and neither its row nor the page.
    async fn open_all(&self, row: &AuditRow, fields: &Map<String, Value>) -> Result<Value, ApiFailure> {
        let mut opened = Map::new();
        for (name, value) in fields {
            let value = match value.get(SEALED).and_then(Value::as_str) {
                Some(sealed) => match self.runtime.journal.keyring().open_anywhere(&Sealed::from_text(sealed)).await {
                    Ok(text) => text.map_or(Value::Null, Value::String),
                    Err(error @ (SealError::Malformed | SealError::Refused { .. })) => {
                        tracing::warn!(position = row.seq.0, key = %name, %error, "a value of the audit does not open");
                        Value::Null
                    }
                    Err(error) => return Err(error.into()),
                },
                None => value.clone(),
            };
            opened.insert(name.clone(), value);
        }
        Ok(Value::Object(opened))
    }
}
