//! Every way an account refuses, with its reason code.

use thiserror::Error;

use crate::decider::Refuse;

/// Why an account said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountRefusal {
    /// The stream has no account.
    #[error("there is no such account")]
    NotRegistered,
    /// The stream has an account already.
    #[error("the account exists already")]
    AlreadyRegistered,
    /// The username is not of the form of spec/accounts-and-offers.md section 3.1, or not lower-cased.
    #[error("the username is not of the form this installation takes")]
    InvalidUsername,
    /// The account is erased.
    #[error("the account is erased")]
    Erased,
    /// The session is open already.
    #[error("the session is open already")]
    SessionOpenAlready,
    /// A cap of no sessions leaves no room for one.
    #[error("max_sessions must be at least 1")]
    InvalidCap,
}

impl Refuse for AccountRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotRegistered => "account_not_found",
            Self::AlreadyRegistered => "account_exists",
            Self::InvalidUsername => "invalid_username",
            Self::Erased => "account_erased",
            Self::SessionOpenAlready => "session_exists",
            Self::InvalidCap => "invalid_field",
        }
    }
}
