//! A cursor over plain HTTP: what SSE and long-poll share. It pulls, checks the right at the last moment, and says
//! why it ends.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use muniment_aggregates::record::Position;
use tokio::sync::watch;

use super::codec::{self, Problem};
use super::filter::Filter;
use super::hub::{Hub, Signal};
use super::limits;
use super::registry::{Admission, Presence};
use super::request;
use super::rights::Revocation;
use super::routing::Routed;
use crate::surface::errors::V1Refusal;

/// Bounds of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Events, at most.
    pub(crate) events: usize,
    /// Bytes of events after which none is added.
    pub(crate) bytes: usize,
    /// Positions looked at, at most.
    pub(crate) positions: u64,
}

/// Why nothing more leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The right was taken away.
    Revoked(Revocation),
    /// The credential ended by itself.
    Expired,
    /// The server restarts.
    Closing,
    /// The node cannot confirm the head, or cannot read.
    Unavailable(&'static str),
}

/// One reader over HTTP.
pub(crate) struct Reader {
    hub: Arc<Hub>,
    admission: Admission,
    presence: Presence,
    filter: Filter,
    cursor: Position,
    signals: watch::Receiver<Signal>,
}

/// Where a reader begins, as the caller wrote it.
///
/// # Errors
/// As cursors are refused; 503 where nobody can tell whether one lies beyond the head.
pub(crate) async fn beginning(hub: &Hub, after: &str) -> Result<Position, V1Refusal> {
    let cursor = match after {
        "start" => return Ok(Position::START),
        "head" => return Ok(hub.head()),
        cursor => cursor,
    };
    match codec::parse_cursor(cursor, hub.store(), hub.head()) {
        // It may come from a node whose newest events this one has not heard of yet.
        Err((Problem::CursorFuture, _)) if hub.confirm().await => {
            codec::parse_cursor(cursor, hub.store(), hub.head()).map_err(V1Refusal::from)
        }
        Err((Problem::CursorFuture, _)) => {
            Err(V1Refusal::unavailable("The record cannot be confirmed; try again shortly."))
        }
        known => known.map_err(V1Refusal::from),
    }
}

/// Waits until this node has heard of the position that the caller has seen (`Muniment-After`).
///
/// # Errors
/// 400 `invalid_field` for what is no position; 503 where the record does not reach it.
pub(crate) async fn heard_of(hub: &Hub, request: &HttpRequest) -> Result<(), V1Refusal> {
    let Some(given) = request.headers().get("muniment-after") else { return Ok(()) };
    let seen = given.to_str().ok().and_then(|given| given.parse().ok()).map(Position);
    let Some(seen) = seen else {
        let expected = "Muniment-After must be a position, as Muniment-Position names it.";
        return Err(V1Refusal::new(400, "invalid_field", expected));
    };
    if seen <= hub.head() || (hub.confirm().await && seen <= hub.head()) {
        return Ok(());
    }
    Err(V1Refusal::unavailable("The record does not reach that position yet."))
}

impl Reader {
    /// Admits a reader, of everything at first; where it begins is set by [`Reader::start_at`].
    ///
    /// # Errors
    /// As the surface refuses the token, or where there are too many readers.
    pub(crate) async fn admit(hub: Arc<Hub>, bearer: &str, client: Option<IpAddr>) -> Result<Self, V1Refusal> {
        let presence = hub.registry.arrive(client)?;
        let admission = hub.admit(bearer, client).await?;
        Ok(Self::new(hub, presence, admission))
    }

    fn new(hub: Arc<Hub>, presence: Presence, admission: Admission) -> Self {
        let (signals, cursor) = (hub.watch(), hub.head());
        Self { hub, admission, presence, filter: Filter::everything(), cursor, signals }
    }

    /// Admits whoever sends a request: by its bearer token, or else by its cookie.
    ///
    /// # Errors
    /// As [`Reader::admit`]; 401 `missing_token` where there is neither; 429 `rate_limited`.
    pub(crate) async fn of(request: &HttpRequest, hub: Arc<Hub>) -> Result<Self, V1Refusal> {
        let presented = hub.presented(request);
        let client = presented.client;
        if !presented.authorization.is_empty() || presented.cookies.is_empty() {
            let bearer = request::required_bearer(&presented)?;
            let reader = Self::admit(Arc::clone(&hub), bearer, client).await?;
            hub.count_look(&reader.admission).await?;
            return Ok(reader);
        }
        let presence = hub.registry.arrive(client)?;
        let admission = hub.admit_by_cookie(&presented).await?;
        hub.count_look(&admission).await?;
        Ok(Self::new(hub, presence, admission))
    }

