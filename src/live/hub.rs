//! The centre of the live surface on one node: how far events are published, who reads, and which rights ended.
//!
//! **Invariant:** rights that an event ends are ended before that event, or any later one, can be read here. The
//! journal calls [`Hub::published`] after a batch is durable and before its commands are answered; it flips the
//! authorities first, moves the head next and wakes the readers last. Nobody reads beyond that head.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::{Identity, Journal};
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::cursor::{Page, Pages, Unreadable};
use super::limits;
use super::registry::{Admission, Registry};
use super::revocation::{self, Change, Recent};
use super::rights::{Authenticate, Authority};
use super::session::View;
use crate::runtime::Clock;
use crate::surface::errors::{V1Error, V1Refusal};
use crate::surface::presented::Presented;
use crate::surface::readable::Readable;
use crate::transport;

/// What wakes readers, those on sockets through `pace`. A watch holds one value, so any number of changes while a
/// reader is busy wake it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Everything up to here may be read.
    pub(crate) head: Position,
    /// The server restarts: readers are sent away.
    pub(crate) closing: bool,
    /// Grows with everything that readers must hear of at once: rights that changed, a restart.
    pub(crate) urgent: u64,
}

/// The live surface of one node. Held in the application's data as `web::Data<Hub>`.
pub struct Hub {
    pub(crate) pages: Pages,
    pub(crate) registry: Registry,
    journal: Journal,
    authenticate: Arc<dyn Authenticate>,
    clock: Clock,
    store: String,
    heartbeat: Duration,
    signal: watch::Sender<Signal>,
    recent: Mutex<Recent>,
    confirmed_at: Mutex<Instant>,
}

impl Hub {
    /// Starts serving a journal: joins its publish hook and starts the supervisor, which lives as long as the hub.
    /// `heartbeat` is the time between two of a socket. Needs a tokio runtime.
    #[must_use]
    pub fn start(
        journal: Journal,
        authenticate: Arc<dyn Authenticate>,
        clock: Clock,
        heartbeat: Duration,
    ) -> Arc<Self> {
        let (signal, _) = watch::channel(Signal { head: Position::START, closing: false, urgent: 0 });
        let hub = Arc::new(Self {
            pages: Pages::new(journal.clone()),
            registry: Registry::default(),
            store: store_name(journal.identity()),
            authenticate,
            clock,
            heartbeat,
            signal,
            recent: Mutex::new(Recent::default()),
            confirmed_at: Mutex::new(Instant::now()),
            journal: journal.clone(),
        });
        let weak = Arc::downgrade(&hub);
        journal.on_publish(Arc::new(move |events: &[Arc<RecordedEvent>]| {
            if let Some(hub) = weak.upgrade() {
                hub.published(events);
            }
        }));
        // What was published before the hook stood: no authority exists yet that it could have ended.
        hub.advance(journal.head(), false);
        tokio::spawn(super::supervisor::watch_over(Arc::downgrade(&hub)));
        hub
    }

    /// Sends every reader away with an invitation to come back, and keeps new ones out.
    pub fn shutdown(&self) {
        self.signal.send_modify(|signal| {
            signal.closing = true;
            signal.urgent += 1;
        });
    }

    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    pub(crate) fn head(&self) -> Position {
        self.signal.borrow().head
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.signal.borrow().closing
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Signal> {
        self.signal.subscribe()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn view(&self) -> View<'_> {
        let now = Instant::now();
        View { store: &self.store, head: self.head(), now, utc: self.now(), confirmed: self.confirmed_as_of(now) }
    }

    /// Whether the head was confirmed recently enough to serve protected data.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed_as_of(Instant::now())
    }

    fn confirmed_as_of(&self, now: Instant) -> bool {
        now.saturating_duration_since(*self.confirmed_at.lock()) < limits::CONFIRMED_WITHIN
    }

    /// Asks the journal for the head, so that whatever any node acknowledged before this call lies before [`Hub::head`];
    /// `false` where nobody can tell. A node that is cut off stops serving after [`limits::CONFIRMED_WITHIN`].
    pub(crate) async fn confirm(&self) -> bool {
        let asked_at = Instant::now();
        let confirmed = self.journal.confirm_head().await;
        match &confirmed {
            Ok(_) => {
                let was = std::mem::replace(&mut *self.confirmed_at.lock(), asked_at);
                if asked_at.saturating_duration_since(was) >= limits::CONFIRMED_WITHIN {
                    tracing::info!("the head is confirmed again; live readers are served");
                    self.signal.send_modify(|signal| signal.urgent += 1);
                }
            }
            Err(error) => tracing::warn!(%error, "the head of the journal cannot be confirmed"),
        }
        confirmed.is_ok()
    }

    /// The events behind `after`, which must lie before the head.
    ///
    /// # Errors
    /// [`Unreadable`] if the journal fails.
    pub(crate) async fn page(&self, after: Position) -> Result<Arc<Page>, Unreadable> {
        match self.pages.peek(after) {
            Some(page) => Ok(page),
            None => self.pages.read(after).await,
        }
    }

    /// Checks a token and puts its grant to use, so that any event that ends it from now on is felt.
    ///
    /// # Errors
    /// The refusal of the surface, or ours where the holder has too many connections.
    pub(crate) async fn admit(&self, bearer: &str, client: Option<IpAddr>) -> Result<Admission, V1Refusal> {
        self.renew(bearer, client, None).await
    }

