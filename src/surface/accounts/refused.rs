//! The failure of `/api` as a refusal of a decision over several aggregates, and how the bus's own ends become one.

use muniment_aggregates::decider::Refuse;

use super::fail::{Code, Fail};
use crate::auth::passwords::HashError;
use crate::runtime::BusError;
use crate::surface::errors::{OUTCOME_UNKNOWN, RETRY_SECONDS};

/// What a decision over several aggregates refuses: the answer itself.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Refused(pub Box<Fail>);

impl Refuse for Refused {
    fn reason(&self) -> &'static str {
        self.0.reason.unwrap_or("refused")
    }
}

impl From<Fail> for BusError<Refused> {
    fn from(fail: Fail) -> Self {
        Self::Refused(Refused(Box::new(fail)))
    }
}

impl Fail {
    /// The bus's own ends; a refusal among them is a fault, for the caller names those it expects.
    #[must_use]
    pub fn from_bus<R: std::fmt::Display>(error: BusError<R>) -> Self {
        Self::from_decision(error, |refusal| Self::fault(format!("an unexpected refusal: {refusal}")))
    }

    /// A password that was not hashed: come again where too many wait, else a fault.
    #[must_use]
    pub fn from_hashing(error: HashError) -> Self {
        match error {
            HashError::Busy => {
                let message = "Too many sign-ins wait at present; nothing was done. Try again shortly.";
                let mut fail = Self::because(Code::Unavailable, "service_unavailable", message);
                fail.retry_after_seconds = Some(RETRY_SECONDS);
                fail
            }
            HashError::Random(_) | HashError::Hashing(_) => Self::fault(error),
        }
    }

    /// The bus's own ends, with the refusal answered by the caller.
    #[must_use]
    pub fn from_decision<R: std::fmt::Display>(error: BusError<R>, answer: impl FnOnce(R) -> Self) -> Self {
        match error {
            BusError::Refused(refusal) => answer(refusal),
            BusError::Overloaded | BusError::Unavailable(_) => {
                if let BusError::Unavailable(why) = &error {
                    tracing::warn!(error = why, "a command could not be recorded");
                }
                let message = "The record cannot be written at present; nothing was done. Try again shortly.";
                let mut fail = Self::because(Code::Unavailable, "service_unavailable", message);
                fail.retry_after_seconds = Some(RETRY_SECONDS);
                fail
            }
            BusError::Uncertain(why) => {
                tracing::warn!(error = why, "whether a command was recorded is not known");
                Self::because(Code::Unavailable, "service_unavailable", OUTCOME_UNKNOWN)
            }
            error @ (BusError::TooLarge(_)
            | BusError::Panicked { .. }
            | BusError::Fault(_)
            | BusError::Unreadable { .. }) => Self::fault(error.to_string()),
            BusError::Duplicate { position, .. } => Self::fault(format!("recorded twice, first at {position}")),
            BusError::ClaimTaken { scope, owner } => Self::fault(format!("{scope} is taken by {owner}")),
        }
    }
}

impl From<BusError<Refused>> for Fail {
    fn from(error: BusError<Refused>) -> Self {
        Self::from_decision(error, |refused| *refused.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_be_recorded_is_told_to_nobody_as_worth_another_try() {
        let fail = Fail::from(BusError::<Refused>::TooLarge("it has 3000 parts, more than 2048".to_owned()));
        assert_eq!((fail.code, fail.reason, fail.retry_after_seconds), (Code::Internal, Some("internal_error"), None));
        assert!(fail.fault.is_some_and(|fault| fault.contains("2048")), "the log says why");
        let busy = Fail::from(BusError::<Refused>::Unavailable("the disk is full".to_owned()));
        assert_eq!((busy.code, busy.retry_after_seconds), (Code::Unavailable, Some(RETRY_SECONDS)));
    }
}
