//! Taking roles away, roles their holders decide on, the end of a scope, and why somebody holds a role
//! (spec/accounts-and-offers.md sections 4.4, 4.6 and 5.2).

use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, GrantId, PersonaId};
use muniment_aggregates::offer_book::{
    GrantPath, GrantScope, OfferBook, OfferBookEvent, OfferBookRefusal, RevokeGrant, SetSelfService,
};
use muniment_aggregates::roster::{Leave, ROSTER_ID, Roster, RosterCommand, RosterRefusal, is_lasting};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_journal::SealError;
use muniment_projections::personas;
use serde_json::json;
use uuid::Uuid;

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code};
use super::offers::{answer, last_position, refused, superseded};
use super::persona::vanished;
use super::rpc::{Call, Outcome};
use crate::runtime::limits::SCOPE_BOOKS_MAX;
use crate::runtime::transaction::Transaction;
use crate::runtime::{BusError, Origin, scopes};
use crate::surface::Surface;

impl Surface {
    pub(super) async fn grant_revoke(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let holder = PersonaId(call.input.text("actor_id").to_owned());
        let grant = GrantId(call.input.text("role_grant_id").to_owned());
        self.runtime.reads.catch_up(&["personas"]).await?;
        let found = personas::by_id(self.runtime.reads.store(), &holder).await?;
        let Some(account) = found.map(|row| row.account) else {
            return Err(answer(&OfferBookRefusal::GrantNotFound));
        };
        let context = SealContext::revocation_of_grant(&account, &grant);
        let reason = self.sealed_reason(call, &account, &context).await?;
        let revoke = RevokeGrant {
            grant: grant.clone(),
            persona: holder.clone(),
            revocable_roles: Some(self.registries.grantable_roles()),
            path: GrantPath::Admin,
            revoked_by: Some(call.persona()?.persona.id.clone()),
            reason,
        };
        let origin = self.persona_origin(call).await?;
        let mut role = None;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let own = self.entitled(tx, call).await?;
                let is_own = account == call.caller.account;
                let mut book = if is_own { own } else { tx.load::<OfferBook, Box<ApiFailure>>(&account.0).await? };
                role = book.state.grant(&grant).map(|grant| grant.role.clone());
                let events = tx.decide(&mut book, &revoke.clone().into()).map_err(refused)?;
                let_holders_leave(tx, &events).await
            })
            .await;
        match committed.map_err(ApiFailure::from) {
            Ok(committed) => {
                Ok(Outcome::wrote(json!({ "ok": true, "revoked": true }), last_position(committed.appended)))
            }
            Err(fail) => {
                if fail.reason == Some("role_not_web_grantable") {
                    let mut refusal = RefusedAttempt::of("role_grant_revoke")
                        .with("role", json!(role))
                        .with("role_grant_id", grant.0.as_str());
                    refusal.target_account = Some(account);
                    refusal.target_persona = Some(holder);
                    self.record_refusal(refusal, &call.caller.subject, &origin).await?;
                }
                Err(fail)
            }
        }
    }

    /// The reason of a call, sealed under the key of the account it is about.
    async fn sealed_reason(
        &self,
        call: &Call<'_>,
        about: &AccountId,
        context: &SealContext,
    ) -> Result<Option<Sealed>, ApiFailure> {
        let Some(reason) = call.input.optional_text("reason") else { return Ok(None) };
        let Some(account) = self.account_state(about).await? else { return Ok(None) };
        let Some(subject) = account.registered().map(|registered| &registered.subject) else { return Ok(None) };
        self.sealed_of_another(subject, context, reason).await
    }

    /// A text under the key of somebody who is not the caller; `None` where that person was erased meanwhile, which the
    /// decision will find.
    pub(super) async fn sealed_of_another(
        &self,
        subject: &SubjectId,
        context: &SealContext,
        text: &str,
    ) -> Result<Option<Sealed>, ApiFailure> {
        match self.runtime.journal.keyring().seal(subject, context, text).await {
            Ok(sealed) => Ok(Some(sealed)),
            Err(SealError::Erased(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn self_service_set(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let (role, enabled) = (call.input.text("role"), call.input.flag("enabled"));
        if !self.registries.self_service_roles().iter().any(|eligible| eligible == role) {
            let reason = "role_not_self_service_eligible";
            return Err(ApiFailure::because(
                Code::Forbidden,
                reason,
                "This role is not the holder's to take or leave.",
            ));
        }
        let command = SetSelfService {
            persona: call.persona()?.persona.id.clone(),
            role: role.to_owned(),
            enabled,
            grant: GrantId(Uuid::new_v4().to_string()),
        };
        let origin = self.persona_origin(call).await?;
        let account = &call.caller.account.0;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                // The book does not know of an erasure, behind which nothing may be held any more.
                if tx.load::<Account, Box<ApiFailure>>(account).await?.state.erased_at().is_some() {
                    return Err(vanished().into());
                }
                let mut book = tx.load::<OfferBook, Box<ApiFailure>>(account).await?;
                tx.decide(&mut book, &command.clone().into()).map_err(refused)
            })
            .await
            .map_err(ApiFailure::from)?;
        let position = last_position(committed.appended);
        let body = json!({ "ok": true, "enabled": enabled, "changed": position.is_some() });
        Ok(Outcome::wrote(body, position))
    }

    pub(super) async fn scope_destroy(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let scope =
            GrantScope { kind: call.input.text("scope_kind").to_owned(), id: call.input.text("scope_id").to_owned() };
        let by = call.persona()?.persona.id.clone();
        let origin = self.persona_origin(call).await?;
        self.let_books_leave(call, &scope, &origin).await?;
        let own = &call.caller.account;
        let reason = async |account: &AccountId| {
            let context = SealContext::revocation_in_scope(account, &scope.id);
            Ok(self.sealed_reason(call, account, &context).await?)
        };
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let book = self.entitled(tx, call).await?;
                scopes::end(tx, &scope, &by, (own, book), &reason).await
            })
            .await
            .map_err(ApiFailure::from)?;
        let (grants, offers) = (revoked(&committed.value), superseded(&committed.value));
        let body = json!({ "ok": true, "revoked_role_grant_ids": grants, "superseded_offer_ids": offers });
        Ok(Outcome::wrote(body, last_position(committed.appended)))
    }

    /// Has the books leave that have nothing at a scope any more, where it knows too many to rest its end on all of them.
    async fn let_books_leave(
        &self,
        call: &Call<'_>,
        scope: &GrantScope,
        origin: &Origin,
    ) -> Result<(), BusError<Box<ApiFailure>>> {
        let bus = &self.runtime.bus;
        let mut quiet = scopes::quiet(bus, scope, SCOPE_BOOKS_MAX).await?;
        // Each append rests on the caller's own book already, for his right.
        quiet.retain(|account| *account != call.caller.account);
        for accounts in quiet.chunks(SCOPE_BOOKS_MAX) {
            bus.transact(origin, async |tx| {
                self.entitled(tx, call).await?;
                scopes::leave(tx, scope, accounts).await
            })
            .await?;
        }
        Ok(())
    }
}

