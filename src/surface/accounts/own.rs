//! What an account does with its own sessions, API tokens and personas (spec/accounts-and-offers.md sections 4.3, 4.6).

use std::sync::Arc;

use muniment_aggregates::account::{
    Account, AccountCommand, AccountEvent, AccountRefusal, AddPersona, CloseSession, EndSessions, IssueApiToken,
    RevokeApiToken,
};
use muniment_aggregates::ids::{AccountId, CredentialId, PersonaId};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::session::{Revoke, Session, SessionCommand};
use muniment_projections::{api_tokens, sessions};
use serde_json::{Value, json};
use uuid::Uuid;

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code};
use super::methods::Counted;
use super::persona::vanished;
use super::rpc::{Call, Outcome};
use super::wire;
use crate::auth::api_token;
use crate::runtime::{BusError, Origin};
use crate::surface::Surface;
use crate::surface::limits::Window;
use crate::surface::text::instant;

/// Sessions shown at once.
const SESSIONS_SHOWN_MAX: usize = 50;
/// The name of an API token that was given none.
const TOKEN_NAME_DEFAULT: &str = "CLI token";

/// How what an account refuses its own caller is answered. Who was erased while the call ran is nobody any more.
pub(super) fn of_own_account(error: BusError<AccountRefusal>) -> ApiFailure {
    ApiFailure::from_decision(error, |refusal| match refusal {
        AccountRefusal::Erased => ApiFailure::unauthenticated(),
        AccountRefusal::PersonaLimit => ApiFailure::because(Code::Conflict, "actor_limit", refusal.to_string()),
        AccountRefusal::NotRegistered
        | AccountRefusal::AlreadyRegistered
        | AccountRefusal::InvalidUsername
        | AccountRefusal::SessionOpenAlready
        | AccountRefusal::ConcurrentChange => ApiFailure::fault(refusal),
    })
}

impl Surface {
    pub(super) async fn account_verify(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let account = self.own_account(call).await?;
        Ok(Outcome::read(self.session_account(&call.caller.account, &account).await?))
    }

    async fn own_account(&self, call: &Call<'_>) -> Result<Arc<Account>, ApiFailure> {
        let account = self.account_state(&call.caller.account).await?;
        account.ok_or_else(vanished)
    }

