//! How an account decides about itself; what concerns its sessions, tokens and password is in [`super::credentials`].

use chrono::{DateTime, Utc};

use super::commands::{AccountCommand, AddPersona, Erase, RegisterByEmail, SignUp};
use super::credentials;
use super::errors::AccountRefusal;
use super::events::{AccountErased, AccountEvent, AccountRegistered, EmailVerified, PersonaAdded, Via};
use super::state::{Account, PERSONAS_MAX};
use crate::decider::{Decider, Facts};

pub(super) type Decision = Result<Vec<AccountEvent>, AccountRefusal>;

impl Decider for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_SCHEMA: u32 = 2;

    type Command = AccountCommand;
    type Event = AccountEvent;
    type Refusal = AccountRefusal;

    fn decide(&self, command: &AccountCommand, facts: &Facts) -> Decision {
        let now = facts.now;
        let registered = match (command, self.registered()) {
            (AccountCommand::RegisterByEmail(register), None) => return register_by_email(register, now),
            (AccountCommand::SignUp(sign_up), None) => return register_by_sign_up(sign_up, now),
            (AccountCommand::RegisterByEmail(_) | AccountCommand::SignUp(_), Some(_)) => {
                return Err(AccountRefusal::AlreadyRegistered);
            }
            (_, registered) => registered.ok_or(AccountRefusal::NotRegistered)?,
        };
        if self.erased_at().is_some() {
            return match command {
                AccountCommand::Erase(_)
                | AccountCommand::CloseSession(_)
                | AccountCommand::ExpireSession(_)
                | AccountCommand::RevokeApiToken(_) => Ok(Vec::new()),
                AccountCommand::RegisterByEmail(_)
                | AccountCommand::SignUp(_)
                | AccountCommand::VerifyEmail(_)
                | AccountCommand::OpenSession(_)
                | AccountCommand::ExtendSession(_)
                | AccountCommand::EndSessions(_)
                | AccountCommand::IssueApiToken(_)
                | AccountCommand::EndApiTokens(_)
                | AccountCommand::ChangePassword(_)
                | AccountCommand::SetPassword(_)
                | AccountCommand::AddPersona(_) => Err(AccountRefusal::Erased),
            };
        }
        match command {
            AccountCommand::RegisterByEmail(_) | AccountCommand::SignUp(_) => Err(AccountRefusal::AlreadyRegistered),
            AccountCommand::VerifyEmail(_) => Ok(credentials::verify_email(self, registered, now)),
            AccountCommand::OpenSession(open) => credentials::open_session(self, open, now),
            AccountCommand::ExtendSession(extend) => Ok(credentials::extend_session(self, extend, now)),
            AccountCommand::CloseSession(close) => Ok(credentials::close_session(self, close, now)),
            AccountCommand::ExpireSession(expire) => Ok(credentials::expire_session(self, expire, now)),
            AccountCommand::EndSessions(end) => Ok(vec![credentials::end_sessions(self, end, now)]),
            AccountCommand::IssueApiToken(issue) => Ok(credentials::issue_token(self, issue, now)),
            AccountCommand::RevokeApiToken(revoke) => Ok(credentials::revoke_token(self, revoke, now)),
            AccountCommand::EndApiTokens(end) => Ok(vec![credentials::end_tokens(self, end, now)]),
            AccountCommand::ChangePassword(change) => credentials::change_password(self, change, now),
            AccountCommand::SetPassword(set) => Ok(vec![credentials::set_password(self, &set.password, now)]),
            AccountCommand::AddPersona(add) => add_persona(self, add, now),
            AccountCommand::Erase(erase) => Ok(erase_account(registered, erase, now)),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        self.take_event(event);
    }
}

fn register_by_email(register: &RegisterByEmail, now: DateTime<Utc>) -> Decision {
    if !is_username(&register.username) {
        return Err(AccountRefusal::InvalidUsername);
    }
    Ok(vec![
        AccountEvent::Registered(AccountRegistered {
            username: register.username.clone(),
            email: Some(register.email.clone()),
            email_key: None,
            subject: register.subject.clone(),
            persona: register.persona.clone(),
            via: Via::EmailCode,
            password: None,
            invite: register.invite.clone(),
            at: now,
        }),
        AccountEvent::EmailVerified(EmailVerified {
            email: register.email.clone(),
            subject: register.subject.clone(),
            at: now,
        }),
    ])
}

fn register_by_sign_up(sign_up: &SignUp, now: DateTime<Utc>) -> Decision {
    if !is_username(&sign_up.username) {
        return Err(AccountRefusal::InvalidUsername);
    }
    Ok(vec![AccountEvent::Registered(AccountRegistered {
        username: sign_up.username.clone(),
        email: sign_up.email.as_ref().map(|email| email.given.clone()),
        email_key: sign_up.email.as_ref().map(|email| email.key.clone()),
        subject: sign_up.subject.clone(),
        persona: sign_up.persona.clone(),
        via: sign_up.via,
        password: Some(sign_up.password.clone()),
        invite: sign_up.invite.clone(),
        at: now,
    })])
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

fn add_persona(account: &Account, add: &AddPersona, now: DateTime<Utc>) -> Decision {
    if account.personas().len() >= PERSONAS_MAX {
        return Err(AccountRefusal::PersonaLimit);
    }
    Ok(vec![AccountEvent::PersonaAdded(PersonaAdded { persona: add.persona.clone(), name: add.name.clone(), at: now })])
}

fn erase_account(registered: &AccountRegistered, erase: &Erase, now: DateTime<Utc>) -> Vec<AccountEvent> {
    vec![AccountEvent::Erased(AccountErased {
        username: registered.username.clone(),
        subject: registered.subject.clone(),
        reason: erase.reason.clone(),
        at: now,
    })]
}
