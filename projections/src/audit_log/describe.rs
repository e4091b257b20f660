//! Which row an event makes, whom it names, and what it says (spec/accounts-and-offers.md sections 6.1 and 6.3).

use muniment_aggregates::account::{AccountEvent, AccountRegistered, SessionClosed, Via};
use muniment_aggregates::attempt::AttemptEvent;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::invite::InviteEvent;
use muniment_aggregates::note::NoteEvent;
use muniment_aggregates::offer_book::{GrantPath, GrantScope, OfferBookEvent};
use muniment_aggregates::record::Who;
use muniment_aggregates::scope::ScopeEvent;
use muniment_aggregates::sealed::Sealed;
use muniment_aggregates::settings::SettingsEvent;
use muniment_aggregates::subject::SubjectEvent;
use serde_json::{Value, json};

use crate::fact::Fact;
use crate::projection::ApplyError;

/// Why what was set up before the mailbox was proved ends.
const EMAIL_PROVED: &str = "email_proved";

/// What rows about an offer say of it.
pub(super) struct OfferFacts {
    pub(super) id: String,
    pub(super) grantor: String,
    pub(super) grantor_account: String,
    pub(super) to_persona: Option<String>,
    pub(super) role: String,
    pub(super) scope_id: Option<String>,
}

/// A row, before its place and its time.
pub(super) struct Described {
    pub(super) event_type: String,
    pub(super) is_failure: bool,
    pub(super) actor: Option<String>,
    pub(super) account: Option<String>,
    pub(super) target_account: Option<String>,
    pub(super) target_actor: Option<String>,
    pub(super) metadata: Value,
}

impl Described {
    /// A row of an account's own doing; nobody else is named.
    fn own(event_type: &str, account: &str, metadata: Value) -> Self {
        Self {
            event_type: event_type.to_owned(),
            is_failure: false,
            actor: None,
            account: Some(account.to_owned()),
            target_account: None,
            target_actor: None,
            metadata,
        }
    }

    /// A row of what was done to an account by whoever has the server's files, whom no account names.
    fn by_operator(event_type: &str, target: &str, metadata: Value) -> Self {
        Self { account: None, target_account: Some(target.to_owned()), ..Self::own(event_type, target, metadata) }
    }

    /// A row of a persona's doing that is about no account.
    fn of_persona(fact: &Fact<'_>, event_type: &str, metadata: Value) -> Self {
        let (account, actor) = initiator(fact);
        Self { actor, account, ..Self::own(event_type, "", metadata) }
    }

    /// A row of a persona's doing to an account.
    fn by_persona(
        fact: &Fact<'_>,
        event_type: &str,
        target: &str,
        target_actor: Option<&str>,
        metadata: Value,
    ) -> Self {
        let (account, persona) = initiator(fact);
        Self {
            event_type: event_type.to_owned(),
            is_failure: false,
            actor: persona,
            account,
            target_account: Some(target.to_owned()),
            target_actor: target_actor.map(str::to_owned),
            metadata,
        }
    }
}

/// Account and persona that asked.
fn initiator(fact: &Fact<'_>) -> (Option<String>, Option<String>) {
    match &fact.metadata.who {
        Who::Account { account, persona, .. } => (Some(account.clone()), persona.clone()),
        Who::Anonymous | Who::System { .. } | Who::Operator | Who::Agent { .. } => (None, None),
    }
}

/// The type of the credential that asked, where somebody did who has one.
fn credential(fact: &Fact<'_>) -> Value {
    match &fact.metadata.who {
        Who::Account { credential, .. } => json!(credential),
        // Three words there are. Who works on the server's own files proves what the daemon token proves: to read them.
        Who::Operator => json!("daemon_token"),
        Who::Anonymous | Who::System { .. } | Who::Agent { .. } => Value::Null,
    }
}

