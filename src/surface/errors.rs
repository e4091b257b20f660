//! Every answer that is not success. A refusal is the caller's to mend and has a stable code; a fault is ours, goes
//! to the log with the correlation id, and tells the caller nothing else. What an aggregate refuses gets its status on `/v1`
//! here alone; gates and methods of `/v1` name theirs with the reason, and `refusals.rs` lists all, row by row.

use std::fmt::Display;

use muniment_aggregates::application::ApplicationRefusal;
use muniment_aggregates::challenge::ChallengeRefusal;
use muniment_aggregates::decider::Refuse;
use muniment_aggregates::metric::MetricRefusal;
use muniment_aggregates::record::Position;
use serde_json::{Map, Value, json};

use super::accounts::failure::RestFailure;
use super::limits::Limited;
use crate::runtime::BusError;
use crate::runtime::reads::Behind;

/// Seconds after which a caller who met an overloaded or lagging node may come back.
pub const RETRY_SECONDS: u64 = 1;

/// What the caller gets instead of success.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}")]
pub struct V1Refusal {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// For a person: what was refused and what to do.
    pub message: String,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
    /// Further keys of the body.
    pub extra: Map<String, Value>,
    /// The input field it is about, where there is one. The body does not have it: it is for who says of several which.
    pub field: Option<Box<str>>,
    /// A position behind what was recorded although the caller is refused.
    pub position: Option<Position>,
}

/// Why a method did not succeed.
#[derive(Debug)]
pub enum V1Error {
    /// The caller's to mend.
    Refused(Box<V1Refusal>),
    /// Ours. The text is for the log alone.
    Fault(String),
}

impl V1Refusal {
    /// A refusal with a code and a text.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message, retry_after_seconds: None, extra: Map::new(), field: None, position: None }
    }

    /// 503: nothing was done, and the same call may succeed shortly.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        Self { retry_after_seconds: Some(RETRY_SECONDS), ..Self::new(503, "service_unavailable", message) }
    }

    /// 429 with the seconds until it makes sense again.
    #[must_use]
    pub fn too_many(code: &'static str, message: &str, retry_after_seconds: u64) -> Self {
        let seconds = retry_after_seconds.max(1);
        let mut refusal = Self::new(429, code, message);
        refusal.retry_after_seconds = Some(seconds);
        refusal.extra.insert("retry_after".to_owned(), json!(seconds));
        refusal
    }
}

impl From<V1Refusal> for V1Error {
    fn from(refusal: V1Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl V1Error {
    /// A refusal with a code and a text.
    #[must_use]
    pub fn refuse(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        V1Refusal::new(status, code, message).into()
    }

    /// The same with a further key in the body.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.extra.insert(key.to_owned(), value);
        }
        self
    }

    /// The same, about a field of the input.
    #[must_use]
    pub fn about(mut self, field: &str) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.field = Some(Box::from(field));
        }
        self
    }

    /// The same, with the position that the answer names.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.position = Some(position);
        }
        self
    }

    /// A request that did not pass its limit, refused under a code.
    #[must_use]
    pub fn limited(limited: Limited, code: &'static str, message: &str) -> Self {
        match limited {
            Limited::TooMany(seconds) => V1Refusal::too_many(code, message, seconds).into(),
            Limited::Unknown(error) => error.into(),
            Limited::Unreadable => Self::fault(limited),
        }
    }

    /// 503: nothing was done, and the same call may succeed shortly.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        V1Refusal::unavailable(message).into()
    }

    /// A fault, with what the log should say.
    pub fn fault(what: impl Display) -> Self {
        Self::Fault(what.to_string())
    }

    /// What the accounts' side failed with, met on the way to an answer of `/v1`: what is unavailable or at fault there is so
    /// here, and a refusal is one of the cookie, for `/v1` asks nothing else there.
    #[must_use]
    pub fn from_accounts(failure: impl Into<RestFailure>) -> Self {
        let failure = failure.into();
        match failure.fault {
            Some(fault) => Self::Fault(fault),
            None if failure.status == 503 => Self::unavailable("The record cannot be confirmed; try again shortly."),
            None => {
                let message = "The session's cookie does not open this.";
                let mut refusal = V1Refusal::new(failure.status, failure.error, message);
                refusal.extra = failure.extra;
                refusal.into()
            }
        }
    }

    /// 404 `not_found`, the one without a message.
    #[must_use]
    pub fn not_found() -> Self {
        Self::refuse(404, "not_found", "")
    }

    /// A company that is not the caller's, as one that does not exist.
    #[must_use]
    pub fn no_such_company() -> Self {
        Self::refuse(404, "not_found", "You have no such company.")
    }

    /// A missing field, by name.
    #[must_use]
    pub fn missing(field: &str) -> Self {
        Self::refuse(400, "missing_field", format!("{field} is required.")).about(field)
    }

    /// A field of the wrong type or out of its bounds.
    #[must_use]
    pub fn invalid_field(field: &str, expected: &str) -> Self {
        Self::refuse(400, "invalid_field", format!("{field} must be {expected}.")).about(field)
    }
}

