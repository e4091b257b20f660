//! `GET /api/ws`: one actix actor a socket. It speaks JSON-RPC 2.0 through the dispatcher of `/api/rpc`; nothing is ever
//! sent to its mailbox.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, SpawnHandle, StreamHandler};
use actix_http::ws::Item;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseCode, CloseReason, ProtocolError, WebsocketContext, WsResponseBuilder};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tracing::Instrument as _;

use super::registry::{ApiRegistry, Connection, End, NotAdmitted, REVOKED, TOO_SLOW};
use super::{authenticate, set_cookie};
use crate::live::bucket::Bucket;
use crate::live::fragments::{Broken, Fragments};
use crate::live::inbound::Inbound;
use crate::live::limits::API_FRAMES;
use crate::runtime::recall::Recallable;
use crate::surface::Surface;
use crate::surface::accounts::caller::{Authenticated, Caller};
use crate::surface::accounts::failure::{ApiFailure, Code, RestFailure};
use crate::surface::accounts::methods;
use crate::surface::accounts::routes::API_SOCKET;
use crate::surface::accounts::rpc::{self, Transport};
use crate::surface::accounts::schema;
use crate::surface::accounts::sent_id::SentId;
use crate::surface::errors::RETRY_SECONDS;
use crate::surface::input;
use crate::telemetry::connections as traces;
use crate::telemetry::requests::{self, Time};
use crate::transport;

/// Longest frame, pieces put together.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Requests of one socket that may be in flight.
const IN_FLIGHT_MAX: usize = 64;
/// Frames after which the reader is asked whether it reads.
const ASK_EVERY_FRAMES: u64 = 64;
/// Frames a reader may be behind. Whoever writes a whole burst before he reads is behind by an answer to each, and his pongs stand
/// behind his requests; a full queue of notifications may come on top.
const BEHIND_FRAMES_MAX: u64 = 4_096;
/// How long to wait where a node cannot tell at present whether a credential has run out.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Close code of a socket from which nothing came.
const SILENT: u16 = 4003;
/// Close code of a client that sends more frames than it may.
const TOO_MANY: u16 = 1008;
/// Close code of what is no frame of a WebSocket.
const NO_FRAME: u16 = 1002;
/// Close code of a text that is no UTF-8.
const NO_TEXT: u16 = 1007;
/// Close code of a frame that is too long.
const TOO_BIG: u16 = 1009;

/// Opens a socket.
pub(super) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    surface: web::Data<Surface>,
    registry: web::Data<ApiRegistry>,
) -> HttpResponse {
    let correlation = requests::fresh_id();
    requests::within(&request, &correlation, API_SOCKET.path, Time::Ours, async |span| {
        let Authenticated { caller, set_cookie: cookie } = match authenticate(&request, &surface, &correlation).await {
            Ok(authenticated) => authenticated,
            Err(failure) => return transport::failed(&failure, &correlation),
        };
        let mut response = match admit(&request, &surface, &registry.into_inner(), caller).await {
            Ok((caller, connection, acting)) => {
                let socket = ApiSocket {
                    surface: surface.into_inner(),
                    caller: Arc::new(caller),
                    connection,
                    acting,
                    calls: HashMap::new(),
                    newest: HashMap::new(),
                    frames: Bucket::full(API_FRAMES, Instant::now()),
                    heard_at: Instant::now(),
                    fragments: Fragments::up_to(FRAME_BYTES_MAX),
                    sent: 0,
                    read: 0,
                    life: traces::Connection::opened_by(&span, API_SOCKET.path, traces::Protocol::WebSocket),
                };
                let payload = Inbound::up_to(FRAME_BYTES_MAX, payload);
                let started = WsResponseBuilder::new(socket, &request, payload).frame_size(FRAME_BYTES_MAX).start();
                // Without an upgrade there is nothing here to get.
                started.unwrap_or_else(|_| transport::failed(&RestFailure::new(404, "not_found"), &correlation))
            }
            Err(failure) => transport::failed(&failure, &correlation),
        };
        set_cookie(&mut response, cookie.as_deref());
        response
    })
    .await
}

