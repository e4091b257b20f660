//! Samples of accounts, offers, scopes, the roster, invitations, settings and refused attempts.

use std::collections::BTreeMap;

use muniment_aggregates::account::*;
use muniment_aggregates::attempt::*;
use muniment_aggregates::ids::*;
use muniment_aggregates::invite::*;
use muniment_aggregates::note::{NoteEvent, NoteRecorded};
use muniment_aggregates::offer_book::*;
use muniment_aggregates::roster::*;
use muniment_aggregates::scope::{ScopeDestroyed, ScopeEvent, ScopeJoined, ScopeLeft};
use muniment_aggregates::session::SessionKind;
use muniment_aggregates::settings::*;
use serde_json::json;

use super::{Samples, credential, instant, sealed, some, subject};

pub(super) fn account_samples(samples: &mut Samples) {
    let (session, at) = (credential(9), instant());
    let email = || sealed("account/3f1f5a3e-0000-4000-8000-000000000001/email");
    samples.add(&AccountEvent::Registered(AccountRegistered {
        username: "founder-a1b2c3d4e5".to_owned(),
        email: Some(email()),
        email_key: Some(sealed("account/3f1f5a3e-0000-4000-8000-000000000001/email_key")),
        subject: subject(),
        persona: persona(),
        via: Via::Invite,
        password: Some(sealed("account/3f1f5a3e-0000-4000-8000-000000000001/password")),
        invite: Some(InviteId("3f1f5a3e-0000-4000-8000-000000000005".to_owned())),
        at,
    }));
    samples.add(&AccountEvent::EmailVerified(EmailVerified { email: email(), subject: subject(), at }));
    samples.add(&AccountEvent::SessionOpened(SessionOpened {
        session: session.clone(),
        kind: SessionKind::Founder,
        expires_at: at,
        at,
    }));
    let evicted_by = credential(10);
    samples.add(&AccountEvent::SessionEvicted(SessionEvicted { session: session.clone(), evicted_by, at }));
    samples.add(&AccountEvent::SessionExtended(SessionExtended { session: session.clone(), expires_at: at, at }));
    samples.add(&AccountEvent::SessionClosed(SessionClosed { session, reason: "logout".to_owned(), at }));
    samples.add(&AccountEvent::SessionsEnded(SessionsEnded { count: 2, reason: "revoked".to_owned(), at }));
    let token = CredentialId("tok_QUJDREVGR0hJ".to_owned());
    samples.add(&AccountEvent::ApiTokenIssued(ApiTokenIssued {
        token: token.clone(),
        name: "CLI token".to_owned(),
        secret_hash: "ab".repeat(32),
        expires_at: Some(at),
        at,
    }));
    let evicted_by = CredentialId("tok_QUJDREVGR0hK".to_owned());
    samples.add(&AccountEvent::ApiTokenEvicted(ApiTokenEvicted { token: token.clone(), evicted_by, at }));
    samples.add(&AccountEvent::ApiTokenRevoked(ApiTokenRevoked { token, reason: "revoked".to_owned(), at }));
    samples.add(&AccountEvent::TokensEnded(TokensEnded { count: 1, reason: "revoked".to_owned(), at }));
    samples.add(&AccountEvent::PasswordChanged(PasswordChanged {
        password: sealed("account/3f1f5a3e-0000-4000-8000-000000000001/password"),
        sessions_revoked: 2,
        tokens_revoked: 1,
        at,
    }));
    samples.add(&AccountEvent::PasswordRemoved(PasswordRemoved { reason: "email_proved".to_owned(), at }));
    samples.add(&AccountEvent::PersonaAdded(PersonaAdded { persona: persona(), name: "Second".to_owned(), at }));
    samples.add(&AccountEvent::Erased(AccountErased {
        username: "founder-a1b2c3d4e5".to_owned(),
        subject: subject(),
        reason: "asked".to_owned(),
        at,
    }));
}

fn persona() -> PersonaId {
    PersonaId("3f1f5a3e-0000-4000-8000-000000000002".to_owned())
}

fn grantor() -> PersonaId {
    PersonaId("3f1f5a3e-0000-4000-8000-000000000003".to_owned())
}

fn account() -> AccountId {
    AccountId("3f1f5a3e-0000-4000-8000-000000000001".to_owned())
}

