//! One entry for every method of the table: reads the request, lets the surface answer, writes the reply.

use std::collections::HashSet;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method as Verbs, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use serde_json::Value;
use tracing::Instrument as _;

use super::Edge;
use super::api;
use super::headers::AFTER;
use crate::surface::Surface;
use crate::surface::accounts::failure::{ApiFailure, RestFailure};
use crate::surface::errors::V1Error;
use crate::surface::methods::{self, Method, Verb};
use crate::surface::request::{Body, BodyError, Reply, Request, Unreadable};
use crate::telemetry::requests::{self, Begun, REQUEST_ID};
use crate::transport::{self, JSON, POSITION};

/// Characters of a parameter's name that a refusal repeats.
const NAME_CHARACTERS_TOLD_MAX: usize = 100;
const SIGNUP_SECRET: &str = "x-alif-signup-secret";
/// The route of what is no row of a table.
const UNKNOWN: &str = "unknown";

/// Answers a request that no other service took.
pub async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    surface: web::Data<Surface>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let correlation = requests::fresh_id();
    let is_api = api::is_api(request.path());
    if edge.detached.is_too_many() {
        let told = begin(&request, &correlation, found(&request).map(|(method, _)| method));
        let unavailable = V1Error::unavailable("Too much is being done for clients that left; try again shortly.");
        let response = refuse(unavailable, is_api, &correlation);
        told.answered(&response);
        return response;
    }
    let detached = edge.detached.clone();
    let response = detached.to_the_end(begun(request, payload, surface, edge, correlation.clone())).await;
    response.unwrap_or_else(|| refuse(V1Error::fault("an answer panicked"), is_api, &correlation))
}

/// A refusal that no table of methods knows of.
fn refuse(error: V1Error, is_api: bool, correlation: &str) -> HttpResponse {
    if is_api {
        let failure = match error {
            V1Error::Refused(refusal) => RestFailure::new(refusal.status, refusal.code),
            V1Error::Fault(why) => ApiFailure::fault(why).on_rest(),
        };
        return api::refusal(&failure, None, correlation);
    }
    failure(error, UNKNOWN, correlation).1
}

async fn begun(
    request: HttpRequest,
    payload: web::Payload,
    surface: web::Data<Surface>,
    edge: web::Data<Edge>,
    correlation: String,
) -> HttpResponse {
    if api::is_api(request.path()) {
        let told = begin(&request, &correlation, None);
        let answer = api::answer(&request, payload, &surface, &edge, &correlation);
        let response = answer.instrument(told.span().clone()).await;
        told.answered(&response);
        return response;
    }
    let found = found(&request);
    let method = found.as_ref().map(|(method, _)| *method);
    let told = begin(&request, &correlation, method);
    let outcome = match found {
        None => Err(V1Error::not_found()),
        Some((method, raw)) => {
            let mut call = read(&request, payload, &surface, &edge, decoded(&raw), &correlation);
            surface.call(method, &mut call).instrument(told.span().clone()).await
        }
    };
    let (body, response) = match outcome {
        Ok(reply) => success(reply, &correlation),
        Err(error) => failure(error, method.map_or(UNKNOWN, |method| method.path), &correlation),
    };
    if let Some(method) = method {
        surface.check_answer(method, response.status().as_u16(), &body, &correlation);
    }
    told.answered(&response);
    response
}

/// The row of `/v1` that a request asks for, and what stands in its path.
fn found(request: &HttpRequest) -> Option<(&'static Method, Vec<&str>)> {
    methods::find(verb_of(request)?, request.path())
}

/// The verb of a request as the tables have it; `None` for one that no route has.
pub(super) fn verb_of(request: &HttpRequest) -> Option<Verb> {
    match *request.method() {
        Verbs::GET | Verbs::HEAD => Some(Verb::Get),
        Verbs::POST => Some(Verb::Post),
        _ => None,
    }
}