fn sealed(value: Option<&Sealed>) -> Value {
    value.map_or(Value::Null, |value| json!({ "$sealed": value.as_str() }))
}

/// The row of an event, where it makes one.
pub(super) fn describe(fact: &Fact<'_>, offer: Option<&OfferFacts>) -> Result<Option<Described>, ApplyError> {
    let id = &*fact.recorded.stream.id;
    Ok(match fact.event {
        AnyEvent::Account(event) => of_account(fact, id, event),
        AnyEvent::Attempt(AttemptEvent::Refused(refused)) => {
            let (account, persona) = initiator(fact);
            let mut metadata: serde_json::Map<String, Value> = refused.details.clone().into_iter().collect();
            metadata.extend(refused.sealed.iter().map(|(name, value)| (name.clone(), sealed(Some(value)))));
            Some(Described {
                event_type: refused.what.clone(),
                is_failure: true,
                actor: persona,
                account: refused.account.as_ref().map(|account| account.0.clone()).or(account),
                target_account: refused.target_account.as_ref().map(|account| account.0.clone()),
                target_actor: refused.target_persona.as_ref().map(|persona| persona.0.clone()),
                metadata: metadata.into(),
            })
        }
        AnyEvent::Note(NoteEvent::Recorded(note)) => Some(Described {
            event_type: note.what.clone(),
            is_failure: note.is_failure,
            actor: None,
            account: note.account.as_ref().map(|account| account.0.clone()),
            target_account: note.target_account.as_ref().map(|account| account.0.clone()),
            target_actor: None,
            metadata: json!(note.details),
        }),
        AnyEvent::Invite(event) => of_invite(fact, id, event),
        AnyEvent::Settings(SettingsEvent::OpenSignupSet(set)) => {
            let metadata = json!({ "setting": "open_signup", "old_value": set.old_value, "new_value": set.new_value });
            Some(Described { account: initiator(fact).0, ..Described::own("app_settings_update", "", metadata) })
        }
        AnyEvent::OfferBook(event) => Some(of_book(fact, id, event, offer)?),
        AnyEvent::Scope(ScopeEvent::Destroyed(_)) => {
            // The stream's id is `<kind>:<uuid>`.
            let (kind, scope) = id.split_once(':').unwrap_or((id, ""));
            Some(Described::of_persona(fact, "scope_destroy", json!({ "scope_kind": kind, "scope_id": scope })))
        }
        AnyEvent::Subject(SubjectEvent::Erased(erased)) => {
            let metadata = json!({ "subject_id": id, "reason": erased.reason });
            Some(Described { account: None, ..Described::own("subject_erase", "", metadata) })
        }
        AnyEvent::Metric(_)
        | AnyEvent::Application(_)
        | AnyEvent::Challenge(_)
        | AnyEvent::Session(_)
        | AnyEvent::Scope(ScopeEvent::Joined(_) | ScopeEvent::Left(_))
        | AnyEvent::Roster(_)
        | AnyEvent::Scheduler(_) => None,
    })
}

