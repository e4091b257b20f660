//! Collects the events behind a grant, back to the bootstrap, and leaves out what is not needed.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use muniment_aggregates::account::Via;
use muniment_aggregates::catalog::AnyEvent;
use muniment_aggregates::ids::{AccountId, GrantId, OfferId, PersonaId};
use muniment_aggregates::invite::InviteEvent;
use muniment_aggregates::offer_book::{GrantPath, GrantScope, OfferBookEvent};
use muniment_aggregates::record::Position;
use muniment_aggregates::settings::SettingsEvent;
use muniment_aggregates::wire;

use super::check::{Claim, Ends, follows};
use super::records::{Evidence, Records, Span};
use super::{OfferRules, Question, Verdict, place, steps};
use crate::runtime::fold::FoldError;

/// The grant by which an account holds the role, and its account.
pub(super) struct HeldBy {
    pub(super) account: AccountId,
    pub(super) span: Span,
}

/// Something that has to be shown.
enum Need {
    Grant { account: AccountId, span: Box<Span> },
    Persona { account: AccountId, persona: PersonaId },
    Right { account: AccountId, persona: PersonaId, role: String, scope: Option<GrantScope>, by: Use },
}

/// When a right was used.
#[derive(Clone, Copy)]
struct Use {
    position: Position,
    instant: DateTime<Utc>,
}

#[derive(Default)]
struct Collected {
    events: BTreeMap<Position, Evidence>,
    ends: Ends,
    grants: HashSet<GrantId>,
    personas: HashSet<PersonaId>,
    waiting: Vec<Need>,
}

impl Collected {
    fn keep(&mut self, event: &Evidence) {
        self.events.insert(event.position(), event.clone());
    }
}

/// The oldest grant by which a persona of the account holds the role at the moment.
pub(super) async fn held_grant(
    records: &mut Records<'_>,
    account: &AccountId,
    question: &Question,
) -> Result<Option<HeldBy>, FoldError> {
    let after = question.at.next();
    let is_asked = |span: &Span| {
        span.created.role == question.role
            && span.created.scope == question.scope
            && span.holds_before(after, question.instant)
    };
    let found = records.grants(account).await?.into_iter().find(is_asked);
    Ok(found.map(|span| HeldBy { account: account.clone(), span }))
}

/// The events from which the grant follows, in order, none of them needless; `None` where it does not follow under these
/// rules.
pub(super) async fn prove(
    records: &mut Records<'_>,
    held: &HeldBy,
    rules: &OfferRules,
    question: &Question,
) -> Result<Option<Vec<Evidence>>, FoldError> {
    let mut collected = Collected::default();
    collected.waiting.push(Need::Grant { account: held.account.clone(), span: Box::new(held.span.clone()) });
    while let Some(need) = collected.waiting.pop() {
        match need {
            Need::Grant { account, span } => show_grant(records, &mut collected, account, *span).await?,
            Need::Persona { account, persona } => show_persona(records, &mut collected, account, persona).await?,
            Need::Right { account, persona, role, scope, by } => {
                let span = right(records, rules, &account, &persona, (&role, scope.as_ref()), by).await?;
                let Some(span) = span else { return Ok(None) };
                collected.waiting.push(Need::Grant { account, span: Box::new(span) });
            }
        }
    }
    let claim = Claim {
        account: &held.account,
        role: &question.role,
        scope: question.scope.as_ref(),
        at: question.at,
        instant: question.instant,
    };
    let events: Vec<Evidence> = collected.events.into_values().collect();
    Ok(follows(&events, &collected.ends, rules, &claim).then(|| least(events, &collected.ends, rules, &claim)))
}

/// Leaves out, latest first, every event without which the claim still follows. The check never fails for an event
/// more, so one pass leaves nothing needless.
fn least(events: Vec<Evidence>, ends: &Ends, rules: &OfferRules, claim: &Claim<'_>) -> Vec<Evidence> {
    let mut kept = vec![true; events.len()];
    for index in (0..events.len()).rev() {
        kept[index] = false;
        let rest = events.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(event, _)| event);
        kept[index] = !follows(rest, ends, rules, claim);
    }
    events.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(event, _)| event).collect()
}