/// What is told of a request: on `/v1` by its row, if it asks for one; `/api` is counted as one.
fn begin(request: &HttpRequest, correlation: &str, method: Option<&'static Method>) -> Begun {
    if api::is_api(request.path()) {
        return requests::begin(request, correlation, "/api", || api::route_of(request));
    }
    let route = method.map(|method| method.path);
    requests::begin(request, correlation, route.unwrap_or(UNKNOWN), || route)
}

/// Percent-decodes path segments; `None` for one that does not decode to text. A NUL is none: no id or key has one,
/// and PostgreSQL refuses it in a text.
fn decoded(raw: &[&str]) -> Option<Vec<String>> {
    raw.iter().map(|segment| percent_decode(segment)).collect()
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn texts(request: &HttpRequest, name: &str) -> Vec<Option<String>> {
    request.headers().get_all(name).map(|value| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned)).collect()
}

/// A name that stands more than once in a query: which of its values is meant, nobody can tell.
fn doubled(query: &[(String, String)]) -> Option<String> {
    let mut seen = HashSet::new();
    let (name, _) = query.iter().find(|(name, _)| !seen.insert(name))?;
    Some(name.chars().take(NAME_CHARACTERS_TOLD_MAX).collect())
}

fn read(
    request: &HttpRequest,
    payload: web::Payload,
    surface: &Surface,
    edge: &Edge,
    parameters: Option<Vec<String>>,
    correlation: &str,
) -> Request {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let mut query = query.map(web::Query::into_inner).unwrap_or_default();
    let sent = query.len();
    query.retain(|(_, value)| !value.contains('\0'));
    let unreadable = match &parameters {
        None => Some(Unreadable::Path),
        Some(_) if query.len() < sent => Some(Unreadable::Query),
        Some(_) => doubled(&query).map(Unreadable::Doubled),
    };
    let after = texts(request, AFTER.as_str()).into_iter().next().map(Option::unwrap_or_default);
    Request {
        parameters: parameters.unwrap_or_default(),
        query,
        unreadable,
        presented: transport::presented(request, surface, correlation),
        idempotency_keys: texts(request, "idempotency-key"),
        signup_secret: texts(request, SIGNUP_SECRET).into_iter().flatten().next(),
        after,
        correlation: correlation.to_owned(),
        body: Some(body(payload, edge)),
    }
}

pub(super) fn body(mut payload: web::Payload, edge: &Edge) -> Body {
    let (bytes_max, time_max) = (edge.body_bytes_max, edge.body_time_max);
    Box::pin(async move {
        let arrival = async {
            let mut bytes = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| BodyError::Broken)?;
                if bytes_max.is_some_and(|most| bytes.len() + chunk.len() > most) {
                    return Err(BodyError::TooLarge);
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        };
        // Whoever sends a byte now and then would hold a connection for as long as he likes.
        tokio::time::timeout(time_max, arrival).await.unwrap_or(Err(BodyError::Late))
    })
}

fn success(reply: Reply, correlation: &str) -> (Value, HttpResponse) {
    debug_assert!(reply.body.is_object(), "every body of this surface is an object");
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, JSON)).insert_header((REQUEST_ID, correlation));
    if let Some(position) = reply.position {
        response.insert_header((POSITION, position.to_string()));
    }
    let response = response.body(reply.body.to_string());
    (reply.body, response)
}

pub(super) fn failure(error: V1Error, route: &str, correlation: &str) -> (Value, HttpResponse) {
    let refusal = transport::told(error, route, correlation);
    let position = refusal.position;
    let (body, mut response) = transport::refused(refusal);
    if let Some(position) = position {
        response.headers_mut().insert(POSITION, HeaderValue::from(position.0));
    }
    if let Ok(correlation) = HeaderValue::from_str(correlation) {
        response.headers_mut().insert(REQUEST_ID, correlation);
    }
    (body, response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_decodes_to_text_or_not_at_all() {
        assert_eq!(percent_decode("a%2Fb").as_deref(), Some("a/b"));
        for broken in ["%zz", "%", "%2", "%ff", "a%00"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }
}