    pub(super) async fn session_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let now = self.runtime.clock.now();
        self.runtime.reads.catch_up(&["sessions"]).await?;
        let store = self.runtime.reads.store();
        let rows = sessions::live_of_account(store, &call.caller.account, now, SESSIONS_SHOWN_MAX).await?;
        let shown: Vec<_> = rows.iter().map(wire::session).collect();
        Ok(Outcome::read(json!({ "sessions": shown })))
    }

    pub(super) async fn session_revoke(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let wanted = call.input.text("session_id");
        let account = &call.caller.account;
        let session = match self.own_session(account, wanted).await? {
            Some(session) => {
                self.close_session(account, &session, "revoked", &self.account_origin(call).await?).await?
            }
            None => None,
        };
        match session {
            Some(position) => Ok(Outcome::wrote(json!({ "ok": true, "revoked": true }), Some(position))),
            None => {
                self.count_failed(call).await?;
                let refusal = RefusedAttempt::of("session_revoke").with("session_id", wanted);
                let position = self.record_own_refusal(call, refusal).await?;
                Ok(Outcome::wrote(json!({ "ok": true, "revoked": false }), position))
            }
        }
    }

    /// Counts a call that ended nothing among the account's actions: each leaves a row, and there are ids without end.
    /// What ends something is never refused.
    async fn count_failed(&self, call: &Call<'_>) -> Result<(), ApiFailure> {
        if call.method.counted != Counted::WhenNothingEnded {
            return Ok(());
        }
        let (account, limit) = (&call.caller.account.0, self.limits.action_account);
        self.windows.hit(Window::ActionAccount, account, limit).await.map_err(ApiFailure::limited)
    }

    /// The public id of an account's session by its id on the wire.
    async fn own_session(&self, account: &AccountId, on_wire: &str) -> Result<Option<CredentialId>, ApiFailure> {
        let Some(state) = self.account_state(account).await? else { return Ok(None) };
        let now = self.runtime.clock.now();
        // One past its end is unknown, also before the sweep has closed it.
        if let Some(open) = state.sessions().iter().find(|open| open.session.0 == on_wire && open.expires_at > now) {
            return Ok(Some(open.session.clone()));
        }
        self.runtime.reads.catch_up(&["sessions"]).await?;
        let rows = sessions::live_of_account(self.runtime.reads.store(), account, now, SESSIONS_SHOWN_MAX).await?;
        Ok(rows.into_iter().find(|row| row.secret_hash == on_wire).map(|row| row.public_id))
    }

    /// Ends a session of an account; `None` where it was not open.
    pub(super) async fn close_session(
        &self,
        account: &AccountId,
        session: &CredentialId,
        reason: &str,
        origin: &Origin,
    ) -> Result<Option<muniment_aggregates::record::Position>, ApiFailure> {
        let close = AccountCommand::CloseSession(CloseSession { session: session.clone(), reason: reason.to_owned() });
        let revoke = SessionCommand::Revoke(Revoke { reason: reason.to_owned() });
        let committed = self
            .runtime
            .bus
            .transact(origin, async |tx| {
                let mut account = tx.load::<Account, Box<ApiFailure>>(&account.0).await?;
                let events = tx.decide(&mut account, &close).map_err(BusError::unexpected)?;
                if !events.is_empty() {
                    let mut stream = tx.load::<Session, Box<ApiFailure>>(&session.0).await?;
                    tx.decide(&mut stream, &revoke).map_err(BusError::unexpected)?;
                }
                Ok(())
            })
            .await?;
        Ok(committed.appended.map(|appended| appended.last))
    }

    pub(super) async fn session_revoke_all(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let command = EndSessions { reason: "revoked".to_owned() };
        let origin = self.account_origin(call).await?;
        let done = self.runtime.bus.execute::<Account>(&call.caller.account.0, command.into(), &origin).await;
        let done = done.map_err(of_own_account)?;
        let count = done.events.iter().find_map(ended_sessions).unwrap_or(0);
        Ok(Outcome::wrote(json!({ "ok": true, "count": count }), done.position))
    }

    pub(super) async fn api_token_create(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let name = call.input.optional_text("name").unwrap_or(TOKEN_NAME_DEFAULT);
        let fresh = api_token::FreshApiToken::make(&self.accounts.api_token_prefix)?;
        let command = IssueApiToken {
            token: fresh.id.clone(),
            name: name.to_owned(),
            secret_hash: fresh.hash.clone(),
            expires_at: None,
            max_tokens: self.accounts.max_tokens,
        };
        let command = AccountCommand::IssueApiToken(command);
        let origin = self.account_origin(call).await?;
        let caller = call.caller;
        let made = self.runtime.bus.transact(&origin, async |tx| {
            let mut account = tx.load::<Account, AccountRefusal>(&caller.account.0).await?;
            // The token would outlive a session that has ended.
            if !caller.credential.is_held_by(&account.state, tx.facts.now) {
                return Ok(false);
            }
            tx.decide(&mut account, &command).map(|_| true)
        });
        let made = made.await.map_err(of_own_account)?;
        if !made.value {
            return Err(ApiFailure::unauthenticated());
        }
        let body = json!({ "ok": true, "token": fresh.raw, "id": fresh.id, "name": name });
        Ok(Outcome::wrote(body, made.appended.map(|appended| appended.last)))
    }

    pub(super) async fn api_token_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let now = self.runtime.clock.now();
        self.runtime.reads.catch_up(&["api_tokens"]).await?;
        let rows = api_tokens::of_account_live(self.runtime.reads.store(), &call.caller.account, now).await?;
        let mut tokens = Vec::with_capacity(rows.len());
        for row in rows {
            let used = self.last_use(&row.id).await?;
            let address = match &used {
                Some(used) => self.opened(&SealContext::last_client(&row.id), used.client.as_ref()).await?,
                None => Value::Null,
            };
            tokens.push(json!({
                "id": row.id,
                "account_id": row.account,
                "name": row.name,
                "expires_at": row.expires_at.map(instant),
                "last_used_at": used.map(|used| instant(used.at)),
                "last_used_ip": address,
                "created_at": instant(row.created_at),
            }));
        }
        Ok(Outcome::read(json!({ "tokens": tokens })))
    }

    pub(super) async fn api_token_revoke(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let token = CredentialId(call.input.text("token_id").to_owned());
        let command = RevokeApiToken { token: token.clone(), reason: "revoked".to_owned() };
        let origin = self.account_origin(call).await?;
        let done = self.runtime.bus.execute::<Account>(&call.caller.account.0, command.into(), &origin).await;
        let done = done.map_err(of_own_account)?;
        if done.position.is_some() {
            return Ok(Outcome::wrote(json!({ "ok": true, "revoked": true }), done.position));
        }
        self.count_failed(call).await?;
        let refusal = RefusedAttempt::of("token_revoke").with("token_id", token.0);
        let position = self.record_own_refusal(call, refusal).await?;
        Ok(Outcome::wrote(json!({ "ok": true, "revoked": false }), position))
    }

    pub(super) async fn actor_create(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let persona = PersonaId(Uuid::new_v4().to_string());
        let name = call.input.text("name");
        let command = AddPersona { persona: persona.clone(), name: name.to_owned() };
        let origin = self.account_origin(call).await?;
        let done = self.runtime.bus.execute::<Account>(&call.caller.account.0, command.into(), &origin).await;
        let done = done.map_err(of_own_account)?;
        let body = json!({ "ok": true, "actor": { "id": persona, "name": name } });
        Ok(Outcome::wrote(body, done.position))
    }

    pub(super) async fn actor_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let account = self.own_account(call).await?;
        let actors: Vec<_> = account.personas().iter().map(|it| json!({ "id": it.id, "name": it.name })).collect();
        Ok(Outcome::read(json!({ "actors": actors })))
    }
}

/// How many sessions an event ended, where it ended them all.
pub(super) fn ended_sessions(event: &AccountEvent) -> Option<u32> {
    if let AccountEvent::SessionsEnded(ended) = event { Some(ended.count) } else { None }
}