    /// The same for a connection that reads already, under the authority that the new one is to replace.
    ///
    /// # Errors
    /// As [`Hub::admit`].
    pub(crate) async fn renew(
        &self,
        bearer: &str,
        client: Option<IpAddr>,
        replaced: Option<&Authority>,
    ) -> Result<Admission, V1Refusal> {
        let before = self.recent.lock().next;
        let readable = self.authenticate.authenticate(bearer, client).await.map_err(told)?;
        self.let_in(readable, before, replaced)
    }

    /// The same for the cookie of a session.
    ///
    /// # Errors
    /// As [`Hub::admit`].
    pub(crate) async fn admit_by_cookie(&self, presented: &Presented) -> Result<Admission, V1Refusal> {
        let before = self.recent.lock().next;
        let readable = self.authenticate.authenticate_cookie(presented).await.map_err(told)?;
        self.let_in(readable, before, None)
    }

    fn let_in(&self, readable: Readable, before: u64, replaced: Option<&Authority>) -> Result<Admission, V1Refusal> {
        let admission = self.registry.admit(Authority::new(readable), replaced)?;
        // A right that ended between the check and the registration is among the recent changes.
        let recent = self.recent.lock();
        if !recent.replay(before, |change, at| apply(change, &admission.authority, at, self.now())) {
            return Err(V1Refusal::unavailable("Rights are changing too fast; try again shortly."));
        }
        Ok(admission)
    }

    /// What a request presents, and whom it comes from.
    pub(crate) fn presented(&self, request: &HttpRequest) -> Presented {
        self.authenticate.presented(request)
    }

    /// Whether a page may open a socket with the cookies it sends along.
    pub(crate) fn check_socket_origin(&self, presented: &Presented) -> Result<(), V1Refusal> {
        self.authenticate.check_socket_origin(presented).map_err(told)
    }

    /// Counts a request that looks by plain HTTP.
    pub(crate) async fn count_look(&self, admission: &Admission) -> Result<(), V1Refusal> {
        self.authenticate.count_look(admission.authority.credential()).await.map_err(told)
    }

    /// Called by the journal, in order, for every durable batch, before its commands are answered.
    fn published(&self, events: &[Arc<RecordedEvent>]) {
        let Some(last) = events.last() else { return };
        let mut urgent = false;
        for event in events {
            if let Some(change) = revocation::change(event) {
                urgent = true;
                self.recent.lock().push(change.clone(), event.position);
                self.registry.for_each(|authority| apply(&change, authority, event.position, self.now()));
            }
        }
        // Without readers the pages would be made for nobody; of a long batch, the journal's writer has enough to do.
        if events.len() <= limits::READY_EVENTS_MAX && self.registry.has_readers() {
            self.pages.extend(events);
        }
        self.advance(last.position, urgent);
    }

    fn advance(&self, head: Position, urgent: bool) {
        self.signal.send_if_modified(|signal| {
            let moved = head > signal.head;
            signal.head = signal.head.max(head);
            signal.urgent += u64::from(urgent);
            moved
        });
    }
}

/// What the reader is told where the surface does not let it in.
fn told(error: V1Error) -> V1Refusal {
    transport::told(error, "live", "")
}

fn apply(change: &Change, authority: &Authority, at: Position, now: DateTime<Utc>) {
    match change {
        Change::CredentialEnds { credential, why } => {
            if authority.credential() == credential {
                authority.revoke(at, why);
            }
        }
        Change::CredentialEndsBy { credential, end } => {
            if authority.credential() == credential {
                authority.end_by(*end);
                if *end <= now {
                    authority.revoke(at, "the token was rotated");
                }
            }
        }
        Change::CredentialRanOut { credential } => {
            if authority.credential() == credential {
                authority.run_out();
            }
        }
        Change::CredentialLasts { credential, end } => {
            if authority.credential() == credential {
                authority.last_until(*end);
            }
        }
        Change::AccountEnds { account, why } => {
            if authority.account() == Some(account) {
                authority.revoke(at, why);
            }
        }
        Change::SubjectErased { subject } => {
            if authority.subject() == Some(subject) {
                authority.revoke(at, "the account was erased");
            }
        }
        Change::CompanyOpens { subject, company } => {
            if authority.subject() == Some(subject) {
                authority.open_company(company);
            }
        }
        Change::Unreadable => authority.revoke(at, "rights cannot be told from the record"),
    }
}

/// How long a client that is sent away should wait: spread, so that they do not all come back at once.
pub(crate) fn retry_ms(connection: u64) -> u64 {
    let spread = Duration::from_millis(limits::RETRY_MS);
    // Spread by the connection's number: consecutive ones land far apart.
    limits::RETRY_MS + (connection.wrapping_mul(617)) % u64::try_from(spread.as_millis()).unwrap_or(1)
}

/// The name of a record on the wire: a UUID, and another one after every restore to an older position.
fn store_name(record: Identity) -> String {
    Uuid::from_u128(record.installation.as_u128() ^ u128::from(record.epoch.saturating_sub(1))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_a_uuid_that_a_restore_changes() {
        let record =
            |epoch| Identity { installation: Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef), epoch };
        let names: std::collections::HashSet<_> = (1..100).map(|epoch| store_name(record(epoch))).collect();
        assert_eq!(names.len(), 99);
        assert!(names.iter().all(|name| Uuid::parse_str(name).is_ok_and(|name| name.get_version_num() == 4)));
        assert_eq!(store_name(record(1)), record(1).installation.to_string());
    }
}
