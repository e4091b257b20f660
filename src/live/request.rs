//! What the three routes share at their door: the bearer token, the query string, and refusals in the words of the `/v1`
//! surface.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::error::QueryPayloadError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::codec::Problem;
use super::filter::Filter;
use super::limits;
use crate::surface::Surface;
use crate::surface::bearer::{Several, bearer_of};
use crate::surface::errors::V1Refusal;
use crate::surface::other_routes::OtherRoute;
use crate::surface::presented::Presented;
use crate::transport;

/// The answer to a request of a route that is refused. Unlike the rest of `/v1`, its body says when to come again wherever
/// its header does.
pub(crate) fn respond(mut refusal: V1Refusal, request: &HttpRequest, route: &OtherRoute) -> HttpResponse {
    if let Some(seconds) = refusal.retry_after_seconds {
        refusal.extra.insert("retry_after".to_owned(), seconds.into());
    }
    let (body, response) = transport::refused(refusal);
    check(request, route, response.status(), &body);
    response
}

/// In development, compares an answer with what its route declares.
fn check(request: &HttpRequest, route: &OtherRoute, status: StatusCode, body: &Value) {
    if let Some(surface) = checking(request) {
        surface.check_other_answer(route, status.as_u16(), body);
    }
}

/// The same for a body that was written as text.
pub(crate) fn check_text(request: &HttpRequest, route: &OtherRoute, status: StatusCode, body: &str) {
    if let Some(surface) = checking(request) {
        // What is no JSON is no object either, and is found as that.
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        surface.check_other_answer(route, status.as_u16(), &body);
    }
}

fn checking(request: &HttpRequest) -> Option<&web::Data<Surface>> {
    request.app_data::<web::Data<Surface>>().filter(|surface| !surface.environment.is_production())
}

impl From<(Problem, String)> for V1Refusal {
    fn from((problem, message): (Problem, String)) -> Self {
        let status = match problem {
            Problem::StoreChanged => 409,
            Problem::Forbidden => 403,
            Problem::RateLimited => 429,
            Problem::TokenExpired => 401,
            Problem::CursorFuture | Problem::BadFilter | Problem::BadFrame | Problem::TooManySubs => 400,
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
        Self::new(status, code, sentence(&message))
    }
}

/// A phrase of the live protocol as a sentence, which every refusal over HTTP is.
pub(crate) fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
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
    limit: Option<String>,
    /// Seconds to wait for the first event.
    #[serde(default, deserialize_with = "unless_empty")]
    wait: Option<String>,
}

/// A parameter without a value (`after=&limit=`) is none.
fn unless_empty<'de, D: Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(given)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

impl Query {
    /// Reads the query string.
    ///
    /// # Errors
    /// 400, naming what is wrong.
    fn of(request: &HttpRequest) -> Result<Self, V1Refusal> {
        web::Query::<Self>::from_query(request.query_string()).map(web::Query::into_inner).map_err(
            |error| match error {
                QueryPayloadError::Deserialize(error) => invalid(format!("The query cannot be read: {error}.")),
                other => invalid(format!("The query cannot be read: {other}.")),
            },
        )
    }

    /// How many events an answer may have.
    ///
    /// # Errors
    /// 400, naming it.
    pub(crate) fn limit(&self) -> Result<usize, V1Refusal> {
        let most = limits::LONG_POLL_EVENTS_MAX;
        bounded("limit", self.limit.as_deref(), 1..=most, limits::LONG_POLL_EVENTS_DEFAULT)
    }

    /// For how many seconds an answer may be waited for.
    ///
    /// # Errors
    /// 400, naming it.
    pub(crate) fn wait(&self) -> Result<u64, V1Refusal> {
        bounded("wait", self.wait.as_deref(), 0..=limits::LONG_POLL_WAIT_SECONDS_MAX, 0)
    }

    /// Refuses what only an answer of many events has.
    ///
    /// # Errors
    /// 400, naming it.
    pub(crate) fn of_a_stream(&self) -> Result<(), V1Refusal> {
        for (name, given) in [("limit", &self.limit), ("wait", &self.wait)] {
            if given.is_some() {
                return Err(invalid(format!("`{name}` belongs to /v1/events; a stream has no end and no pages.")));
            }
        }
        Ok(())
    }

    /// Reads the query string, and the filter in it.
    ///
    /// # Errors
    /// 400, naming what is wrong.
    pub(crate) fn with_filter(request: &HttpRequest) -> Result<(Self, Filter), V1Refusal> {
        let query = Self::of(request)?;
        let filter = query.filter()?;
        Ok((query, filter))
    }

    /// The compiled filter.
    ///
    /// # Errors
    /// 400 `bad_filter`.
    fn filter(&self) -> Result<Filter, V1Refusal> {
        let compiled = self.filter.as_deref().map_or_else(|| Ok(Filter::everything()), Filter::parse);
        compiled.map_err(|error| (Problem::BadFilter, error.to_string()).into())
    }
}

fn invalid(message: String) -> V1Refusal {
    V1Refusal::new(400, "invalid_field", message)
}

fn bounded<T: PartialOrd + FromStr + Display>(
    name: &str,
    given: Option<&str>,
    bounds: RangeInclusive<T>,
    default: T,
) -> Result<T, V1Refusal> {
    let Some(text) = given else { return Ok(default) };
    let value = text.parse().ok().filter(|value| bounds.contains(value) && !text.starts_with('+'));
    value
        .ok_or_else(|| invalid(format!("`{name}` must be a whole number from {} to {}.", bounds.start(), bounds.end())))
}

/// Query strings end in logs and histories: a secret there is refused, even a good one.
pub(crate) fn refuse_token_in_query(request: &HttpRequest) -> Result<(), V1Refusal> {
    const SECRETS: [&str; 5] = ["token", "access_token", "authorization", "bearer", "session"];
    let named = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    };
    if request.query_string().split('&').any(named) {
        let message = "A token does not belong in the query string; send it as Authorization: Bearer …";
        return Err(V1Refusal::new(400, "invalid_field", message));
    }
    Ok(())
}

/// The bearer token of the request, if it has one.
///
/// # Errors
/// 401 for two `Authorization` headers.
pub(crate) fn bearer(presented: &Presented) -> Result<Option<&str>, V1Refusal> {
    let several = |Several| V1Refusal::new(401, "invalid_token", "Send one Authorization header.");
    bearer_of(&presented.authorization).map_err(several)
}

/// The bearer token of a route that needs one.
///
/// # Errors
/// 401 `missing_token`.
pub(crate) fn required_bearer(presented: &Presented) -> Result<&str, V1Refusal> {
    bearer(presented)?.ok_or_else(|| V1Refusal::new(401, "missing_token", "Send the token as Authorization: Bearer …"))
}