async fn admit(
    request: &HttpRequest,
    surface: &Surface,
    registry: &Arc<ApiRegistry>,
    caller: Option<Caller>,
) -> Result<(Caller, Connection, Option<String>), RestFailure> {
    let caller = caller.ok_or_else(|| ApiFailure::unauthenticated().on_rest())?;
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let mut personas = query.into_iter().filter(|(name, _)| name == "acting").map(|(_, value)| value);
    let acting = personas.next();
    if personas.next().is_some() {
        return Err(ApiFailure::query_issues(&[schema::twice("acting")]));
    }
    surface.resolve_persona(&caller, acting.as_deref()).await?;
    let connection = registry.admit(&caller).map_err(|refused| match refused {
        NotAdmitted::Ended => ApiFailure::unauthenticated().on_rest(),
        NotAdmitted::TooMany => ApiFailure::too_many(RETRY_SECONDS).on_rest(),
    })?;
    Ok((caller, connection, acting))
}

struct ApiSocket {
    surface: Arc<Surface>,
    caller: Arc<Caller>,
    connection: Connection,
    /// The persona of messages that name none.
    acting: Option<String>,
    /// Requests in flight, by their correlation: a client may use one id for many.
    calls: HashMap<String, InFlight>,
    /// The newest request in flight under an id as JSON text, by its correlation.
    newest: HashMap<String, String>,
    frames: Bucket,
    heard_at: Instant,
    fragments: Fragments,
    sent: u64,
    read: u64,
    /// What traces are told at the end.
    life: traces::Connection,
}

struct InFlight {
    handle: SpawnHandle,
    id: String,
    sent_id: Option<SentId>,
    /// Without a method, there is nothing whose effects we know.
    recallable: Option<Recallable>,
}

/// There is something to send, or to end.
struct Wake;

type Context = WebsocketContext<ApiSocket>;

impl Actor for ApiSocket {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        self.life.stand();
        let entry = Arc::clone(&self.connection.entry);
        ctx.add_stream(futures_util::stream::unfold(entry, |entry| async {
            entry.woken().await;
            Some((Wake, entry))
        }));
        if let Some(timeout) = self.surface.heartbeat_timeout() {
            ctx.run_interval((timeout / 2).max(Duration::from_millis(50)), move |socket, ctx| {
                if socket.heard_at.elapsed() > timeout {
                    socket.close(SILENT, ctx);
                }
            });
        }
        self.await_end(self.caller.ends_at, ctx);
        // What happened before the stream stood is seen here.
        self.look(ctx);
    }
}

