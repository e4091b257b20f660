//! Who is connected to `/api`, and which of them an event ends.
//!
//! **Invariant:** the journal calls [`ApiRegistry::published`] after a batch is durable and before its commands are
//! answered; whoever an event ends is marked there, depending on no read model.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muniment_aggregates::account::Account;
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ended::{Credentials, ended_by};
use muniment_aggregates::record::{Metadata, Position, RecordedEvent};
use muniment_aggregates::session::Session;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::surface::accounts::caller::{Caller, Credential};
use crate::surface::accounts::closings::Closings;

/// Notifications one connection may be behind; past that it is ended, for its reader does not read.
const QUEUE_MAX: usize = 1_000;
/// Ends that are remembered for connections in the making.
const RECENT_MAX: usize = 4_096;
/// Sockets one account may have open.
const SOCKETS_MAX: usize = 100;
/// Streams of the audit one session or token may have open.
const STREAMS_MAX: usize = 10;

/// Close code of a credential that was ended.
pub(super) const REVOKED: u16 = 4001;
/// Close code of a reader that does not read.
pub(super) const TOO_SLOW: u16 = 1008;
/// Close code of a server that goes away.
pub(super) const GOING_AWAY: u16 = 1001;
const LEAVING: End = End { code: GOING_AWAY, at: None };

/// What an event ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    /// Whatever was opened by this session or token.
    Credential(String),
    /// Whatever was opened by this account.
    Account(String),
}

impl Ending {
    fn of(event: &RecordedEvent) -> Option<Self> {
        let Ok(ended) = ended_by(event) else { return Self::of_unreadable(event) };
        let ended = ended?;
        match ended.credentials {
            // Whoever signs out here closes everything that is open in his name; the end of a session of `/v1` has the same
            // reason and is that session's alone.
            Credentials::Session { account, .. } if ended.reason == "logout" && is_logout(event) => {
                Some(Self::Account(account.0))
            }
            Credentials::Session { session, .. } => Some(Self::Credential(session.0)),
            Credentials::ApiToken(token) => Some(Self::Credential(token.0)),
            Credentials::SessionsOf(account) | Credentials::ApiTokensOf(account) | Credentials::AllOf(account) => {
                Some(Self::Account(account.0))
            }
            // Neither opens anything of `/api`.
            Credentials::AgentToken(_) | Credentials::OfSubject(_) => None,
        }
    }

    /// An event of a later version, by another node: whether it takes something away cannot be told, so it does.
    fn of_unreadable(event: &RecordedEvent) -> Option<Self> {
        match &*event.stream.kind {
            Account::TYPE => Some(Self::Account(event.stream.id.to_string())),
            Session::TYPE => Some(Self::Credential(event.stream.id.to_string())),
            _ => None,
        }
    }

    fn ends(&self, entry: &ConnectionEntry) -> bool {
        match self {
            Self::Credential(id) => entry.credential.as_deref() == Some(id),
            Self::Account(id) => entry.account == *id,
        }
    }
}

/// Who caused an event and by what, where that can be read.
fn metadata(event: &RecordedEvent) -> Option<Metadata> {
    serde_json::from_str(&event.metadata).ok()
}

fn is_logout(event: &RecordedEvent) -> bool {
    metadata(event).is_some_and(|metadata| metadata.command == "logout")
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// What the socket is closed with.
    pub(super) code: u16,
    /// The event that ended it, where one did.
    pub(super) at: Option<Position>,
}

/// What becomes of a connection while it lasts.
#[derive(Debug, Default)]
struct ConnectionState {
    /// Frames that wait to be sent.
    queue: VecDeque<String>,
    /// Calls in flight, by correlation id.
    calls: HashSet<String>,
    ended: Option<End>,
    /// It ended itself by a call in flight, whose answer goes out first.
    after: Option<String>,
    /// The command that ended it, whose reply waits for it to close.
    awaited_by: Option<String>,
    /// Its connection is no more, so there is nothing to wait for.
    is_gone: bool,
}

/// One connection, as the registry knows it.
#[derive(Debug)]
pub(super) struct ConnectionEntry {
    pub(super) account: String,
    credential: Option<String>,
    is_socket: bool,
    state: Mutex<ConnectionState>,
    wake: Notify,
    closings: Arc<Closings>,
}

