//! The spans of what stays open: sockets and streams.
//!
//! The request that opened one has its own span, which ends with the handshake; only its identity is kept, a few bytes and
//! none while no traces are exported. At the end one span is made that reaches back to the beginning; no span is open in
//! between, however many frames pass. What a frame asks for is a trace of its own, linked with the opening.
//!
//! OpenTelemetry has no convention for sockets yet; HTTP's and the network's names are used where they fit.

use tracing::Span;
use tracing::field::Empty;

use super::export;
use super::spans::SPANS;

/// The close code of a connection that ended without one (RFC 6455 section 7.4.1).
const ABNORMAL: u16 = 1006;

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Frames both ways, until a close code.
    WebSocket,
    /// Server-sent events: the body of an answer that does not end.
    Events,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Client,
    Server,
    /// Nobody said why: it broke.
    Network,
}

/// How a connection ended, as far as somebody said so.
#[derive(Debug, Clone, Copy)]
struct End {
    by: By,
    /// Close code of a socket.
    code: Option<u16>,
    /// Why, where it is a fault of ours.
    fault: Option<&'static str>,
}

/// A connection, from its handshake to its drop, which makes the span.
#[derive(Debug)]
pub struct Connection {
    opening: Option<Box<export::Opening>>,
    route: &'static str,
    protocol: Protocol,
    stands: bool,
    frames_received: u64,
    frames_sent: u64,
    end: Option<End>,
}

/// A socket that ended without a close frame.
const BROKEN: End = End { by: By::Network, code: Some(ABNORMAL), fault: None };

/// The life of a connection, as its span tells it.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody is told without an export"))]
pub(super) struct Life {
    /// The span's name.
    pub(super) name: String,
    /// The route that opened it.
    pub(super) route: &'static str,
    /// What it spoke.
    pub(super) protocol: &'static str,
    /// Frames that came.
    pub(super) frames_received: u64,
    /// Frames or events that left.
    pub(super) frames_sent: u64,
    /// Close code of a socket.
    pub(super) close_code: Option<u16>,
    /// `client`, `server`, or `network` where it broke.
    pub(super) closed_by: &'static str,
    /// The fault of ours that ended it.
    pub(super) fault: Option<&'static str>,
}

impl Connection {
    /// One that the request of this span opens. It begins with [`Connection::stand`]; a handshake that fails is none.
    #[must_use]
    pub fn opened_by(request: &Span, route: &'static str, protocol: Protocol) -> Self {
        Self {
            opening: export::opening(request).map(Box::new),
            route,
            protocol,
            stands: false,
            frames_received: 0,
            frames_sent: 0,
            end: None,
        }
    }

    /// It stands: its end will be told.
    pub const fn stand(&mut self) {
        self.stands = true;
    }

    /// The span of one message: a trace of its own, linked with the request that opened the connection.
    #[must_use]
    pub fn message(&self, correlation: &str) -> Span {
        let Some(opening) = &self.opening else { return Span::none() };
        let span = tracing::info_span!(
            target: SPANS,
            parent: None,
            "message",
            otel.name = Empty,
            otel.kind = "server",
            http.route = self.route,
            network.protocol.name = self.protocol.word(),
            correlation.id = correlation,
        );
        span.record("otel.name", format!("{} message", self.route));
        export::link(&span, opening);
        span
    }

    /// A frame came.
    pub const fn received(&mut self) {
        self.frames_received += 1;
    }

    /// A frame or an event left.
    pub const fn sent(&mut self) {
        self.frames_sent += 1;
    }

    /// We end it, with a close code where it is a socket. The first to end it is told.
    pub fn end(&mut self, code: Option<u16>) {
        self.end.get_or_insert(End { by: By::Server, code, fault: None });
    }

    /// We end it because of a fault of ours.
    pub fn end_by_fault(&mut self, code: Option<u16>, fault: &'static str) {
        self.end.get_or_insert(End { by: By::Server, code, fault: Some(fault) });
    }

    /// It broke, without a word of the client's.
    pub fn broke(&mut self) {
        self.end.get_or_insert(BROKEN);
    }

    /// The client says that it ends it.
    pub fn ended_by_client(&mut self, code: Option<u16>) {
        self.end.get_or_insert(End { by: By::Client, code, fault: None });
    }
}

impl Protocol {
    const fn word(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Events => "http",
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(opening) = self.opening.take().filter(|_| self.stands) else { return };
        // Whoever has enough of a stream just leaves; of a socket he says so.
        let end = self.end.unwrap_or(match self.protocol {
            Protocol::WebSocket => BROKEN,
            Protocol::Events => End { by: By::Client, code: None, fault: None },
        });
        export::lived(
            *opening,
            &Life {
                name: format!("{} connection", self.route),
                route: self.route,
                protocol: self.protocol.word(),
                frames_received: self.frames_received,
                frames_sent: self.frames_sent,
                close_code: end.code,
                closed_by: match end.by {
                    By::Client => "client",
                    By::Server => "server",
                    By::Network => "network",
                },
                fault: end.fault,
            },
        );
    }
}
