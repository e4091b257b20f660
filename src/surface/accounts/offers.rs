//! Offers of roles: making, accepting, declining, taking back, reading (spec/accounts-and-offers.md section 5).

use chrono::TimeDelta;
use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, GrantId, OfferId, PersonaId};
use muniment_aggregates::offer_book::{
    Accept, Decline, GrantCreated, GrantScope, MakeOffer, OfferBook, OfferBookEvent, OfferBookRefusal, OfferStatus,
    Retract,
};
use muniment_aggregates::record::Position;
use muniment_aggregates::roster::{ADMIN, Admit, ROSTER_ID, Roster, RosterCommand, is_lasting};
use muniment_aggregates::scope::{Join, Scope, ScopeCommand, ScopeRefusal, stream_id};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::Sealed;
use muniment_projections::offers;
use serde_json::json;
use uuid::Uuid;

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code, Issue};
use super::rpc::{Call, Outcome};
use super::schema::Input;
use crate::config::offers::OfferAuthority;
use crate::runtime::BusError;
use crate::runtime::transaction::{Loaded, Transaction};
use crate::surface::Surface;

/// Offers of a history where no number is asked for.
const HISTORY_DEFAULT: usize = 100;

/// How a book's refusal is answered.
pub(super) fn answer(refusal: &OfferBookRefusal) -> ApiFailure {
    use muniment_aggregates::decider::Refuse as _;
    let code = match refusal {
        OfferBookRefusal::OfferNotFound | OfferBookRefusal::GrantNotFound => Code::NotFound,
        OfferBookRefusal::OfferTerminal | OfferBookRefusal::OfferExpired => Code::InvalidRequest,
        OfferBookRefusal::PersonaMismatch | OfferBookRefusal::NotWebGrantable { .. } => Code::Forbidden,
    };
    ApiFailure::because(code, refusal.reason(), refusal.to_string())
}

pub(super) fn refused(error: BusError<OfferBookRefusal>) -> BusError<Box<ApiFailure>> {
    error.map_refusal(|refusal| Box::new(answer(&refusal)))
}

/// What an accept came to.
struct Accepted {
    grant: GrantId,
    offer: muniment_aggregates::offer_book::Offer,
    superseded: Vec<OfferId>,
}

