//! The frames of `muniment.live.v1` (spec/live.md section 2): strict parsing of what clients send, and the text
//! of what they get. Positions are decimal strings, cursors `<store>:<position>`.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;
use serde::Deserialize;
use serde_json::{Value, json};

use super::limits;
use crate::surface::errors::V1Refusal;
use crate::surface::input;

/// Name of the subprotocol.
pub(crate) const SUBPROTOCOL: &str = "muniment.live.v1";

/// A frame of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Inbound {
    /// First frame: who is there.
    Hello {
        /// Bearer token; absent where the handshake carried it.
        #[serde(default)]
        token: Option<String>,
        /// Name of the client, for the log.
        #[serde(default)]
        client: Option<String>,
    },
    /// Opens a subscription.
    Sub(Subscribe),
    /// Lets more events through.
    Credit {
        /// Subscription.
        id: u32,
        /// How many more.
        n: u32,
        /// What the client has seen.
        #[serde(default)]
        ack: Option<String>,
    },
    /// Ends a subscription.
    Unsub {
        /// Subscription.
        id: u32,
    },
    /// Renews the credential.
    Auth {
        /// The new bearer token.
        token: String,
    },
    /// Answer to a heartbeat.
    Pong {},
}

/// Body of a `sub` frame.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscribe {
    /// Chosen by the client, unique in the connection.
    pub(crate) id: u32,
    /// `log` or `view`.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// What to narrow to.
    #[serde(default, deserialize_with = "input::strict")]
    pub(crate) filter: Value,
    /// Where to begin.
    #[serde(default)]
    pub(crate) from: StartAt,
    /// Events that may come at once.
    #[serde(default)]
    pub(crate) credit: u32,
    /// Topic of a `view`.
    #[serde(default)]
    pub(crate) topic: Option<String>,
    /// Where the client's snapshot of a `view` stands.
    #[serde(default)]
    pub(crate) as_of: Option<String>,
}

/// Kind of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Every admitted event, in order.
    #[default]
    Log,
    /// The latest state by key.
    View,
}

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartAt {
    /// Before the first event.
    Start,
    /// After everything there is.
    #[default]
    Head,
    /// After the event a cursor names.
    After(String),
}

/// What is wrong with a request, as the code of an `err` frame and of an HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The cursor lies beyond the head.
    CursorFuture,
    /// The cursor is of another record.
    StoreChanged,
    /// The filter is not one.
    BadFilter,
    /// The caller may not.
    Forbidden,
    /// Too many subscriptions.
    TooManySubs,
    /// Too many frames.
    RateLimited,
    /// The credential has ended.
    TokenExpired,
    /// The frame is not one.
    BadFrame,
}

impl Problem {
    /// The code on the wire.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::CursorFuture => "cursor_future",
            Self::StoreChanged => "store_changed",
            Self::BadFilter => "bad_filter",
            Self::Forbidden => "forbidden",
            Self::TooManySubs => "too_many_subs",
            Self::RateLimited => "rate_limited",
            Self::TokenExpired => "token_expired",
            Self::BadFrame => "bad_frame",
        }
    }
}

/// Why a socket is closed. Codes below 4500 invite the client back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client said goodbye.
    Normal,
    /// The server restarts.
    Restart,
    /// A fault of ours.
    Internal,
    /// The client does not read.
    Slow,
    /// The client does not answer heartbeats.
    NoPong,
    /// The credential has ended.
    TokenExpired,
    /// Too many frames.
    Rate,
    /// Something that is not a frame of this protocol.
    BadFrame,
    /// No credential, or not a good one.
    Unauthenticated,
    /// The credential was revoked.
    Revoked,
    /// Too many connections.
    TooManyConnections,
    /// The client speaks another version.
    UnsupportedVersion,
}

impl Close {
    /// The code of the close frame.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Restart => 4000,
            Self::Internal => 4001,
            Self::Slow => 4002,
            Self::NoPong => 4003,
            Self::TokenExpired => 4005,
            Self::Rate => 4008,
            Self::BadFrame => 4500,
            Self::Unauthenticated => 4501,
            Self::Revoked => 4503,
            Self::TooManyConnections => 4504,
            Self::UnsupportedVersion => 4505,
        }
    }

    /// The reason in the close frame, for a person.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Normal => "closed",
            Self::Restart => "the server restarts",
            Self::Internal => "internal error",
            Self::Slow => "the client does not read",
            Self::NoPong => "no answer to heartbeats",
            Self::TokenExpired => "the credential has expired",
            Self::Rate => "too many frames",
            Self::BadFrame => "not a frame of this protocol",
            Self::Unauthenticated => "no valid credential",
            Self::Revoked => "the credential was revoked",
            Self::TooManyConnections => "too many connections",
            Self::UnsupportedVersion => "unsupported protocol version",
        }
    }
}

