//! An account: who a person is here, how he proves it, and what is open in his name. Slow-moving: nothing that happens
//! per request.
//!
//! What it protects:
//! 1. Username and e-mail are each one account's (claims `account-username`, `account-email`).
//! 2. At most so many sessions of a kind, and so many API tokens, are open; one more ends the oldest, in the same
//!    append.
//! 3. Of two password changes that verified the same password, one wins; a change ends every session and token.
//! 4. Who proves the mailbox of an account that never did ends what was set up before: sessions, tokens, password.
//! 5. An erased account opens nothing any more, and its username is free again.

mod commands;
mod credentials;
mod decide;
mod errors;
mod events;
mod state;

pub use commands::{
    AccountCommand, AccountEmail, AddPersona, ChangePassword, CloseSession, EndApiTokens, EndSessions, Erase,
    ExpireSession, ExtendSession, IssueApiToken, OpenSession, RegisterByEmail, RevokeApiToken, SetPassword, SignUp,
    VerifyEmail,
};
pub use errors::AccountRefusal;
pub use events::{
    ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM, AccountErased, AccountEvent, AccountRegistered, ApiTokenEvicted,
    ApiTokenIssued, ApiTokenRevoked, EmailVerified, PasswordChanged, PasswordRemoved, PersonaAdded, SessionClosed,
    SessionEvicted, SessionExtended, SessionOpened, SessionsEnded, TokensEnded, Via,
};
pub use state::{Account, HeldToken, OpenedSession, PERSONAS_MAX, Persona};

#[cfg(test)]
mod tests;
