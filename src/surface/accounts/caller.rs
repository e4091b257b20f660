//! Who calls `/api`: origin, cookie, bearer token, daemon token, in this order
//! (spec/accounts-and-offers.md sections 3.5 to 3.8 and 8.1). The answer is an account and how it proved itself; no
//! persona and no role yet.
//!
//! Nothing here is remembered: whether a credential holds is asked of the account's own actor at the confirmed head,
//! so an end that any node recorded holds for the next request.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use cookie::Cookie;
use muniment_aggregates::account::{Account, AccountCommand, ExtendSession};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::roster::{ROSTER_ID, Roster};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{Extend, Session, SessionCommand, SessionKind};
use muniment_projections::{api_tokens, last_used};

use super::failure::{ApiFailure, RestFailure};
use crate::auth::cookie::CookieVerdict;
use crate::auth::{api_token, session_token, tokens};
use crate::runtime::{BusError, Origin};
use crate::surface::Surface;
use crate::surface::bearer::{Several, bearer_of};
use crate::surface::client_address;
use crate::surface::limits::{Window, client_prefix};

/// The header of the daemon token.
const DAEMON_TOKEN: &str = "x-daemon-token";

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

impl Credential {
    /// The name of its type.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Session { .. } => "session",
            Self::ApiToken { .. } => "api_token",
            Self::DaemonToken => "daemon_token",
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

/// What a request to `/api` proves itself by.
#[derive(Debug, Clone, Default)]
pub struct ApiPresented {
    /// Every `Origin` header; `None` for one that is no text.
    pub origins: Vec<Option<String>>,
    /// The browser says that a page of another site sent it.
    pub is_cross_site: bool,
    /// It says that its body is no JSON, or it has one and does not say what it is.
    pub is_not_json: bool,
    /// Whether a `Referer` header is there, even empty.
    pub has_referer: bool,
    /// Every `Host` header.
    pub hosts: Vec<Option<String>>,
    /// Every value of the session's cookie.
    pub cookies: Vec<String>,
    /// Every `Authorization` header.
    pub authorization: Vec<Option<String>>,
    /// Every `X-Daemon-Token` header.
    pub daemon_tokens: Vec<Option<String>>,
    /// Whether the request came through a proxy.
    pub is_forwarded: bool,
    /// The peer of the connection itself.
    pub peer: Option<IpAddr>,
    /// Whom the request comes from, behind trusted proxies.
    pub client: Option<IpAddr>,
    /// Correlation id.
    pub correlation: String,
}

/// Whether a `Content-Type` is that of JSON, whatever its parameters.
fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

impl ApiPresented {
    /// Whether a browser sent it.
    fn is_from_a_browser(&self) -> bool {
        !self.origins.is_empty() || self.has_referer
    }

    /// Whether it names this machine by an address or name that never leaves it, and came through no proxy. A page whose
    /// name was made to mean this machine says its own name.
    #[must_use]
    pub fn is_called_locally(&self) -> bool {
        let is_local = |host: &str| {
            let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
        };
        let names_this_machine = matches!(self.hosts.as_slice(), [Some(host)] if is_local(host));
        let says_no_origin = self.has_referer && self.origins.is_empty();
        names_this_machine && !self.is_forwarded && !says_no_origin
    }
}

/// The outcome of authentication.
#[derive(Debug, Clone, Default)]
pub struct Authenticated {
    /// Who calls; `None` for nobody.
    pub caller: Option<Caller>,
    /// A `Set-Cookie` header the answer bears.
    pub set_cookie: Option<String>,
}

impl Surface {
    /// What a request proves itself by, from its headers as they came.
    #[must_use]
    pub fn presented<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        peer: Option<IpAddr>,
        correlation: &str,
    ) -> ApiPresented {
        let mut presented = ApiPresented { peer, correlation: correlation.to_owned(), ..ApiPresented::default() };
        let mut forwarded = Vec::new();
        let (mut has_body, mut is_typed) = (false, false);
        for (name, value) in headers {
            let text = || std::str::from_utf8(value).ok().map(str::to_owned);
            match name {
                "origin" => presented.origins.push(text()),
                "host" => presented.hosts.push(text()),
                "referer" => presented.has_referer = true,
                "sec-fetch-site" => presented.is_cross_site |= value.eq_ignore_ascii_case(b"cross-site"),
                "content-type" => {
                    is_typed = true;
                    presented.is_not_json |= !is_json(value);
                }
                "content-length" => has_body |= value.trim_ascii() != b"0",
                "transfer-encoding" => has_body = true,
                "authorization" => presented.authorization.push(text()),
                DAEMON_TOKEN => presented.daemon_tokens.push(text()),
                "cookie" => {
                    let pairs = Cookie::split_parse(text().unwrap_or_default()).flatten();
                    let own = pairs.filter(|cookie| cookie.name() == self.cookies.name());
                    presented.cookies.extend(own.map(|cookie| cookie.value().to_owned()));
                }
                "x-forwarded-for" => {
                    presented.is_forwarded = true;
                    forwarded.extend(text());
                }
                other => presented.is_forwarded |= other.starts_with("x-forwarded-"),
            }
        }
        presented.is_not_json |= has_body && !is_typed;
        let lines: Vec<&str> = forwarded.iter().map(String::as_str).collect();
        presented.client = client_address::resolve(peer, &lines, &self.trusted_proxies);
        presented
    }

