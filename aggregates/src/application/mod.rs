//! An application: a company, its founder, its narrative, its review, and the agent tokens of its company.
//! Every application makes a new company, so one stream is both.
//!
//! What it protects:
//! 1. The application and its first token are one append: neither exists without the other.
//! 2. The status moves along the table of spec/metrics.md section 10 and no other way; `withdrawn` is the end.
//! 3. At most 20 live tokens; the names of live tokens differ.
//! 4. A token that was revoked, or has run out, never comes back; rotation gives its successor the same rights
//!    and the same end.
//! 5. Of a token only the hash is known here, of a founder only sealed text.

mod commands;
mod decide;
mod errors;
mod events;
mod narrative;
mod state;
mod tokens;

pub use commands::{
    ApplicationCommand, ChangeStatus, IssueToken, NewToken, RevokeToken, RotateToken, Submit, Withdraw,
};
pub use errors::ApplicationRefusal;
pub use events::{
    ApplicationEvent, ApplicationSubmitted, ApplicationWithdrawn, StatusChanged, TokenIssued, TokenRevoked,
    TokenRotated,
};
pub use narrative::Narrative;
pub use state::{Application, ApplicationStatus, ENDED_TOKENS_MAX, Founder};
pub use tokens::{
    TOKEN_GRACE_SECONDS_MAX, TOKEN_METRICS_MAX, TOKEN_NAME_CHARACTERS_MAX, TOKENS_LIVE_MAX, TOKENS_REPLACED_MAX, Token,
    TokenGrant, TokenScope,
};

#[cfg(test)]
mod tests;
