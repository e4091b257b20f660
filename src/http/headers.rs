//! What every answer bears: cross-origin leave where spec/metrics.md section 2.2 gives it, and the headers that keep
//! a browser from guessing.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::Edge;
use super::closing::{self, Closing};
use crate::surface::Surface;
use crate::transport;

const ALLOW_METHODS: &str = "GET,POST,OPTIONS";
const ALLOW_HEADERS: &str = "authorization,content-type,idempotency-key,x-alif-signup-secret";
/// What else a preflight is allowed where it asks for it: what the reading routes and traces heed.
const ALLOW_ON_ASKING: [&str; 3] = ["last-event-id", "muniment-after", "traceparent"];
const EXPOSE_HEADERS: &str = "muniment-position,retry-after";

/// What the caller has seen and wants to see in the answer.
pub const AFTER: HeaderName = HeaderName::from_static("muniment-after");

/// Whether a preflight of this path is answered here.
fn answers_preflight(path: &str) -> bool {
    path == "/health" || path == "/v1" || path.starts_with("/v1/")
}

/// Whether answers of this path may be read by any origin. Reviewing works by cookie, so its answers may not, nor may
/// any answer to a request that came by cookie.
fn is_open(path: &str) -> bool {
    answers_preflight(path) && !path.starts_with("/v1/review/")
}

/// Headers that a page may send: the four of every answer, and behind them those that its preflight asks for by name.
fn allowed_headers(asked: &HeaderMap) -> HeaderValue {
    let asked = asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).filter_map(|value| value.to_str().ok());
    let asked: Vec<&str> = asked.flat_map(|line| line.split(',')).map(str::trim).collect();
    let more = ALLOW_ON_ASKING.into_iter().filter(|name| asked.iter().any(|asked| asked.eq_ignore_ascii_case(name)));
    let all: Vec<&str> = std::iter::once(ALLOW_HEADERS).chain(more).collect();
    HeaderValue::from_str(&all.join(",")).unwrap_or(HeaderValue::from_static(ALLOW_HEADERS))
}

/// Whether a request proves itself by the session's cookie. One of another program, or beside a bearer, proves nothing.
fn is_by_cookie(request: &ServiceRequest) -> bool {
    request.headers().contains_key(header::COOKIE)
        && request
            .app_data::<web::Data<Surface>>()
            .is_none_or(|surface| Surface::is_by_cookie(&transport::presented(request.request(), surface, "")))
}

fn give_leave(headers: &mut HeaderMap, allow_headers: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOW_METHODS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allow_headers);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSE_HEADERS));
}

/// Answers preflights and puts the common headers on everything else.
///
/// # Errors
/// What the services behind it answer.
pub async fn wrap(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A connection that was reset before it was looked at has no address to be counted or recorded by, and nobody who
    // waits for an answer.
    if request.peer_addr().is_none() {
        return Ok(request.into_response(HttpResponse::BadRequest().force_close().finish()));
    }
    let closing = Closing::of(&request);
    if closing.is_near() {
        return Ok(closing::end(request).await);
    }
    let asked = request.head().connection_type();
    let headers = request.headers();
    let is_production = request.app_data::<web::Data<Edge>>().is_some_and(|edge| edge.is_production);
    // A preflight proves nothing by the cookies it may bear: it is never authenticated.
    let is_preflight = request.method() == Method::OPTIONS && answers_preflight(request.path());
    let is_open = is_open(request.path()) && (is_preflight || !is_by_cookie(&request));
    let allow_headers = is_preflight.then(|| allowed_headers(headers));
    let mut response = if is_preflight {
        request.into_response(HttpResponse::Ok().finish())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    closing.note(asked, &response);
    let headers = response.headers_mut();
    if is_open {
        give_leave(headers, allow_headers.unwrap_or(HeaderValue::from_static(ALLOW_HEADERS)));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_production {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}
