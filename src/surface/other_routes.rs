//! What is served beside the table of methods and declared with it all the same: health, readiness and the live routes,
//! which have a handler of their own each.

use super::methods::Field;
use super::refusals::{self, Codes};
use super::shape::Shape;
use super::shapes;

/// What an answer is.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// JSON.
    Json(Shape),
    /// JSON, with the position up to which it shows the record.
    JsonAt(Shape),
    /// Server-sent events; the `data` of each that has no name of its own is JSON.
    Events(Shape),
    /// The connection becomes a WebSocket.
    Socket,
}

/// A GET route.
#[derive(Debug, Clone, Copy)]
pub struct OtherRoute {
    /// Its path.
    pub path: &'static str,
    /// Its name in the document.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Whether a bearer token must prove who reads.
    pub bearer: Bearer,
    /// Query parameters.
    pub query: &'static [Field],
    /// Headers that it reads.
    pub headers: &'static [Field],
    /// Answers that are no refusal.
    pub answers: &'static [(u16, Answer)],
    /// Refusals, by status and code.
    pub refusals: &'static [(u16, &'static str)],
}

/// Whether a route takes a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// Nobody has to prove anything.
    None,
    /// In the header, or later in the protocol's own words.
    Optional,
    /// In the header.
    Required,
}

impl OtherRoute {
    /// Its refusals, by status.
    #[must_use]
    pub fn codes(&self) -> Codes {
        refusals::by_status(self.refusals.iter().copied())
    }
}

const fn query(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, required: false, about }
}

const AFTER: Field = query("after", Shape::Text, "a cursor <store>:<position>, start or head");
pub(super) const SEEN: Field = query("Muniment-After", Shape::Text, "a position that the answer must know of");
const FILTER: Field = query("filter", Shape::Text, "a filter as JSON text");

/// Whether the server answers.
pub const HEALTH: OtherRoute = OtherRoute {
    path: "/health",
    name: "health",
    about: "Whether the process lives",
    bearer: Bearer::None,
    query: &[],
    headers: &[],
    answers: &[(200, Answer::Json(shapes::HEALTH))],
    refusals: &[],
};

/// Whether the node can serve.
pub const READY: OtherRoute = OtherRoute {
    path: "/ready",
    name: "ready",
    about: "Whether it can serve",
    bearer: Bearer::None,
    query: &[],
    headers: &[],
    answers: &[(200, Answer::Json(shapes::READINESS)), (503, Answer::Json(shapes::READINESS))],
    refusals: &[],
};

/// The cursor over a socket.
pub const LIVE: OtherRoute = OtherRoute {
    path: "/v1/live",
    name: "live",
    about: "The record as it grows, over a WebSocket that speaks muniment.live.v1",
    bearer: Bearer::Optional,
    query: &[],
    headers: &[],
    answers: &[(101, Answer::Socket)],
    refusals: &[
        (400, "invalid_field"),
        (400, "upgrade_required"),
        (401, "invalid_token"),
        (403, "forbidden_origin"),
        (404, "not_found"),
        (503, "service_unavailable"),
    ],
};

/// The cursor as server-sent events.
pub const STREAM: OtherRoute = OtherRoute {
    path: "/v1/stream",
    name: "stream",
    about: "The record as it grows, as server-sent events; each bears its cursor as id",
    bearer: Bearer::Required,
    query: &[AFTER, FILTER],
    headers: &[query("Last-Event-ID", Shape::Text, "where the stream before ended; beats after"), SEEN],
    answers: &[(200, Answer::Events(shapes::EVENT))],
    refusals: READER,
};

/// The cursor by long poll.
pub const EVENTS: OtherRoute = OtherRoute {
    path: "/v1/events",
    name: "events",
    about: "Events of the record after a cursor; waits for the first where there is none yet",
    bearer: Bearer::Required,
    query: &[
        AFTER,
        FILTER,
        query("limit", Shape::Count, "events of an answer, at most: 1 to 1,000; default 100"),
        query("wait", Shape::Count, "seconds to wait for the first event, 0 to 25; default 0"),
    ],
    headers: &[SEEN],
    answers: &[(200, Answer::JsonAt(shapes::EVENTS))],
    refusals: READER,
};

/// What a reader over HTTP may be told.
const READER: &[(u16, &str)] = &[
    (400, "invalid_field"),
    (400, "bad_filter"),
    (400, "invalid_cursor"),
    (400, "cursor_future"),
    (401, "missing_token"),
    (401, "invalid_token"),
    (401, "expired_token"),
    (401, "invalid_session"),
    (401, "expired_session"),
    (403, "forbidden_origin"),
    (403, "insufficient_permissions"),
    (403, "missing_scope"),
    (404, "not_found"),
    (409, "store_changed"),
    (429, "rate_limited"),
    (429, "too_many_connections"),
    (500, "internal_error"),
    (503, "service_unavailable"),
];

/// All of them.
pub const OTHER_ROUTES: &[OtherRoute] = &[HEALTH, READY, LIVE, STREAM, EVENTS];
