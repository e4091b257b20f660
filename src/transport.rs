//! What HTTP and the live protocols share at their door: how a request's headers are read, and how a refusal is written.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use crate::surface::Surface;
use crate::surface::accounts::failure::RestFailure;
use crate::surface::errors::{V1Error, V1Refusal};
use crate::surface::presented::Presented;

/// The content type of every body that is JSON.
pub const JSON: &str = "application/json; charset=utf-8";

/// Position of what was appended or read.
pub const POSITION: HeaderName = HeaderName::from_static("muniment-position");

/// What a request proves itself by.
#[must_use]
pub fn presented(request: &HttpRequest, surface: &Surface, correlation: &str) -> Presented {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    surface.presented(headers, request.peer_addr().map(|peer| peer.ip()), correlation)
}

/// What the caller of `/v1` is told; a fault goes to the log, and nothing of it to the caller.
#[must_use]
pub fn told(error: V1Error, route: &str, correlation: &str) -> V1Refusal {
    match error {
        V1Error::Refused(refusal) => *refusal,
        V1Error::Fault(why) => {
            tracing::error!(route, correlation.id = correlation, error = why, "a request failed by a fault of ours");
            V1Refusal::new(500, "internal_error", "")
        }
    }
}

/// A refusal of `/v1` and its body.
#[must_use]
pub fn refused(refusal: V1Refusal) -> (Value, HttpResponse) {
    let mut body = Map::new();
    body.insert("error".to_owned(), refusal.code.into());
    // Two bodies bear nothing but their code: an unknown path and a fault.
    if !refusal.message.is_empty() {
        body.insert("message".to_owned(), refusal.message.into());
    }
    body.extend(refusal.extra);
    let body = Value::Object(body);
    let response = refusal_with(refusal.status, refusal.retry_after_seconds, &body);
    (body, response)
}

/// A failure of `/api`; a fault goes to the log.
#[must_use]
pub fn failed(failure: &RestFailure, correlation: &str) -> HttpResponse {
    if let Some(fault) = &failure.fault {
        tracing::error!(correlation.id = correlation, error = fault, "a request failed by a fault of ours");
    }
    refusal_with(failure.status, failure.retry_after_seconds, &failure.body())
}

fn refusal_with(status: u16, retry_after_seconds: Option<u64>, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.insert_header((header::CONTENT_TYPE, JSON));
    if let Some(seconds) = retry_after_seconds {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    // What was left unread of a body must not be taken for the next request.
    if matches!(status, 408 | 413) {
        response.force_close();
    }
    response.body(body.to_string())
}