impl ConnectionEntry {
    /// A stream of the audit has no frames: what is queued for it would be read by nobody.
    fn takes_frames_of(&self, account: &str) -> bool {
        self.is_socket && self.account == account
    }

    /// Waits until there is something to send or to end.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// What waits to be sent.
    pub(super) fn take(&self) -> VecDeque<String> {
        std::mem::take(&mut self.state.lock().queue)
    }

    /// How to end now, where it is time.
    pub(super) fn ended(&self) -> Option<End> {
        let state = self.state.lock();
        state.ended.filter(|_| state.after.is_none())
    }

    /// A call begins.
    pub(super) fn begin_call(&self, correlation: &str) {
        self.state.lock().calls.insert(correlation.to_owned());
    }

    /// A call was answered.
    pub(super) fn end_call(&self, correlation: &str) {
        let mut state = self.state.lock();
        state.calls.remove(correlation);
        if state.after.as_deref() == Some(correlation) {
            state.after = None;
        }
    }

    /// Sends it a frame; `false` where too many wait already, and then it ends.
    fn notify(&self, frame: &str) -> bool {
        let mut state = self.state.lock();
        let has_room = state.queue.len() < QUEUE_MAX;
        if has_room {
            state.queue.push_back(frame.to_owned());
        } else {
            state.ended.get_or_insert(End { code: TOO_SLOW, at: None });
        }
        drop(state);
        self.wake.notify_one();
        has_room
    }

