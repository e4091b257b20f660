//! The caller of `/api` who holds the file on the server (spec/accounts-and-offers.md section 3.8): the first keeper.

use muniment_aggregates::record::Position;
use muniment_aggregates::roster::{Holder, KEEPER, ROSTER_ID, Roster};

use super::caller::{Caller, Credential};
use super::failure::{ApiFailure, RestFailure};
use crate::surface::Surface;
use crate::surface::presented::Presented;

impl Surface {
    /// Whether a request bears the daemon token; one that does not hold is refused. Who is the keeper it does not ask.
    pub(super) fn bears_daemon_token(&self, presented: &Presented) -> Result<bool, RestFailure> {
        let invalid = || RestFailure::new(401, "invalid_daemon_token");
        let given = match presented.daemon_tokens.as_slice() {
            [] => return Ok(false),
            [Some(given)] if given.is_empty() => return Ok(false),
            [Some(given)] => given,
            [None] | [_, _, ..] => return Err(invalid()),
        };
        // Who holds the file sits on this machine and calls directly; a browser or a proxy never does.
        let is_local = presented.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        let holds = self.daemon_token.as_ref().is_some_and(|daemon| daemon.check(given));
        if !holds || !is_local || presented.is_forwarded || presented.is_from_a_browser() {
            return Err(invalid());
        }
        Ok(true)
    }

    /// The keeper, where a request bears the daemon token; one that does not hold is refused.
    pub(super) async fn by_daemon_token(
        &self,
        presented: &Presented,
        as_of: Position,
    ) -> Result<Option<Caller>, RestFailure> {
        if !self.bears_daemon_token(presented)? {
            return Ok(None);
        }
        let roster = self.runtime.bus.state::<Roster>(ROSTER_ID).await.map_err(ApiFailure::from_bus)?.state;
        let now = self.runtime.clock.now();
        let is_active = |keeper: &&Holder| keeper.expires_at.is_none_or(|end| end > now);
        let Some(keeper) = roster.holders(KEEPER).find(is_active) else {
            return Err(RestFailure::new(503, "keeper_account_not_configured"));
        };
        let Some(account) = self.account_state(&keeper.account).await? else {
            return Err(RestFailure::new(500, "keeper_account_not_found"));
        };
        let subject = account.registered().map(|registered| registered.subject.clone());
        let subject = subject.ok_or_else(|| RestFailure::new(500, "keeper_account_not_found"))?;
        Ok(Some(Caller {
            account: keeper.account.clone(),
            subject,
            credential: Credential::DaemonToken,
            client: presented.client,
            as_of,
            ends_at: keeper.expires_at,
        }))
    }
}
