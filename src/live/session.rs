//! One connection as a pure state machine: what comes in, what must go out, and when it ends. It knows no socket,
//! no actor and no journal; time and the state of the journal come in with every call.
//!
//! Flow is bounded twice. Credit bounds events by the client's wish. The window bounds bytes by proof: pings carry
//! the count of bytes sent so far, and only a pong frees them, so a client that does not read costs one window.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;

use super::bucket::Bucket;
use super::codec::{self, Batch, Close, Inbound, Mode, Problem, StartAt, Subscribe};
use super::cursor::Page;
use super::filter::Filter;
use super::limits;
use super::portion::{Portion, Wish};
use super::rights::Authority;
use crate::surface::errors::V1Refusal;

/// The world as of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// Identity of the record, as cursors name it.
    pub(crate) store: &'a str,
    /// Everything up to here is published: rights that ended by then are known to have ended.
    pub(crate) head: Position,
    /// Monotonic time.
    pub(crate) now: Instant,
    /// Wall-clock time.
    pub(crate) utc: DateTime<Utc>,
    /// Whether the head was confirmed recently enough to serve protected data.
    pub(crate) confirmed: bool,
}

/// What the connection must do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a text frame.
    Send(String),
    /// Send a WebSocket ping carrying this count.
    Ping(u64),
    /// Check a token and come back with [`LiveSession::authenticated`]. `None`: the token of the handshake.
    Authenticate(Option<String>),
    /// Ask how far the record reaches, and come back with [`LiveSession::subscribe_at_head`] before anything else.
    AskHead(Box<Subscribe>),
    /// Send a close frame and end.
    Close(Close),
}

/// Which head a cursor is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeadOf {
    /// What this node has heard of. Another may have recorded more, and a cursor may come from there.
    ThisNode,
    /// What the database has.
    TheRecord,
}

#[derive(Debug)]
enum Phase {
    /// Waiting for `hello`, or for the verdict on its token.
    Greeting { asked: bool },
    /// A credential holds.
    Open { authority: Arc<Authority>, expiry_told: bool, renewing: bool },
    /// The close frame is out.
    Closed,
}

#[derive(Debug)]
struct Subscription {
    filter: Arc<Filter>,
    cursor: Position,
    credit: u32,
    live: bool,
    told: Position,
    told_at: Instant,
}

/// A ping on its way.
#[derive(Debug, Clone, Copy)]
struct Pending {
    count: u64,
    sent_at: Instant,
    heartbeat: bool,
}

/// Bytes after which the next ping goes out; one goes out in any case when the window is used up. A ping and its pong
/// cost about as much as a small batch, so they are as rare as a window of two halves allows.
const PING_EVERY_BYTES: u64 = limits::WINDOW_BYTES / 2;

/// One connection.
#[derive(Debug)]
pub(crate) struct LiveSession {
    connection: u64,
    opened_at: Instant,
    phase: Phase,
    subscriptions: BTreeMap<u32, Subscription>,
    last_served: u32,
    sent_bytes: u64,
    acknowledged_bytes: u64,
    pings: VecDeque<Pending>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    frames: Bucket,
}

impl LiveSession {
    /// A connection whose upgrade has just been answered, with the time between its heartbeats.
    pub(crate) fn new(connection: u64, heartbeat: Duration, now: Instant) -> Self {
        Self {
            connection,
            opened_at: now,
            phase: Phase::Greeting { asked: false },
            subscriptions: BTreeMap::new(),
            last_served: 0,
            sent_bytes: 0,
            acknowledged_bytes: 0,
            pings: VecDeque::new(),
            heartbeat,
            heartbeat_at: now,
            frames: Bucket::full(limits::FRAMES, now),
        }
    }

    /// Whether the close frame is out.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// Whether this is the authority it reads under.
    pub(crate) fn reads_under(&self, candidate: &Arc<Authority>) -> bool {
        matches!(&self.phase, Phase::Open { authority, .. } if Arc::ptr_eq(authority, candidate))
    }

