//! Every answer of `/api` that is not success, in its two forms: flat on REST, an error object in JSON-RPC
//! (spec/accounts-and-offers.md sections 8.4 and 8.5).

use muniment_journal::SealError;
use serde_json::{Map, Value, json};

use super::caller::CredentialType;
use crate::surface::errors::{Outage, RETRY_SECONDS, by_way_of_outage};
use crate::surface::limits::Limited;

/// Something wrong with an input, by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `invalid_type`, `too_small`, `too_big`, `invalid_format`, `invalid_value`, `unrecognized_keys` or `custom`.
    pub code: &'static str,
    /// For a person.
    pub message: String,
    /// Where; empty for the whole input.
    pub path: Vec<&'static str>,
}

impl Issue {
    /// An issue of one field.
    #[must_use]
    pub fn at(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: vec![field] }
    }

    /// As it stands on the wire.
    #[must_use]
    pub fn on_wire(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "path": self.path })
    }
}

/// A code of JSON-RPC, and the HTTP status that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Not JSON.
    Parse,
    /// Not a request, or not one that can be done now.
    InvalidRequest,
    /// No such method.
    MethodNotFound,
    /// Its input is wrong.
    InvalidParams,
    /// A fault of ours.
    Internal,
    /// Nobody.
    Unauthenticated,
    /// Somebody who may not.
    Forbidden,
    /// It is not there.
    NotFound,
    /// It is taken.
    Conflict,
    /// Too often.
    RateLimited,
    /// Not at present.
    Unavailable,
    /// The caller took it back.
    Cancelled,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Parse,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::Unavailable,
        Self::Cancelled,
    ];

    /// Its name (section 8.5).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse_error",
            Self::InvalidRequest => "invalid_request",
            Self::MethodNotFound => "method_not_found",
            Self::InvalidParams => "invalid_params",
            Self::Internal => "internal_error",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "service_unavailable",
            Self::Cancelled => "request_cancelled",
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Parse => -32_700,
            Self::InvalidRequest => -32_600,
            Self::MethodNotFound => -32_601,
            Self::InvalidParams => -32_602,
            Self::Internal => -32_603,
            Self::Unauthenticated => -32_001,
            Self::Forbidden => -32_002,
            Self::NotFound => -32_003,
            Self::Conflict => -32_004,
            Self::RateLimited => -32_006,
            Self::Unavailable => -32_007,
            Self::Cancelled => -32_010,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Parse | Self::InvalidRequest | Self::InvalidParams => 400,
            Self::MethodNotFound | Self::NotFound => 404,
            Self::Internal => 500,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::Cancelled => 499,
        }
    }
}

/// Why a method did not succeed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiFailure {
    /// The code.
    pub code: Code,
    /// For a person, but for the failures of authorization, where it is the reason itself.
    pub message: String,
    /// The stable reason, where there is one.
    pub reason: Option<&'static str>,
    /// Further keys beside the reason.
    pub extra: Map<String, Value>,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
    /// What the log should say of a fault.
    pub fault: Option<String>,
}