/// What a caller is told while there is no connection to the database.
const DATABASE_AWAY: &str = "The database does not answer at present; try again shortly.";

/// Why the server cannot answer, whoever asks. Each surface says it in its own form.
#[derive(Debug)]
pub enum Outage {
    /// Nothing was done, and the same call may succeed shortly; what the caller is told.
    Unavailable(&'static str),
    /// A fault of ours. The text is for the log alone.
    Fault(String),
}

impl From<muniment_projections::SqlError> for Outage {
    fn from(error: muniment_projections::SqlError) -> Self {
        if error.is_of_the_connection() {
            tracing::warn!(error = %error, "the database does not answer");
            return Self::Unavailable(DATABASE_AWAY);
        }
        if error.took_too_long() {
            tracing::warn!(error = %error, "the database needs too long for a question");
            return Self::Unavailable("The database needs too long for this; ask for less, or try again shortly.");
        }
        if error.is_of_the_disk() {
            tracing::error!(error = %error, "the disk cannot be written");
            return Self::Unavailable("The database cannot be written at present; try again shortly.");
        }
        Self::Fault(error.to_string())
    }
}

impl From<muniment_journal::JournalError> for Outage {
    fn from(error: muniment_journal::JournalError) -> Self {
        tracing::warn!(error = %error, "the journal cannot answer");
        Self::Unavailable("The record cannot be confirmed at present; try again shortly.")
    }
}

impl From<muniment_journal::SealError> for Outage {
    fn from(error: muniment_journal::SealError) -> Self {
        if let muniment_journal::SealError::Unavailable(why) = &error {
            tracing::warn!(error = %why, "the keys that seal cannot be reached");
            return Self::Unavailable(DATABASE_AWAY);
        }
        if matches!(error, muniment_journal::SealError::Erased(_)) {
            // Whoever comes again is somebody new.
            tracing::warn!(%error, "somebody was erased while a request about them ran");
            return Self::Unavailable("What this rests on changed meanwhile; try again shortly.");
        }
        if matches!(error, muniment_journal::SealError::WrongMasterKey) {
            // The master key was rotated elsewhere; whoever runs this node gives it the new one.
            tracing::error!(%error, "this node needs the new master key");
            return Self::Unavailable("The keys of personal data cannot be read at present.");
        }
        Self::Fault(error.to_string())
    }
}

impl From<getrandom::Error> for Outage {
    fn from(error: getrandom::Error) -> Self {
        Self::Fault(format!("no random bytes: {error}"))
    }
}

impl From<Behind> for Outage {
    fn from(behind: Behind) -> Self {
        tracing::warn!(error = %behind, "a query could not be answered from the present");
        Self::Unavailable("The read models are catching up; try again shortly.")
    }
}

/// Lets `?` turn errors of the layers below into a surface's own, by way of an [`Outage`].
macro_rules! by_way_of_outage {
    ($into:ty: $($error:ty),+ $(,)?) => {$(
        impl From<$error> for $into {
            fn from(error: $error) -> Self {
                $crate::surface::errors::Outage::from(error).into()
            }
        }
    )+};
}
pub(super) use by_way_of_outage;

by_way_of_outage!(
    V1Error: muniment_projections::SqlError,
    muniment_journal::JournalError,
    muniment_journal::SealError,
    getrandom::Error,
    Behind,
);

impl From<Outage> for V1Error {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Unavailable(message) => Self::unavailable(message),
            Outage::Fault(why) => Self::Fault(why),
        }
    }
}

/// How a typed refusal is answered.
pub trait Answered: Refuse {
    /// Its answer.
    fn answer(self) -> V1Refusal;
}

impl Answered for MetricRefusal {
    fn answer(self) -> V1Refusal {
        let status = match &self {
            Self::NotDefined | Self::AlertNotFound => 404,
            Self::AlreadyDefined => 409,
            Self::InvalidKey
            | Self::InvalidValue
            | Self::InvalidTimestamp
            | Self::InvalidIdempotencyKey
            | Self::InvalidBatch
            | Self::InvalidField { .. }
            | Self::MissingField { .. } => 400,
        };
        V1Refusal::new(status, self.reason(), self.to_string())
    }
}