    /// The place of the subscription that lags most; `None` without subscriptions.
    pub(crate) fn slowest(&self) -> Option<Position> {
        self.subscriptions.values().map(|subscription| subscription.cursor).min()
    }

    /// A text frame came in.
    pub(crate) fn text(&mut self, text: &str, view: View<'_>) -> Vec<Effect> {
        if let Some(effects) = self.spend_frame(view) {
            return effects;
        }
        match codec::parse(text) {
            Ok(frame) => self.frame(frame, view),
            Err(message) => self.bad_frame(&message, view),
        }
    }

    /// Something came in that is not a text frame of this protocol.
    pub(crate) fn bad_frame(&mut self, message: &str, view: View<'_>) -> Vec<Effect> {
        self.end(vec![codec::err(None, Problem::BadFrame, message, view.head)], Close::BadFrame)
    }

    /// A frame came in that asks for nothing here: a ping, which the socket answers, or a piece of a text.
    pub(crate) fn passed_over(&mut self, view: View<'_>) -> Vec<Effect> {
        self.spend_frame(view).unwrap_or_default()
    }

    /// A WebSocket pong came in.
    pub(crate) fn pong(&mut self, count: Option<u64>, view: View<'_>) -> Vec<Effect> {
        match count.filter(|count| self.pings.iter().any(|ping| ping.count == *count)) {
            Some(count) => {
                self.pings.retain(|ping| ping.count > count);
                self.acknowledged_bytes = self.acknowledged_bytes.max(count);
                Vec::new()
            }
            None => self.spend_frame(view).unwrap_or_default(),
        }
    }

    /// The verdict on a token that [`Effect::Authenticate`] asked for.
    pub(crate) fn authenticated(&mut self, verdict: Result<Arc<Authority>, V1Refusal>, view: View<'_>) -> Vec<Effect> {
        match (&mut self.phase, verdict) {
            (Phase::Closed, _) => Vec::new(),
            (Phase::Greeting { .. }, Ok(authority)) => {
                let welcome =
                    codec::welcome(self.connection, view.store, view.head, self.heartbeat, authority.expires_at());
                self.phase = Phase::Open { authority, expiry_told: false, renewing: false };
                self.heartbeat_at = view.now;
                self.send(vec![welcome], view)
            }
            (Phase::Greeting { .. }, Err(refusal)) => {
                let (problem, close) = codec::turned_away(&refusal);
                self.end(vec![codec::err(None, problem, &refusal.message, view.head)], close)
            }
            (Phase::Open { authority, expiry_told, renewing }, Ok(renewed)) => {
                *renewing = false;
                if authority.same_reader(&renewed) {
                    let expires_at = renewed.expires_at();
                    *authority = renewed;
                    *expiry_told = false;
                    self.send(vec![codec::authok(expires_at)], view)
                } else {
                    let message = "the new credential is of another reader; open a connection for it";
                    self.send(vec![codec::err(None, Problem::Forbidden, message, view.head)], view)
                }
            }
            (Phase::Open { renewing, .. }, Err(refusal)) => {
                *renewing = false;
                let (problem, _) = codec::turned_away(&refusal);
                self.send(vec![codec::err(None, problem, &refusal.message, view.head)], view)
            }
        }
    }

