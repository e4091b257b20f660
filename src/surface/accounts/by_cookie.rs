//! Callers of `/api` who come by the cookie of a session, which is extended as it is used
//! (spec/accounts-and-offers.md section 3.6).

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::account::{Account, AccountCommand, ExtendSession, OpenedSession};
use muniment_aggregates::ids::CredentialId;
use muniment_aggregates::record::Position;
use muniment_aggregates::session::{Extend, Session, SessionCommand, SessionKind};

use super::caller::{Authenticated, Caller, Credential};
use super::failure::{ApiFailure, RestFailure};
use crate::auth::cookie::CookieVerdict;
use crate::auth::session_token;
use crate::runtime::{BusError, Origin};
use crate::surface::Surface;
use crate::surface::presented::Presented;

/// How often a session is extended at most. The end of one that lasts no longer than the threshold is always near.
const EXTENDED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// One that lasts but a few minutes is extended so many times in its life at most.
const EXTENSIONS_IN_A_LIFE: i32 = 20;

impl Surface {
    /// The account behind the one cookie of a request, and what becomes of the cookie.
    pub(super) async fn by_cookie(&self, presented: &Presented, as_of: Position) -> Result<Authenticated, RestFailure> {
        let clear = || Authenticated { caller: None, set_cookie: Some(self.cookies.clear()) };
        let value = match presented.cookies.as_slice() {
            [] => return Ok(Authenticated::default()),
            [value] => value,
            // Two of one name: neither is known to be ours.
            [_, _, ..] => return Ok(clear()),
        };
        let now = self.runtime.clock.now();
        let (identity, cookie_end, key) = match self.cookies.verify(value, now) {
            CookieVerdict::Invalid | CookieVerdict::Expired => return Ok(clear()),
            CookieVerdict::Valid { identity, expires_at, key_index } => (identity, expires_at, key_index),
        };
        let hash = CredentialId(session_token::session_id(&identity));
        let session = self.runtime.bus.state::<Session>(&hash.0).await.map_err(ApiFailure::from_bus)?.state;
        let Some(started) = session.started().filter(|it| it.kind == SessionKind::Cookie) else {
            return Ok(Authenticated::default());
        };
        let Some(account) = self.account_state(&started.account).await? else { return Ok(Authenticated::default()) };
        let open = account.sessions().iter().find(|open| open.session == hash && open.expires_at > now);
        let (Some(open), Some(registered)) = (open, account.registered()) else {
            return Ok(Authenticated::default());
        };
        let caller = Caller {
            account: started.account.clone(),
            subject: registered.subject.clone(),
            credential: Credential::Session { hash: hash.clone() },
            client: presented.client,
            as_of,
            ends_at: Some(open.expires_at),
        };
        self.note_use(&hash, &caller, now).await;
        let threshold = self.accounts.refresh_threshold;
        let is_near =
            |end: DateTime<Utc>| !threshold.is_zero() && (end - now).to_std().is_ok_and(|left| left <= threshold);
        if is_near(open.expires_at) && self.gains_by_use(open, now) {
            self.extend_session(&caller, &hash, now, &presented.correlation).await;
        }
        let set_cookie = (key > 0 || is_near(cookie_end)).then(|| self.cookies.issue(&identity, now));
        Ok(Authenticated { caller: Some(caller), set_cookie })
    }

    /// Whether a use moves the end of a session far enough to be worth a record. The first one does, however soon.
    fn gains_by_use(&self, open: &OpenedSession, now: DateTime<Utc>) -> bool {
        let life = self.session_life();
        let is_first_use = open.expires_at <= open.opened_at + life;
        is_first_use || now + life - open.expires_at >= EXTENDED_EVERY.min(life / EXTENSIONS_IN_A_LIFE)
    }

    /// Moves the end of a session; where that fails the request goes on, for the session still holds.
    async fn extend_session(&self, caller: &Caller, hash: &CredentialId, now: DateTime<Utc>, correlation: &str) {
        let expires_at = now + self.session_life();
        let origin = Origin {
            who: caller.who(None),
            client: None,
            correlation: correlation.to_owned(),
            causation: None,
            surface: "http",
            command: "extend_session",
        };
        let extend = AccountCommand::ExtendSession(ExtendSession { session: hash.clone(), expires_at });
        let extended = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let mut account = tx.load::<Account, Box<ApiFailure>>(&caller.account.0).await?;
                // Of the requests of one page each has seen the old end; the first one moves it.
                let is_due = |open: &OpenedSession| open.session == *hash && self.gains_by_use(open, tx.facts.now);
                if !account.state.sessions().iter().any(is_due) {
                    return Ok(());
                }
                let events = tx.decide(&mut account, &extend).map_err(BusError::unexpected)?;
                if !events.is_empty() {
                    let mut session = tx.load::<Session, Box<ApiFailure>>(&hash.0).await?;
                    let command = SessionCommand::Extend(Extend { expires_at });
                    tx.decide(&mut session, &command).map_err(BusError::unexpected)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = extended {
            tracing::warn!(correlation.id = correlation, error = ?error, "a session could not be extended");
        }
    }
}
