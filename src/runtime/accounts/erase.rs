//! The end of somebody: account, sessions, roles, offers and agent tokens end, and the key of the personal values is
//! destroyed, in one append. Whoever asks for it has looked up what there is to end, and looks again afterwards.

use std::collections::BTreeSet;

use muniment_aggregates::account::{self, ACCOUNT_EMAIL_CLAIM, Account};
use muniment_aggregates::application::{Application, RevokeToken};
use muniment_aggregates::decider::Decider;
use muniment_aggregates::ids::{AccountId, ApplicationId, CredentialId, PersonaId};
use muniment_aggregates::offer_book::{Decline, Grant, GrantPath, Offer, OfferBook, RevokeGrant};
use muniment_aggregates::roster::{Leave, ROSTER_ID, Roster, is_lasting};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{self, Session};
use muniment_aggregates::subject::{self, Subject};

use super::taken_back::Made;
use super::{origin, said};
use crate::runtime::transaction::{Committed, Loaded, Transaction};
use crate::runtime::{BusError, CommandBus};

/// The command, in the record.
const COMMAND: &str = "erase";
/// Why sessions and agent tokens end, in the record.
const REASON: &str = "account_erased";
/// Who ends agent tokens, in the record, where nobody on the wire did it.
const BY: &str = "operator";
/// Open offers to it that end with the account in its one append, which has a bound. What is beyond them ends before, so
/// that nobody's offers can keep an account from being erased.
const DECLINED_WITH_IT_MAX: usize = 10_000;
/// Tokens ended in one append, which has a bound.
const TOKENS_ENDED_MAX: usize = 2_000;

/// Who is to be erased.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account, where there is one.
    pub account: Option<AccountId>,
    /// Whose key is destroyed.
    pub subject: SubjectId,
    /// The address that was asked for, where no account has it: somebody may sign up with it at any time.
    pub free_address: Option<String>,
}

/// An account that leaves: what of it stands in offer books.
#[derive(Debug)]
pub struct Leaving {
    /// The account.
    pub account: AccountId,
    /// The persona that answers what is still offered.
    pub persona: PersonaId,
    /// Whom it has offered something that is open.
    pub recipients: BTreeSet<AccountId>,
}

/// How much ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Agent tokens.
    pub tokens: usize,
}

/// Everything that an account has offered.
#[must_use]
pub const fn made_by(account: &AccountId) -> Made<'_> {
    Made { by: account, role: None }
}

/// Ends everything of somebody and destroys the key, in one append. `leaving` is of the account, `applications` are those of
/// the companies that the person founded; of their tokens as many end as go into one append.
///
/// # Errors
/// `last_holder`, what else the aggregates refuse; [`BusError::ClaimTaken`] where somebody signed up with the address
/// ([`signed_up_meanwhile`]); or when the record cannot be written.
pub async fn end(
    bus: &CommandBus,
    person: &Person,
    leaving: Option<&Leaving>,
    applications: &[ApplicationId],
    reason: &str,
) -> Result<Committed<Ended>, BusError<String>> {
    let mut attempts = 0_usize;
    bus.transact(&origin(COMMAND), async |tx| {
        attempts += 1;
        let mut sessions = 0_usize;
        if let Some(id) = &person.account {
            let mut account = tx.load::<Account, String>(&id.0).await?;
            sessions = end_sessions(tx, &account.state).await?;
            if let Some(leaving) = leaving {
                end_consent(tx, leaving).await?;
                // Who goes on offering would win every race for his recipients' books: then he ends first.
                if attempts == 1 {
                    made_by(&leaving.account).take_back(tx, &leaving.recipients).await?;
                }
            }
            let erase = account::Erase { reason: reason.to_owned() };
            tx.decide(&mut account, &erase.into()).map_err(said)?;
        }
        let tokens = revoke_tokens(tx, applications).await?;
        let mut subject = tx.load::<Subject, String>(&person.subject.0).await?;
        let erase = subject::Erase { reason: reason.to_owned() };
        tx.decide(&mut subject, &erase.into()).map_err(said)?;
        if let Some(address) = &person.free_address {
            tx.expect_free(&subject, ACCOUNT_EMAIL_CLAIM, address);
        }
        tx.erase(person.subject.clone());
        Ok(Ended { sessions, tokens })
    })
    .await
}

/// A person with the account that signed up since they were looked up, where that is why nothing was erased.
///
/// # Errors
/// When the account cannot be read.
pub async fn signed_up_meanwhile(
    bus: &CommandBus,
    person: &Person,
    refused: &BusError<String>,
) -> Result<Option<Person>, BusError<<Account as Decider>::Refusal>> {
    let BusError::ClaimTaken { namespace: ACCOUNT_EMAIL_CLAIM, owner } = refused else { return Ok(None) };
    let state = bus.state::<Account>(&owner.id).await?.state;
    // Of another subject it is somebody else's, who came after this person was erased.
    if state.registered().is_none_or(|registered| registered.subject != person.subject) {
        return Ok(None);
    }
    let account = Some(AccountId(owner.id.to_string()));
    Ok(Some(Person { account, subject: person.subject.clone(), free_address: None }))
}

