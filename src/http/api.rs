//! `/api`: reads a request, lets the surface say who calls and answer, writes the reply
//! (spec/accounts-and-offers.md section 8.3). Live routes of `/api` are mounted before this.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method as Verbs, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::Edge;
use super::entry::{body, verb_of};
use crate::surface::Surface;
use crate::surface::accounts::failure::RestFailure;
use crate::surface::accounts::rest::{RestCall, RestReply};
use crate::surface::accounts::routes::{self, RestRoute};
use crate::surface::request::BodyError;
use crate::telemetry::requests::REQUEST_ID;
use crate::transport::{self, JSON, POSITION};

/// Whether a path is of this surface.
#[must_use]
pub fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The route of a request as the table has it.
#[must_use]
pub fn route_of(request: &HttpRequest) -> Option<&'static str> {
    row_of(request).map(|route| route.path)
}

fn row_of(request: &HttpRequest) -> Option<&'static RestRoute> {
    routes::find(verb_of(request)?, request.path())
}

/// Answers a request to `/api`.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    surface: &Surface,
    edge: &Edge,
    correlation: &str,
) -> HttpResponse {
    let too_large = || refusal(&RestFailure::new(413, "payload_too_large"), None, correlation);
    if edge.body_bytes_max.is_some_and(|most| content_length(request).is_some_and(|length| length > most)) {
        return too_large();
    }
    let mut body = body(payload, edge);
    // Nobody knows how long a body in chunks is until it is there; too long, nothing of the request is done.
    if edge.body_bytes_max.is_some() && request.headers().contains_key(header::TRANSFER_ENCODING) {
        let arrived = body.await;
        if arrived == Err(BodyError::TooLarge) {
            return too_large();
        }
        body = Box::pin(std::future::ready(arrived));
    }
    let presented = transport::presented(request, surface, correlation);
    if let Err(failure) = surface.check_origin(&presented) {
        return refusal(&failure, None, correlation);
    }
    if request.method() == Verbs::POST
        && let Err(failure) = surface.check_media_type(&presented)
    {
        return refusal(&failure, None, correlation);
    }
    let route = row_of(request).filter(|route| surface.is_mounted(route));
    let authenticated = match surface.authenticate_api(&presented).await {
        Ok(authenticated) => authenticated,
        Err(failure) => {
            let reply = match route {
                Some(route) => surface.health_unauthenticated(route, &presented, &failure).await,
                None => None,
            };
            return match reply {
                Some(reply) => success(reply, None, correlation),
                None => refusal(&failure, None, correlation),
            };
        }
    };
    let Some(route) = route else {
        return refusal(&RestFailure::new(404, "not_found"), authenticated.set_cookie.as_deref(), correlation);
    };
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let call = RestCall {
        caller: authenticated.caller,
        presented: &presented,
        client: presented.client,
        query: query.map(web::Query::into_inner).ok(),
        body,
        correlation,
    };
    match surface.call_rest(route, call).await {
        Ok(reply) => success(reply, authenticated.set_cookie, correlation),
        Err(failure) => {
            surface.check_refusal(route, &failure, correlation);
            refusal(&failure, authenticated.set_cookie.as_deref(), correlation)
        }
    }
}

fn content_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn start(status: u16, correlation: &str, set_cookie: Option<String>) -> actix_web::HttpResponseBuilder {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header((REQUEST_ID, correlation));
    if let Some(cookie) = set_cookie {
        response.insert_header((header::SET_COOKIE, cookie));
    }
    response
}

fn write(mut response: actix_web::HttpResponseBuilder, body: Option<String>) -> HttpResponse {
    match body {
        None => response.finish(),
        Some(body) => response.insert_header((header::CONTENT_TYPE, JSON)).body(body),
    }
}

fn success(reply: RestReply, set_cookie: Option<String>, correlation: &str) -> HttpResponse {
    let body = reply.text();
    let mut response = start(reply.status, correlation, reply.set_cookie.or(set_cookie));
    if let Some(position) = reply.position {
        response.insert_header((POSITION, position.to_string()));
    }
    if let Some(seconds) = reply.retry_after_seconds {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    write(response, body)
}

/// Writes a refusal; a fault goes to the log.
pub fn refusal(failure: &RestFailure, set_cookie: Option<&str>, correlation: &str) -> HttpResponse {
    let mut response = transport::failed(failure, correlation);
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, Some(correlation)), (header::SET_COOKIE, set_cookie)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
