//! Invitations (spec/accounts-and-offers.md sections 3.10 and 4.4).

use std::collections::BTreeMap;

use muniment_aggregates::account::{ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM};
use muniment_aggregates::ids::{InviteId, PersonaId};
use muniment_aggregates::invite::{Create, Delete, Invite, InviteCommand, InviteRefusal, InvitedEmail};
use muniment_aggregates::seal_context::SealContext;
use muniment_journal::SubjectAlias;
use muniment_projections::invites::InviteRow;
use muniment_projections::{PAGE_ROWS_MAX, accounts, invites};
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::{ApiFailure, Code};
use super::offers::last_position;
use super::rpc::{Call, Outcome};
use crate::runtime::BusError;
use crate::surface::Surface;
use crate::surface::text::instant;

impl Surface {
    pub(super) async fn invite_create(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let (email, username) = (call.input.optional_text("email"), call.input.optional_text("username"));
        let id = InviteId(Uuid::new_v4().to_string());
        let by = call.persona()?.persona.id.clone();
        let invited = match email {
            Some(email) => Some(self.seal_invited(&id, email).await?),
            None => None,
        };
        let command = Create { email: invited, username: username.map(str::to_owned), created_by: by.clone() };
        let command = InviteCommand::Create(command);
        let origin = self.account_origin(call).await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                self.entitled(tx, call).await?;
                let mut invite = tx.begin::<Invite>(&id.0);
                // An account that signs up meanwhile counts as one that was there before.
                if let Some(username) = username {
                    tx.expect_free(&invite, ACCOUNT_USERNAME_CLAIM, username);
                }
                if let Some(email) = email {
                    tx.expect_free(&invite, ACCOUNT_EMAIL_CLAIM, &email.to_lowercase());
                }
                tx.decide(&mut invite, &command).map_err(BusError::unexpected)
            })
            .await;
        let committed = match committed {
            Ok(committed) => committed,
            Err(error) => return Err(self.invite_conflict(error, username, email).await?),
        };
        let invite = json!({
            "id": id,
            "email": email,
            "username": username,
            "claimed_by": null,
            "claimed_at": null,
            "created_at": created_at(&committed.value).map(instant),
            "created_by": by,
        });
        Ok(Outcome::wrote(json!({ "ok": true, "invite": invite }), last_position(committed.appended)))
    }

    /// Why an invitation was refused, told in one order where several of its names are taken: an account's before those of
    /// another invitation, and the username first.
    async fn invite_conflict(
        &self,
        error: BusError<Box<ApiFailure>>,
        username: Option<&str>,
        email: Option<&str>,
    ) -> Result<ApiFailure, ApiFailure> {
        if !matches!(error, BusError::ClaimTaken { .. }) {
            return Ok(error.into());
        }
        let conflict = |reason, message: &str| ApiFailure::because(Code::Conflict, reason, message);
        if let Some(username) = username
            && self.claim_owner(ACCOUNT_USERNAME_CLAIM, username).await?.is_some()
        {
            return Ok(conflict("invite_account_exists_username", "An account has this username already."));
        }
        if let Some(email) = email
            && self.claim_owner(ACCOUNT_EMAIL_CLAIM, &email.to_lowercase()).await?.is_some()
        {
            return Ok(conflict("invite_account_exists_email", "An account has this e-mail already."));
        }
        Ok(conflict("invite_duplicate", "Somebody is invited by this e-mail or username already."))
    }

    /// The stream that holds a unique key.
    pub(in crate::surface) async fn claim_owner(
        &self,
        namespace: &'static str,
        key: &str,
    ) -> Result<Option<String>, ApiFailure> {
        let owner = self.runtime.journal.claim_owner(namespace, key).await?;
        Ok(owner.map(|stream| stream.id.to_string()))
    }

    async fn seal_invited(&self, id: &InviteId, email: &str) -> Result<InvitedEmail, ApiFailure> {
        let keys = self.runtime.journal.keyring();
        let subject = keys.subject_for(SubjectAlias::email(email)).await?;
        let given = keys.seal(&subject, &SealContext::invite_email(id), email).await?;
        let key = keys.seal(&subject, &SealContext::invite_email_key(id), &email.to_lowercase()).await?;
        Ok(InvitedEmail { given, key, subject })
    }

    pub(super) async fn invite_list(&self) -> Result<Outcome, ApiFailure> {
        self.runtime.reads.catch_up(&["invites", "accounts", "personas"]).await?;
        let store = self.runtime.reads.store();
        let mut rows: Vec<InviteRow> = Vec::new();
        loop {
            let page = invites::page(store, rows.last().map(|row| row.position), PAGE_ROWS_MAX).await?;
            let is_last = page.len() < PAGE_ROWS_MAX;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        let by: Vec<PersonaId> = rows.iter().map(|row| row.created_by.clone()).collect();
        let names = self.persona_names(&by).await?;
        let mut claimants: BTreeMap<String, Value> = BTreeMap::new();
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            let claimed_by_username = match &row.claimed_by {
                None => Value::Null,
                Some(account) => match claimants.get(&account.0) {
                    Some(name) => name.clone(),
                    None => {
                        let found = accounts::by_id(store, account).await?.filter(|it| it.erased_at.is_none());
                        let name = found.map_or(Value::Null, |found| json!(found.username));
                        claimants.insert(account.0.clone(), name.clone());
                        name
                    }
                },
            };
            listed.push(json!({
                "id": row.id,
                "email": self.opened(&SealContext::invite_email(&row.id), row.email.as_ref()).await?,
                "username": row.username,
                "claimed_by": row.claimed_by,
                "claimed_at": row.claimed_at.map(instant),
                "created_at": instant(row.created_at),
                "created_by": row.created_by,
                "created_by_username": names.get(&row.created_by).map(|label| &label.name),
                "claimed_by_username": claimed_by_username,
            }));
        }
        Ok(Outcome::read(json!({ "invites": listed })))
    }

    pub(super) async fn invite_delete(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let id = call.input.text("invite_id");
        let origin = self.account_origin(call).await?;
        let refuse = |refusal| match refusal {
            InviteRefusal::NotFound => {
                ApiFailure::because(Code::NotFound, "invite_not_found", "There is no such open invitation.")
            }
            InviteRefusal::Empty | InviteRefusal::AlreadyCreated => ApiFailure::fault(refusal),
        };
        let done = self.execute_entitled::<Invite>(call, id, Delete {}, &origin, refuse).await?;
        Ok(Outcome::wrote(json!({ "ok": true }), done.position))
    }
}

fn created_at(events: &[muniment_aggregates::invite::InviteEvent]) -> Option<chrono::DateTime<chrono::Utc>> {
    events.iter().find_map(|event| {
        if let muniment_aggregates::invite::InviteEvent::Created(created) = event { Some(created.at) } else { None }
    })
}
