//! Who calls `/api`: origin, cookie, bearer token, daemon token, in this order
//! (spec/accounts-and-offers.md sections 3.5 to 3.8 and 8.1). The answer is an account and how it proved itself; no
//! persona and no role yet.
//!
//! Nothing here is remembered: whether a credential holds is asked of the account's own actor at the confirmed head,
//! so an end that any node recorded holds for the next request. Each credential has a file: `by_cookie`, `by_bearer`,
//! `by_daemon_token`; what of a request they look at is read in `surface/presented.rs`.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::roster::{Holder, KEEPER, ROSTER_ID, Roster};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::SubjectId;
use muniment_projections::last_used;

use super::failure::{ApiFailure, RestFailure};
use crate::surface::Surface;
use crate::surface::presented::Presented;

/// How a caller proved himself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By the cookie of a session.
    Session {
        /// The session's id, which is its token's hash.
        hash: CredentialId,
    },
    /// By an API token.
    ApiToken {
        /// Its public id.
        id: CredentialId,
    },
    /// By the file on the server.
    DaemonToken,
}

/// The type of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialType {
    /// A session, by its cookie.
    Session,
    /// An API token.
    ApiToken,
    /// The file on the server.
    DaemonToken,
}

impl CredentialType {
    /// Its name on the wire and in the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::ApiToken => "api_token",
            Self::DaemonToken => "daemon_token",
        }
    }

    /// The names of several.
    #[must_use]
    pub fn words(several: &[Self]) -> Vec<&'static str> {
        several.iter().map(|one| one.word()).collect()
    }
}

impl Credential {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> CredentialType {
        match self {
            Self::Session { .. } => CredentialType::Session,
            Self::ApiToken { .. } => CredentialType::ApiToken,
            Self::DaemonToken => CredentialType::DaemonToken,
        }
    }

    /// The name of its type.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        self.kind().word()
    }

    /// Whether the account still has it.
    #[must_use]
    pub fn is_held_by(&self, account: &Account, now: DateTime<Utc>) -> bool {
        match self {
            Self::Session { hash: id } | Self::ApiToken { id } => account.holds(id, now),
            Self::DaemonToken => true,
        }
    }

    /// Its public id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Session { hash } => &hash.0,
            Self::ApiToken { id } => &id.0,
            Self::DaemonToken => "daemon",
        }
    }
}

/// An account, and how it proved itself.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// Whose key seals what is personal of it.
    pub subject: SubjectId,
    /// How it proved itself.
    pub credential: Credential,
    /// Whom the request comes from.
    pub client: Option<IpAddr>,
    /// The head at which the credential was found to hold.
    pub as_of: Position,
    /// When the credential runs out, as of then; none for one that does not.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Caller {
    /// As the record names the caller, with the persona where the audit names one.
    #[must_use]
    pub fn who(&self, persona: Option<&str>) -> Who {
        Who::Account {
            account: self.account.0.clone(),
            persona: persona.map(str::to_owned),
            credential: self.credential.word().to_owned(),
            credential_id: self.credential.id().to_owned(),
        }
    }
}