    /// Time has passed: deadlines, heartbeats, and how far a quiet subscription was read.
    pub(crate) fn tick(&mut self, view: View<'_>) -> Vec<Effect> {
        if let Some(effects) = self.unless_entitled(view) {
            return effects;
        }
        if let Some(late) = self.pings.iter().find(|ping| since(view.now, ping.sent_at) >= limits::PONG_WITHIN) {
            let close = if late.heartbeat { Close::NoPong } else { Close::Slow };
            return self.end(vec![codec::bye(close, limits::RETRY_MS)], close);
        }
        let mut frames = Vec::new();
        match &mut self.phase {
            Phase::Closed => return Vec::new(),
            Phase::Greeting { asked: false } if since(view.now, self.opened_at) >= limits::HELLO_WITHIN => {
                return self.end(Vec::new(), Close::Unauthenticated);
            }
            // How long the check of a token may take is bounded where it is made, and its verdict is no fault of the client.
            Phase::Greeting { .. } => return Vec::new(),
            Phase::Open { authority, expiry_told, .. } => {
                if let Some(end) = authority.expires_at() {
                    let left = end - view.utc;
                    let is_near = left.to_std().unwrap_or_default() <= limits::EXPIRY_NOTICE;
                    match (is_near, *expiry_told) {
                        (true, false) => frames.push(codec::auth_expiring(left.num_milliseconds().max(0))),
                        // A session that is used elsewhere lasts longer.
                        (false, true) => frames.push(codec::authok(Some(end))),
                        (true, true) | (false, false) => {}
                    }
                    *expiry_told = is_near;
                }
            }
        }
        let beat = since(view.now, self.heartbeat_at) >= self.heartbeat;
        if beat {
            // The next is due one interval after this one was, not after a tick that came late.
            let due = self.heartbeat_at + self.heartbeat;
            self.heartbeat_at = if since(view.now, due) < self.heartbeat { due } else { view.now };
            frames.push(codec::heartbeat(view.head, view.utc));
        }
        if self.window_open() {
            for (id, subscription) in &mut self.subscriptions {
                if subscription.cursor > subscription.told
                    && since(view.now, subscription.told_at) >= limits::UPTO_EVERY
                {
                    subscription.told = subscription.cursor;
                    subscription.told_at = view.now;
                    frames.push(Batch::new(*id).finish(subscription.cursor));
                }
            }
        }
        let mut effects = self.send(frames, view);
        if beat {
            effects.push(self.ping_out(view, true));
        }
        effects
    }

    /// The connection ends for a reason outside of the protocol, without a frame before the close frame.
    pub(crate) fn leave(&mut self, close: Close) -> Vec<Effect> {
        if self.is_closed() {
            return Vec::new();
        }
        self.end(Vec::new(), close)
    }

    /// The server restarts.
    pub(crate) fn restart(&mut self, retry_ms: u64) -> Vec<Effect> {
        if self.is_closed() {
            return Vec::new();
        }
        self.end(vec![codec::bye(Close::Restart, retry_ms)], Close::Restart)
    }

    /// Ends the connection if its right to read has ended.
    pub(crate) fn unless_entitled(&mut self, view: View<'_>) -> Option<Vec<Effect>> {
        let Phase::Open { authority, .. } = &self.phase else { return None };
        if let Some(revocation) = authority.revocation() {
            let (at, why) = (revocation.at, revocation.why);
            let frames = self.subscriptions.keys().map(|id| codec::revoked(*id, at, why)).collect();
            return Some(self.end(frames, Close::Revoked));
        }
        if authority.expired(view.utc) {
            let message = "the credential has expired; come back with a new one";
            let frame = codec::err(None, Problem::TokenExpired, message, view.head);
            return Some(self.end(vec![frame], Close::TokenExpired));
        }
        None
    }

    /// The subscription to serve next and the position it was read to; in turn, so that none starves.
    pub(crate) fn wants(&self, view: View<'_>) -> Option<(u32, Position)> {
        if !matches!(self.phase, Phase::Open { .. }) || !self.window_open() || !view.confirmed {
            return None;
        }
        let hungry = |(id, subscription): (&u32, &Subscription)| {
            (subscription.credit > 0 && subscription.cursor < view.head).then_some((*id, subscription.cursor))
        };
        let later = self.subscriptions.range((Bound::Excluded(self.last_served), Bound::Unbounded));
        later.chain(self.subscriptions.range(..=self.last_served)).find_map(hungry)
    }

