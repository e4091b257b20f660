//! What is told of a request: its span, named by its route and in the trace of whoever called, and its row in `/metrics`.

use std::time::Instant;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::spans::{self, SPANS};

/// Header that tells the caller the correlation id of his request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A correlation id for what has none yet: a request, or a message on a socket.
#[must_use]
pub fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Whose the time is that passes until an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Ours: it is measured.
    Ours,
    /// The caller's, who asks us to wait for something.
    TheCallers,
}

/// A request that is being answered. One whose answer panics is told of as the 500 that it is; one that is dropped
/// without an answer, because its client left, is not.
#[derive(Debug)]
pub struct Begun {
    span: Span,
    counted_as: &'static str,
    time: Time,
    since: Instant,
}

impl Begun {
    /// Its span, which the answer is made within.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// It was answered.
    pub fn answered(self, response: &HttpResponse) {
        self.tell(response.status());
    }

    fn tell(&self, status: StatusCode) {
        self.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
        let route = self.counted_as;
        if self.time == Time::Ours {
            metrics::histogram!("muniment_http_seconds", "route" => route).record(self.since.elapsed().as_secs_f64());
        }
        let status = status.as_str().to_owned();
        metrics::counter!("muniment_http_requests", "route" => route, "status" => status).increment(1);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}

/// Begins a request. `/metrics` counts it as one thing; `route` tells the template from our table for its span, `None` for
/// a path that is not in it.
#[must_use]
pub fn begin(
    request: &HttpRequest,
    correlation: &str,
    counted_as: &'static str,
    route: impl FnOnce() -> Option<&'static str>,
) -> Begun {
    let since = Instant::now();
    Begun { span: open(request, correlation, route), counted_as, time: Time::Ours, since }
}

fn open(request: &HttpRequest, correlation: &str, route: impl FnOnce() -> Option<&'static str>) -> Span {
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
/// correlation id. Of what stays open the answer is its beginning.
pub async fn within(
    request: &HttpRequest,
    correlation: &str,
    route: &'static str,
    time: Time,
    answer: impl AsyncFnOnce(Span) -> HttpResponse,
) -> HttpResponse {
    let mut begun = begin(request, correlation, route, || Some(route));
    begun.time = time;
    let mut response = answer(begun.span.clone()).instrument(begun.span.clone()).await;
    if let Ok(correlation) = HeaderValue::from_str(correlation) {
        response.headers_mut().insert(REQUEST_ID, correlation);
    }
    begun.answered(&response);
    response
}

/// A method by its name where it is a known one: the rest is text of the caller's choice.
fn word(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let words = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().zip(words).find(|(known, _)| *known == method).map_or("_OTHER", |(_, word)| word)
}
