//! The peer: what one writes with actix-web-actors in an afternoon. An actor holds a recipient for each connection
//! and sends it every message; the connection's actor writes it out. Nothing is stored, nobody is asked for a token.

use std::sync::Arc;

use actix::{
    Actor, ActorContext as _, Addr, AsyncContext as _, Context, Handler, Message, MessageResult, Recipient,
    StreamHandler,
};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws::{self, ProtocolError, WebsocketContext};

/// Messages that may wait for a connection, above what the bench has in flight.
const MAILBOX: usize = 64;

/// A text for every connection.
#[derive(Clone, Message)]
#[rtype(result = "()")]
struct Told(Arc<str>);

/// To the server: tell everyone. The answer is how many were told.
#[derive(Message)]
#[rtype(result = "usize")]
struct Publish(Arc<str>);

#[derive(Message)]
#[rtype(result = "()")]
struct Join(Recipient<Told>);

#[derive(Default)]
struct Broadcaster {
    members: Vec<Recipient<Told>>,
}

impl Actor for Broadcaster {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // A thousand join at once.
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Join> for Broadcaster {
    type Result = ();

    fn handle(&mut self, Join(member): Join, _: &mut Self::Context) {
        // The client waits for this before it counts as subscribed.
        member.try_send(Told("joined".into())).expect("an empty mailbox");
        self.members.push(member);
    }
}

impl Handler<Publish> for Broadcaster {
    type Result = MessageResult<Publish>;

    fn handle(&mut self, Publish(text): Publish, _: &mut Self::Context) -> Self::Result {
        self.members.retain(|member| member.connected());
        for member in &self.members {
            member.try_send(Told(Arc::clone(&text))).expect("fewer in flight than a mailbox holds");
        }
        MessageResult(self.members.len())
    }
}

struct Connection {
    broadcaster: Addr<Broadcaster>,
}

impl Actor for Connection {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.broadcaster.try_send(Join(ctx.address().recipient())).expect("room for a thousand");
    }
}

impl Handler<Told> for Connection {
    type Result = ();

    fn handle(&mut self, Told(text): Told, ctx: &mut Self::Context) {
        ctx.text(&*text);
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for Connection {
    fn handle(&mut self, message: Result<ws::Message, ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Close(_)) | Err(_) => ctx.stop(),
            Ok(ws::Message::Text(_) | ws::Message::Binary(_) | ws::Message::Continuation(_))
            | Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
        }
    }
}

async fn open(
    request: HttpRequest,
    payload: web::Payload,
    broadcaster: web::Data<Addr<Broadcaster>>,
) -> Result<HttpResponse, actix_web::Error> {
    ws::start(Connection { broadcaster: broadcaster.get_ref().clone() }, &request, payload)
}

async fn publish(text: String, broadcaster: web::Data<Addr<Broadcaster>>) -> HttpResponse {
    let told = broadcaster.send(Publish(text.into())).await.expect("the actor lives");
    HttpResponse::Ok().body(told.to_string())
}

/// Serves until the process is killed, with as many workers as Muniment has.
pub(crate) fn serve(address: &str) {
    actix_web::rt::System::new().block_on(async {
        let broadcaster = Broadcaster::default().start();
        let app = move || {
            App::new()
                .app_data(web::Data::new(broadcaster.clone()))
                .route("/health", web::get().to(HttpResponse::Ok))
                .route("/live", web::get().to(open))
                .route("/publish", web::post().to(publish))
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        HttpServer::new(app)
            .workers(workers)
            .tcp_nodelay(true)
            .bind(address)
            .expect("a free port")
            .run()
            .await
            .expect("served");
    });
}