/// Ends the sessions of an account; how many it were.
async fn end_sessions(tx: &mut Transaction<'_>, account: &Account) -> Result<usize, BusError<String>> {
    let mut ended = 0;
    for opened in account.sessions().to_vec() {
        let mut session = tx.load::<Session, String>(&opened.session.0).await?;
        if session.version == 0 {
            continue;
        }
        let revoke = session::Revoke { reason: REASON.to_owned() };
        tx.decide(&mut session, &revoke.into()).map_err(said)?;
        ended += 1;
    }
    Ok(ended)
}

/// Ends what an account holds and was offered.
async fn end_consent(tx: &mut Transaction<'_>, leaving: &Leaving) -> Result<(), BusError<String>> {
    let mut book = tx.load::<OfferBook, String>(&leaving.account.0).await?;
    let now = tx.facts.now;
    let held: Vec<Grant> = book.state.held(now).into_iter().cloned().collect();
    for grant in &held {
        let revoke = RevokeGrant {
            grant: grant.id.clone(),
            persona: grant.persona.clone(),
            revocable_roles: None,
            path: GrantPath::System,
            revoked_by: None,
            reason: None,
        };
        tx.decide(&mut book, &revoke.into()).map_err(said)?;
    }
    let open: Vec<Offer> = book.state.offers().filter(|offer| offer.is_open()).cloned().collect();
    decline(tx, &mut book, leaving, open)?;
    if held.iter().any(|grant| grant.scope.is_none() && is_lasting(&grant.role)) {
        let mut roster = tx.load::<Roster, String>(ROSTER_ID).await?;
        for grant in &held {
            // A grant that the roster does not count leaves nothing there.
            tx.decide(&mut roster, &Leave { grant: grant.id.clone() }.into()).map_err(said)?;
        }
    }
    Ok(())
}

/// Declines the oldest open offers to an account, a portion at a time, until the rest goes into the append of its end.
///
/// # Errors
/// What the book refuses, or when the record cannot be written; some may be declined then.
pub async fn decline_beyond(bus: &CommandBus, leaving: &Leaving) -> Result<(), BusError<String>> {
    loop {
        let done = bus
            .transact(&origin(COMMAND), async |tx| {
                let mut book = tx.load::<OfferBook, String>(&leaving.account.0).await?;
                let mut open: Vec<Offer> = book.state.offers().filter(|offer| offer.is_open()).cloned().collect();
                open.sort_by_key(|offer| offer.created_at);
                let beyond = open.len().saturating_sub(DECLINED_WITH_IT_MAX);
                open.truncate(beyond.min(DECLINED_WITH_IT_MAX));
                decline(tx, &mut book, leaving, open)
            })
            .await?;
        if done.appended.is_none() {
            return Ok(());
        }
    }
}

/// Declines offers to an account.
fn decline(
    tx: &mut Transaction<'_>,
    book: &mut Loaded<OfferBook>,
    leaving: &Leaving,
    offers: Vec<Offer>,
) -> Result<(), BusError<String>> {
    for offer in offers {
        let persona = offer.to_persona.unwrap_or_else(|| leaving.persona.clone());
        tx.decide(book, &Decline { offer: offer.id, persona, reason: None }.into()).map_err(said)?;
    }
    Ok(())
}

/// Ends what agent tokens these applications still have, as many as go into one append; how many it were. They act in the
/// name of whoever founded the company, under a key that is gone.
///
/// # Errors
/// What the applications refuse, or when the record cannot be written.
pub async fn end_tokens(
    bus: &CommandBus,
    applications: &[ApplicationId],
) -> Result<Committed<usize>, BusError<String>> {
    bus.transact(&origin(COMMAND), async |tx| revoke_tokens(tx, applications).await).await
}

async fn revoke_tokens(tx: &mut Transaction<'_>, applications: &[ApplicationId]) -> Result<usize, BusError<String>> {
    let mut ended = 0;
    for id in applications {
        if ended >= TOKENS_ENDED_MAX {
            break;
        }
        let mut application = tx.load::<Application, String>(id.as_str()).await?;
        let now = tx.facts.now;
        let working = application.state.tokens().filter(|token| token.works(now)).map(|token| token.grant.id.clone());
        let working: Vec<CredentialId> = working.take(TOKENS_ENDED_MAX - ended).collect();
        for token in working {
            let revoke = RevokeToken { token, reason: Some(REASON.to_owned()), by: BY.to_owned() };
            tx.decide(&mut application, &revoke.into()).map_err(said)?;
            ended += 1;
        }
    }
    Ok(ended)
}
