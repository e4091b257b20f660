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
    /// Another change of the password came first.
    #[error("the password was changed in between")]
    ConcurrentChange,
    /// The account has as many personas as it may have.
    #[error("the account has as many personas as it may have")]
    PersonaLimit,
}

impl Refuse for AccountRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotRegistered => "account_not_found",
            Self::AlreadyRegistered => "account_exists",
            Self::InvalidUsername => "invalid_username",
            Self::Erased => "account_erased",
            Self::SessionOpenAlready => "session_exists",
            Self::ConcurrentChange => "concurrent_change",
            Self::PersonaLimit => "actor_limit",
        }
    }
}