    /// Narrows what it reads.
    pub(crate) fn narrow(&mut self, filter: Filter) {
        self.filter = filter;
    }

    /// Sets the cursor.
    pub(crate) fn start_at(&mut self, cursor: Position) {
        self.cursor = cursor;
        self.presence.at(Some(cursor));
    }

    /// Everything up to here was looked at.
    pub(crate) fn cursor(&self) -> Position {
        self.cursor
    }

    /// The cursor as the caller writes it.
    pub(crate) fn cursor_text(&self) -> String {
        codec::cursor(self.hub.store(), self.cursor)
    }

    /// The hub it reads from.
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Number of its connection.
    pub(crate) fn number(&self) -> u64 {
        self.presence.number
    }

    /// Whether its credential is a person's session; else it is a token.
    pub(crate) fn is_session(&self) -> bool {
        self.admission.authority.account().is_some()
    }

    /// Whether there is nothing behind the cursor yet.
    pub(crate) fn caught_up(&self) -> bool {
        self.cursor >= self.hub.head()
    }

    /// Takes what may be read now, in order. Nothing does not mean the head: see [`Reader::caught_up`].
    ///
    /// # Errors
    /// Why nothing more leaves. The cursor stays where it was: nobody gets what was passed on the way.
    pub(crate) async fn take(&mut self, portion: Bounds) -> Result<Vec<Arc<Routed>>, Ended> {
        let began_at = self.cursor;
        let taken = self.collect(portion).await;
        if taken.is_err() {
            self.cursor = began_at;
        }
        self.presence.at(Some(self.cursor));
        taken
    }

    async fn collect(&mut self, portion: Bounds) -> Result<Vec<Arc<Routed>>, Ended> {
        self.entitled()?;
        let mut events: Vec<Arc<Routed>> = Vec::new();
        let mut bytes = 0;
        let until = Position(self.cursor.0.saturating_add(portion.positions));
        let mut turn_began_at = self.cursor;
        'pages: while !self.caught_up() && self.cursor < until && events.len() < portion.events {
            let page = self.hub.page(self.cursor).await.map_err(|error| {
                tracing::error!(%error, "a live reader is sent away");
                Ended::Unavailable("the journal cannot be read")
            })?;
            let head = self.hub.head();
            for event in page.after(self.cursor) {
                if event.position > head || event.position > until {
                    break 'pages;
                }
                if self.admission.authority.may_read(event) && self.filter.admits(&event.keys) {
                    let full = !events.is_empty() && bytes + event.frame.len() > portion.bytes;
                    if full || events.len() >= portion.events {
                        break 'pages;
                    }
                    bytes += event.frame.len();
                    events.push(Arc::clone(event));
                }
                self.cursor = event.position;
            }
            // Pages in memory are there at once, so nothing else would.
            if self.cursor.0 - turn_began_at.0 >= limits::TURN_POSITIONS {
                tokio::task::yield_now().await;
                turn_began_at = self.cursor;
            }
        }
        self.entitled()?;
        Ok(events)
    }

    /// Waits until something changed or the credential ended by itself.
    pub(crate) async fn changed(&mut self) {
        let left = self.admission.authority.expires_at().map(|end| end - self.hub.now());
        let left = left.map(|left| left.to_std().unwrap_or_default());
        // The bound only serves credentials without an end; the caller asks again.
        let bound = left.unwrap_or(limits::SSE_COMMENT);
        if let Ok(Err(_)) = tokio::time::timeout(bound, self.signals.changed()).await {
            // The hub holds the sender and we hold the hub, so this cannot happen; yield rather than spin.
            tokio::task::yield_now().await;
        }
    }

    fn entitled(&self) -> Result<(), Ended> {
        if self.hub.is_closing() {
            return Err(Ended::Closing);
        }
        if let Some(revocation) = self.admission.authority.revocation() {
            return Err(Ended::Revoked(revocation.clone()));
        }
        if self.admission.authority.expired(self.hub.now()) {
            return Err(Ended::Expired);
        }
        if !self.hub.is_confirmed() {
            return Err(Ended::Unavailable("the head of the record cannot be confirmed"));
        }
        Ok(())
    }
}