async fn show_grant(
    records: &mut Records<'_>,
    collected: &mut Collected,
    account: AccountId,
    span: Span,
) -> Result<(), FoldError> {
    if !collected.grants.insert(span.created.grant.clone()) {
        return Ok(());
    }
    let book = records.book(&account).await?;
    if let Some(created) = book.iter().find(|event| event.position() == span.from) {
        collected.keep(created);
    }
    if let Some(end) = &span.revoked {
        collected.ends.insert(span.created.grant.clone(), end.position());
    }
    match span.created.path {
        GrantPath::Bootstrap => {
            if let Some(founded) = records.founded(&account).await? {
                collected.keep(&founded);
            }
        }
        GrantPath::System | GrantPath::SelfService => {}
        GrantPath::Admin => {
            if let Some(offer) = &span.created.source_offer {
                show_offer(collected, &book, offer, &span.created.persona);
            }
        }
    }
    collected.waiting.push(Need::Persona { account, persona: span.created.persona });
    Ok(())
}

/// The offer as it stood when it was accepted, and the acceptance.
fn show_offer(collected: &mut Collected, book: &[Evidence], id: &OfferId, by: &PersonaId) {
    let (mut first, mut last_made, mut accepted) = (None, None, None);
    for event in book.iter().filter(|event| event.offer() == Some(id)) {
        match event.of_book() {
            Some(OfferBookEvent::Made(made)) => {
                first = Some(made);
                collected.keep(event);
                last_made = Some((event, made.at, made.expires_at, made.to_persona.as_ref()));
            }
            Some(OfferBookEvent::Refreshed(again)) => {
                last_made = Some((event, again.at, again.expires_at, again.to_persona.as_ref()));
            }
            Some(OfferBookEvent::Accepted(it)) => {
                accepted = Some(it.at);
                collected.keep(event);
                break;
            }
            Some(
                OfferBookEvent::Declined(_)
                | OfferBookEvent::Retracted(_)
                | OfferBookEvent::Superseded(_)
                | OfferBookEvent::Lapsed(_)
                | OfferBookEvent::GrantCreated(_)
                | OfferBookEvent::GrantRevoked(_),
            )
            | None => {}
        }
    }
    let (Some(made), Some(last), Some(accepted)) = (first, last_made, accepted) else { return };
    // The first making is enough where it was still open to this persona when it was accepted.
    let is_enough = made.expires_at > accepted && made.to_persona.as_ref().is_none_or(|to| to == by);
    let by = if is_enough {
        let position = collected.events.values().find(|event| event.offer() == Some(id)).map(Evidence::position);
        Use { position: position.unwrap_or_default(), instant: made.at }
    } else {
        collected.keep(last.0);
        Use { position: last.0.position(), instant: last.1 }
    };
    collected.waiting.push(Need::Persona { account: made.grantor_account.clone(), persona: made.grantor.clone() });
    collected.waiting.push(Need::Right {
        account: made.grantor_account.clone(),
        persona: made.grantor.clone(),
        role: made.role.clone(),
        scope: made.scope.clone(),
        by,
    });
}

/// What gave a persona the right to offer a role: the most direct one, of these the oldest.
async fn right(
    records: &mut Records<'_>,
    rules: &OfferRules,
    account: &AccountId,
    persona: &PersonaId,
    offered: (&str, Option<&GrantScope>),
    by: Use,
) -> Result<Option<Span>, FoldError> {
    let spans = records.grants(account).await?;
    let ranked = spans.into_iter().filter_map(|span| {
        let is_theirs = span.created.persona == *persona && span.holds_before(by.position, by.instant);
        let rank = rules.rank((&span.created.role, span.created.scope.as_ref()), offered)?;
        is_theirs.then_some((rank, span.from, span))
    });
    Ok(ranked.min_by_key(|(rank, from, _)| (*rank, *from)).map(|(_, _, span)| span))
}