/// What a client is told whose credential is refused, and what becomes of a connection that has no other.
pub(crate) fn turned_away(refusal: &V1Refusal) -> (Problem, Close) {
    match refusal.code {
        "too_many_connections" => (Problem::Forbidden, Close::TooManyConnections),
        "expired_token" | "expired_session" => (Problem::TokenExpired, Close::TokenExpired),
        "rate_limited" => (Problem::RateLimited, Close::Rate),
        // No code is of the server's own troubles. Of those there are, this one is tried again.
        _ if refusal.status >= 500 => (Problem::RateLimited, Close::Internal),
        _ => (Problem::Forbidden, Close::Unauthenticated),
    }
}

/// Reads a text frame.
///
/// # Errors
/// A sentence naming what is wrong.
pub(crate) fn parse(text: &str) -> Result<Inbound, String> {
    // Fields without their names would be taken too.
    if text.trim_start().starts_with('[') {
        return Err(format!("not a frame of {SUBPROTOCOL}: a frame is an object"));
    }
    serde_json::from_str(text).map_err(|error| format!("not a frame of {SUBPROTOCOL}: {error}"))
}

/// A cursor of this store.
pub(crate) fn cursor(store: &str, position: Position) -> String {
    format!("{store}:{position}")
}

/// Reads a cursor and checks it against the store and its head.
///
/// # Errors
/// The problem, and a sentence for the caller.
pub(crate) fn parse_cursor(text: &str, store: &str, head: Position) -> Result<Position, (Problem, String)> {
    let parsed = text.rsplit_once(':').and_then(|(named, position)| Some((named, decimal(position)?)));
    let Some((named, position)) = parsed else {
        return Err((Problem::BadFrame, "a cursor has the form <store>:<position>".to_owned()));
    };
    if named != store {
        let message = format!("the cursor is of another record; this one is {store}: read it from the start");
        return Err((Problem::StoreChanged, message));
    }
    if position > head {
        return Err((Problem::CursorFuture, format!("the cursor lies beyond the head, {head}")));
    }
    Ok(position)
}

/// A position as the wire writes it: decimal digits, no sign, no leading zero. One that is too great to be counted lies
/// beyond every head, as the greatest does.
fn decimal(text: &str) -> Option<Position> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| Position(text.parse().unwrap_or(u64::MAX)))
}

/// `welcome`.
pub(crate) fn welcome(
    connection: u64,
    store: &str,
    head: Position,
    heartbeat: Duration,
    expires_at: Option<DateTime<Utc>>,
) -> String {
    let expires = expires_at.map(wire::instant);
    json!({
        "t": "welcome", "conn": connection.to_string(), "store": store, "head": head.to_string(),
        "hb_ms": heartbeat.as_millis(),
        "limits": {"subs": limits::SUBSCRIPTIONS_MAX, "credit": limits::CREDIT_MAX, "frame": limits::FRAME_BYTES_MAX},
        "auth_exp": expires,
    })
    .to_string()
}

/// `subok`.
pub(crate) fn subok(id: u32, catching_up: bool, from: Position, head: Position) -> String {
    let phase = if catching_up { "catchup" } else { "live" };
    json!({"t": "subok", "id": id, "phase": phase, "from": from.to_string(), "head": head.to_string()}).to_string()
}

/// `live`: the subscription has reached the head.
pub(crate) fn live(id: u32, at: Position) -> String {
    json!({"t": "live", "id": id, "at": at.to_string()}).to_string()
}

/// `hb`.
pub(crate) fn heartbeat(head: Position, now: DateTime<Utc>) -> String {
    json!({"t": "hb", "head": head.to_string(), "now": wire::instant(now)}).to_string()
}

/// `auth_expiring`.
pub(crate) fn auth_expiring(in_ms: i64) -> String {
    json!({"t": "auth_expiring", "in_ms": in_ms}).to_string()
}

/// `revoked`, of one subscription.
pub(crate) fn revoked(id: u32, at: Position, why: &str) -> String {
    json!({"t": "revoked", "id": id, "at": at.to_string(), "why": why}).to_string()
}

/// `authok`: a renewed credential was taken.
pub(crate) fn authok(expires_at: Option<DateTime<Utc>>) -> String {
    json!({"t": "authok", "auth_exp": expires_at.map(wire::instant)}).to_string()
}

