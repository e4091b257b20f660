//! The failure of `/api` as a refusal of a decision over several aggregates, and how the bus's own ends become one.

use muniment_aggregates::decider::Refuse;

use super::failure::{ApiFailure, Code};
use crate::auth::passwords::HashError;
use crate::runtime::BusError;
use crate::surface::errors::OUTCOME_UNKNOWN;

/// The reason of a step that ends more than one append may hold.
pub(super) const STEP_TOO_LARGE: &str = "step_too_large";

/// What a decision over several aggregates refuses: the answer itself.
impl Refuse for Box<ApiFailure> {
    fn reason(&self) -> &'static str {
        self.reason.unwrap_or("refused")
    }
}

impl From<ApiFailure> for BusError<Box<ApiFailure>> {
    fn from(fail: ApiFailure) -> Self {
        Self::Refused(Box::new(fail))
    }
}

impl ApiFailure {
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
                Self::unavailable(message)
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
                Self::unavailable(message)
            }
            BusError::Uncertain(why) => {
                tracing::warn!(error = why, "whether a command was recorded is not known");
                Self::because(Code::Unavailable, "service_unavailable", OUTCOME_UNKNOWN)
            }
            BusError::TooLarge(why) => Self::because(
                Code::InvalidRequest,
                STEP_TOO_LARGE,
                format!("This is more than one step can do: {why}. Nothing was done; end some of it by itself first."),
            ),
            error @ (BusError::Fenced
            | BusError::Panicked { .. }
            | BusError::Fault(_)
            | BusError::Unreadable { .. }) => Self::fault(error.to_string()),
            BusError::Duplicate { position, .. } => Self::fault(format!("recorded twice, first at {position}")),
            BusError::ClaimTaken { namespace, owner } => Self::fault(format!("{namespace} is taken by {owner}")),
        }
    }
}

impl From<BusError<Box<ApiFailure>>> for ApiFailure {
    fn from(error: BusError<Box<ApiFailure>>) -> Self {
        Self::from_decision(error, |failure| *failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::accounts::methods::RPC_METHODS;
    use crate::surface::errors::RETRY_SECONDS;

    #[test]
    fn what_can_never_be_recorded_is_refused_with_its_size_and_never_as_worth_another_try() {
        let fail =
            ApiFailure::from(BusError::<Box<ApiFailure>>::TooLarge("it has 30000 parts, more than 20000".to_owned()));
        assert_eq!((fail.code, fail.reason), (Code::InvalidRequest, Some(STEP_TOO_LARGE)));
        assert_eq!((fail.fault.as_ref(), fail.retry_after_seconds), (None, None), "it is no fault of ours");
        assert!(fail.message.contains("30000 parts, more than 20000"), "{}", fail.message);
        let declared = RPC_METHODS.iter().filter(|method| method.reasons.contains(&STEP_TOO_LARGE));
        let names: Vec<&str> = declared.map(|method| method.name).collect();
        let ends_many = ["role_grant_revoke", "scope_destroy", "role_grant_offer_accept", "self_service_role_set"];
        assert_eq!(names, ends_many, "what ends as many offers as there are");
        let busy = ApiFailure::from(BusError::<Box<ApiFailure>>::Unavailable("the disk is full".to_owned()));
        assert_eq!((busy.code, busy.retry_after_seconds), (Code::Unavailable, Some(RETRY_SECONDS)));
    }
}