impl StreamHandler<Wake> for ApiSocket {
    fn handle(&mut self, _: Wake, ctx: &mut Context) {
        self.look(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for ApiSocket {
    fn handle(&mut self, message: Result<ws::Message, ProtocolError>, ctx: &mut Context) {
        self.heard_at = Instant::now();
        self.life.received();
        if !self.is_asked_for(&message) && !self.frames.take(self.heard_at) {
            return self.too_many_frames(ctx);
        }
        match message {
            Ok(ws::Message::Text(text)) => self.text(text.as_bytes(), ctx),
            Ok(ws::Message::Binary(_)) => self.not_json(ctx),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(payload)) => {
                if let Ok(count) = <[u8; 8]>::try_from(payload.as_ref()) {
                    self.read = self.read.max(u64::from_be_bytes(count).min(self.sent));
                }
            }
            Ok(ws::Message::Continuation(item)) => self.piece(item, ctx),
            Ok(ws::Message::Close(reason)) => {
                self.life.ended_by_client(reason.as_ref().map(|reason| reason.code.into()));
                ctx.close(reason);
                ctx.stop();
            }
            Ok(ws::Message::Nop) => {}
            Err(ProtocolError::Overflow) => self.close(TOO_BIG, ctx),
            Err(error) => {
                tracing::debug!(%error, "a socket broke the protocol");
                self.life.broke();
                // The codec says the same of a text that is no UTF-8 and of a connection that broke, which no code reaches.
                let is_no_text = matches!(&error, ProtocolError::Io(error) if error.kind() == ErrorKind::Other);
                self.close(if is_no_text { NO_TEXT } else { NO_FRAME }, ctx);
            }
        }
    }
}

impl ApiSocket {
    fn close(&mut self, code: u16, ctx: &mut Context) {
        self.life.end(Some(code));
        ctx.close(Some(CloseReason { code: CloseCode::from(code), description: None }));
        ctx.stop();
    }

    /// Looks at the end of the credential when it is there: it passes without an event that would tell.
    fn await_end(&self, end: Option<DateTime<Utc>>, ctx: &mut Context) {
        let Some(end) = end else { return };
        let left = (end - self.surface.runtime.clock.now()).to_std().unwrap_or_default();
        ctx.run_later(left, |socket, ctx| socket.look_at_end(ctx));
    }

    fn look_at_end(&self, ctx: &mut Context) {
        let (surface, caller) = (Arc::clone(&self.surface), Arc::clone(&self.caller));
        let asked = wrap_future::<_, Self>(async move { surface.end_of(&caller).await });
        ctx.spawn(asked.map(|end, socket, ctx| match end {
            Ok(Some(end)) if end <= socket.surface.runtime.clock.now() => socket.close(REVOKED, ctx),
            Ok(end) => socket.await_end(end, ctx),
            Err(fail) => {
                tracing::debug!(error = ?fail.fault, "whether the credential of a socket has run out cannot be told");
                ctx.run_later(LOOK_AGAIN, |socket, ctx| socket.look_at_end(ctx));
            }
        }));
    }

    /// Sends what waits, and ends where it is time.
    fn look(&mut self, ctx: &mut Context) {
        if let Some(End { code, .. }) = self.connection.entry.ended() {
            self.close(code, ctx);
            return;
        }
        for frame in self.connection.entry.take() {
            self.send(frame, ctx);
        }
    }

    fn send(&mut self, frame: String, ctx: &mut Context) {
        self.sent += 1;
        self.life.sent();
        ctx.text(frame);
        if self.sent.is_multiple_of(ASK_EVERY_FRAMES) {
            ctx.ping(&self.sent.to_be_bytes());
        }
        if self.sent - self.read > BEHIND_FRAMES_MAX {
            self.close(TOO_SLOW, ctx);
        }
    }

    /// Whether a frame answers one of ours, or ends the socket anyway.
    fn is_asked_for(&self, message: &Result<ws::Message, ProtocolError>) -> bool {
        match message {
            Ok(ws::Message::Pong(payload)) => {
                let count = <[u8; 8]>::try_from(payload.as_ref()).map(u64::from_be_bytes);
                count.is_ok_and(|count| count > self.read && count <= self.sent)
            }
            Ok(ws::Message::Close(_) | ws::Message::Nop) | Err(_) => true,
            Ok(ws::Message::Text(_) | ws::Message::Binary(_) | ws::Message::Continuation(_) | ws::Message::Ping(_)) => {
                false
            }
        }
    }

    fn too_many_frames(&mut self, ctx: &mut Context) {
        let fail =
            ApiFailure::because(Code::RateLimited, "rate_limit_exceeded", "Too many frames; send fewer a second.");
        self.send(rpc::failure(Value::Null, &fail, "").body.to_string(), ctx);
        self.close(TOO_MANY, ctx);
    }

    fn not_json(&mut self, ctx: &mut Context) {
        let reply = rpc::not_json("");
        self.send(reply.body.to_string(), ctx);
    }

    fn piece(&mut self, item: Item, ctx: &mut Context) {
        match self.fragments.add(item) {
            Ok(None) => {}
            Ok(Some(text)) if std::str::from_utf8(&text).is_err() => self.close(NO_TEXT, ctx),
            Ok(Some(text)) => self.text(&text, ctx),
            Err(Broken::Binary) => self.not_json(ctx),
            Err(Broken::TooLong) => self.close(TOO_BIG, ctx),
        }
    }

    fn text(&mut self, text: &[u8], ctx: &mut Context) {
        let Ok(message) = input::strict_value(text) else { return self.not_json(ctx) };
        let is_notification = message.get("jsonrpc").and_then(Value::as_str) == Some("2.0")
            && message.get("method").is_some_and(Value::is_string)
            && message.get("id").is_none();
        if is_notification {
            if message["method"] == "cancel" {
                self.cancel(&message["params"]["request_id"], ctx);
            }
            return;
        }
        let sent_id = SentId::of(text, &message);
        self.call(message, sent_id, ctx);
    }

    fn call(&mut self, mut message: Value, sent_id: Option<SentId>, ctx: &mut Context) {
        let id = rpc::echoed_id(&message);
        if self.calls.len() >= IN_FLIGHT_MAX {
            let fail =
                ApiFailure::because(Code::Unavailable, "service_unavailable", "Too many requests are in flight.");
            let reply = rpc::failure(id, &fail, "").under(sent_id);
            return self.send(reply.text(), ctx);
        }
        let method = message.get("method").and_then(Value::as_str).and_then(methods::find);
        if let (Some(acting), Some(method)) = (&self.acting, method) {
            add_acting(&mut message, acting, method);
        }
        let correlation = requests::fresh_id();
        let id = id.to_string();
        self.connection.entry.begin_call(&correlation);
        let recallable = method.map(|_| self.surface.runtime.bus.recalls().announce(&correlation));
        let (surface, caller, called) = (Arc::clone(&self.surface), Arc::clone(&self.caller), correlation.clone());
        let span = self.life.message(&correlation);
        let answer = async move { surface.rpc(Some(&caller), Transport::Socket, message, &called).await };
        let answering = wrap_future::<_, Self>(answer.instrument(span));
        let ended = correlation.clone();
        let handle = ctx.spawn(answering.map(move |reply, socket, ctx| {
            let (recallable, sent_id) = socket.forget(&ended).map_or((None, None), |it| (it.recallable, it.sent_id));
            if let Some(recallable) = recallable {
                recallable.answered();
            }
            socket.send(reply.under(sent_id).text(), ctx);
            socket.connection.entry.end_call(&ended);
            socket.look(ctx);
        }));
        self.newest.insert(id.clone(), correlation.clone());
        self.calls.insert(correlation, InFlight { handle, id, sent_id, recallable });
    }

    /// A request is no longer in flight.
    fn forget(&mut self, correlation: &str) -> Option<InFlight> {
        let call = self.calls.remove(correlation)?;
        // Under one id the newest request is known; an older one that ends must not take its place away.
        if self.newest.get(&call.id).is_some_and(|newest| newest == correlation) {
            self.newest.remove(&call.id);
        }
        Some(call)
    }

    /// Takes back a request of which nothing was handed to the journal yet. Any other is left to answer.
    fn cancel(&mut self, request: &Value, ctx: &mut Context) {
        // What has no id is known as `null`, and nobody can name it.
        if !request.is_string() && !request.is_number() {
            return;
        }
        let Some(correlation) = self.newest.get(&request.to_string()).cloned() else { return };
        let recallable = self.calls.get(&correlation).and_then(|call| call.recallable.as_ref());
        if !recallable.is_some_and(Recallable::take_back) {
            return;
        }
        let Some(call) = self.forget(&correlation) else { return };
        ctx.cancel_future(call.handle);
        self.connection.entry.end_call(&correlation);
        let fail = ApiFailure::plain(Code::Cancelled, "The request was taken back.");
        self.send(rpc::failure(request.clone(), &fail, "").under(call.sent_id).text(), ctx);
    }
}

/// Gives a message the socket's own persona, where its method takes one and it names none.
fn add_acting(message: &mut Value, acting: &str, method: &methods::RpcMethod) {
    let methods::Params::Fields(fields) = method.params else { return };
    if !fields.iter().any(|field| field.name == "acting") {
        return;
    }
    let Some(message) = message.as_object_mut() else { return };
    let params = message.entry("params").or_insert_with(|| json!({}));
    if let Some(params) = params.as_object_mut() {
        params.entry("acting").or_insert_with(|| json!(acting));
    }
}
