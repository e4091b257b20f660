//! The span of a request: named by its route, in the trace of whoever called.

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::spans::{self, SPANS};

/// Header that tells the caller the correlation id of his request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Opens the span of a request. `route` tells the template from our table, `None` for a path that is not in it.
#[must_use]
pub fn open(request: &HttpRequest, correlation: &str, route: impl FnOnce() -> Option<&'static str>) -> Span {
    let method = word(request.method());
    let span = tracing::info_span!(
        target: SPANS,
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        correlation.id = correlation,
    );
    if !span.is_disabled() {
        // A span has its name from its beginning, so both are told before it is entered.
        match route() {
            Some(route) => span.record("http.route", route).record("otel.name", format!("{method} {route}")),
            None => span.record("otel.name", method),
        };
        let mut given = request.headers().get_all("traceparent");
        // Of two there is no telling which one is meant.
        let only = given.next().filter(|_| given.next().is_none());
        spans::adopt(&span, only.and_then(|value| value.to_str().ok()));
    }
    span
}

/// Answers a request of a known route within a span of its own, which the answer is made with, and under its
/// correlation id.
pub async fn within(
    request: &HttpRequest,
    correlation: &str,
    route: &'static str,
    answer: impl AsyncFnOnce(Span) -> HttpResponse,
) -> HttpResponse {
    let span = open(request, correlation, || Some(route));
    let mut response = answer(span.clone()).instrument(span.clone()).await;
    if let Ok(correlation) = HeaderValue::from_str(correlation) {
        response.headers_mut().insert(REQUEST_ID, correlation);
    }
    close(&span, &response);
    response
}

/// Notes how a request ended.
pub fn close(span: &Span, response: &HttpResponse) {
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// A method by its name where it is a known one: the rest is text of the caller's choice.
fn word(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let words = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().zip(words).find(|(known, _)| *known == method).map_or("_OTHER", |(_, word)| word)
}
