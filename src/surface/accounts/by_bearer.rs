//! Callers of `/api` who come by an API token (spec/accounts-and-offers.md section 3.7). A browser's is not looked at: a
//! page can be made to send one.

use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::Position;
use muniment_projections::api_tokens;

use super::caller::{Caller, Credential};
use super::failure::{ApiFailure, RestFailure};
use crate::auth::{api_token, tokens};
use crate::surface::Surface;
use crate::surface::bearer::{Several, bearer_of};
use crate::surface::limits::{Window, client_prefix};
use crate::surface::presented::Presented;

impl Surface {
    /// The account that holds a request's bearer token; wrong ones are counted by address.
    pub(super) async fn by_bearer(
        &self,
        presented: &Presented,
        as_of: Position,
    ) -> Result<Option<Caller>, RestFailure> {
        if presented.is_from_a_browser() {
            return Ok(None);
        }
        let found = bearer_of(&presented.authorization);
        let Some(raw) = found.map_err(|Several| RestFailure::new(401, "authentication_required"))? else {
            return Ok(None);
        };
        let (key, limit) = (client_prefix(presented.client), self.limits.bearer_ip);
        self.windows.check(Window::BearerAddress, &key, limit).await.map_err(ApiFailure::limited)?;
        let caller = self.holder_of(raw, presented, as_of).await?;
        if caller.is_none() {
            self.windows.hit(Window::BearerAddress, &key, limit).await.map_err(ApiFailure::limited)?;
        }
        Ok(caller)
    }

    async fn holder_of(&self, raw: &str, presented: &Presented, as_of: Position) -> Result<Option<Caller>, ApiFailure> {
        let Some(id) = api_token::id_of(&self.accounts.api_token_prefix, raw) else { return Ok(None) };
        let Some((owner, hash)) = self.owner_of(&id).await? else { return Ok(None) };
        if !tokens::matches(raw, &hash) {
            return Ok(None);
        }
        let now = self.runtime.clock.now();
        let Some(account) = self.account_state(&owner).await? else { return Ok(None) };
        let held = account.tokens().iter().find(|held| held.token == id && held.is_live(now));
        let (Some(held), Some(registered)) = (held, account.registered()) else { return Ok(None) };
        let caller = Caller {
            account: owner,
            subject: registered.subject.clone(),
            credential: Credential::ApiToken { id: id.clone() },
            client: presented.client,
            as_of,
            ends_at: held.expires_at,
        };
        self.note_use(&id, &caller, now).await;
        Ok(Some(caller))
    }

    /// Account and hash of an API token, held or not. Both never change, so they are remembered.
    async fn owner_of(&self, id: &CredentialId) -> Result<Option<(AccountId, String)>, ApiFailure> {
        if let Some(owner) = self.token_owners.lock().get(&id.0) {
            return Ok(Some(owner.clone()));
        }
        self.runtime.reads.catch_up(&["api_tokens"]).await?;
        let Some(row) = api_tokens::by_id(self.runtime.reads.store(), id).await? else { return Ok(None) };
        let owner = (row.account, row.secret_hash);
        self.token_owners.lock().put(id.0.clone(), owner.clone());
        Ok(Some(owner))
    }
}
