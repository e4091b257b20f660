//! What administrators see and end of other accounts, the installation's switches, and the audit's listing
//! (spec/accounts-and-offers.md sections 4.4 and 6.4).

use std::collections::BTreeMap;

use muniment_aggregates::account::{
    Account, AccountCommand, AccountEvent, AccountRefusal, EndApiTokens, EndSessions, Persona,
};
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::settings::{SETTINGS_ID, SetOpenSignup, Settings, SettingsEvent};
use muniment_projections::accounts::AccountRow;
use muniment_projections::audit_log::{self, AuditRow, Filter, everywhere};
use muniment_projections::{accounts, personas, sessions};
use serde_json::{Value, json};

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code};
use super::rpc::{Call, Outcome};
use super::wire;
use crate::surface::Surface;
use crate::surface::text::instant;

/// Rows of a page where none are asked for.
const PAGE_DEFAULT: usize = 50;
/// Sessions of all accounts shown at once.
const SESSIONS_SHOWN_MAX: usize = 200;

impl Surface {
    pub(super) async fn admin_account_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let (limit, offset) = (call.input.length("limit", PAGE_DEFAULT), call.input.length("offset", 0));
        self.runtime.reads.catch_up(&["accounts", "personas"]).await?;
        let rows = accounts::list(self.runtime.reads.store(), None, limit, offset).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.push(self.admin_entry(row).await?);
        }
        let grantable = self.registries.grantable_roles();
        Ok(Outcome::read(json!({ "accounts": entries, "grantable_roles": grantable })))
    }

    async fn admin_entry(&self, row: &AccountRow) -> Result<Value, ApiFailure> {
        let now = self.runtime.clock.now();
        let personas = self.account_state(&row.id).await?.map(|it| it.personas().to_vec()).unwrap_or_default();
        let book = self.runtime.bus.state::<OfferBook>(&row.id.0).await.map_err(ApiFailure::from_bus)?.state;
        let grants_of =
            |persona: &Persona| book.held_by(&persona.id, now).into_iter().map(wire::role_grant).collect::<Vec<_>>();
        let mut pending: Vec<_> = book.offers().filter(|offer| offer.is_open() && offer.expires_at > now).collect();
        pending.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        let grantors: Vec<PersonaId> = pending.iter().map(|offer| offer.grantor.clone()).collect();
        let names = self.persona_names(&grantors).await?;
        let offers: Vec<_> = pending
            .iter()
            .map(|offer| {
                json!({
                    "id": offer.id,
                    "role": offer.role,
                    "scope_kind": offer.scope.as_ref().map(|scope| &scope.kind),
                    "scope_id": offer.scope.as_ref().map(|scope| &scope.id),
                    "from_actor_id": offer.grantor,
                    "from_username": names.get(&offer.grantor).map(|label| &label.username),
                    "created_at": instant(offer.created_at),
                    "expires_at": instant(offer.expires_at),
                })
            })
            .collect();
        let oldest = personas.first();
        let listed: Vec<_> =
            personas.iter().map(|it| json!({ "id": it.id, "name": it.name, "role_grants": grants_of(it) })).collect();
        Ok(json!({
            "account": {
                "id": row.id,
                "username": row.username,
                "email": self.opened(&SealContext::account_email(&row.id), row.email.as_ref()).await?,
                "email_verified": row.email_verified,
                "created_at": instant(row.created_at),
                "updated_at": instant(row.updated_at),
                // Nobody changes an account but its owner, who acts as no persona there, and the operator, who is none.
                "updated_by": null,
            },
            "actor": oldest.map(|it| json!({ "id": it.id, "name": it.name })),
            "role_grants": oldest.map(grants_of).unwrap_or_default(),
            "pending_offers": offers,
            "actors": listed,
        }))
    }

    pub(super) async fn admin_session_list(&self, _call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let now = self.runtime.clock.now();
        self.runtime.reads.catch_up(&["sessions", "accounts"]).await?;
        let store = self.runtime.reads.store();
        let mut shown = Vec::new();
        for row in &sessions::live_all(store, now, SESSIONS_SHOWN_MAX).await? {
            let mut session = wire::session(row);
            let Some(account) = accounts::by_id(store, &row.account).await? else { continue };
            session["username"] = json!(account.username);
            shown.push(session);
        }
        Ok(Outcome::read(json!({ "sessions": shown })))
    }

    pub(super) async fn admin_session_revoke_all(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let command = EndSessions { reason: "revoked_by_admin".to_owned() };
        self.end_all(call, "session_revoke_all", command.into()).await
    }

    pub(super) async fn admin_token_revoke_all(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let command = EndApiTokens { reason: "revoked_by_admin".to_owned() };
        self.end_all(call, "token_revoke_all", command.into()).await
    }

    async fn end_all(
        &self,
        call: &Call<'_>,
        what: &'static str,
        command: AccountCommand,
    ) -> Result<Outcome, ApiFailure> {
        let target = AccountId(call.input.text("account_id").to_owned());
        let origin = self.account_origin(call).await?;
        let not_found = || ApiFailure::because(Code::NotFound, "account_not_found", "There is no such account.");
        let refuse = |refusal| match refusal {
            AccountRefusal::NotRegistered | AccountRefusal::Erased => not_found(),
            AccountRefusal::AlreadyRegistered
            | AccountRefusal::InvalidUsername
            | AccountRefusal::PersonaLimit
            | AccountRefusal::SessionOpenAlready
            | AccountRefusal::ConcurrentChange => ApiFailure::fault(refusal),
        };
        let done = self.execute_entitled::<Account>(call, &target.0, command, &origin, refuse).await;
        let done = done.map_err(ApiFailure::from);
        if done.as_ref().is_err_and(|fail| fail.code == Code::NotFound) {
            let refusal = RefusedAttempt::of(what)
                .with("reason", "account_not_found")
                .with("attempted_account_id", target.0.as_str());
            self.record_refusal(refusal, &call.caller.subject, &origin).await?;
        }
        let done = done?;
        let count = done.events.iter().find_map(ended).unwrap_or(0);
        Ok(Outcome::wrote(json!({ "ok": true, "count": count }), done.position))
    }

    pub(super) async fn settings_get(&self) -> Result<Outcome, ApiFailure> {
        Ok(Outcome::read(json!({ "settings": self.settings_on_wire().await? })))
    }

    async fn settings_on_wire(&self) -> Result<Value, ApiFailure> {
        let settings = self.runtime.bus.state::<Settings>(SETTINGS_ID).await.map_err(ApiFailure::from_bus)?.state;
        let by: Vec<PersonaId> = settings.updated_by().cloned().into_iter().collect();
        let names = self.persona_names(&by).await?;
        Ok(json!({
            "open_signup": settings.open_signup(),
            "updated_at": settings.updated_at().map(instant),
            "updated_by": settings.updated_by(),
            "updated_by_username": settings.updated_by().and_then(|it| names.get(it)).map(|label| &label.name),
        }))
    }

    pub(super) async fn settings_update(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let persona = &call.persona()?.persona;
        let command = SetOpenSignup { open: call.input.flag("open_signup"), by: Some(persona.id.clone()) };
        let origin = self.account_origin(call).await?;
        let done = self.execute_entitled::<Settings>(call, SETTINGS_ID, command, &origin, ApiFailure::fault).await?;
        let [SettingsEvent::OpenSignupSet(set)] = done.events.as_slice() else {
            return Err(ApiFailure::fault("settings were changed without an event"));
        };
        // Made of what was recorded: a read model that lags must not turn what was done into an error.
        let settings = json!({
            "open_signup": set.new_value,
            "updated_at": instant(set.at),
            "updated_by": set.by,
            "updated_by_username": persona.name,
        });
        Ok(Outcome::wrote(json!({ "ok": true, "settings": settings }), done.position))
    }

    pub(super) async fn audit_list(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        // Both read models have all up to here. What they fold meanwhile is left to whoever goes on from here: one of them may
        // be ahead of the other, and the stream would tell it again.
        let as_of = self.runtime.reads.catch_up(everywhere::MODELS).await?;
        let filter = Filter {
            event_type: call.input.optional_text("event_type").map(str::to_owned),
            outcome: call.input.optional_text("outcome").map(str::to_owned),
            account: call.input.optional_text("account_id").map(|id| AccountId(id.to_owned())),
            since_seq: call.input.count("since_seq").map(Position),
            before_seq: Some(as_of.next()),
            limit: call.input.length("limit", PAGE_DEFAULT),
            offset: call.input.length("offset", 0),
        };
        self.runtime.reads.catch_up(&["accounts", "personas"]).await?;
        let rows = everywhere::list(self.runtime.reads.store(), &filter).await?;
        self.audit_rows(&rows, as_of).await
    }

    pub(super) async fn audit_grant_history(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let (limit, offset) = (call.input.length("limit", PAGE_DEFAULT), call.input.length("offset", 0));
        let as_of = self.runtime.reads.catch_up(&["audit_log", "accounts", "personas"]).await?;
        let rows = audit_log::grant_history(self.runtime.reads.store(), as_of, limit, offset).await?;
        self.audit_rows(&rows, as_of).await
    }

    async fn audit_rows(&self, rows: &[AuditRow], as_of: Position) -> Result<Outcome, ApiFailure> {
        let named = rows.iter().flat_map(|row| [&row.actor_id, &row.target_actor_id]).flatten();
        let names = self.persona_names(&named.map(|id| PersonaId(id.clone())).collect::<Vec<_>>()).await?;
        let mut usernames = BTreeMap::new();
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let mut event = self.audit_event(row).await?;
            for (key, persona, account) in [
                ("username", &row.actor_id, &row.account_id),
                ("target_username", &row.target_actor_id, &row.target_account_id),
            ] {
                let by_persona = persona.as_ref().and_then(|id| names.get(&PersonaId(id.clone())));
                event[key] = match (by_persona, account) {
                    (Some(label), _) => json!(label.username),
                    (None, Some(account)) => self.username(account, &mut usernames).await?,
                    (None, None) => Value::Null,
                };
            }
            events.push(event);
        }
        Ok(Outcome::read_at(as_of, json!({ "events": events })))
    }

    async fn username(&self, account: &str, known: &mut BTreeMap<String, Value>) -> Result<Value, ApiFailure> {
        if let Some(name) = known.get(account) {
            return Ok(name.clone());
        }
        let row = accounts::by_id(self.runtime.reads.store(), &AccountId(account.to_owned())).await?;
        let name = row.filter(|row| row.erased_at.is_none()).map_or(Value::Null, |row| json!(row.username));
        known.insert(account.to_owned(), name.clone());
        Ok(name)
    }

    /// Names of personas, and the usernames of their accounts. Those of erased accounts have none.
    pub(super) async fn persona_names(&self, ids: &[PersonaId]) -> Result<BTreeMap<PersonaId, Label>, ApiFailure> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.runtime.reads.catch_up(&["personas", "accounts"]).await?;
        let store = self.runtime.reads.store();
        let mut usernames = BTreeMap::new();
        let mut names = BTreeMap::new();
        for row in personas::by_ids(store, ids).await? {
            if let Value::String(username) = self.username(&row.account.0, &mut usernames).await? {
                names.insert(row.id, Label { username, name: row.name });
            }
        }
        Ok(names)
    }
}

/// How a persona is called.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// The username of its account.
    pub(super) username: String,
    /// Its own name.
    pub(super) name: String,
}

fn ended(event: &AccountEvent) -> Option<u32> {
    if let AccountEvent::TokensEnded(ended) = event { Some(ended.count) } else { super::own::ended_sessions(event) }
}
