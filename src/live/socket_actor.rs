//! `GET /v1/live`: one actix actor a socket.
//!
//! The actor is the body of its response. Nothing is ever sent to its mailbox: its worker wakes it, any number of
//! wakes being one, and it pulls pages for as long as its session's credit and window let it write.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, StreamHandler};
use actix_web::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseCode, CloseReason, ProtocolError, WebsocketContext, WsResponseBuilder};
use tracing::Instrument as _;

use super::codec::{Close, SUBPROTOCOL, Subscribe};
use super::cursor::{Page, Unreadable};
use super::fragments::{Broken, Fragments};
use super::hub::{Hub, retry_ms};
use super::inbound::Inbound;
use super::limits;
use super::pace::{self, Wake};
use super::registry::{Admission, Presence};
use super::request;
use super::session::{Effect, LiveSession, View};
use crate::surface::errors::V1Refusal;
use crate::surface::other_routes::LIVE;
use crate::surface::presented::Presented;
use crate::telemetry::connections::{Connection, Protocol};
use crate::telemetry::requests::{self, Time};

/// Between looks at deadlines.
const TICK: Duration = Duration::from_secs(1);

const NOT_TEXT: &str = "frames are text";
const TOO_LONG: &str = "the frame is too long";

/// Opens a socket.
pub(crate) async fn open(request: HttpRequest, payload: web::Payload, hub: web::Data<Hub>) -> HttpResponse {
    let correlation = requests::fresh_id();
    requests::within(&request, &correlation, LIVE.path, Time::Ours, async |span| {
        let life = Connection::opened_by(&span, LIVE.path, Protocol::WebSocket);
        upgrade(&request, payload, hub.into_inner(), life)
            .unwrap_or_else(|refusal| request::respond(refusal, &request, &LIVE))
    })
    .await
}

fn upgrade(
    request: &HttpRequest,
    payload: web::Payload,
    hub: Arc<Hub>,
    life: Connection,
) -> Result<HttpResponse, V1Refusal> {
    request::refuse_token_in_query(request)?;
    let presented = hub.presented(request);
    hub.check_socket_origin(&presented)?;
    if hub.is_closing() {
        return Err(V1Refusal::unavailable("The server restarts; try again shortly."));
    }
    let client = presented.client;
    let offer = Offer::of(request);
    // Browsers do not tell a page why a handshake was refused, so whoever is not to come back is told by a close code.
    let (presence, refused) = match hub.registry.arrive(client) {
        Ok(presence) => (presence, (offer == Offer::Others).then_some(Close::UnsupportedVersion)),
        Err(_) => (hub.registry.arrive(None)?, Some(Close::TooManyConnections)),
    };
    let socket = LiveSocket {
        session: LiveSession::new(presence.number, hub.heartbeat(), std::time::Instant::now()),
        bearer: request::bearer(&presented)?.map(str::to_owned),
        // Where it comes from has been looked at.
        cookie: Presented { origins: Vec::new(), is_cross_site: false, ..presented },
        client,
        refused,
        presence,
        admission: None,
        pausing: false,
        fragments: Fragments::up_to(limits::FRAME_BYTES_MAX),
        life,
        hub,
    };
    let payload = Inbound::up_to(limits::FRAME_BYTES_MAX, payload);
    let started = WsResponseBuilder::new(socket, request, payload).frame_size(limits::FRAME_BYTES_MAX).start();
    let mut started = started.map_err(|error| V1Refusal::new(400, "upgrade_required", format!("{error}.")))?;
    if offer == Offer::Ours {
        started.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(started)
}

/// What a client offers to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// Our subprotocol, among others or alone.
    Ours,
    /// Others.
    Others,
    /// Nothing, so it takes what there is.
    Nothing,
}

impl Offer {
    /// Of all headers of the name, which are one list (RFC 6455 section 11.3.4).
    fn of(request: &HttpRequest) -> Self {
        let headers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
        let mut offered = headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).peekable();
        if offered.peek().is_none() {
            Self::Nothing
        } else if offered.any(|protocol| protocol.trim() == SUBPROTOCOL) {
            Self::Ours
        } else {
            Self::Others
        }
    }
}

