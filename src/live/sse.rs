//! `GET /v1/stream`: the cursor as Server-Sent Events. The body is pulled, so a client that does not read is
//! simply behind; each event carries its cursor as `id`, which browsers send back as `Last-Event-ID`.

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use tokio::time::Instant;

use super::codec;
use super::event_stream::{self, Pieces};
use super::hub::{Hub, retry_ms};
use super::limits;
use super::reader::{Bounds, Ended, Reader, beginning, heard_of};
use super::request::{self, Query};
use crate::surface::errors::V1Refusal;
use crate::surface::other_routes::STREAM;
use crate::telemetry::connections::{Connection, Protocol};
use crate::telemetry::requests::{self, Time};

const PORTION: Bounds =
    Bounds { events: limits::CREDIT_MAX as usize, bytes: limits::BATCH_BYTES, positions: 4 * limits::PAGE_EVENTS };

/// Opens an event stream.
pub(crate) async fn open(request: HttpRequest, hub: web::Data<Hub>) -> HttpResponse {
    let correlation = requests::fresh_id();
    requests::within(&request, &correlation, STREAM.path, Time::Ours, async |span| {
        let life = Connection::opened_by(&span, STREAM.path, Protocol::Events);
        let answer = stream(&request, hub.into_inner(), life).await;
        answer.unwrap_or_else(|refusal| request::respond(refusal, &request, &STREAM))
    })
    .await
}

/// Answers `HEAD`: as the stream would begin, without it.
pub(crate) async fn head(request: HttpRequest, hub: web::Data<Hub>) -> HttpResponse {
    open(request, hub).await.drop_body().map_into_boxed_body()
}

async fn stream(request: &HttpRequest, hub: Arc<Hub>, mut life: Connection) -> Result<HttpResponse, V1Refusal> {
    request::refuse_token_in_query(request)?;
    // Some clients send it empty before they have seen anything.
    let mut told = request.headers().get_all("last-event-id").filter(|id| !id.is_empty());
    let last_seen = told.next();
    // What cannot be read is no cursor, and is refused as one: without it the stream would begin at the head.
    let last_seen = last_seen.map(|id| String::from_utf8_lossy(id.as_bytes()));
    let mut reader = Reader::of(request, Arc::clone(&hub)).await?;
    let (query, filter) = Query::with_filter(request)?;
    query.of_a_stream()?;
    if told.next().is_some() {
        return Err(V1Refusal::new(400, "invalid_cursor", "Send one Last-Event-ID header."));
    }
    reader.narrow(filter);
    heard_of(&hub, request).await?;
    let after = last_seen.as_deref().or(query.after.as_deref()).unwrap_or("head");
    reader.start_at(beginning(&hub, after).await?);
    let greeting = format!("retry: {}\nid: {}\n\n", retry_ms(reader.number()), reader.cursor_text());
    life.stand();
    let flow = Flow { reader, greeting: Some(greeting), spoke_at: Instant::now(), over: false, life };
    Ok(event_stream::respond("text/event-stream; charset=utf-8", flow))
}

struct Flow {
    reader: Reader,
    greeting: Option<String>,
    spoke_at: Instant,
    over: bool,
    /// What traces are told at the end.
    life: Connection,
}

impl Pieces for Flow {
    async fn next(mut self) -> Option<(String, Self)> {
        if self.over {
            return None;
        }
        if let Some(greeting) = self.greeting.take() {
            return Some((greeting, self));
        }
        loop {
            match self.reader.take(PORTION).await {
                Ok(events) if !events.is_empty() => {
                    let mut text = String::with_capacity(limits::BATCH_BYTES);
                    for event in &events {
                        self.life.sent();
                        let id = codec::cursor(self.reader.hub().store(), event.position);
                        // Writing to a String cannot fail.
                        let _infallible = write!(text, "id: {id}\ndata: {}\n\n", event.frame);
                    }
                    self.spoke_at = Instant::now();
                    return Some((text, self));
                }
                Ok(_) => {
                    let comment_at = self.spoke_at + limits::SSE_COMMENT;
                    if comment_at <= Instant::now() {
                        self.spoke_at = Instant::now();
                        // The id moves a filtered client on, although there is nothing to tell.
                        return Some((format!(": still here\nid: {}\n\n", self.reader.cursor_text()), self));
                    }
                    if self.reader.caught_up() {
                        // Either way round the loop looks again.
                        let _elapsed = tokio::time::timeout_at(comment_at, self.reader.changed()).await;
                    }
                }
                Err(ended) => {
                    self.over = true;
                    match ended {
                        Ended::Unavailable(why) => self.life.end_by_fault(None, why),
                        Ended::Revoked(_) | Ended::Expired | Ended::Closing => self.life.end(None),
                    }
                    return Some((farewell(&ended, self.reader.number()), self));
                }
            }
        }
    }
}

fn farewell(ended: &Ended, connection: u64) -> String {
    match ended {
        Ended::Revoked(revocation) => {
            let data = json!({"at": revocation.at.to_string(), "why": revocation.why});
            format!("event: revoked\ndata: {data}\n\n")
        }
        Ended::Expired => "event: token_expired\ndata: {}\n\n".to_owned(),
        Ended::Closing => format!("event: bye\nretry: {}\ndata: {{\"code\":4000}}\n\n", retry_ms(connection)),
        Ended::Unavailable(why) => {
            format!("event: bye\nretry: {}\ndata: {}\n\n", retry_ms(connection), json!({"code": 4001, "why": why}))
        }
    }
}