impl ApiFailure {
    /// A failure without a reason.
    #[must_use]
    pub fn plain(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, reason: None, extra: Map::new(), retry_after_seconds: None, fault: None }
    }

    /// A refusal with its stable reason.
    #[must_use]
    pub fn because(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason: Some(reason), ..Self::plain(code, message) }
    }

    /// 503: nothing was done, and the same call may succeed shortly.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        Self {
            retry_after_seconds: Some(RETRY_SECONDS),
            ..Self::because(Code::Unavailable, "service_unavailable", message)
        }
    }

    /// The input is wrong.
    #[must_use]
    pub fn issues(issues: &[Issue]) -> Self {
        let issues: Vec<Value> = issues.iter().map(Issue::on_wire).collect();
        Self::plain(Code::InvalidParams, "The input is not valid.").with("issues", issues.into())
    }

    /// Nobody who may be named asks.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::because(Code::Unauthenticated, "authentication_required", "Sign in, or send a token.")
    }

    /// A gate that asks for another credential.
    #[must_use]
    pub fn credential_type(required: &[CredentialType]) -> Self {
        let required = CredentialType::words(required);
        let message = format!("This needs a credential of the type {}.", required.join(" or "));
        Self::because(Code::Forbidden, "credential_type_required", message)
            .with("required_credential_types", json!(required))
    }

    /// A gate that asks for a role.
    #[must_use]
    pub fn role(required: &[&str]) -> Self {
        let message = format!("This needs the role {}, held everywhere.", required.join(" or "));
        Self::because(Code::Forbidden, "insufficient_permissions", message).with("required_roles", json!(required))
    }

    /// Too often.
    #[must_use]
    pub fn too_many(retry_after_seconds: u64) -> Self {
        let seconds = retry_after_seconds.max(1);
        let mut fail = Self::because(Code::RateLimited, "rate_limit_exceeded", "Too many requests; wait.");
        fail.retry_after_seconds = Some(seconds);
        fail.with("retry_after", json!(seconds))
    }

    /// A request that did not pass its limit.
    #[must_use]
    pub fn limited(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(seconds) => Self::too_many(seconds),
            Limited::Unknown(error) => Self::from(error),
            Limited::Unreadable => Self::fault(limited),
        }
    }

    /// A fault of ours.
    #[must_use]
    pub fn fault(what: impl std::fmt::Display) -> Self {
        Self { fault: Some(what.to_string()), ..Self::because(Code::Internal, "internal_error", "An internal error.") }
    }

    /// The same with a further key.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.extra.insert(key.to_owned(), value);
        self
    }

    /// The flat form of REST.
    #[must_use]
    pub fn on_rest(self) -> RestFailure {
        let has_issues = self.extra.contains_key("issues");
        let error = match (self.reason, has_issues) {
            (_, true) => "invalid_request_body",
            (Some(reason), false) => reason,
            (None, false) => "internal_error",
        };
        RestFailure {
            status: self.code.status(),
            error,
            extra: self.extra,
            retry_after_seconds: self.retry_after_seconds,
            fault: self.fault,
        }
    }

    /// What is wrong with a query, in the flat form of REST.
    #[must_use]
    pub fn query_issues(issues: &[Issue]) -> RestFailure {
        RestFailure { error: "invalid_query_params", ..Self::issues(issues).on_rest() }
    }

    /// The error object of JSON-RPC.
    #[must_use]
    pub fn on_wire(&self) -> Value {
        let mut data = self.extra.clone();
        if let Some(reason) = self.told_reason() {
            data.insert("reason".to_owned(), json!(reason));
        }
        let mut error = json!({ "code": self.code.number(), "message": self.message });
        if !data.is_empty() {
            error["data"] = Value::Object(data);
        }
        error
    }

    /// The reason that `error.data` bears, if any. Who is nobody, and who comes too often, is told by the code.
    #[must_use]
    pub fn told_reason(&self) -> Option<&'static str> {
        self.reason.filter(|_| {
            !matches!(self.code, Code::Unauthenticated | Code::RateLimited | Code::Internal | Code::Unavailable)
                || self.is_authorization()
        })
    }

    /// Whether the message is the reason: failures between authentication and the gates.
    fn is_authorization(&self) -> bool {
        self.reason.is_some_and(|reason| reason == self.message)
    }
}

impl From<Outage> for ApiFailure {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Unavailable(message) => Self::unavailable(message),
            Outage::Fault(why) => Self::fault(why),
        }
    }
}

by_way_of_outage!(
    ApiFailure: muniment_projections::SqlError,
    muniment_journal::JournalError,
    getrandom::Error,
    crate::runtime::reads::Behind,
);

/// Nearly all that a call seals is the caller's. Who was erased while it ran is nobody any more.
impl From<SealError> for ApiFailure {
    fn from(error: SealError) -> Self {
        if matches!(error, SealError::Erased(_)) { Self::unauthenticated() } else { Outage::from(error).into() }
    }
}

/// The flat form of REST: `{"error": reason, …}`.
#[derive(Debug, Clone, PartialEq)]
pub struct RestFailure {
    /// HTTP status.
    pub status: u16,
    /// The stable reason.
    pub error: &'static str,
    /// Further keys.
    pub extra: Map<String, Value>,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
    /// What the log should say of a fault.
    pub fault: Option<String>,
}

impl RestFailure {
    /// An answer that bears its reason alone.
    #[must_use]
    pub fn new(status: u16, error: &'static str) -> Self {
        Self { status, error, extra: Map::new(), retry_after_seconds: None, fault: None }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("error".to_owned(), json!(self.error));
        body.extend(self.extra.clone());
        Value::Object(body)
    }
}

impl<T: Into<ApiFailure>> From<T> for RestFailure {
    fn from(fail: T) -> Self {
        fail.into().on_rest()
    }
}
