//! `role grant` and `role revoke`: roles given and taken without an offer, by whoever has the server's files
//! (spec/accounts-and-offers.md sections 1 and 5.2).

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Args;
use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, GrantId, PersonaId};
use muniment_aggregates::metric::timestamp;
use muniment_aggregates::offer_book::{GrantDirectly, GrantPath, GrantScope, OfferBook, OfferBookEvent, RevokeRole};
use muniment_aggregates::record::Position;
use muniment_aggregates::roster::{Admit, Leave, ROSTER_ID, Roster, is_lasting};
use muniment_aggregates::scope::{Join, Scope, stream_id};
use muniment_journal::Journal;
use serde_json::json;
use uuid::Uuid;

use super::scope;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::operator::keeper::{self, said};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::operator::taken_back::{Made, retract};
use crate::cli::output::Printer;
use crate::config::Config;
use crate::runtime::transaction::Transaction;
use crate::runtime::{BusError, CommandBus};

/// `role grant`.
#[derive(Debug, Args)]
pub struct Grant {
    /// Username, e-mail address or account id
    account: String,
    /// The role
    role: String,
    /// Where [default: everywhere]
    #[arg(long, value_name = "KIND:ID", value_parser = scope)]
    scope: Option<GrantScope>,
    /// When it ends by itself
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<DateTime<Utc>>,
    /// The persona that gets it [default: the account's first]
    #[arg(long, value_name = "NAME|ID")]
    actor: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// `role revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Username, e-mail address or account id
    account: String,
    /// The role
    role: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    timestamp::parse(text).map_err(|_| "write a time as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned())
}

fn registered(config: &Config, role: &str) -> Result<()> {
    if config.registries.role(role).is_some() {
        return Ok(());
    }
    Err(Exit::NotFound.because(format!("there is no role {role}: roles are named by the setting `roles`")))
}

/// Gives a role.
pub(super) async fn grant(global: &Global, command: &Grant) -> Result<()> {
    let config = command.store.load()?.config;
    registered(&config, &command.role)?;
    if let Some(scope) = command.scope.as_ref().filter(|scope| !config.registries.is_scope_kind(&scope.kind)) {
        return Err(Exit::Usage.because(format!("there is no kind of scope {}", scope.kind)));
    }
    if command.expires.is_some_and(|end| end <= Utc::now()) {
        return Err(Exit::Usage.because("--expires is in the past"));
    }
    let journal = open::writing(&config).await?;
    let outcome = grant_in(global, command, &journal).await;
    journal.shutdown().await;
    outcome
}

async fn grant_in(global: &Global, command: &Grant, journal: &Journal) -> Result<()> {
    let account = keeper::account(journal, &command.account).await?;
    let wanted = DirectGrant { role: command.role.clone(), scope: command.scope.clone(), expires: command.expires };
    let given = grant_directly(&keeper::bus(journal), &account, command.actor.as_deref(), &wanted).await?;
    let position = given.position.map(|position| position.to_string());
    let shown = json!({
        "account_id": account,
        "actor_id": given.persona,
        "role": command.role,
        "role_grant_id": given.grant,
        "created": position.is_some(),
        "position": position,
    });
    Printer::new(global).result(&shown, || {
        vec![match &position {
            Some(position) => format!("{} holds {} since position {position}", command.account, command.role),
            None => format!("{} holds {} already; nothing was recorded", command.account, command.role),
        }]
    })
}

/// A role that an operator grants without an offer.
#[derive(Debug, Clone)]
pub struct DirectGrant {
    /// The role.
    pub role: String,
    /// Where; `None` = everywhere.
    pub scope: Option<GrantScope>,
    /// When it ends by itself.
    pub expires: Option<DateTime<Utc>>,
}

/// A role that is held now.
#[derive(Debug, Clone)]
pub struct HeldGrant {
    /// Who holds it.
    pub persona: PersonaId,
    /// The grant.
    pub grant: GrantId,
    /// Where it was recorded; `None` where it was held already.
    pub position: Option<Position>,
}

/// Gives a role without an offer, to the persona of that name or id, else to the account's first.
///
/// # Errors
/// When there is no such persona, or the record cannot be written.
pub async fn grant_directly(
    bus: &CommandBus,
    account: &AccountId,
    named: Option<&str>,
    wanted: &DirectGrant,
) -> Result<HeldGrant> {
    let committed = bus
        .transact(&keeper::origin("role_grant"), async |tx| {
            let state = tx.load::<Account, String>(&account.0).await?.state;
            if state.erased_at().is_some() {
                return Err(BusError::Refused("account_erased".to_owned()));
            }
            let is_wanted = |persona: &&muniment_aggregates::account::Persona| {
                named.is_none_or(|named| persona.name == named || persona.id.0 == named)
            };
            let persona = state.personas().iter().find(is_wanted).map(|persona| persona.id.clone());
            let persona = persona.ok_or_else(|| BusError::Refused("actor_not_found".to_owned()))?;
            let grant = give(tx, wanted, account, &persona).await?;
            Ok((persona, grant))
        })
        .await
        .map_err(|error| keeper::ended("nothing was given", error))?;
    let (persona, grant) = committed.value;
    Ok(HeldGrant { persona, grant, position: committed.appended.map(|appended| appended.last) })
}

/// Decides the grant, the scope's book-keeping and the roster's.
async fn give(
    tx: &mut Transaction<'_>,
    wanted: &DirectGrant,
    account: &AccountId,
    persona: &PersonaId,
) -> Result<GrantId, BusError<String>> {
    if let Some(scope) = &wanted.scope {
        let mut stream = tx.load::<Scope, String>(&stream_id(scope)).await?;
        tx.decide(&mut stream, &Join { account: account.clone() }.into()).map_err(said)?;
    }
    let mut book = tx.load::<OfferBook, String>(&account.0).await?;
    let held = book.state.active_grant(persona, &wanted.role, wanted.scope.as_ref(), tx.facts.now);
    if let Some(held) = held {
        return Ok(held.id.clone());
    }
    let grant = GrantId(Uuid::new_v4().to_string());
    let directly = GrantDirectly {
        grant: grant.clone(),
        persona: persona.clone(),
        role: wanted.role.clone(),
        scope: wanted.scope.clone(),
        path: GrantPath::System,
        expires_at: wanted.expires,
    };
    tx.decide(&mut book, &directly.into()).map_err(said)?;
    // Who holds a lasting role for a while only must not be counted on: then the last other holder could go.
    if wanted.scope.is_none() && wanted.expires.is_none() && is_lasting(&wanted.role) {
        let mut roster = tx.load::<Roster, String>(ROSTER_ID).await?;
        let admit = Admit {
            role: wanted.role.clone(),
            grant: grant.clone(),
            persona: persona.clone(),
            account: account.clone(),
        };
        tx.decide(&mut roster, &admit.into()).map_err(said)?;
    }
    Ok(grant)
}

/// Takes a role.
pub(super) async fn revoke(global: &Global, command: &Revoke) -> Result<()> {
    let config = command.store.load()?.config;
    registered(&config, &command.role)?;
    let journal = open::writing(&config).await?;
    let outcome = revoke_in(global, command, &config, &journal).await;
    journal.shutdown().await;
    outcome
}

async fn revoke_in(global: &Global, command: &Revoke, config: &Config, journal: &Journal) -> Result<()> {
    let account = keeper::account(journal, &command.account).await?;
    let bus = keeper::bus(journal);
    let folded = bus.state::<Account>(&account.0).await.context("the account cannot be read")?;
    let subject = folded.state.registered().map(|registered| registered.subject.clone());
    let reason = match (&command.reason, subject) {
        (Some(reason), Some(subject)) => {
            let context = format!("offer/{account}/role/{}/reason", command.role);
            Some(journal.keyring().seal(&subject, &context, reason).await?)
        }
        (Some(_) | None, _) => None,
    };
    let made = Made { by: &account, role: Some(&command.role) };
    let recipients = made.recipients(config, journal).await?;
    let committed = bus
        .transact(&keeper::origin("role_revoke"), async |tx| {
            let personas = tx.load::<Account, String>(&account.0).await?.state.personas().to_vec();
            let mut book = tx.load::<OfferBook, String>(&account.0).await?;
            let mut ended = Vec::new();
            for persona in personas {
                let revoke = RevokeRole { persona: persona.id, role: command.role.clone(), reason: reason.clone() };
                let events = tx.decide(&mut book, &revoke.into()).map_err(said)?;
                ended.extend(events.into_iter().filter_map(|event| match event {
                    OfferBookEvent::GrantRevoked(revoked) => Some((revoked.grant, revoked.scope)),
                    OfferBookEvent::Made(_)
                    | OfferBookEvent::Refreshed(_)
                    | OfferBookEvent::Accepted(_)
                    | OfferBookEvent::Declined(_)
                    | OfferBookEvent::Retracted(_)
                    | OfferBookEvent::Superseded(_)
                    | OfferBookEvent::Lapsed(_)
                    | OfferBookEvent::GrantCreated(_) => None,
                }));
            }
            let lasting = ended.iter().any(|(_, scope)| scope.is_none()) && is_lasting(&command.role);
            if lasting {
                let mut roster = tx.load::<Roster, String>(ROSTER_ID).await?;
                for (grant, _) in ended.iter().filter(|(_, scope)| scope.is_none()) {
                    tx.decide(&mut roster, &Leave { grant: grant.clone() }.into()).map_err(said)?;
                }
            }
            // What fell with a grant has fallen; the rest is offered to who does not hold the role.
            let mut taken = retract(tx, &mut book, usize::MAX, |offer| offer.role == command.role)?;
            taken.extend(made.take_back(tx, &recipients).await?);
            Ok((ended.into_iter().map(|(grant, _)| grant).collect::<Vec<_>>(), taken))
        })
        .await
        .map_err(|error| last_holder(command, error))?;
    let (grants, mut offers) = committed.value;
    let what = format!("taken, but offers of it that {} made still stand; the same command again", command.account);
    offers.extend(made.take_back_late(config, journal, &bus, "role_revoke", &what).await?);
    let position = committed.appended.map(|appended| appended.last.to_string());
    let shown = json!({
        "account_id": account,
        "role": command.role,
        "revoked_role_grant_ids": grants,
        "retracted_offer_ids": offers,
        "position": position,
    });
    Printer::new(global).result(&shown, || {
        vec![match &position {
            Some(position) => format!(
                "{} no longer holds {}, since position {position}; {} offers of it taken back",
                command.account,
                command.role,
                offers.len()
            ),
            None => format!("{} does not hold {}; nothing was recorded", command.account, command.role),
        }]
    })
}

fn last_holder(command: &Revoke, error: BusError<String>) -> anyhow::Error {
    if matches!(&error, BusError::Refused(reason) if reason == "last_holder") {
        let (account, role) = (&command.account, &command.role);
        return Exit::Conflict.because(format!(
            "last_holder: nobody but {account} holds {role}, and somebody has to; first `muniment role grant <account> \
             {role}`"
        ));
    }
    keeper::ended("nothing was taken", error)
}
