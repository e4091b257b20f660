//! `GET /v1/events`: the cursor for curl, cron and CI agents. Answers at once when something is there, else waits
//! up to `wait` seconds; `next` is the cursor to come back with.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use muniment_aggregates::record::Position;
use tokio::time::Instant;

use super::hub::Hub;
use super::limits;
use super::reader::{Bounds, Ended, Reader, beginning, heard_of};
use super::request::{self, Query};
use super::routing::Routed;
use crate::surface::errors::V1Refusal;
use crate::surface::other_routes::EVENTS;
use crate::telemetry::requests::{self, Time};
use crate::transport::{JSON, POSITION};

/// Answers a long-poll.
pub(crate) async fn answer(request: HttpRequest, hub: web::Data<Hub>) -> HttpResponse {
    let correlation = requests::fresh_id();
    requests::within(&request, &correlation, EVENTS.path, Time::TheCallers, async |_| {
        poll(&request, hub.into_inner()).await.unwrap_or_else(|refusal| request::respond(refusal, &request, &EVENTS))
    })
    .await
}

async fn poll(request: &HttpRequest, hub: Arc<Hub>) -> Result<HttpResponse, V1Refusal> {
    request::refuse_token_in_query(request)?;
    let mut reader = Reader::of(request, Arc::clone(&hub)).await?;
    let (query, filter) = Query::with_filter(request)?;
    reader.narrow(filter);
    let (limit, wait) = (query.limit()?, query.wait()?);
    heard_of(&hub, request).await?;
    reader.start_at(beginning(&hub, query.after.as_deref().unwrap_or("start")).await?);
    let deadline = Instant::now() + Duration::from_secs(wait);
    let portion = Bounds { events: limit, bytes: limits::LONG_POLL_BYTES, positions: limits::LONG_POLL_SCAN_MAX };
    loop {
        let scanned = Position(reader.cursor().0.saturating_add(portion.positions));
        let events = match reader.take(portion).await {
            Ok(events) => events,
            // A node that restarts has nothing more to say, which is an answer: the client comes back for the rest.
            Err(Ended::Closing) => return Ok(respond(request, &reader, &[])),
            Err(Ended::Revoked(revocation)) => {
                let code = if reader.is_session() { "invalid_session" } else { "invalid_token" };
                return Err(V1Refusal::new(401, code, request::sentence(revocation.why)));
            }
            Err(Ended::Expired) => {
                let code = if reader.is_session() { "expired_session" } else { "expired_token" };
                return Err(V1Refusal::new(401, code, "The credential has expired."));
            }
            Err(Ended::Unavailable(why)) => return Err(V1Refusal::unavailable(&request::sentence(why))),
        };
        // A scan that was cut short answers with how far it came, so that one request never costs a whole journal. What was
        // recorded since is no such scan; there is a signal for it.
        let is_cut = reader.cursor() >= scanned;
        if !events.is_empty() || is_cut || Instant::now() >= deadline {
            return Ok(respond(request, &reader, &events));
        }
        // Either way round the loop looks again.
        let _elapsed = tokio::time::timeout_at(deadline, reader.changed()).await;
    }
}

/// The events are JSON already and go in as they are; the rest are digits and the store's name.
fn respond(request: &HttpRequest, reader: &Reader, events: &[Arc<Routed>]) -> HttpResponse {
    let hub = reader.hub();
    let (store, head) = (hub.store(), hub.head());
    let events: Vec<&str> = events.iter().map(|event| &*event.frame).collect();
    let body = format!(
        r#"{{"store":"{store}","events":[{}],"upto":"{}","next":"{}","head":"{head}"}}"#,
        events.join(","),
        reader.cursor(),
        reader.cursor_text(),
    );
    request::check_text(request, &EVENTS, StatusCode::OK, &body);
    HttpResponse::Ok()
        .content_type(JSON)
        .insert_header(("cache-control", "no-store"))
        // What is shown reaches to there: whoever subscribes from it misses nothing.
        .insert_header((POSITION, reader.cursor().to_string()))
        .body(body)
}