pub(super) fn offer_samples(samples: &mut Samples) {
    let at = instant();
    let offer = || OfferId("3f1f5a3e-0000-4000-8000-000000000010".to_owned());
    let grant = || GrantId("3f1f5a3e-0000-4000-8000-000000000011".to_owned());
    let scope = || Some(GrantScope { kind: "class".to_owned(), id: "3f1f5a3e-0000-4000-8000-000000000012".to_owned() });
    let text = |field: &str| Some(sealed(&format!("offer/3f1f5a3e-0000-4000-8000-000000000001/{field}")));
    samples.add(&OfferBookEvent::Made(OfferMade {
        offer: offer(),
        grantor: grantor(),
        grantor_account: AccountId("3f1f5a3e-0000-4000-8000-000000000004".to_owned()),
        to_persona: Some(persona()),
        role: "teacher".to_owned(),
        scope: scope(),
        message: text("message"),
        expires_at: at,
        at,
    }));
    samples.add(&OfferBookEvent::Refreshed(OfferRefreshed {
        offer: offer(),
        to_persona: None,
        message: None,
        expires_at: at,
        at,
    }));
    samples.add(&OfferBookEvent::Accepted(OfferAccepted { offer: offer(), persona: persona(), grant: grant(), at }));
    samples.add(&OfferBookEvent::Declined(OfferDeclined {
        offer: offer(),
        persona: persona(),
        reason: text("decline_reason"),
        at,
    }));
    samples.add(&OfferBookEvent::Retracted(OfferRetracted { offer: offer(), at }));
    samples.add(&OfferBookEvent::Superseded(OfferSuperseded {
        offer: offer(),
        reason: SupersedeReason::SiblingAccepted,
        cause: "3f1f5a3e-0000-4000-8000-000000000013".to_owned(),
        at,
    }));
    samples.add(&OfferBookEvent::Lapsed(OfferLapsed { offer: offer(), expires_at: at, at }));
    samples.add(&OfferBookEvent::GrantCreated(GrantCreated {
        grant: grant(),
        persona: persona(),
        role: "teacher".to_owned(),
        scope: scope(),
        path: GrantPath::Admin,
        granted_by: Some(grantor()),
        source_offer: Some(offer()),
        expires_at: Some(at),
        at,
    }));
    samples.add(&OfferBookEvent::GrantRevoked(GrantRevoked {
        grant: grant(),
        persona: persona(),
        role: "teacher".to_owned(),
        scope: scope(),
        path: GrantPath::SelfService,
        revoked_by: Some(grantor()),
        reason: text("reason"),
        at,
    }));
    samples.add(&ScopeEvent::Joined(ScopeJoined { account: account(), at }));
    samples.add(&ScopeEvent::Left(ScopeLeft { account: account(), at }));
    samples.add(&ScopeEvent::Destroyed(ScopeDestroyed { at }));
    samples.add(&RosterEvent::Founded(RosterFounded { account: account(), persona: persona(), at }));
    let role = || "admin".to_owned();
    samples.add(&RosterEvent::Admitted(RosterAdmitted {
        role: role(),
        grant: grant(),
        persona: persona(),
        account: account(),
        expires_at: None,
        at,
    }));
    samples.add(&RosterEvent::Left(RosterLeft { role: role(), grant: grant(), at }));
}

pub(super) fn invitation_samples(samples: &mut Samples) {
    let at = instant();
    let (given, key) = (sealed("invite/i/email"), sealed("invite/i/email_key"));
    samples.add(&InviteEvent::Created(InviteCreated {
        email: Some(InvitedEmail { given, key: key.clone(), subject: subject() }),
        username: some("ann"),
        created_by: persona(),
        at,
    }));
    samples.add(&InviteEvent::Claimed(InviteClaimed {
        account: account(),
        email_key: Some(key.clone()),
        username: some("ann"),
        at,
    }));
    samples.add(&InviteEvent::Deleted(InviteDeleted { email_key: Some(key), username: some("ann"), at }));
    samples.add(&SettingsEvent::OpenSignupSet(OpenSignupSet {
        old_value: false,
        new_value: true,
        by: Some(persona()),
        at,
    }));
    samples.add(&AttemptEvent::Refused(AttemptRefused {
        what: "login".to_owned(),
        account: Some(account()),
        target_account: Some(account()),
        target_persona: Some(persona()),
        details: BTreeMap::from([("reason".to_owned(), json!("no_match"))]),
        sealed: BTreeMap::from([("username".to_owned(), sealed("attempt/a/username"))]),
        at,
    }));
    samples.add(&NoteEvent::Recorded(NoteRecorded {
        what: "lesson.held".to_owned(),
        is_failure: true,
        account: Some(account()),
        target_account: Some(account()),
        details: Some(BTreeMap::from([("pupils".to_owned(), json!(12))])),
        at,
    }));
}