struct LiveSocket {
    session: LiveSession,
    hub: Arc<Hub>,
    presence: Presence,
    admission: Option<Admission>,
    bearer: Option<String>,
    cookie: Presented,
    client: Option<std::net::IpAddr>,
    /// It is closed with this as soon as it is open.
    refused: Option<Close>,
    /// A page is on its way, or others have their turn; writing goes on after that.
    pausing: bool,
    fragments: Fragments,
    /// What traces are told at the end.
    life: Connection,
}

type Context = WebsocketContext<LiveSocket>;

impl Actor for LiveSocket {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        self.life.stand();
        if let Some(close) = self.refused {
            let effects = self.session.leave(close);
            self.perform(effects, ctx);
            return;
        }
        ctx.add_stream(pace::wakes(&self.hub));
        ctx.run_interval(TICK, |socket, ctx| {
            let hub = Arc::clone(&socket.hub);
            let view = hub.view();
            let effects = socket.session.tick(view);
            socket.perform(effects, ctx);
            socket.pump(view, ctx);
        });
    }
}

impl StreamHandler<Wake> for LiveSocket {
    fn handle(&mut self, _: Wake, ctx: &mut Context) {
        if self.hub.is_closing() {
            let effects = self.session.restart(retry_ms(self.presence.number));
            self.perform(effects, ctx);
            return;
        }
        let hub = Arc::clone(&self.hub);
        let view = hub.view();
        if let Some(effects) = self.session.unless_entitled(view) {
            self.perform(effects, ctx);
            return;
        }
        self.pump(view, ctx);
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for LiveSocket {
    fn handle(&mut self, message: Result<ws::Message, ProtocolError>, ctx: &mut Context) {
        let hub = Arc::clone(&self.hub);
        let view = hub.view();
        self.life.received();
        let effects = match message {
            Ok(ws::Message::Text(text)) => self.session.text(&text, view),
            Ok(ws::Message::Ping(payload)) => {
                ctx.pong(&payload);
                self.session.passed_over(view)
            }
            Ok(ws::Message::Pong(payload)) => self.session.pong(count(&payload), view),
            Ok(ws::Message::Continuation(item)) => match self.fragments.add(item) {
                Ok(None) => self.session.passed_over(view),
                Ok(Some(text)) => match std::str::from_utf8(&text) {
                    Ok(text) => self.session.text(text, view),
                    Err(_) => self.session.bad_frame("the text is not UTF-8", view),
                },
                Err(Broken::Binary) => self.session.bad_frame(NOT_TEXT, view),
                Err(Broken::TooLong) => self.session.bad_frame(TOO_LONG, view),
            },
            Ok(ws::Message::Binary(_)) => self.session.bad_frame(NOT_TEXT, view),
            Ok(ws::Message::Close(reason)) => {
                self.life.ended_by_client(reason.map(|reason| reason.code.into()));
                self.session.leave(Close::Normal)
            }
            Ok(ws::Message::Nop) => Vec::new(),
            Err(ProtocolError::Overflow) => self.session.bad_frame(TOO_LONG, view),
            Err(error) => {
                if matches!(error, ProtocolError::Io(_)) {
                    self.life.broke();
                }
                self.session.bad_frame(&error.to_string(), view)
            }
        };
        self.perform(effects, ctx);
        self.pump(view, ctx);
    }
}

impl LiveSocket {
    /// Writes while the session wants: pages in memory at once, others when they have been read, and after as many as make a
    /// turn when others had theirs. All within one turn, so one view serves; whether the right was revoked is asked anew for
    /// every page.
    fn pump(&mut self, view: View<'_>, ctx: &mut Context) {
        let mut looked_at = 0;
        while !self.pausing && !self.session.is_closed() {
            let Some((id, after)) = self.session.wants(view) else { break };
            if looked_at >= limits::TURN_POSITIONS {
                self.pause(ctx);
                break;
            }
            match self.hub.pages.peek(after) {
                Some(page) => {
                    looked_at += page.last().0.saturating_sub(after.0);
                    self.feed(id, &page, view, ctx);
                }
                None => {
                    self.pausing = true;
                    let hub = Arc::clone(&self.hub);
                    let fetch = wrap_future::<_, Self>(async move { hub.page(after).await });
                    ctx.spawn(fetch.map(move |page, socket, ctx| socket.arrived(id, page, ctx)));
                }
            }
        }
        self.presence.at(self.session.slowest());
    }

    fn pause(&mut self, ctx: &mut Context) {
        self.pausing = true;
        let others = wrap_future::<_, Self>(tokio::task::yield_now());
        ctx.spawn(others.map(|(), socket, ctx| {
            socket.pausing = false;
            let hub = Arc::clone(&socket.hub);
            socket.pump(hub.view(), ctx);
        }));
    }

    fn arrived(&mut self, id: u32, page: Result<Arc<Page>, Unreadable>, ctx: &mut Context) {
        self.pausing = false;
        match page {
            Ok(page) => {
                let hub = Arc::clone(&self.hub);
                let view = hub.view();
                self.feed(id, &page, view, ctx);
                self.pump(view, ctx);
            }
            Err(error) => {
                tracing::error!(%error, "a live reader is sent away");
                let effects = self.session.leave(Close::Internal);
                self.perform(effects, ctx);
            }
        }
    }

    fn feed(&mut self, id: u32, page: &Page, view: View<'_>, ctx: &mut Context) {
        let effects = self.session.feed(id, page, view);
        self.perform(effects, ctx);
    }

    fn perform(&mut self, effects: Vec<Effect>, ctx: &mut Context) {
        for effect in effects {
            match effect {
                Effect::Send(text) => {
                    self.life.sent();
                    ctx.text(text);
                }
                Effect::Ping(count) => ctx.ping(&count.to_be_bytes()),
                Effect::Authenticate(token) => self.authenticate(token, ctx),
                Effect::AskHead(subscribe) => self.ask_head(*subscribe, ctx),
                Effect::Close(close) => {
                    match close {
                        Close::Internal => self.life.end_by_fault(Some(close.code()), close.reason()),
                        Close::Normal
                        | Close::Restart
                        | Close::Slow
                        | Close::NoPong
                        | Close::TokenExpired
                        | Close::Rate
                        | Close::BadFrame
                        | Close::Unauthenticated
                        | Close::Revoked
                        | Close::TooManyConnections
                        | Close::UnsupportedVersion => self.life.end(Some(close.code())),
                    }
                    let reason = CloseReason {
                        code: CloseCode::from(close.code()),
                        description: Some(close.reason().to_owned()),
                    };
                    ctx.close(Some(reason));
                    ctx.stop();
                }
            }
        }
    }

    /// What comes after the question waits for its answer, so one connection asks one at a time.
    fn ask_head(&mut self, subscribe: Subscribe, ctx: &mut Context) {
        let hub = Arc::clone(&self.hub);
        let ask = wrap_future::<_, Self>(async move { hub.confirm().await });
        ctx.wait(ask.map(|is_known, socket, ctx| {
            let hub = Arc::clone(&socket.hub);
            let view = hub.view();
            let effects = socket.session.subscribe_at_head(subscribe, is_known, view);
            socket.perform(effects, ctx);
            socket.pump(view, ctx);
        }));
    }

    fn authenticate(&mut self, token: Option<String>, ctx: &mut Context) {
        let hub = Arc::clone(&self.hub);
        let (bearer, client) = (token.or_else(|| self.bearer.take()), self.client);
        let cookie = std::mem::take(&mut self.cookie);
        let replaced = self.admission.as_ref().map(|admission| Arc::clone(&admission.authority));
        let span = self.life.message(&requests::fresh_id());
        let admit = async move {
            match bearer {
                Some(bearer) => hub.renew(&bearer, client, replaced.as_deref()).await,
                None if cookie.cookies.is_empty() => {
                    Err(V1Refusal::new(401, "missing_token", "Send a token, or come with a session's cookie."))
                }
                None => hub.admit_by_cookie(&cookie).await,
            }
        };
        let verdict = wrap_future::<_, Self>(admit.instrument(span));
        ctx.spawn(verdict.map(|verdict, socket, ctx| {
            let authority = verdict.as_ref().map(|admission| Arc::clone(&admission.authority)).map_err(Clone::clone);
            let hub = Arc::clone(&socket.hub);
            let effects = socket.session.authenticated(authority, hub.view());
            if let Ok(admission) = verdict
                && socket.session.reads_under(&admission.authority)
            {
                socket.admission = Some(admission);
            }
            socket.perform(effects, ctx);
        }));
    }
}

/// The count in a pong of ours; others are none.
fn count(payload: &[u8]) -> Option<u64> {
    payload.try_into().ok().map(u64::from_be_bytes)
}