/// How a persona came into being, and what let its account sign up.
async fn show_persona(
    records: &mut Records<'_>,
    collected: &mut Collected,
    account: AccountId,
    persona: PersonaId,
) -> Result<(), FoldError> {
    if !collected.personas.insert(persona.clone()) {
        return Ok(());
    }
    if let Some(added) = records.persona(&account, &persona).await? {
        collected.keep(&added);
    }
    let Some(birth) = records.birth(&account).await? else { return Ok(()) };
    collected.keep(&birth);
    let Some(registered) = birth.registered() else { return Ok(()) };
    let admin = |by: &PersonaId, of: AccountId, at: Use| {
        [
            Need::Persona { account: of.clone(), persona: by.clone() },
            Need::Right { account: of, persona: by.clone(), role: "admin".to_owned(), scope: None, by: at },
        ]
    };
    match registered.via {
        Via::EmailCode | Via::Operator => {}
        Via::Bootstrap => {
            if let Some(founded) = records.founded(&account).await? {
                collected.keep(&founded);
            }
        }
        Via::Invite => {
            let Some(invite) = &registered.invite else { return Ok(()) };
            let Some(event) = records.invited(invite).await? else { return Ok(()) };
            if let (AnyEvent::Invite(InviteEvent::Created(created)), Some(of)) = (&event.event, event.caused_by()) {
                let at = Use { position: event.position(), instant: created.at };
                collected.waiting.extend(admin(&created.created_by, of, at));
            }
            collected.keep(&event);
        }
        Via::OpenSignup => {
            let Some(event) = records.signup_opened(birth.position()).await? else { return Ok(()) };
            if let (AnyEvent::Settings(SettingsEvent::OpenSignupSet(set)), Some(of)) = (&event.event, event.caused_by())
                && let Some(by) = &set.by
            {
                let at = Use { position: event.position(), instant: set.at };
                collected.waiting.extend(admin(by, of, at));
            }
            collected.keep(&event);
        }
    }
    Ok(())
}

/// The answer for a role that is held.
pub(super) async fn verdict(
    records: &mut Records<'_>,
    held: &HeldBy,
    proof: Option<Vec<Evidence>>,
    question: &Question,
) -> Result<Verdict, FoldError> {
    let created = &held.span.created;
    let holder = records.name(&held.account, &created.persona).await?;
    let book = records.book(&held.account).await?;
    let how = match (created.path, &created.source_offer) {
        (GrantPath::Bootstrap, _) => format!("the bootstrap gave it, at position {}", held.span.from),
        (GrantPath::System, _) => format!("it was given on the server's command line, at position {}", held.span.from),
        (GrantPath::SelfService, _) => format!("{holder} took it as its own choice, at position {}", held.span.from),
        (GrantPath::Admin, None) => format!("it was given at position {}", held.span.from),
        (GrantPath::Admin, Some(offer)) => {
            let of_offer = |event: &&Evidence| event.offer() == Some(offer);
            let made = book.iter().find(of_offer);
            let accepted =
                book.iter().filter(of_offer).find(|event| matches!(event.of_book(), Some(OfferBookEvent::Accepted(_))));
            let grantor = match made.and_then(Evidence::of_book) {
                Some(OfferBookEvent::Made(made)) => records.name(&made.grantor_account, &made.grantor).await?,
                Some(_) | None => "somebody".to_owned(),
            };
            let at = |event: Option<&Evidence>| event.map(Evidence::position).unwrap_or_default();
            format!("{grantor} offered it at position {} and {holder} accepted at position {}", at(made), at(accepted))
        }
    };
    let behind = match &proof {
        None => "by what right it was given does not follow from the record".to_owned(),
        Some(proof) if proof.iter().any(|event| matches!(&event.event, AnyEvent::Roster(_))) => {
            format!("{} events lead to it from the bootstrap", proof.len())
        }
        Some(proof) => format!("{} events lead to it", proof.len()),
    };
    // When it was decided is some time before it was recorded, and from there on it holds.
    let recorded = book.iter().find(|event| event.position() == held.span.from);
    let since = wire::instant(recorded.map_or(created.at, |event| event.recorded.recorded_at));
    let (role, place) = (&question.role, place(question.scope.as_ref()));
    let proof = match proof {
        Some(proof) => proof,
        None => book.iter().filter(|event| event.position() == held.span.from).cloned().collect(),
    };
    Ok(Verdict {
        holds: true,
        account: Some(held.account.clone()),
        persona: Some(created.persona.clone()),
        grant: Some(created.grant.clone()),
        sentence: format!("{holder} holds {role}{place} since {since}: {how}; {behind}."),
        proof: steps(records, proof).await?,
    })
}
