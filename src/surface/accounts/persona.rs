//! Which persona a caller acts as, and what it holds at this instant (spec/accounts-and-offers.md section 3.13).

use muniment_aggregates::account::Persona;
use muniment_aggregates::offer_book::{Grant, OfferBook};
use serde_json::json;

use super::caller::Caller;
use super::failure::{ApiFailure, Code};
use crate::surface::Surface;

/// A persona in action.
#[derive(Debug, Clone)]
pub struct Acting {
    /// The persona.
    pub persona: Persona,
    /// Its active grants.
    pub grants: Vec<Grant>,
}

impl Acting {
    /// Whether it holds one of the roles everywhere.
    #[must_use]
    pub fn holds_any(&self, roles: &[&str]) -> bool {
        self.grants.iter().any(|grant| grant.scope.is_none() && roles.contains(&grant.role.as_str()))
    }
}

fn failed(code: Code, reason: &'static str) -> ApiFailure {
    // The failures of authorization say their reason as the message (section 8.5).
    ApiFailure::because(code, reason, reason)
}

/// The caller's account was erased meanwhile.
pub(super) fn vanished() -> ApiFailure {
    failed(Code::Internal, "account_vanished")
}

impl Surface {
    /// The persona a caller acts as.
    ///
    /// # Errors
    /// 400 `actor_required` with what there is, 400 `actor_not_on_account`, 500 `no_actors_on_account` or
    /// `account_vanished`.
    pub async fn resolve_persona(&self, caller: &Caller, acting: Option<&str>) -> Result<Acting, ApiFailure> {
        let Some(account) = self.account_state(&caller.account).await? else {
            return Err(vanished());
        };
        let personas = account.personas();
        let persona = match (personas, acting) {
            ([], _) => return Err(failed(Code::Internal, "no_actors_on_account")),
            (_, Some(wanted)) => personas
                .iter()
                .find(|persona| persona.id.0.eq_ignore_ascii_case(wanted))
                .ok_or_else(|| failed(Code::InvalidParams, "actor_not_on_account"))?,
            ([only], None) => only,
            ([_, _, ..], None) => {
                let available: Vec<_> = personas.iter().map(|it| json!({ "id": it.id, "name": it.name })).collect();
                return Err(failed(Code::InvalidParams, "actor_required").with("available", available.into()));
            }
        };
        let grants = self.grants_of(caller, persona).await?;
        Ok(Acting { persona: persona.clone(), grants })
    }

    async fn grants_of(&self, caller: &Caller, persona: &Persona) -> Result<Vec<Grant>, ApiFailure> {
        let now = self.runtime.clock.now();
        let book = self.runtime.bus.state::<OfferBook>(&caller.account.0).await.map_err(ApiFailure::from_bus)?.state;
        Ok(book.held_by(&persona.id, now).into_iter().cloned().collect())
    }

    /// Whether any persona of the caller's account holds a role everywhere.
    ///
    /// # Errors
    /// Overload, or a journal that cannot be read.
    pub(super) async fn account_holds(&self, caller: &Caller, role: &str) -> Result<bool, ApiFailure> {
        let now = self.runtime.clock.now();
        let book = self.runtime.bus.state::<OfferBook>(&caller.account.0).await.map_err(ApiFailure::from_bus)?.state;
        Ok(book.grants().any(|grant| grant.scope.is_none() && grant.role == role && grant.is_active(now)))
    }
}