    /// Refuses what another site's page sent: by its origin, or by the browser's own word where there is no origin
    /// (security catalogue H1, H2).
    ///
    /// # Errors
    /// 403 `forbidden_origin`.
    pub fn check_origin(&self, presented: &ApiPresented) -> Result<(), RestFailure> {
        match presented.origins.as_slice() {
            [] if presented.is_cross_site => Err(RestFailure::new(403, "forbidden_origin")),
            [] => Ok(()),
            [Some(origin)] if self.origins.iter().any(|pattern| pattern.matches(origin)) => Ok(()),
            [_, ..] => Err(RestFailure::new(403, "forbidden_origin")),
        }
    }

    /// Refuses a body of another kind than JSON, or of a kind that is not named, beside a cookie: what a page of another
    /// site can send without being asked first (security catalogue H4). Tokens are sent by nobody unasked.
    ///
    /// # Errors
    /// 415 `unsupported_media_type`.
    pub fn check_media_type(&self, presented: &ApiPresented) -> Result<(), RestFailure> {
        let is_by_cookie = !presented.cookies.is_empty();
        if is_by_cookie && presented.is_not_json {
            Err(RestFailure::new(415, "unsupported_media_type"))
        } else {
            Ok(())
        }
    }

    /// Finds out who calls.
    ///
    /// # Errors
    /// 401 or 50x of the daemon token, 429 of bad bearer tokens, or a fault; bad cookies and tokens are nobody.
    pub async fn authenticate_api(&self, presented: &ApiPresented) -> Result<Authenticated, RestFailure> {
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
    pub async fn caller_by_cookie(&self, presented: &ApiPresented) -> Result<Option<Caller>, RestFailure> {
        let as_of = self.runtime.journal.confirm_head().await?;
        Ok(self.by_cookie(presented, as_of).await?.caller)
    }

    /// The state of an account, `None` where there is none or it is erased.
    ///
    /// # Errors
    /// Overload, or a journal that cannot be read.
    pub(in crate::surface) async fn account_state(&self, id: &AccountId) -> Result<Option<Account>, ApiFailure> {
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
            Credential::DaemonToken => None,
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

    async fn by_cookie(&self, presented: &ApiPresented, as_of: Position) -> Result<Authenticated, RestFailure> {
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
        if is_near(open.expires_at) {
            self.extend_session(&caller, &hash, now, &presented.correlation).await;
        }
        let set_cookie = (key > 0 || is_near(cookie_end)).then(|| self.cookies.issue(&identity, now));
        Ok(Authenticated { caller: Some(caller), set_cookie })
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

    /// Notes when and from where a credential was used, at most once a minute; a failure is the log's alone.
    async fn note_use(&self, id: &CredentialId, caller: &Caller, now: DateTime<Utc>) {
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
                let (context, address) = (format!("last_used/{id}/client"), address.to_canonical().to_string());
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

    async fn by_bearer(&self, presented: &ApiPresented, as_of: Position) -> Result<Option<Caller>, RestFailure> {
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

    async fn holder_of(
        &self,
        raw: &str,
        presented: &ApiPresented,
        as_of: Position,
    ) -> Result<Option<Caller>, ApiFailure> {
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

    async fn by_daemon_token(&self, presented: &ApiPresented, as_of: Position) -> Result<Option<Caller>, RestFailure> {
        let invalid = || RestFailure::new(401, "invalid_daemon_token");
        let given = match presented.daemon_tokens.as_slice() {
            [] => return Ok(None),
            [Some(given)] if given.is_empty() => return Ok(None),
            [Some(given)] => given,
            [None] | [_, _, ..] => return Err(invalid()),
        };
        // Who holds the file sits on this machine and calls directly; a browser or a proxy never does.
        let is_local = presented.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        let holds = self.daemon_token.as_ref().is_some_and(|daemon| daemon.check(given));
        if !holds || !is_local || presented.is_forwarded || presented.is_from_a_browser() {
            return Err(invalid());
        }
        let roster = self.runtime.bus.state::<Roster>(ROSTER_ID).await.map_err(ApiFailure::from_bus)?.state;
        let Some(keeper) = roster.holders("keeper").next() else {
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
            ends_at: None,
        }))
    }
}