    /// A page for a subscription: sends what its filter, its credit and the rights as of now let through.
    pub(crate) fn feed(&mut self, id: u32, page: &Page, view: View<'_>) -> Vec<Effect> {
        if let Some(effects) = self.unless_entitled(view) {
            return effects;
        }
        let Phase::Open { authority, .. } = &self.phase else { return Vec::new() };
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return Vec::new() };
        self.last_served = id;
        let wish = Wish { id, filter: &subscription.filter, after: subscription.cursor, credit: subscription.credit };
        let Portion { frame, count, upto } = page.portion(wish, authority, view.head);
        subscription.credit -= count;
        subscription.cursor = upto;
        let mut frames = Vec::new();
        let quiet = count == 0 && since(view.now, subscription.told_at) < limits::UPTO_EVERY;
        let arrived = !subscription.live && subscription.cursor >= view.head;
        if count > 0 || (!quiet && subscription.cursor > subscription.told) || arrived {
            if count > 0 {
                frames.push(frame);
            } else if subscription.cursor > subscription.told {
                frames.push(Batch::new(id).finish(subscription.cursor));
            }
            subscription.told = subscription.cursor;
            subscription.told_at = view.now;
        }
        if arrived {
            subscription.live = true;
            frames.push(codec::live(id, subscription.cursor));
        }
        self.send(frames, view)
    }

    fn frame(&mut self, frame: Inbound, view: View<'_>) -> Vec<Effect> {
        match (&mut self.phase, frame) {
            (Phase::Closed, _) => Vec::new(),
            (Phase::Greeting { asked }, Inbound::Hello { token, client }) if !*asked => {
                *asked = true;
                let client = client.unwrap_or_default();
                tracing::debug!(connection = self.connection, client = %client.escape_debug(), "hello");
                vec![Effect::Authenticate(token)]
            }
            (Phase::Greeting { .. }, _) => {
                let message = "the first frame is hello, and the next follows its welcome";
                self.end(vec![codec::err(None, Problem::BadFrame, message, view.head)], Close::Unauthenticated)
            }
            (Phase::Open { .. }, Inbound::Hello { .. }) => self.refuse(None, Problem::BadFrame, "already open", view),
            (Phase::Open { renewing, .. }, Inbound::Auth { token }) => {
                if *renewing {
                    return self.refuse(None, Problem::RateLimited, "a renewal is already under way", view);
                }
                *renewing = true;
                vec![Effect::Authenticate(Some(token))]
            }
            (Phase::Open { .. }, Inbound::Sub(subscribe)) => self.subscribe(subscribe, HeadOf::ThisNode, view),
            (Phase::Open { .. }, Inbound::Credit { id, n, ack }) => self.credit(id, n, ack.as_deref(), view),
            (Phase::Open { .. }, Inbound::Unsub { id }) => match self.subscriptions.remove(&id) {
                Some(_) => Vec::new(),
                None => self.refuse(Some(id), Problem::BadFrame, "no such subscription", view),
            },
            (Phase::Open { .. }, Inbound::Pong {}) => {
                // It answers `hb`, which went out just before the heartbeat's ping: everything up to there was read.
                match self.pings.iter().find(|ping| ping.heartbeat).map(|ping| ping.count) {
                    Some(count) => self.pong(Some(count), view),
                    None => Vec::new(),
                }
            }
        }
    }

    /// The answer to [`Effect::AskHead`]: how far the record reaches is known, or cannot be told.
    pub(crate) fn subscribe_at_head(&mut self, subscribe: Subscribe, is_known: bool, view: View<'_>) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Open { .. }) {
            return Vec::new();
        }
        if !is_known {
            return self.end(vec![codec::bye(Close::Internal, limits::RETRY_MS)], Close::Internal);
        }
        self.subscribe(subscribe, HeadOf::TheRecord, view)
    }

    fn subscribe(&mut self, subscribe: Subscribe, head: HeadOf, view: View<'_>) -> Vec<Effect> {
        let id = subscribe.id;
        match subscribe.mode {
            Mode::Log => {}
            Mode::View => return self.refuse(Some(id), Problem::BadFrame, "this server offers mode `log` only", view),
        }
        if subscribe.topic.is_some() || subscribe.as_of.is_some() {
            return self.refuse(Some(id), Problem::BadFrame, "`topic` and `as_of` belong to mode `view`", view);
        }
        if self.subscriptions.contains_key(&id) {
            return self.refuse(Some(id), Problem::BadFrame, "the id is in use on this connection", view);
        }
        if self.subscriptions.len() >= limits::SUBSCRIPTIONS_MAX {
            let message = format!("at most {} subscriptions a connection", limits::SUBSCRIPTIONS_MAX);
            return self.refuse(Some(id), Problem::TooManySubs, &message, view);
        }
        let filter = match Filter::compile(&subscribe.filter) {
            Ok(filter) => Arc::new(filter),
            Err(error) => return self.refuse(Some(id), Problem::BadFilter, &error.to_string(), view),
        };
        let cursor = match &subscribe.from {
            StartAt::Start => Position::START,
            StartAt::Head => view.head,
            StartAt::After(text) => match codec::parse_cursor(text, view.store, view.head) {
                Ok(position) => position,
                Err((Problem::CursorFuture, _)) if head == HeadOf::ThisNode => {
                    return vec![Effect::AskHead(Box::new(subscribe))];
                }
                Err((problem, message)) => return self.refuse(Some(id), problem, &message, view),
            },
        };
        let live = cursor >= view.head;
        let credit = subscribe.credit.min(limits::CREDIT_MAX);
        let subscription = Subscription { filter, cursor, credit, live, told: cursor, told_at: view.now };
        self.subscriptions.insert(id, subscription);
        let mut frames = vec![codec::subok(id, !live, cursor, view.head)];
        if live {
            frames.push(codec::live(id, cursor));
        }
        self.send(frames, view)
    }

    fn credit(&mut self, id: u32, n: u32, ack: Option<&str>, view: View<'_>) -> Vec<Effect> {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return self.refuse(Some(id), Problem::BadFrame, "no such subscription", view);
        };
        if let Some(ack) = ack
            && let Err((problem, message)) = codec::parse_cursor(ack, view.store, subscription.cursor)
        {
            return self.refuse(Some(id), problem, &message, view);
        }
        // `welcome` names the limit. Whoever gives more is served up to it: a client that never read the limit is written
        // against other servers, and to one that is refused nothing comes at all.
        subscription.credit = subscription.credit.saturating_add(n).min(limits::CREDIT_MAX);
        Vec::new()
    }

    fn refuse(&mut self, id: Option<u32>, problem: Problem, message: &str, view: View<'_>) -> Vec<Effect> {
        self.send(vec![codec::err(id, problem, message, view.head)], view)
    }

    /// Takes one frame out of the bucket; the frame that finds it empty ends the connection.
    fn spend_frame(&mut self, view: View<'_>) -> Option<Vec<Effect>> {
        if self.is_closed() {
            return Some(Vec::new());
        }
        if !self.frames.take(view.now) {
            let frame = codec::err(None, Problem::RateLimited, "too many frames", view.head);
            return Some(self.end(vec![frame], Close::Rate));
        }
        None
    }

    fn window_open(&self) -> bool {
        self.sent_bytes - self.acknowledged_bytes < limits::WINDOW_BYTES
    }

    fn send(&mut self, frames: Vec<String>, view: View<'_>) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(frames.len() + 1);
        for frame in frames {
            // A frame is in memory, so its length fits.
            self.sent_bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX / 2);
            effects.push(Effect::Send(frame));
        }
        let pinged = self.pings.back().map_or(self.acknowledged_bytes, |ping| ping.count);
        let unpinged = self.sent_bytes - pinged;
        if unpinged >= PING_EVERY_BYTES || (unpinged > 0 && !self.window_open()) {
            effects.push(self.ping_out(view, false));
        }
        effects
    }

    fn ping_out(&mut self, view: View<'_>, heartbeat: bool) -> Effect {
        // Every ping has a count of its own, so that a pong names one.
        self.sent_bytes += 1;
        self.pings.push_back(Pending { count: self.sent_bytes, sent_at: view.now, heartbeat });
        Effect::Ping(self.sent_bytes)
    }

    fn end(&mut self, frames: Vec<String>, close: Close) -> Vec<Effect> {
        self.phase = Phase::Closed;
        self.subscriptions.clear();
        frames.into_iter().map(Effect::Send).chain([Effect::Close(close)]).collect()
    }
}

fn since(now: Instant, then: Instant) -> Duration {
    now.saturating_duration_since(then)
}