impl Answered for ApplicationRefusal {
    fn answer(self) -> V1Refusal {
        let status = match &self {
            Self::NotSubmitted | Self::TokenNotFound => 404,
            Self::AlreadySubmitted | Self::InvalidTransition { .. } | Self::TokenLimit | Self::ReplacedTokenLimit => {
                409
            }
            Self::InvalidField { .. } => 400,
        };
        V1Refusal::new(status, self.reason(), self.to_string())
    }
}

impl Answered for ChallengeRefusal {
    fn answer(self) -> V1Refusal {
        let seconds = self.retry_after_seconds().unwrap_or(1);
        match &self {
            Self::TooManyStarts { .. } => {
                V1Refusal::too_many(self.reason(), "Too many codes were asked for; wait before the next.", seconds)
            }
            Self::TooManyGuesses { .. } => {
                V1Refusal::too_many(self.reason(), "Too many wrong codes; ask for a new one later.", seconds)
            }
            Self::NoLiveCode => wrong_code(),
            Self::Expired => V1Refusal::new(401, self.reason(), self.to_string()),
        }
    }
}

/// What a caller is told whose command may be recorded, or not.
pub(super) const OUTCOME_UNKNOWN: &str = "It is not known whether this was recorded, because what was to record it ended \
    before the database answered. Look before you send it again; under the same idempotency key it is recorded once.";

/// A code that opens nothing: one answer for every address, known here or not.
#[must_use]
pub fn wrong_code() -> V1Refusal {
    V1Refusal::new(401, "invalid_otp", "The code is wrong, used or was never sent.")
}

impl<R: Answered> From<BusError<R>> for V1Error {
    fn from(error: BusError<R>) -> Self {
        match error {
            BusError::Refused(refusal) => refusal.answer().into(),
            BusError::Overloaded => Self::unavailable("Too much is waiting already; try again shortly."),
            BusError::Unavailable(why) => {
                tracing::warn!(error = %why, "a command could not be recorded");
                Self::unavailable("The record cannot be written at present; nothing was done. Try again shortly.")
            }
            BusError::Uncertain(why) => {
                tracing::warn!(error = %why, "whether a command was recorded is not known");
                Self::unavailable(OUTCOME_UNKNOWN)
            }
            other @ (BusError::Duplicate { .. }
            | BusError::ClaimTaken { .. }
            | BusError::Fenced
            | BusError::TooLarge(_)
            | BusError::Panicked { .. }
            | BusError::Fault(_)
            | BusError::Unreadable { .. }) => Self::Fault(other.to_string()),
        }
    }
}

/// What a decision over several aggregates refuses: the answer itself.
impl Refuse for Box<V1Refusal> {
    fn reason(&self) -> &'static str {
        self.code
    }
}

impl Answered for Box<V1Refusal> {
    fn answer(self) -> V1Refusal {
        *self
    }
}

/// Translates one aggregate's refusal within a decision over several.
pub fn answered<R: Answered>(error: BusError<R>) -> BusError<Box<V1Refusal>> {
    error.map_refusal(|refusal| Box::new(refusal.answer()))
}

#[cfg(test)]
mod tests {
    use super::super::accounts::failure::{ApiFailure, Code};
    use super::*;

    #[test]
    fn what_the_accounts_side_cannot_answer_stays_what_it_is() {
        let refused = |error| match error {
            V1Error::Refused(refusal) => *refusal,
            V1Error::Fault(why) => panic!("a fault: {why}"),
        };
        let busy = refused(V1Error::from_accounts(ApiFailure::unavailable("Later.")));
        assert_eq!(
            (busy.status, busy.code, busy.retry_after_seconds),
            (503, "service_unavailable", Some(RETRY_SECONDS))
        );
        let elsewhere = refused(V1Error::from_accounts(RestFailure::new(403, "forbidden_origin")));
        assert_eq!((elsewhere.status, elsewhere.code), (403, "forbidden_origin"));
        let roles =
            ApiFailure::because(Code::Forbidden, "insufficient_permissions", "No.").with("required", json!(["a"]));
        assert_eq!(refused(V1Error::from_accounts(roles)).extra["required"], json!(["a"]));
        assert!(matches!(V1Error::from_accounts(ApiFailure::fault("a bug")), V1Error::Fault(why) if why == "a bug"));
    }
}
