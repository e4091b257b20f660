//! What the three routes share at their door: the bearer token, the query string, the origin of a browser, and
//! refusals in the words of the `/v1` surface.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::codec::Problem;
use super::filter::Filter;
use super::hub::Hub;
use super::rights::Denied;
use crate::surface::Surface;
use crate::surface::bearer::{Several, bearer_of};
use crate::surface::errors::RETRY_SECONDS;
use crate::surface::other_routes::OtherRoute;

/// A refusal in answer to an HTTP request.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal with a status and a stable code.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), retry_after_seconds: None }
    }

    /// The node cannot serve protected data at this moment.
    pub(crate) fn unavailable(message: &str) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message);
        Self { retry_after_seconds: Some(RETRY_SECONDS), ..refusal }
    }

    /// The answer to a request of a route.
    pub(crate) fn respond(self, request: &HttpRequest, route: &OtherRoute) -> HttpResponse {
        let mut body = json!({"error": self.code});
        if !self.message.is_empty() {
            body["message"] = self.message.into();
        }
        let mut response = HttpResponseBuilder::new(self.status);
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
            body["retry_after"] = seconds.into();
        }
        let body = body.to_string();
        check(request, route, self.status, &body);
        response.content_type("application/json; charset=utf-8").body(body)
    }
}

/// In development, compares an answer with what its route declares.
pub(crate) fn check(request: &HttpRequest, route: &OtherRoute, status: StatusCode, body: &str) {
    let surface = request.app_data::<web::Data<Surface>>().filter(|surface| !surface.environment.is_production());
    if let Some(surface) = surface {
        // What is no JSON is no object either, and is found as that.
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        surface.check_other_answer(route, status.as_u16(), &body);
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self {
            status: StatusCode::from_u16(denied.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: denied.code,
            message: denied.message,
            retry_after_seconds: denied.retry_after_seconds,
        }
    }
}

impl From<(Problem, String)> for Refusal {
    fn from((problem, message): (Problem, String)) -> Self {
        let status = match problem {
            Problem::StoreChanged => StatusCode::CONFLICT,
            Problem::Forbidden => StatusCode::FORBIDDEN,
            Problem::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Problem::TokenExpired => StatusCode::UNAUTHORIZED,
            Problem::CursorFuture | Problem::BadFilter | Problem::BadFrame | Problem::TooManySubs => {
                StatusCode::BAD_REQUEST
            }
        };
        let code = match problem {
            Problem::BadFrame => "invalid_cursor",
            Problem::TokenExpired => "expired_token",
            Problem::StoreChanged
            | Problem::Forbidden
            | Problem::RateLimited
            | Problem::CursorFuture
            | Problem::BadFilter
            | Problem::TooManySubs => problem.code(),
        };
        Self::new(status, code, message)
    }
}

/// Another method on one of our paths: this surface has no 405.
pub(crate) async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().content_type("application/json; charset=utf-8").body(r#"{"error":"not_found"}"#)
}

/// The query of `/v1/stream` and `/v1/events`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Cursor, `start` or `head`.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) after: Option<String>,
    /// Filter, as JSON text.
    #[serde(default, deserialize_with = "unless_empty")]
    filter: Option<String>,
    /// Events of an answer, at most.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) limit: Option<usize>,
    /// Seconds to wait for the first event.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) wait: Option<u64>,
}

/// A parameter without a value (`after=&limit=`) is none.
fn unless_empty<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(given: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(given)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

impl Query {
    /// Reads the query string.
    ///
    /// # Errors
    /// 400, naming what is wrong.
    fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        web::Query::<Self>::from_query(request.query_string())
            .map(web::Query::into_inner)
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "invalid_field", format!("query: {error}")))
    }

    /// Reads the query string, and the filter in it.
    ///
    /// # Errors
    /// 400, naming what is wrong.
    pub(crate) fn with_filter(request: &HttpRequest) -> Result<(Self, Filter), Refusal> {
        let query = Self::of(request)?;
        let filter = query.filter()?;
        Ok((query, filter))
    }

    /// The compiled filter.
    ///
    /// # Errors
    /// 400 `bad_filter`.
    fn filter(&self) -> Result<Filter, Refusal> {
        let compiled = self.filter.as_deref().map_or_else(|| Ok(Filter::everything()), Filter::parse);
        compiled.map_err(|error| (Problem::BadFilter, error.to_string()).into())
    }
}

/// Query strings end in logs and histories: a secret there is refused, even a good one.
pub(crate) fn refuse_token_in_query(request: &HttpRequest) -> Result<(), Refusal> {
    const SECRETS: [&str; 5] = ["token", "access_token", "authorization", "bearer", "session"];
    let named = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    };
    if request.query_string().split('&').any(named) {
        let message = "a token does not belong in the query string; send it as `Authorization: Bearer`";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_field", message));
    }
    Ok(())
}

/// The bearer token of the request, if it has one.
///
/// # Errors
/// 401 for two `Authorization` headers.
pub(crate) fn bearer(request: &HttpRequest) -> Result<Option<String>, Refusal> {
    let headers: Vec<Option<&str>> =
        request.headers().get_all(AUTHORIZATION).map(|value| value.to_str().ok()).collect();
    let several =
        |Several| Refusal::new(StatusCode::UNAUTHORIZED, "invalid_token", "one Authorization header, not several");
    Ok(bearer_of(&headers).map_err(several)?.map(str::to_owned))
}

/// The bearer token of a route that needs one.
///
/// # Errors
/// 401 `missing_token`.
pub(crate) fn required_bearer(request: &HttpRequest) -> Result<String, Refusal> {
    let missing = || Refusal::new(StatusCode::UNAUTHORIZED, "missing_token", "send `Authorization: Bearer <token>`");
    bearer(request)?.ok_or_else(missing)
}

/// A browser that sends cookies along must come from our own origin or an allowed one: sockets are not covered by CORS.
///
/// # Errors
/// 403 `forbidden_origin`.
pub(crate) fn check_origin(request: &HttpRequest, is_allowed: bool) -> Result<(), Refusal> {
    let headers = request.headers();
    if !headers.contains_key(COOKIE) || is_allowed {
        return Ok(());
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let authority = text(ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    match (authority, text(HOST)) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden_origin", "this origin may not open a socket here")),
    }
}

/// The client's address, behind trusted proxies.
pub(crate) fn client(request: &HttpRequest, hub: &Hub) -> Option<IpAddr> {
    let forwarded: Vec<&str> =
        request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok()).collect();
    hub.client(request.peer_addr().map(|address| address.ip()), &forwarded)
}