impl Surface {
    /// The scope an input names: both parts or none, of a registered kind.
    ///
    /// # Errors
    /// −32602 with the issue.
    pub(super) fn scope_of(&self, input: &Input) -> Result<Option<GrantScope>, ApiFailure> {
        let half = |field| ApiFailure::issues(&[Issue::at(field, "custom", "scope_kind and scope_id go together.")]);
        match (input.optional_text("scope_kind"), input.optional_text("scope_id")) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(half("scope_id")),
            (None, Some(_)) => Err(half("scope_kind")),
            (Some(kind), Some(_)) if !self.registries.is_scope_kind(kind) => Err(ApiFailure::issues(&[Issue::at(
                "scope_kind",
                "invalid_value",
                "This kind of scope is not registered.",
            )])),
            (Some(kind), Some(id)) => Ok(Some(GrantScope { kind: kind.to_owned(), id: id.to_owned() })),
        }
    }

    pub(super) async fn offer_create(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let scope = self.scope_of(&call.input)?;
        let to = AccountId(call.input.text("to_account_id").to_owned());
        let to_persona = call.input.optional_text("to_actor_id").map(|id| PersonaId(id.to_owned()));
        let offer = OfferId(Uuid::new_v4().to_string());
        let recipient = self.account_state(&to).await?;
        let subject = recipient.as_deref().and_then(Account::registered).map(|registered| registered.subject.clone());
        let message = match (call.input.optional_text("message"), &subject) {
            (Some(text), Some(subject)) => {
                let context = SealContext::offer_message(&to, &offer);
                self.sealed_of_another(subject, &context, text).await?
            }
            (Some(_) | None, _) => None,
        };
        let draft = OfferDraft { to: &to, to_persona: to_persona.as_ref(), scope: scope.as_ref(), offer, message };
        let origin = self.persona_origin(call).await?;
        let committed = self.runtime.bus.transact(&origin, async |tx| self.make_offer(tx, call, &draft).await).await;
        match committed {
            Ok(committed) => {
                let body = json!({ "offer": self.offer_on_wire(&to, &committed.value).await? });
                Ok(Outcome::wrote(body, committed.appended.map(|appended| appended.last)))
            }
            Err(error) => {
                let fail = ApiFailure::from(error);
                self.record_offer_refusal(call, &draft, recipient.as_deref(), &fail).await?;
                Err(fail)
            }
        }
    }

    /// The guards of section 5.3, in their order, on states of one moment.
    async fn make_offer(
        &self,
        tx: &mut Transaction<'_>,
        call: &Call<'_>,
        draft: &OfferDraft<'_>,
    ) -> Result<muniment_aggregates::offer_book::Offer, BusError<Box<ApiFailure>>> {
        let role = call.input.text("role");
        let persona = &call.persona()?.persona.id;
        let own = call.caller.account == *draft.to;
        let refuse = |code, reason: &'static str, message: &str| ApiFailure::because(code, reason, message);
        if !self.registries.has_path(role, "admin") {
            let reason = "role_grant_offer_role_not_grantable";
            return Err(refuse(Code::Forbidden, reason, "This role is not given by offer.").into());
        }
        let grants = tx.load::<OfferBook, Box<ApiFailure>>(&call.caller.account.0).await?;
        let now = tx.facts.now;
        let holds = |role: &str, scope| grants.state.active_grant(persona, role, scope, now).is_some();
        let by_holding = holds(role, None);
        let by_admin = self.offers.authorize == OfferAuthority::AdminOrHolder && holds(ADMIN, None);
        let by_scope = draft.scope.is_some()
            && self.offers.scoped_rules.iter().any(|it| it.may_offer == role && holds(&it.holder_role, draft.scope));
        if !by_holding && !by_admin && !by_scope {
            let reason = "role_grant_offer_not_authorized";
            return Err(refuse(Code::Forbidden, reason, "The persona may not offer this role here.").into());
        }
        let account = tx.load::<Account, Box<ApiFailure>>(&draft.to.0).await?.state;
        if account.registered().is_none() || account.erased_at().is_some() {
            return Err(refuse(Code::NotFound, "account_not_found", "There is no such account.").into());
        }
        if own {
            let reason = "role_grant_offer_self_target";
            return Err(refuse(Code::InvalidParams, reason, "A role is offered to somebody else's account.").into());
        }
        if draft.to_persona.is_some_and(|wanted| !account.personas().iter().any(|it| it.id == *wanted)) {
            let reason = "role_grant_offer_actor_account_mismatch";
            return Err(refuse(Code::InvalidParams, reason, "The persona is not of the account.").into());
        }
        if let Some(scope) = draft.scope {
            let mut stream = tx.load::<Scope, Box<ApiFailure>>(&stream_id(scope)).await?;
            let join = ScopeCommand::Join(Join { account: draft.to.clone() });
            tx.decide(&mut stream, &join).map_err(|error| {
                error.map_refusal(|refusal| match refusal {
                    ScopeRefusal::Destroyed => {
                        Box::new(refuse(Code::InvalidParams, "scope_destroyed", "The scope was destroyed."))
                    }
                })
            })?;
        }
        let mut book = tx.load::<OfferBook, Box<ApiFailure>>(&draft.to.0).await?;
        let ttl = TimeDelta::from_std(self.offers.ttl).unwrap_or(TimeDelta::MAX);
        let command = MakeOffer {
            offer: draft.offer.clone(),
            grantor: persona.clone(),
            grantor_account: call.caller.account.clone(),
            to_persona: draft.to_persona.cloned(),
            role: role.to_owned(),
            scope: draft.scope.cloned(),
            message: draft.message.clone(),
            expires_at: now + ttl,
        };
        let events = tx.decide(&mut book, &command.into()).map_err(refused)?;
        let id = events.iter().find_map(|event| match event {
            OfferBookEvent::Made(made) => Some(made.offer.clone()),
            OfferBookEvent::Refreshed(refreshed) => Some(refreshed.offer.clone()),
            OfferBookEvent::Accepted(_)
            | OfferBookEvent::Declined(_)
            | OfferBookEvent::Retracted(_)
            | OfferBookEvent::Superseded(_)
            | OfferBookEvent::Lapsed(_)
            | OfferBookEvent::GrantCreated(_)
            | OfferBookEvent::GrantRevoked(_) => None,
        });
        let offer = id.and_then(|id| book.state.offer(&id).cloned());
        offer.ok_or_else(|| ApiFailure::fault("an offer was made and is not in its book").into())
    }

    /// One failure row a refusal of the guards; what is malformed, overloaded or at fault leaves none.
    async fn record_offer_refusal(
        &self,
        call: &Call<'_>,
        draft: &OfferDraft<'_>,
        recipient: Option<&Account>,
        fail: &ApiFailure,
    ) -> Result<(), ApiFailure> {
        let is_guard = fail.reason.is_some_and(|reason| {
            reason.starts_with("role_grant_offer_") || matches!(reason, "account_not_found" | "scope_destroyed")
        });
        if !is_guard {
            return Ok(());
        }
        let mut refusal = RefusedAttempt::of("role_grant_offer_create")
            .with("role", call.input.text("role"))
            .with("scope_id", json!(draft.scope.map(|scope| &scope.id)))
            .with("to_account_id", draft.to.0.as_str());
        if let Some(recipient) = recipient {
            refusal.target_account = Some(draft.to.clone());
            // Only a persona of that account may stand beside it (section 6.3), and what refused may have come before
            // the guard that looks whose it is.
            let is_its_own = |wanted: &&PersonaId| recipient.personas().iter().any(|it| it.id == **wanted);
            refusal.target_persona = draft.to_persona.filter(is_its_own).cloned();
        } else {
            // There is no account that it could contradict.
            refusal.target_persona = draft.to_persona.cloned();
            refusal = refusal.with("attempted_account_id", draft.to.0.as_str());
        }
        let origin = self.persona_origin(call).await?;
        self.record_refusal(refusal, &call.caller.subject, &origin).await?;
        Ok(())
    }

    pub(super) async fn offer_accept(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let id = OfferId(call.input.text("offer_id").to_owned());
        let accept = Accept {
            offer: id.clone(),
            persona: call.persona()?.persona.id.clone(),
            grant: GrantId(Uuid::new_v4().to_string()),
        };
        let account = &call.caller.account;
        let origin = self.persona_origin(call).await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let mut book = tx.load::<OfferBook, Box<ApiFailure>>(&account.0).await?;
                let events = tx.decide(&mut book, &accept.clone().into()).map_err(refused)?;
                if gives_lasting_role(&events) {
                    let mut roster = tx.load::<Roster, Box<ApiFailure>>(ROSTER_ID).await?;
                    admit_new_holders(tx, &mut roster, account, &events)?;
                }
                let offer = book.state.offer(&id).cloned().ok_or_else(|| ApiFailure::fault("an offer vanished"))?;
                let OfferStatus::Accepted { grant, .. } = &offer.status else {
                    return Err(ApiFailure::fault("an accepted offer is not accepted").into());
                };
                Ok(Accepted { grant: grant.clone(), superseded: superseded(&events), offer })
            })
            .await
            .map_err(ApiFailure::from)?;
        let accepted = committed.value;
        let body = json!({
            "role_grant_id": accepted.grant,
            "offer": self.offer_on_wire(account, &accepted.offer).await?,
            "superseded_offer_ids": accepted.superseded,
        });
        Ok(Outcome::wrote(body, committed.appended.map(|appended| appended.last)))
    }

    pub(super) async fn offer_decline(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let offer = OfferId(call.input.text("offer_id").to_owned());
        let account = &call.caller.account;
        let reason = match call.input.optional_text("reason") {
            Some(reason) => {
                let context = SealContext::decline_reason(account, &offer);
                Some(self.runtime.journal.keyring().seal(&call.caller.subject, &context, reason).await?)
            }
            None => None,
        };
        let command = Decline { offer, persona: call.persona()?.persona.id.clone(), reason };
        let origin = self.persona_origin(call).await?;
        let done = self.runtime.bus.execute::<OfferBook>(&account.0, command.into(), &origin).await;
        let done = done.map_err(|error| ApiFailure::from_decision(error, |refusal| answer(&refusal)))?;
        Ok(Outcome::wrote(json!({ "ok": true }), done.position))
    }

    pub(super) async fn offer_retract(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let offer = OfferId(call.input.text("offer_id").to_owned());
        self.runtime.reads.catch_up(&["offers"]).await?;
        let found = offers::by_id(self.runtime.reads.store(), &offer).await?;
        let Some(recipient) = found.map(|row| row.account) else {
            return Err(answer(&OfferBookRefusal::OfferNotFound));
        };
        let command = Retract { offer, grantor: call.persona()?.persona.id.clone() };
        let origin = self.persona_origin(call).await?;
        let done = self.runtime.bus.execute::<OfferBook>(&recipient.0, command.into(), &origin).await;
        let done = done.map_err(|error| ApiFailure::from_decision(error, |refusal| answer(&refusal)))?;
        Ok(Outcome::wrote(json!({ "ok": true }), done.position))
    }

    /// The account whose offers are read: one's own, or any for an administrator.
    pub(super) fn readable_account(call: &Call<'_>) -> Result<AccountId, ApiFailure> {
        let Some(wanted) = call.input.optional_text("account_id") else { return Ok(call.caller.account.clone()) };
        if wanted == call.caller.account.0 || call.persona()?.holds_any(&[ADMIN]) {
            return Ok(AccountId(wanted.to_owned()));
        }
        Err(ApiFailure::role(&[ADMIN]))
    }

    pub(super) async fn offer_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let account = Self::readable_account(call)?;
        let now = self.runtime.clock.now();
        let book = self.runtime.bus.state::<OfferBook>(&account.0).await.map_err(ApiFailure::from_bus)?.state;
        let mut pending: Vec<_> = book.offers().filter(|offer| offer.is_open() && offer.expires_at > now).collect();
        pending.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        let mut listed = Vec::with_capacity(pending.len());
        for offer in pending {
            listed.push(self.offer_on_wire(&account, offer).await?);
        }
        Ok(Outcome::read(json!({ "offers": listed })))
    }

    pub(super) async fn offer_history(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let account = Self::readable_account(call)?;
        let (limit, offset) = (call.input.length("limit", HISTORY_DEFAULT), call.input.length("offset", 0));
        self.runtime.reads.catch_up(&["offers"]).await?;
        let rows = offers::history(self.runtime.reads.store(), &account, limit, offset).await?;
        let mut listed = Vec::with_capacity(rows.len());
        for row in &rows {
            listed.push(self.offer_row(row).await?);
        }
        Ok(Outcome::read(json!({ "offers": listed })))
    }
}

