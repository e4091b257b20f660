//! How an account decides, one function a command.

use chrono::{DateTime, Utc};

use super::errors::AccountRefusal;
use super::messages::{
    AccountCommand, AccountErased, AccountEvent, AccountRegistered, CloseSession, EmailVerified, Erase, OpenSession,
    RegisterByEmail, SessionClosed, SessionEvicted, SessionOpened,
};
use super::state::Account;
use crate::decider::{Decider, Facts};

type Decision = Result<Vec<AccountEvent>, AccountRefusal>;

impl Decider for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = AccountCommand;
    type Event = AccountEvent;
    type Refusal = AccountRefusal;

    fn decide(&self, command: &AccountCommand, facts: &Facts) -> Decision {
        if let AccountCommand::RegisterByEmail(register) = command {
            return register_by_email(self, register, facts.now);
        }
        let registered = self.registered().ok_or(AccountRefusal::NotRegistered)?;
        if self.erased_at().is_some() {
            return match command {
                AccountCommand::Erase(_) | AccountCommand::CloseSession(_) => Ok(Vec::new()),
                AccountCommand::RegisterByEmail(_)
                | AccountCommand::VerifyEmail(_)
                | AccountCommand::OpenSession(_) => Err(AccountRefusal::Erased),
            };
        }
        match command {
            AccountCommand::RegisterByEmail(_) => Err(AccountRefusal::AlreadyRegistered),
            AccountCommand::VerifyEmail(_) => Ok(verify_email(self, registered, facts.now)),
            AccountCommand::OpenSession(open) => open_session(self, open, facts.now),
            AccountCommand::CloseSession(close) => Ok(close_session(self, close, facts.now)),
            AccountCommand::Erase(erase) => Ok(erase_account(registered, erase, facts.now)),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        self.take_event(event);
    }
}

fn register_by_email(account: &Account, register: &RegisterByEmail, now: DateTime<Utc>) -> Decision {
    if account.registered().is_some() {
        return Err(AccountRefusal::AlreadyRegistered);
    }
    if !is_username(&register.username) {
        return Err(AccountRefusal::InvalidUsername);
    }
    Ok(vec![
        AccountEvent::Registered(AccountRegistered {
            username: register.username.clone(),
            email: register.email.clone(),
            subject: register.subject.clone(),
            persona: register.persona.clone(),
            at: now,
        }),
        AccountEvent::EmailVerified(EmailVerified {
            email: register.email.clone(),
            subject: register.subject.clone(),
            at: now,
        }),
    ])
}

/// 3 to 39 ASCII characters, a letter first, a letter or digit last, `_` and `-` between; no upper case.
fn is_username(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=39).contains(&bytes.len())
        && first.is_ascii_lowercase()
        && is_plain(last)
        && bytes.iter().all(|byte| is_plain(byte) || matches!(byte, b'_' | b'-'))
}

/// Whoever registered first did not own the mailbox, so what they had open ends with the proof.
fn verify_email(account: &Account, registered: &AccountRegistered, now: DateTime<Utc>) -> Vec<AccountEvent> {
    if account.email_verified() {
        return Vec::new();
    }
    let verified = AccountEvent::EmailVerified(EmailVerified {
        email: registered.email.clone(),
        subject: registered.subject.clone(),
        at: now,
    });
    let closed = account.sessions().iter().map(|open| {
        AccountEvent::SessionClosed(SessionClosed {
            session: open.session.clone(),
            reason: "email_proved".to_owned(),
            at: now,
        })
    });
    std::iter::once(verified).chain(closed).collect()
}

fn open_session(account: &Account, open: &OpenSession, now: DateTime<Utc>) -> Decision {
    let room = usize::try_from(open.max_sessions).unwrap_or(usize::MAX);
    let Some(room) = room.checked_sub(1) else {
        return Err(AccountRefusal::InvalidCap);
    };
    if account.sessions().iter().any(|other| other.session == open.session) {
        return Err(AccountRefusal::SessionOpenAlready);
    }
    let same_kind: Vec<_> =
        account.sessions().iter().filter(|other| other.kind == open.kind && other.expires_at > now).collect();
    let excess = same_kind.len().saturating_sub(room);
    let opened = AccountEvent::SessionOpened(SessionOpened {
        session: open.session.clone(),
        kind: open.kind,
        expires_at: open.expires_at,
        at: now,
    });
    let evicted = same_kind.into_iter().take(excess).map(|other| {
        AccountEvent::SessionEvicted(SessionEvicted {
            session: other.session.clone(),
            evicted_by: open.session.clone(),
            at: now,
        })
    });
    Ok(std::iter::once(opened).chain(evicted).collect())
}

fn close_session(account: &Account, close: &CloseSession, now: DateTime<Utc>) -> Vec<AccountEvent> {
    if !account.sessions().iter().any(|open| open.session == close.session) {
        return Vec::new();
    }
    vec![AccountEvent::SessionClosed(SessionClosed {
        session: close.session.clone(),
        reason: close.reason.clone(),
        at: now,
    })]
}

fn erase_account(registered: &AccountRegistered, erase: &Erase, now: DateTime<Utc>) -> Vec<AccountEvent> {
    vec![AccountEvent::Erased(AccountErased {
        username: registered.username.clone(),
        subject: registered.subject.clone(),
        reason: erase.reason.clone(),
        at: now,
    })]
}
