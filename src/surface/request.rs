//! A request as the surface sees it, whatever brought it, and the reply it gives back.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use muniment_aggregates::record::Position;
use serde_json::Value;

use super::errors::V1Error;
use super::presented::Presented;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than allowed.
    TooLarge,
    /// It broke off.
    Broken,
    /// It did not arrive in time.
    Late,
}

/// The body, read only when somebody asks: gates come first.
pub type Body = Pin<Box<dyn Future<Output = Result<Vec<u8>, BodyError>>>>;

/// Waits until the whole body is there, for whoever reads it then; whether there was anything to wait for. A caller who was
/// let in before may have lost his right to it meanwhile: he decides how long his body takes.
pub async fn receive(body: &mut Body) -> bool {
    let (arrived, waited) = match futures_util::poll!(&mut *body) {
        Poll::Ready(arrived) => (arrived, false),
        Poll::Pending => (body.as_mut().await, true),
    };
    *body = Box::pin(std::future::ready(arrived));
    waited
}

/// What of a request's address is no text that anything could be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A broken percent-encoding in a path parameter.
    Path,
    /// U+0000 in the query.
    Query,
    /// A query parameter that is given more than once, by its name.
    Doubled(String),
}

impl Unreadable {
    /// How it is refused, once the caller is known.
    #[must_use]
    pub fn refusal(&self) -> V1Error {
        match self {
            Self::Path => V1Error::refuse(400, "invalid_metric_key", "The path holds a broken percent-encoding."),
            Self::Query => V1Error::refuse(400, "invalid_field", "The query holds the character U+0000."),
            Self::Doubled(name) => V1Error::invalid_field(name, "given once"),
        }
    }
}

/// One request.
pub struct Request {
    /// What it proves itself by, and where it comes from.
    pub presented: Presented,
    /// Decoded path parameters, in the order of the route's path.
    pub parameters: Vec<String>,
    /// Decoded query parameters.
    pub query: Vec<(String, String)>,
    /// What of both could not be read and is left out of them.
    pub unreadable: Option<Unreadable>,
    /// Every `Idempotency-Key` header.
    pub idempotency_keys: Vec<Option<String>>,
    /// The `x-alif-signup-secret` header.
    pub signup_secret: Option<String>,
    /// `Muniment-After`: what the caller has seen and wants to see in the answer.
    pub after: Option<String>,
    /// Correlation id.
    pub correlation: String,
    /// The body.
    pub body: Option<Body>,
}

impl Request {
    /// A path parameter; the table and the handlers agree on their number.
    #[must_use]
    pub fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// The position that the caller has seen.
    ///
    /// # Errors
    /// 400 `invalid_field` for what is none: a caller who is not understood would be shown an older state.
    pub fn after(&self) -> Result<Option<Position>, V1Error> {
        let expected = "a position, as Muniment-Position names it";
        let parsed = self.after.as_deref().map(|given| given.parse().map(Position));
        parsed.transpose().map_err(|_: std::num::ParseIntError| V1Error::invalid_field("Muniment-After", expected))
    }

    /// A query parameter. None is given twice where a handler looks.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A whole number in the query, within bounds.
    ///
    /// # Errors
    /// 400 `invalid_field` naming the parameter.
    pub fn query_count(&self, name: &str, default: usize, max: usize) -> Result<usize, V1Error> {
        let Some(text) = self.query(name) else { return Ok(default) };
        text.parse::<usize>()
            .ok()
            .filter(|count| (1..=max).contains(count) && !text.starts_with('+'))
            .ok_or_else(|| V1Error::invalid_field(name, &format!("a whole number from 1 to {max}")))
    }

    /// Waits until the whole body is there; whether there was anything to wait for. See [`receive`].
    pub async fn receive_body(&mut self) -> bool {
        match &mut self.body {
            Some(body) => receive(body).await,
            None => false,
        }
    }

    /// Reads the body, once.
    ///
    /// # Errors
    /// 413 when it is too long; 400 when it broke off; 408 when it did not arrive in time.
    pub async fn read_body(&mut self) -> Result<Vec<u8>, V1Error> {
        let Some(body) = self.body.take() else { return Ok(Vec::new()) };
        body.await.map_err(|error| match error {
            BodyError::TooLarge => V1Error::refuse(413, "payload_too_large", "The body is longer than is allowed."),
            BodyError::Broken => V1Error::refuse(400, "invalid_json", "The body broke off."),
            BodyError::Late => {
                V1Error::refuse(408, "request_timeout", "The body did not arrive in time; send it again.")
            }
        })
    }
}

/// What a method answers.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: Value,
    /// Position of what was appended, or of the state that was read.
    pub position: Option<Position>,
}

impl Reply {
    /// 200.
    #[must_use]
    pub const fn ok(body: Value, position: Option<Position>) -> Self {
        Self { status: 200, body, position }
    }

    /// 201.
    #[must_use]
    pub const fn created(body: Value, position: Option<Position>) -> Self {
        Self { status: 201, body, position }
    }
}
