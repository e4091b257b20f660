//! What a principal may read, checked when an event is about to leave and never remembered longer.
//!
//! An [`Authority`] is shared by everything that reads under one credential on one connection. The hub flips it
//! inside the journal's publish hook, before the reply of the command that revoked it can leave.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use parking_lot::RwLock;

use super::exposure::Audience;
use super::routing::Routed;
use crate::surface::errors::V1Error;
use crate::surface::presented::Presented;
use crate::surface::readable::Readable;

/// Who says what a credential may read: the surface, or in tests of the protocol whoever stands in for it. Asked only on
/// the thread of the connection, so its future need not be `Send`: implement it with `#[async_trait(?Send)]`.
#[async_trait::async_trait(?Send)]
pub trait Authenticate: Send + Sync {
    /// Checks a bearer token on read models that have caught up with the head as of this call.
    ///
    /// # Errors
    /// How the surface refuses it.
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Readable, V1Error>;

    /// Checks the cookie of a session, as [`Authenticate::presented`] read it.
    ///
    /// # Errors
    /// How the surface refuses it.
    async fn authenticate_cookie(&self, presented: &Presented) -> Result<Readable, V1Error>;

    /// What a request presents, and whom it comes from.
    fn presented(&self, request: &HttpRequest) -> Presented;

    /// Whether a page may open a socket with the cookies it sends along.
    ///
    /// # Errors
    /// How the surface refuses it.
    fn check_socket_origin(&self, presented: &Presented) -> Result<(), V1Error>;

    /// Counts a look by plain HTTP under a credential, by its public id.
    ///
    /// # Errors
    /// How the surface refuses one too many.
    async fn count_look(&self, credential: &str) -> Result<(), V1Error>;
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

/// A right to read, in use. Rights only ever change through the hub.
#[derive(Debug)]
pub(crate) struct Authority {
    credential: Box<str>,
    account: Option<Arc<str>>,
    subject: Option<Box<str>>,
    companies: RwLock<Arc<HashSet<String>>>,
    expires_at: RwLock<Option<DateTime<Utc>>>,
    revoked: OnceLock<Revocation>,
    ran_out: AtomicBool,
}

impl Authority {
    /// Puts to use what a credential was found to open.
    pub(crate) fn new(readable: Readable) -> Arc<Self> {
        Arc::new(Self {
            credential: readable.credential.into_boxed_str(),
            account: readable.account.map(Arc::from),
            subject: readable.subject.map(String::into_boxed_str),
            companies: RwLock::new(Arc::new(readable.companies)),
            expires_at: RwLock::new(readable.expires_at),
            revoked: OnceLock::new(),
            ran_out: AtomicBool::new(false),
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
        self.ran_out.load(Ordering::Acquire) || self.expires_at().is_some_and(|end| end <= now)
    }

    /// Ends it. The first revocation stands.
    pub(crate) fn revoke(&self, at: Position, why: &'static str) {
        self.revoked.get_or_init(|| Revocation { at, why });
    }

    /// Ends it as its own time does, whoever's clock said so: nothing makes what has run out hold again.
    pub(crate) fn run_out(&self) {
        self.ran_out.store(true, Ordering::Release);
    }

    /// Moves its end forward, as a rotation with grace does; never back.
    pub(crate) fn end_by(&self, end: DateTime<Utc>) {
        let mut expires_at = self.expires_at.write();
        *expires_at = Some(expires_at.map_or(end, |current| current.min(end)));
    }

    /// Moves its end back, as the use of a session does; never forward. What has no end gets none.
    pub(crate) fn last_until(&self, end: DateTime<Utc>) {
        let mut expires_at = self.expires_at.write();
        *expires_at = expires_at.map(|current| current.max(end));
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
