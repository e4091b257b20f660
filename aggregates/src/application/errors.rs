//! Every way an application refuses, with the reason code the wire speaks.

use thiserror::Error;

use super::state::ApplicationStatus;
use crate::decider::Refuse;

/// Why an application said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplicationRefusal {
    /// The stream has no application yet.
    #[error("there is no such application")]
    NotSubmitted,
    /// The stream has an application already.
    #[error("the application was submitted already")]
    AlreadySubmitted,
    /// The status cannot go there from where it is.
    #[error("an application cannot go from {} to {}", .from.as_str(), .to.as_str())]
    InvalidTransition {
        /// Where it is.
        from: ApplicationStatus,
        /// Where it was to go.
        to: ApplicationStatus,
    },
    /// No live token of this id.
    #[error("there is no such token")]
    TokenNotFound,
    /// The company has its 20 live tokens.
    #[error("a company has at most 20 live tokens")]
    TokenLimit,
    /// Too many of its tokens were replaced and still work.
    #[error("200 tokens of the company were replaced and still work; give no grace, or wait until some have ended")]
    ReplacedTokenLimit,
    /// A field is out of its bounds, or a live token has the name.
    #[error("{field} is out of its bounds or taken")]
    InvalidField {
        /// Which field.
        field: &'static str,
    },
}

impl Refuse for ApplicationRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotSubmitted => "application_not_found",
            Self::AlreadySubmitted => "application_exists",
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::TokenNotFound => "token_not_found",
            Self::TokenLimit | Self::ReplacedTokenLimit => "token_limit",
            Self::InvalidField { .. } => "invalid_field",
        }
    }
}
