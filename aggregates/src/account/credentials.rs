//! What an account decides about its sessions, API tokens and password.

use chrono::{DateTime, Utc};

use super::commands::{
    ChangePassword, CloseSession, EndApiTokens, EndSessions, ExpireSession, ExtendSession, IssueApiToken, OpenSession,
    RevokeApiToken,
};
use super::decide::Decision;
use super::errors::AccountRefusal;
use super::events::{
    AccountEvent, AccountRegistered, ApiTokenEvicted, ApiTokenIssued, ApiTokenRevoked, EmailVerified, PasswordChanged,
    PasswordRemoved, SessionClosed, SessionEvicted, SessionExtended, SessionOpened, SessionsEnded, TokensEnded,
};
use super::state::{Account, OpenedSession};
use crate::ids::CredentialId;
use crate::sealed::Sealed;
use crate::session::EXPIRED;

/// Why what was set up before the mailbox was proved ends.
const EMAIL_PROVED: &str = "email_proved";

/// Whoever registered first did not own the mailbox, so what they set up ends with the proof.
pub(super) fn verify_email(account: &Account, registered: &AccountRegistered, now: DateTime<Utc>) -> Vec<AccountEvent> {
    let (false, Some(email)) = (account.email_verified(), &registered.email) else {
        return Vec::new();
    };
    let mut events = vec![AccountEvent::EmailVerified(EmailVerified {
        email: email.clone(),
        subject: registered.subject.clone(),
        at: now,
    })];
    events.extend(account.sessions().iter().map(|open| {
        AccountEvent::SessionClosed(SessionClosed {
            session: open.session.clone(),
            reason: EMAIL_PROVED.to_owned(),
            at: now,
        })
    }));
    if !account.tokens().is_empty() {
        events.push(end_tokens(account, &EndApiTokens { reason: EMAIL_PROVED.to_owned() }, now));
    }
    if account.password().is_some() {
        events.push(AccountEvent::PasswordRemoved(PasswordRemoved { reason: EMAIL_PROVED.to_owned(), at: now }));
    }
    events
}

/// The oldest of a list that is one too long for its cap, in the order they came; the newest is the last of it.
fn beyond_cap(ids: Vec<&CredentialId>, cap: Option<u32>) -> Vec<CredentialId> {
    let room = cap.map_or(usize::MAX, |cap| usize::try_from(cap).unwrap_or(usize::MAX));
    let excess = ids.len().saturating_sub(room);
    ids.into_iter().take(excess).cloned().collect()
}

pub(super) fn open_session(account: &Account, open: &OpenSession, now: DateTime<Utc>) -> Decision {
    if account.sessions().iter().any(|other| other.session == open.session) {
        return Err(AccountRefusal::SessionOpenAlready);
    }
    let mut same_kind: Vec<_> =
        account.sessions().iter().filter(|other| other.kind == open.kind && other.expires_at > now).collect();
    // Of two opened in the same instant the one with the higher id is kept (section 3.4).
    same_kind.sort_by(|a, b| (a.opened_at, &a.session).cmp(&(b.opened_at, &b.session)));
    let ids = same_kind.into_iter().map(|other| &other.session).chain(std::iter::once(&open.session)).collect();
    let evicted = beyond_cap(ids, open.max_sessions).into_iter().map(|session| {
        AccountEvent::SessionEvicted(SessionEvicted { session, evicted_by: open.session.clone(), at: now })
    });
    let opened = AccountEvent::SessionOpened(SessionOpened {
        session: open.session.clone(),
        kind: open.kind,
        expires_at: open.expires_at,
        at: now,
    });
    Ok(std::iter::once(opened).chain(evicted).collect())
}

pub(super) fn extend_session(account: &Account, extend: &ExtendSession, now: DateTime<Utc>) -> Vec<AccountEvent> {
    let is_moved = |expires_at: DateTime<Utc>| expires_at > now && expires_at < extend.expires_at;
    if !account.sessions().iter().any(|open| open.session == extend.session && is_moved(open.expires_at)) {
        return Vec::new();
    }
    vec![AccountEvent::SessionExtended(SessionExtended {
        session: extend.session.clone(),
        expires_at: extend.expires_at,
        at: now,
    })]
}

pub(super) fn close_session(account: &Account, close: &CloseSession, now: DateTime<Utc>) -> Vec<AccountEvent> {
    if !account.sessions().iter().any(|open| open.session == close.session) {
        return Vec::new();
    }
    vec![AccountEvent::SessionClosed(SessionClosed {
        session: close.session.clone(),
        reason: close.reason.clone(),
        at: now,
    })]
}

pub(super) fn expire_session(account: &Account, expire: &ExpireSession, now: DateTime<Utc>) -> Vec<AccountEvent> {
    let ran_out = |open: &OpenedSession| open.session == expire.session && open.expires_at <= now;
    if !account.sessions().iter().any(ran_out) {
        return Vec::new();
    }
    close_session(account, &CloseSession { session: expire.session.clone(), reason: EXPIRED.to_owned() }, now)
}

pub(super) fn end_sessions(account: &Account, end: &EndSessions, now: DateTime<Utc>) -> AccountEvent {
    AccountEvent::SessionsEnded(SessionsEnded {
        count: account.live_sessions(now),
        reason: end.reason.clone(),
        at: now,
    })
}

pub(super) fn issue_token(account: &Account, issue: &IssueApiToken, now: DateTime<Utc>) -> Vec<AccountEvent> {
    let held = account.tokens().iter().filter(|held| held.is_live(now)).map(|held| &held.token);
    let ids = held.chain(std::iter::once(&issue.token)).collect();
    let evicted = beyond_cap(ids, issue.max_tokens).into_iter().map(|token| {
        AccountEvent::ApiTokenEvicted(ApiTokenEvicted { token, evicted_by: issue.token.clone(), at: now })
    });
    let issued = AccountEvent::ApiTokenIssued(ApiTokenIssued {
        token: issue.token.clone(),
        name: issue.name.clone(),
        secret_hash: issue.secret_hash.clone(),
        expires_at: issue.expires_at,
        at: now,
    });
    std::iter::once(issued).chain(evicted).collect()
}

pub(super) fn revoke_token(account: &Account, revoke: &RevokeApiToken, now: DateTime<Utc>) -> Vec<AccountEvent> {
    if !account.tokens().iter().any(|held| held.token == revoke.token && held.is_live(now)) {
        return Vec::new();
    }
    vec![AccountEvent::ApiTokenRevoked(ApiTokenRevoked {
        token: revoke.token.clone(),
        reason: revoke.reason.clone(),
        at: now,
    })]
}

pub(super) fn end_tokens(account: &Account, end: &EndApiTokens, now: DateTime<Utc>) -> AccountEvent {
    AccountEvent::TokensEnded(TokensEnded { count: account.live_tokens(now), reason: end.reason.clone(), at: now })
}

pub(super) fn change_password(account: &Account, change: &ChangePassword, now: DateTime<Utc>) -> Decision {
    if account.password().is_none() || account.password_version() != change.verified_version {
        return Err(AccountRefusal::ConcurrentChange);
    }
    Ok(vec![set_password(account, &change.password, now)])
}

pub(super) fn set_password(account: &Account, password: &Sealed, now: DateTime<Utc>) -> AccountEvent {
    AccountEvent::PasswordChanged(PasswordChanged {
        password: password.clone(),
        sessions_revoked: account.live_sessions(now),
        tokens_revoked: account.live_tokens(now),
        at: now,
    })
}
