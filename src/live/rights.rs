//! What a principal may read, checked when an event is about to leave and never remembered longer.
//!
//! An [`Authority`] is shared by everything that reads under one credential on one connection. The hub flips it
//! inside the journal's publish hook, before the reply of the command that revoked it can leave.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use parking_lot::RwLock;

use super::exposure::Audience;
use super::routing::Routed;
use crate::surface::accounts::caller::ApiPresented;

/// Turns a bearer token into what it may read. The surface implements it. Asked only on the thread of the connection,
/// so its future need not be `Send`: implement it with `#[async_trait(?Send)]`.
#[async_trait::async_trait(?Send)]
pub trait Authenticate: Send + Sync {
    /// Checks a bearer token on read models that have caught up with the head as of this call.
    ///
    /// # Errors
    /// How the surface refuses it.
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Grant, Denied>;

    /// Checks the cookie of a session, as [`Authenticate::presented`] read it.
    ///
    /// # Errors
    /// How the surface refuses it.
    async fn authenticate_cookie(&self, presented: &ApiPresented) -> Result<Grant, Denied>;

    /// What a request presents beside a bearer token.
    fn presented(&self, request: &HttpRequest) -> ApiPresented;

    /// Whether a page of another origin may use a cookie here.
    fn is_allowed_origin(&self, presented: &ApiPresented) -> bool;

    /// Counts a look by plain HTTP under a credential, by its public id.
    ///
    /// # Errors
    /// How the surface refuses one too many.
    async fn count_look(&self, credential: &str) -> Result<(), Denied>;

    /// Whom a request comes from, given its peer and the lines of `X-Forwarded-For`.
    fn client(&self, peer: Option<IpAddr>, forwarded: &[&str]) -> Option<IpAddr>;
}

/// A credential that holds, and what it opens.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Public id of the token or session.
    pub credential: String,
    /// Account behind a founder session; it reads its own account and session events.
    pub account: Option<String>,
    /// Subject whose key seals the account's personal data; its erasure ends the grant.
    pub subject: Option<String>,
    /// Companies whose events may be read.
    pub companies: HashSet<String>,
    /// When the credential ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A refused credential, in the words of the surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// For a person.
    pub message: String,
    /// Seconds after which to try again, where that helps.
    pub retry_after_seconds: Option<u64>,
}

impl Denied {
    /// Nothing was presented.
    pub(crate) fn missing() -> Self {
        Self {
            status: 401,
            code: "missing_token".to_owned(),
            message: "send a token, or come with a session's cookie".to_owned(),
            retry_after_seconds: None,
        }
    }
}

/// The moment a right ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Position of the event that ended it.
    pub(crate) at: Position,
    /// Why, for the client.
    pub(crate) why: &'static str,
}

/// What an authority lets its reader read, as of one moment.
#[derive(Debug)]
pub(crate) struct Rights {
    account: Option<Arc<str>>,
    companies: Arc<HashSet<String>>,
}

impl Rights {
    /// Whether this event may leave. Says nothing of expiry and revocation: see [`Authority::revocation`] and
    /// [`Authority::expires_at`].
    pub(crate) fn may_read(&self, event: &Routed) -> bool {
        match event.audience {
            Audience::Nobody => false,
            Audience::Company => event.keys.company.as_deref().is_some_and(|company| self.companies.contains(company)),
            Audience::Account => self.account.is_some() && self.account == event.keys.account,
        }
    }
}

/// A grant in use. Rights only ever change through the hub.
#[derive(Debug)]
pub(crate) struct Authority {
    credential: Box<str>,
    account: Option<Arc<str>>,
    subject: Option<Box<str>>,
    companies: RwLock<Arc<HashSet<String>>>,
    expires_at: RwLock<Option<DateTime<Utc>>>,
    revoked: OnceLock<Revocation>,
}

impl Authority {
    /// Puts a grant to use.
    pub(crate) fn new(grant: Grant) -> Arc<Self> {
        Arc::new(Self {
            credential: grant.credential.into_boxed_str(),
            account: grant.account.map(Arc::from),
            subject: grant.subject.map(String::into_boxed_str),
            companies: RwLock::new(Arc::new(grant.companies)),
            expires_at: RwLock::new(grant.expires_at),
            revoked: OnceLock::new(),
        })
    }

    /// What connections are counted by: the account of a person, else the token.
    pub(crate) fn holder(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.credential)
    }

    /// Public id of the credential.
    pub(crate) fn credential(&self) -> &str {
        &self.credential
    }

    /// The account, where there is one.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The account's subject, where there is one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether this event may leave under this authority at this moment: see [`Rights::may_read`].
    pub(crate) fn may_read(&self, event: &Routed) -> bool {
        self.rights().may_read(event)
    }

    /// What it may read at this moment.
    pub(crate) fn rights(&self) -> Rights {
        Rights { account: self.account.clone(), companies: Arc::clone(&self.companies.read()) }
    }

    /// Whether it may read exactly what these rights let through.
    pub(crate) fn has(&self, rights: &Rights) -> bool {
        self.account == rights.account && **self.companies.read() == *rights.companies
    }

    /// The revocation, once there is one.
    pub(crate) fn revocation(&self) -> Option<&Revocation> {
        self.revoked.get()
    }

    /// When it ends by itself.
    pub(crate) fn expires_at(&self) -> Option<DateTime<Utc>> {
        *self.expires_at.read()
    }

    /// Whether it has ended by itself.
    pub(crate) fn expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    /// Ends it. The first revocation stands.
    pub(crate) fn revoke(&self, at: Position, why: &'static str) {
        self.revoked.get_or_init(|| Revocation { at, why });
    }

    /// Moves its end forward, as a rotation with grace does; never back.
    pub(crate) fn end_by(&self, end: DateTime<Utc>) {
        let mut expires_at = self.expires_at.write();
        *expires_at = Some(expires_at.map_or(end, |current| current.min(end)));
    }

    /// Opens one more company: the account became a founder of it.
    pub(crate) fn open_company(&self, company: &str) {
        Arc::make_mut(&mut *self.companies.write()).insert(company.to_owned());
    }

    /// Whether `other` reads on behalf of the same account or, for tokens, of the same companies: only then may it
    /// take this one's place on an open connection.
    pub(crate) fn same_reader(&self, other: &Self) -> bool {
        match (&self.account, &other.account) {
            (Some(mine), Some(theirs)) => mine == theirs,
            (None, None) => *self.companies.read() == *other.companies.read(),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}