fn of_account(fact: &Fact<'_>, id: &str, event: &AccountEvent) -> Option<Described> {
    let command = fact.metadata.command.as_str();
    match event {
        AccountEvent::Registered(registered) => Some(registration(id, registered)),
        AccountEvent::EmailVerified(_) => Some(Described::own("email_verify", id, Value::Null)),
        AccountEvent::SessionOpened(_) if command == "login" => Some(Described::own("login", id, Value::Null)),
        AccountEvent::SessionClosed(closed) => of_closed(fact, id, closed),
        AccountEvent::SessionsEnded(ended) => Some(ended_all(fact, id, "session_revoke_all", ended.count)),
        AccountEvent::TokensEnded(ended) if ended.reason == EMAIL_PROVED => {
            let metadata = json!({ "count": ended.count, "reason": ended.reason });
            Some(Described::own("token_revoke_all", id, metadata))
        }
        AccountEvent::TokensEnded(ended) => Some(ended_all(fact, id, "token_revoke_all", ended.count)),
        AccountEvent::PasswordRemoved(removed) => {
            Some(Described::own("password_remove", id, json!({ "reason": removed.reason })))
        }
        AccountEvent::Erased(erased) => {
            Some(Described::by_operator("account_erase", id, json!({ "reason": erased.reason })))
        }
        AccountEvent::PasswordChanged(changed) => {
            let metadata = json!({
                "sessions_revoked": changed.sessions_revoked,
                "tokens_revoked": changed.tokens_revoked,
                "credential_type": credential(fact),
            });
            Some(Described::own("password_change", id, metadata))
        }
        AccountEvent::ApiTokenIssued(issued) => {
            let metadata =
                json!({ "token_id": issued.token, "name": issued.name, "credential_type": credential(fact) });
            Some(Described::own("token_create", id, metadata))
        }
        AccountEvent::ApiTokenRevoked(revoked) => {
            let metadata = json!({ "token_id": revoked.token, "credential_type": credential(fact) });
            Some(Described::own("token_revoke", id, metadata))
        }
        AccountEvent::PersonaAdded(added) => {
            Some(Described::own("actor_create", id, json!({ "actor_id": added.persona, "name": added.name })))
        }
        AccountEvent::SessionOpened(_)
        | AccountEvent::SessionExtended(_)
        | AccountEvent::SessionEvicted(_)
        | AccountEvent::ApiTokenEvicted(_) => None,
    }
}

/// How an account came into being, by which way.
fn registration(id: &str, registered: &AccountRegistered) -> Described {
    let username = &registered.username;
    match registered.via {
        Via::Invite => Described::own("signup", id, json!({ "username": username, "invite_id": registered.invite })),
        Via::OpenSignup => Described::own("signup", id, json!({ "username": username, "open_signup": true })),
        Via::Bootstrap => Described::own("bootstrap", id, Value::Null),
        Via::EmailCode => {
            let mut metadata = json!({ "username": username, "via": "email_code" });
            if let Some(invite) = &registered.invite {
                metadata["invite_id"] = json!(invite);
            }
            Described::own("account_create", id, metadata)
        }
        Via::Operator => {
            Described::by_operator("account_create", id, json!({ "username": username, "via": "operator" }))
        }
    }
}

/// The end of a session, where somebody brought it about: one that ran out or made room for a newer one has none.
fn of_closed(fact: &Fact<'_>, id: &str, closed: &SessionClosed) -> Option<Described> {
    match closed.reason.as_str() {
        "logout" if fact.metadata.command == "logout" => Some(Described::own("logout", id, Value::Null)),
        "revoked" => {
            let metadata = json!({ "session_id": closed.session, "credential_type": credential(fact) });
            Some(Described::own("session_revoke", id, metadata))
        }
        EMAIL_PROVED => {
            let metadata = json!({ "session_id": closed.session, "reason": closed.reason });
            Some(Described::own("session_end", id, metadata))
        }
        _ => None,
    }
}

/// Ending everything is one's own doing, or an administrator's, who is then named beside the target.
fn ended_all(fact: &Fact<'_>, id: &str, event_type: &str, count: u32) -> Described {
    if fact.metadata.command.starts_with("admin_") {
        let row = Described::own(event_type, id, json!({ "count": count }));
        return Described { account: initiator(fact).0, target_account: Some(id.to_owned()), ..row };
    }
    Described::own(event_type, id, json!({ "count": count, "credential_type": credential(fact) }))
}

fn of_invite(fact: &Fact<'_>, id: &str, event: &InviteEvent) -> Option<Described> {
    let (event_type, metadata) = match event {
        InviteEvent::Created(created) => (
            "invite_create",
            json!({
                "invite_id": id,
                "email": sealed(created.email.as_ref().map(|email| &email.given)),
                "username": created.username,
            }),
        ),
        InviteEvent::Deleted(_) => ("invite_delete", json!({ "invite_id": id })),
        // The sign-up that claimed it is the row.
        InviteEvent::Claimed(_) => return None,
    };
    Some(Described { account: initiator(fact).0, ..Described::own(event_type, "", metadata) })
}