    /// Marks it as ended; `by` is the call that did it.
    fn end(&self, end: End, by: &str) {
        let mut state = self.state.lock();
        if state.ended.is_none() {
            state.ended = Some(end);
            if state.calls.contains(by) {
                state.after = Some(by.to_owned());
            } else if self.is_socket && !state.is_gone {
                // A stream ends when its reader takes the last row, which nobody can wait for.
                self.closings.begin(by);
                state.awaited_by = Some(by.to_owned());
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Its connection is no more; the command whose reply waited for that.
    fn leave(&self) -> Option<String> {
        let mut state = self.state.lock();
        state.is_gone = true;
        state.awaited_by.take()
    }
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAdmitted {
    /// Its credential ended since it was judged.
    Ended,
    /// Its account has as many sockets as it may have.
    TooMany,
}

#[derive(Debug, Default)]
struct Connected {
    entries: HashMap<u64, Arc<ConnectionEntry>>,
    streams: HashMap<String, VecDeque<u64>>,
    recent: VecDeque<(Position, Ending)>,
    /// Ends up to here are forgotten.
    forgotten: Position,
    /// Everybody was sent away; whoever was let in at that moment is sent after them.
    is_closing: bool,
}

/// The connections of one node.
#[derive(Debug)]
pub struct ApiRegistry {
    connected: Mutex<Connected>,
    numbers: AtomicU64,
    closings: Arc<Closings>,
}

/// A connection in the registry; it is forgotten when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) entry: Arc<ConnectionEntry>,
    number: u64,
    stream_of: Option<String>,
    registry: Arc<ApiRegistry>,
}

/// How many of a kind are open on this node. Of a server that is replaced by another they are counted until they ended.
fn open_connections(is_socket: bool) -> metrics::Gauge {
    metrics::gauge!("muniment_api_connections", "kind" => if is_socket { "socket" } else { "audit_stream" })
}

impl Drop for Connection {
    fn drop(&mut self) {
        open_connections(self.entry.is_socket).decrement(1.0);
        let mut connected = self.registry.connected.lock();
        connected.entries.remove(&self.number);
        if let Some(key) = &self.stream_of
            && let Some(streams) = connected.streams.get_mut(key)
        {
            streams.retain(|number| *number != self.number);
            if streams.is_empty() {
                connected.streams.remove(key);
            }
        }
        drop(connected);
        if let Some(by) = self.entry.leave() {
            self.entry.closings.end(&by);
        }
    }
}

impl ApiRegistry {
    /// Nobody connected.
    #[must_use]
    pub(super) fn new(closings: Arc<Closings>) -> Self {
        // There from the start, as 0.
        [true, false].into_iter().for_each(|is_socket| open_connections(is_socket).increment(0.0));
        Self { connected: Mutex::default(), numbers: AtomicU64::new(0), closings }
    }

    /// Puts a socket into the registry.
    ///
    /// # Errors
    /// Where its credential ended since it was judged, or its account has as many as it may have.
    pub(super) fn admit(self: &Arc<Self>, caller: &Caller) -> Result<Connection, NotAdmitted> {
        self.connect(caller, None)
    }

    /// The same for a stream of the audit; the oldest beyond the most there may be of one credential ends.
    ///
    /// # Errors
    /// Where its credential ended since it was judged.
    pub(super) fn admit_stream(self: &Arc<Self>, caller: &Caller) -> Result<Connection, NotAdmitted> {
        self.connect(caller, Some(format!("{}/{}", caller.account, caller.credential.id())))
    }

    fn connect(self: &Arc<Self>, caller: &Caller, stream_of: Option<String>) -> Result<Connection, NotAdmitted> {
        let credential = match &caller.credential {
            Credential::Session { hash } => Some(hash.0.clone()),
            Credential::ApiToken { id } => Some(id.0.clone()),
            // The file on the server is no credential of the account's; only the account's own end reaches it.
            Credential::DaemonToken => None,
        };
        let entry = Arc::new(ConnectionEntry {
            account: caller.account.0.clone(),
            credential,
            is_socket: stream_of.is_none(),
            state: Mutex::default(),
            wake: Notify::new(),
            closings: Arc::clone(&self.closings),
        });
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut connected = self.connected.lock();
        // What ended between the check of the credential and this moment is among the recent ends.
        let is_dead = connected.recent.iter().any(|(at, ending)| *at > caller.as_of && ending.ends(&entry));
        if is_dead || connected.forgotten > caller.as_of {
            return Err(NotAdmitted::Ended);
        }
        let sockets = || connected.entries.values().filter(|other| other.takes_frames_of(&entry.account)).count();
        if entry.is_socket && sockets() >= SOCKETS_MAX {
            return Err(NotAdmitted::TooMany);
        }
        connected.entries.insert(number, Arc::clone(&entry));
        open_connections(entry.is_socket).increment(1.0);
        let mut oldest = None;
        if let Some(key) = &stream_of {
            let streams = connected.streams.entry(key.clone()).or_default();
            streams.push_back(number);
            if streams.len() > STREAMS_MAX {
                oldest = streams.pop_front();
            }
        }
        let oldest = oldest.and_then(|number| connected.entries.get(&number).cloned());
        let late = connected.is_closing.then(|| Arc::clone(&entry));
        drop(connected);
        oldest.iter().chain(&late).for_each(|leaving| leaving.end(LEAVING, ""));
        Ok(Connection { entry, number, stream_of, registry: Arc::clone(self) })
    }

    /// Whether a socket of an account is connected here.
    pub(super) fn has(&self, account: &str) -> bool {
        self.connected.lock().entries.values().any(|entry| entry.takes_frames_of(account))
    }

    /// Sends a frame to every socket of an account; one that does not read keeps none of the others from it. How many are so
    /// far behind that they do not get it.
    pub(super) fn notify(&self, account: &str, frame: &str) -> usize {
        let entries: Vec<Arc<ConnectionEntry>> =
            self.connected.lock().entries.values().filter(|entry| entry.takes_frames_of(account)).cloned().collect();
        entries.iter().filter(|entry| !entry.notify(frame)).count()
    }

    /// Called by the journal, in order, for every durable batch, before its commands are answered.
    pub(super) fn published(&self, events: &[Arc<RecordedEvent>]) {
        for event in events {
            let Some(ending) = Ending::of(event) else { continue };
            let by = metadata(event).map(|metadata| metadata.correlation).unwrap_or_default();
            let mut connected = self.connected.lock();
            let ended: Vec<Arc<ConnectionEntry>> =
                connected.entries.values().filter(|entry| ending.ends(entry)).cloned().collect();
            if connected.recent.len() >= RECENT_MAX
                && let Some((forgotten, _)) = connected.recent.pop_front()
            {
                connected.forgotten = forgotten;
            }
            connected.recent.push_back((event.position, ending));
            drop(connected);
            let end = End { code: REVOKED, at: Some(event.position) };
            ended.iter().for_each(|entry| entry.end(end, &by));
        }
    }

    /// Sends everybody away, and whoever comes after them.
    pub fn shutdown(&self) {
        let mut connected = self.connected.lock();
        connected.is_closing = true;
        let entries: Vec<Arc<ConnectionEntry>> = connected.entries.values().cloned().collect();
        drop(connected);
        entries.iter().for_each(|entry| entry.end(LEAVING, ""));
    }
}

#[cfg(test)]
mod tests;