/// What is about to be offered.
struct OfferDraft<'a> {
    to: &'a AccountId,
    to_persona: Option<&'a PersonaId>,
    scope: Option<&'a GrantScope>,
    offer: OfferId,
    message: Option<Sealed>,
}

/// The offers that events made fall away.
pub(super) fn superseded(events: &[OfferBookEvent]) -> Vec<OfferId> {
    let fallen = |event: &OfferBookEvent| {
        if let OfferBookEvent::Superseded(superseded) = event { Some(superseded.offer.clone()) } else { None }
    };
    events.iter().filter_map(fallen).collect()
}

/// Whether events gave somebody a role that must not die out.
fn gives_lasting_role(events: &[OfferBookEvent]) -> bool {
    events.iter().any(|event| lasting_grant(event).is_some())
}

fn lasting_grant(event: &OfferBookEvent) -> Option<&GrantCreated> {
    let OfferBookEvent::GrantCreated(created) = event else { return None };
    (created.scope.is_none() && is_lasting(&created.role)).then_some(created)
}

/// Notes in the roster who came to a role that must not die out.
pub(super) fn admit_new_holders(
    tx: &mut Transaction<'_>,
    roster: &mut Loaded<Roster>,
    account: &AccountId,
    events: &[OfferBookEvent],
) -> Result<(), BusError<Box<ApiFailure>>> {
    for created in events.iter().filter_map(lasting_grant) {
        let admit = RosterCommand::Admit(Admit {
            role: created.role.clone(),
            grant: created.grant.clone(),
            persona: created.persona.clone(),
            account: account.clone(),
            expires_at: created.expires_at,
        });
        tx.decide(roster, &admit).map_err(BusError::unexpected)?;
    }
    Ok(())
}

/// Position of an append, where there was one.
pub(super) fn last_position(appended: Option<muniment_journal::Appended>) -> Option<Position> {
    appended.map(|appended| appended.last)
}
