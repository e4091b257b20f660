//! An account: who a person is here, and which sessions are open. Slow-moving: nothing that happens per request.
//!
//! What it protects:
//! 1. Username and e-mail are each one account's (claims `account-username`, `account-email`).
//! 2. At most so many sessions of a kind are open; opening one more ends the oldest, in the same append.
//! 3. Who proves the mailbox of an account that never did ends every session that was open before.
//! 4. An erased account opens nothing any more, and its username is free again.

mod decide;
mod errors;
mod messages;
mod state;

pub use errors::AccountRefusal;
pub use messages::{
    ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM, AccountCommand, AccountErased, AccountEvent, AccountRegistered,
    CloseSession, EmailVerified, Erase, OpenSession, RegisterByEmail, SessionClosed, SessionEvicted, SessionOpened,
    VerifyEmail,
};
pub use state::{Account, OpenedSession};

#[cfg(test)]
mod tests;