fn scope_id(scope: Option<&GrantScope>) -> Option<&str> {
    scope.map(|scope| scope.id.as_str())
}

fn of_book(
    fact: &Fact<'_>,
    id: &str,
    event: &OfferBookEvent,
    offer: Option<&OfferFacts>,
) -> Result<Described, ApplyError> {
    let known = || offer.ok_or_else(|| fact.poison("the offer is not in the read model"));
    let about = |offer: &OfferFacts| json!({ "offer_id": offer.id, "role": offer.role, "scope_id": offer.scope_id });
    Ok(match event {
        OfferBookEvent::Made(_) | OfferBookEvent::Refreshed(_) => {
            let offer = known()?;
            let mut metadata = about(offer);
            metadata["to_account_id"] = json!(id);
            Described::by_persona(fact, "role_grant_offer_create", id, offer.to_persona.as_deref(), metadata)
        }
        OfferBookEvent::Accepted(accepted) => {
            let offer = known()?;
            let mut metadata = about(offer);
            metadata["role_grant_id"] = json!(accepted.grant);
            Described::by_persona(fact, "role_grant_offer_accept", id, Some(&accepted.persona.0), metadata)
        }
        OfferBookEvent::Declined(declined) => {
            let offer = known()?;
            let mut metadata = about(offer);
            if declined.reason.is_some() {
                metadata["reason"] = sealed(declined.reason.as_ref());
            }
            // The one it matters to is the grantor.
            let (account, grantor) = (&offer.grantor_account, Some(offer.grantor.as_str()));
            Described::by_persona(fact, "role_grant_offer_decline", account, grantor, metadata)
        }
        OfferBookEvent::Retracted(_) => {
            let offer = known()?;
            Described::by_persona(fact, "role_grant_offer_retract", id, offer.to_persona.as_deref(), about(offer))
        }
        OfferBookEvent::Superseded(superseded) => {
            let offer = known()?;
            let mut metadata = about(offer);
            metadata["reason"] = json!(superseded.reason.as_str());
            metadata["cause_id"] = json!(superseded.cause);
            Described::by_persona(fact, "role_grant_offer_supersede", id, offer.to_persona.as_deref(), metadata)
        }
        OfferBookEvent::Lapsed(_) => {
            let offer = known()?;
            let to = offer.to_persona.as_deref();
            let row = Described::by_persona(fact, "role_grant_offer_expire", id, to, about(offer));
            Described { actor: Some(offer.grantor.clone()), account: None, ..row }
        }
        OfferBookEvent::GrantCreated(created) => {
            let mut metadata = json!({
                "role": created.role,
                "role_grant_id": created.grant,
                "scope_id": scope_id(created.scope.as_ref()),
            });
            if let Some(source) = &created.source_offer {
                metadata["source_offer_id"] = json!(source);
            }
            if created.path == GrantPath::SelfService {
                metadata["self_service"] = json!(true);
            }
            Described::by_persona(fact, "role_grant_create", id, Some(&created.persona.0), metadata)
        }
        OfferBookEvent::GrantRevoked(revoked) => {
            let mut metadata = json!({
                "role": revoked.role,
                "role_grant_id": revoked.grant,
                "scope_id": scope_id(revoked.scope.as_ref()),
            });
            if revoked.reason.is_some() {
                metadata["reason"] = sealed(revoked.reason.as_ref());
            }
            if revoked.path == GrantPath::SelfService {
                metadata["self_service"] = json!(true);
            }
            Described::by_persona(fact, "role_grant_revoke", id, Some(&revoked.persona.0), metadata)
        }
    })
}