fn revoked(events: &[OfferBookEvent]) -> Vec<GrantId> {
    let ended = |event: &OfferBookEvent| {
        if let OfferBookEvent::GrantRevoked(revoked) = event { Some(revoked.grant.clone()) } else { None }
    };
    events.iter().filter_map(ended).collect()
}

/// Notes in the roster who lost a role that must not die out; the last holder cannot.
async fn let_holders_leave(
    tx: &mut Transaction<'_>,
    events: &[OfferBookEvent],
) -> Result<(), BusError<Box<ApiFailure>>> {
    for event in events {
        let OfferBookEvent::GrantRevoked(revoked) = event else { continue };
        if revoked.scope.is_some() || !is_lasting(&revoked.role) {
            continue;
        }
        // At most one lasting grant ends in a revocation of one grant, so the roster is loaded once.
        let mut roster = tx.load::<Roster, Box<ApiFailure>>(ROSTER_ID).await?;
        let leave = RosterCommand::Leave(Leave { grant: revoked.grant.clone() });
        tx.decide(&mut roster, &leave).map_err(|error| {
            error.map_refusal(|refusal| {
                Box::new(match refusal {
                    RosterRefusal::LastHolder { .. } => {
                        ApiFailure::because(Code::InvalidRequest, "last_holder", refusal.to_string())
                    }
                    RosterRefusal::AlreadyFounded => ApiFailure::fault(refusal),
                })
            })
        })?;
    }
    Ok(())
}