/// `err`, of one subscription or of the connection.
pub(crate) fn err(id: Option<u32>, problem: Problem, message: &str, head: Position) -> String {
    let mut frame = json!({"t": "err", "code": problem.code(), "msg": message, "head": head.to_string()});
    if let Some(id) = id {
        frame["id"] = id.into();
    }
    frame.to_string()
}

/// `bye`, before a close that invites the client back.
pub(crate) fn bye(close: Close, retry_ms: u64) -> String {
    json!({"t": "bye", "code": close.code(), "retry_ms": retry_ms}).to_string()
}

/// A `batch` frame under construction. The events are already JSON and are copied in as they are.
#[derive(Debug)]
pub(crate) struct Batch {
    id: u32,
    events: String,
    /// Events in it.
    pub(crate) count: u32,
}

impl Batch {
    /// An empty batch of a subscription.
    pub(crate) fn new(id: u32) -> Self {
        Self { id, events: String::new(), count: 0 }
    }

    /// Adds the JSON of one event.
    pub(crate) fn push(&mut self, event: &str) {
        if self.count > 0 {
            self.events.push(',');
        }
        self.events.push_str(event);
        self.count += 1;
    }

    /// Bytes of events in it.
    pub(crate) fn bytes(&self) -> usize {
        self.events.len()
    }

    /// The frame. `upto` is the last position that was looked at.
    pub(crate) fn finish(self, upto: Position) -> String {
        let mut text = String::with_capacity(self.events.len() + 64);
        // Writing to a String cannot fail.
        let _infallible = write!(text, r#"{{"t":"batch","id":{},"upto":"{upto}","ev":[{}]}}"#, self.id, self.events);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_clients_are_read_strictly() {
        for good in [
            r#"{"t":"hello","token":null,"client":"web/1.0"}"#,
            r#"{"t":"sub","id":1,"mode":"log","filter":{"exists":"type"},"from":{"after":"s:1"},"credit":256}"#,
            r#"{"t":"sub","id":1,"mode":"log","from":"start","credit":1}"#,
            r#"{"t":"sub","id":2,"mode":"view","topic":"metric/weekly_revenue","as_of":"s:1","credit":16}"#,
            r#"{"t":"credit","id":1,"n":128,"ack":"s:12600"}"#,
            r#"{"t":"auth","token":"x"}"#,
            r#"{"t":"unsub","id":1}"#,
            r#"{"t":"pong"}"#,
        ] {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good));
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"t":"nope"}"#,
            r#"{"t":"sub","id":-1}"#,
            r#"{"t":"sub","id":1,"surprise":true}"#,
            r#"{"t":"sub","id":1,"filter":{"eq":{"type":"a"},"eq":{"metric":"b"}}}"#,
            r#"{"t":"sub","id":1,"filter":{"all":[{"eq":{"type":"a","type":"b"}}]}}"#,
            r#"{"t":"sub","id":1,"from":"middle"}"#,
            r#"{"t":"credit","id":1}"#,
            r#"{"t":"pong","x":1}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn liv_04_a_cursor_names_its_store_and_lies_behind_the_head() {
        let head = Position(10);
        assert_eq!(parse_cursor("store-1:10", "store-1", head), Ok(Position(10)));
        assert_eq!(parse_cursor("store-1:0", "store-1", head), Ok(Position(0)));
        let problem = |text: &str| parse_cursor(text, "store-1", head).map_err(|(problem, _)| problem);
        assert_eq!(problem("store-1:11"), Err(Problem::CursorFuture));
        assert_eq!(problem("store-1:18446744073709551616"), Err(Problem::CursorFuture));
        assert_eq!(problem("store-0:3"), Err(Problem::StoreChanged));
        for malformed in ["", "3", "store-1:", "store-1:x", "store-1:-1", "store-1:+1", "store-1:01", "store-1: 1"] {
            assert_eq!(problem(malformed), Err(Problem::BadFrame), "{malformed}");
        }
    }

    #[test]
    fn a_batch_is_json_and_carries_its_events_unchanged() {
        let mut batch = Batch::new(7);
        batch.push(r#"{"p":"3"}"#);
        batch.push(r#"{"p":"5"}"#);
        let frame: Value = serde_json::from_str(&batch.finish(Position(6))).expect("JSON");
        assert_eq!(frame, json!({"t":"batch","id":7,"upto":"6","ev":[{"p":"3"},{"p":"5"}]}));
    }
}