/// The outcome of authentication. The cookie cannot be printed.
#[derive(Clone, Default)]
pub struct Authenticated {
    /// Who calls; `None` for nobody.
    pub caller: Option<Caller>,
    /// A `Set-Cookie` header the answer bears.
    pub set_cookie: Option<String>,
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl Surface {
    /// Finds out who calls.
    ///
    /// # Errors
    /// 401 or 50x of the daemon token, 429 of bad bearer tokens, or a fault; bad cookies and tokens are nobody.
    pub async fn authenticate_api(&self, presented: &Presented) -> Result<Authenticated, RestFailure> {
        let as_of = self.runtime.journal.confirm_head().await?;
        let mut found = self.by_cookie(presented, as_of).await?;
        if found.caller.is_none() {
            found.caller = self.by_bearer(presented, as_of).await?;
        }
        if let Some(keeper) = self.by_daemon_token(presented, as_of).await? {
            found.caller = Some(keeper);
        }
        Ok(found)
    }

    /// The account behind a session's cookie, for surfaces that take nothing else of this one.
    ///
    /// # Errors
    /// An unconfirmed head, or a fault.
    pub async fn caller_by_cookie(&self, presented: &Presented) -> Result<Option<Caller>, RestFailure> {
        let as_of = self.runtime.journal.confirm_head().await?;
        Ok(self.by_cookie(presented, as_of).await?.caller)
    }

    /// The state of an account, `None` where there is none or it is erased.
    ///
    /// # Errors
    /// Overload, or a journal that cannot be read.
    pub(in crate::surface) async fn account_state(&self, id: &AccountId) -> Result<Option<Arc<Account>>, ApiFailure> {
        let folded = self.runtime.bus.state::<Account>(&id.0).await.map_err(ApiFailure::from_bus)?;
        Ok(Some(folded.state).filter(|account| account.registered().is_some() && account.erased_at().is_none()))
    }

    /// When the credential of a connection runs out, as far as that is known now; none for never. Whatever is recorded ends
    /// a connection by itself, but time passes without an event. A session may have been extended since.
    ///
    /// # Errors
    /// Overload, or a journal that cannot be read.
    pub async fn end_of(&self, caller: &Caller) -> Result<Option<DateTime<Utc>>, ApiFailure> {
        let now = self.runtime.clock.now();
        match caller.ends_at {
            None => return Ok(None),
            Some(end) if end > now => return Ok(Some(end)),
            Some(_) => {}
        }
        let Some(account) = self.account_state(&caller.account).await? else { return Ok(Some(now)) };
        Ok(match &caller.credential {
            Credential::Session { hash } => {
                let open = account.sessions().iter().find(|open| open.session == *hash);
                Some(open.map_or(now, |open| open.expires_at))
            }
            Credential::ApiToken { id } => {
                account.tokens().iter().find(|held| held.token == *id).map_or(Some(now), |held| held.expires_at)
            }
            Credential::DaemonToken => {
                let roster = self.runtime.bus.state::<Roster>(ROSTER_ID).await.map_err(ApiFailure::from_bus)?.state;
                let is_held = |it: &&Holder| it.account == caller.account && it.expires_at.is_none_or(|end| end > now);
                roster.holders(KEEPER).find(is_held).map_or(Some(now), |keeper| keeper.expires_at)
            }
        })
    }

    /// Whether the credential of a connection has run out.
    ///
    /// # Errors
    /// Overload, or a journal that cannot be read.
    pub async fn has_run_out(&self, caller: &Caller) -> Result<bool, ApiFailure> {
        let end = self.end_of(caller).await?;
        Ok(end.is_some_and(|end| end <= self.runtime.clock.now()))
    }

    /// Notes when and from where a credential was used, at most once a minute; a failure is the log's alone.
    pub(super) async fn note_use(&self, id: &CredentialId, caller: &Caller, now: DateTime<Utc>) {
        if !self.last_used.is_due(id, now) {
            return;
        }
        if let Err(fail) = self.write_use(id, caller, now).await {
            tracing::warn!(error = ?fail.fault, "when a credential was used last could not be noted");
        }
    }

    async fn write_use(&self, id: &CredentialId, caller: &Caller, now: DateTime<Utc>) -> Result<(), ApiFailure> {
        let client = match caller.client {
            Some(address) => {
                let (context, address) = (SealContext::last_client(id), address.to_canonical().to_string());
                Some(self.runtime.journal.keyring().seal(&caller.subject, &context, &address).await?)
            }
            None => None,
        };
        self.last_used.note(id, client.as_ref(), now).await?;
        Ok(())
    }

    /// When and from where a credential was used last.
    pub(super) async fn last_use(&self, id: &CredentialId) -> Result<Option<last_used::Use>, ApiFailure> {
        Ok(last_used::of(self.runtime.reads.store(), id).await?)
    }

    /// How long a session lasts from now.
    pub(super) fn session_life(&self) -> TimeDelta {
        TimeDelta::from_std(self.accounts.session_max_age).unwrap_or(TimeDelta::MAX)
    }
}
