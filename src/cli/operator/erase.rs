//! Erases a person: account, sessions, roles, offers and agent tokens end, and the key of their personal values is
//! destroyed, in one append. What was offered or made while that ran is taken back in a second one.

mod tokens;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::Args;
use muniment_aggregates::account::{self, ACCOUNT_EMAIL_CLAIM, Account};
use muniment_aggregates::ids::{AccountId, ApplicationId, PersonaId};
use muniment_aggregates::offer_book::{Decline, Grant, GrantPath, Offer, OfferBook, RevokeGrant};
use muniment_aggregates::roster::{Leave, ROSTER_ID, Roster, is_lasting};
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{self, Session};
use muniment_aggregates::subject::{self, Subject};
use muniment_journal::{Appended, Journal, SubjectAlias};
use muniment_projections::{OnMismatch, accounts};
use serde_json::json;

use super::keeper::{self, said};
use super::open::{self, StoreFlags};
use crate::cli::ask;
use crate::cli::exit::{Exit, unfolded, with_next};
use crate::cli::flags::Global;
use crate::cli::interrupt::Standing;
use crate::cli::output::Printer;
use crate::config::Config;
use crate::runtime::accounts::taken_back::Made;
use crate::runtime::transaction::{Committed, Loaded, Transaction};
use crate::runtime::why::find_account;
use crate::runtime::{BusError, CommandBus};

/// Erase a person's data for ever
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  muniment erase ana@example.com\n  muniment erase 3f2b… --yes --reason 'request of 2026-11-20'\n  muniment erase --client-day 2026-11-20",
    after_help = "With the embedded store, stop the server first. Backups keep the old keys until their .keys files are renewed."
)]
pub struct Erase {
    /// Username, e-mail address or account id; or the subject that an earlier erasure named
    #[arg(required_unless_present = "client_day", conflicts_with = "client_day")]
    who: Option<String>,
    /// What clients nobody knows left behind on a day (UTC) instead: their network addresses and the names they tried
    #[arg(long, value_name = "DATE", value_parser = day)]
    client_day: Option<NaiveDate>,
    /// Why; nothing personal
    #[arg(long, default_value = "requested")]
    reason: String,
    #[command(flatten)]
    store: StoreFlags,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "write a day as 2026-11-20".to_owned())
}

/// Open offers to it that end with the account in its one append, which has a bound. What is beyond them ends before, so
/// that nobody's offers can keep an account from being erased.
const DECLINED_WITH_IT_MAX: usize = 10_000;

/// Who is to be erased.
struct Person {
    /// As whoever asks is told.
    name: String,
    account: Option<String>,
    subject: SubjectId,
    /// The address that was asked for, where no account has it: somebody may sign up with it at any time.
    free_address: Option<String>,
}

/// An account that leaves: what of it stands in offer books.
struct Leaving {
    account: AccountId,
    /// The persona that answers what is still offered.
    persona: PersonaId,
    recipients: BTreeSet<AccountId>,
}

/// Erases. Runs on an actix system, because the decisions are the actors'.
///
/// # Errors
/// When nobody is found, it is not confirmed, or the record cannot be written.
pub async fn erase(global: &Global, command: &Erase, standing: &Standing) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::writing(&config).await?;
    let outcome = erase_in(global, command, &config, &journal, standing).await;
    journal.shutdown().await;
    outcome
}

async fn erase_in(
    global: &Global,
    command: &Erase,
    config: &Config,
    journal: &Journal,
    standing: &Standing,
) -> Result<()> {
    let bus = keeper::bus(journal);
    let mut person = match (&command.who, command.client_day) {
        (Some(who), _) => find(config, journal, &bus, who).await?,
        (None, Some(day)) => find_day(journal, day).await?,
        (None, None) => return Err(Exit::Usage.because("name whom to erase")),
    };
    let name = person.name.as_str();
    let what = match command.client_day {
        Some(_) => {
            format!("What clients nobody knows left behind on {name} becomes unreadable, for ever and everywhere")
        }
        None => format!("All personal data of {name} becomes unreadable, for ever and everywhere"),
    };
    ask::confirm(global, &what, name)?;
    let (committed, leaving) = loop {
        standing.is(in_doubt(&person));
        let leaving = leaving(config, journal, &bus, person.account.as_deref()).await?;
        if let Some(leaving) = &leaving {
            decline_beyond(&bus, leaving, DECLINED_WITH_IT_MAX).await?;
        }
        let applications = tokens::applications_of(config, journal, &person.subject).await?;
        let ended = end(&bus, &person, leaving.as_ref(), &applications, &command.reason).await;
        match ended {
            Ok(committed) => break (committed, leaving),
            Err(error) => person = signed_up_meanwhile(&bus, person, error).await?,
        }
    };
    if let Some(leaving) = &leaving {
        let what = erased_but("offers it made may still stand", &person, committed.appended);
        standing.is(&*what);
        made_by(&leaving.account).take_back_late(config, journal, &bus, "erase", &what).await?;
    }
    let (sessions, mut tokens) = committed.value;
    let what = erased_but("tokens of its companies may still work", &person, committed.appended);
    standing.is(&*what);
    tokens += tokens::end_late(config, journal, &bus, &person.subject, &what).await?;
    let what = "read models that an interrupted rebuild or verification left may still hold names";
    let what = erased_but(what, &person, committed.appended);
    standing.is(&*what);
    drop_unfinished(config, journal).await.map_err(|error| keeper::cut_short(&what, error))?;
    standing.is(format!("erased {}", at(committed.appended)));
    let shown = json!({
        "account_id": person.account,
        "subject": person.subject,
        "sessions_ended": sessions,
        "tokens_ended": tokens,
        "position": committed.appended.map(|appended| appended.last.to_string()),
    });
    Printer::new(global).result(&shown, || {
        let done = match committed.appended {
            Some(appended) => {
                format!("Erased at position {}; {sessions} sessions and {tokens} agent tokens ended", appended.last)
            }
            None if tokens > 0 => format!("Erased already; {tokens} agent tokens ended"),
            None => "Erased already; nothing was recorded".to_owned(),
        };
        vec![done, "Renew the .keys file of every backup: `muniment backup <file>` writes one".to_owned()]
    })
}

/// Ends everything of somebody and destroys the key, in one append; how many sessions and agent tokens that were.
async fn end(
    bus: &CommandBus,
    person: &Person,
    leaving: Option<&Leaving>,
    applications: &[ApplicationId],
    reason: &str,
) -> Result<Committed<(usize, usize)>, BusError<String>> {
    let mut attempts = 0_usize;
    bus.transact(&keeper::origin("erase"), async |transaction| {
        attempts += 1;
        let mut sessions = 0_usize;
        if let Some(id) = &person.account {
            let mut account = transaction.load::<Account, String>(id).await?;
            for opened in account.state.sessions().to_vec() {
                let mut session = transaction.load::<Session, String>(&opened.session.0).await?;
                if session.version == 0 {
                    continue;
                }
                let revoke = session::Revoke { reason: "account_erased".to_owned() };
                transaction.decide(&mut session, &revoke.into()).map_err(said)?;
                sessions += 1;
            }
            if let Some(leaving) = leaving {
                end_consent(transaction, leaving).await?;
                // Who goes on offering would win every race for his recipients' books: then he ends first.
                if attempts == 1 {
                    made_by(&leaving.account).take_back(transaction, &leaving.recipients).await?;
                }
            }
            let erase = account::Erase { reason: reason.to_owned() };
            transaction.decide(&mut account, &erase.into()).map_err(said)?;
        }
        let tokens = tokens::end(transaction, applications).await?;
        let mut subject = transaction.load::<Subject, String>(&person.subject.0).await?;
        let erase = subject::Erase { reason: reason.to_owned() };
        transaction.decide(&mut subject, &erase.into()).map_err(said)?;
        if let Some(address) = &person.free_address {
            transaction.expect_free(&subject, ACCOUNT_EMAIL_CLAIM, address);
        }
        transaction.erase(person.subject.clone());
        Ok((sessions, tokens))
    })
    .await
}

/// Drops the tables that a rebuild or a verification of a read model left when it was interrupted: nothing would fold the
/// erasure into them.
async fn drop_unfinished(config: &Config, journal: &Journal) -> Result<()> {
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    store.drop_unfinished().await.context("unfinished read models cannot be dropped")
}

/// The same person with the account that signed up since they were looked up, where that is why nothing was erased.
async fn signed_up_meanwhile(bus: &CommandBus, person: Person, error: BusError<String>) -> Result<Person> {
    let BusError::ClaimTaken { namespace: ACCOUNT_EMAIL_CLAIM, owner } = &error else { return Err(last_holder(error)) };
    let state = bus
        .state::<Account>(&owner.id)
        .await
        .map_err(|error| keeper::ended("the account cannot be read", error))?
        .state;
    // Of another subject it is somebody else's, who came after this person was erased.
    if state.registered().is_none_or(|registered| registered.subject != person.subject) {
        return Err(last_holder(error));
    }
    Ok(Person { account: Some(owner.id.to_string()), free_address: None, ..person })
}

/// What stands where the person is erased and what came meanwhile could not be ended.
fn erased_but(rest: &str, person: &Person, appended: Option<Appended>) -> String {
    format!("erased {}, but {rest}; {}", at(appended), again(person))
}

fn at(appended: Option<Appended>) -> String {
    appended.map_or_else(|| "already".to_owned(), |appended| format!("at position {}", appended.last))
}

/// What is known while it is recorded. Who has no account is known by the subject only once it is erased.
fn in_doubt(person: &Person) -> String {
    let knows_nobody = match person.account {
        Some(_) => "",
        None => ", and where it knows nobody, the same command as before erases",
    };
    format!("it is not known whether anything was recorded; {} finds out{knows_nobody}", again(person))
}

/// The command that goes on. The names that it began with lead nowhere once it is recorded, the account's id and the subject do.
fn again(person: &Person) -> String {
    format!("`muniment erase {}` again", person.account.as_ref().unwrap_or(&person.subject.0))
}

/// What an account with a persona leaves, and to whom it offered.
async fn leaving(
    config: &Config,
    journal: &Journal,
    bus: &CommandBus,
    account: Option<&str>,
) -> Result<Option<Leaving>> {
    let Some(account) = account else { return Ok(None) };
    let state =
        bus.state::<Account>(account).await.map_err(|error| keeper::ended("the account cannot be read", error))?.state;
    let Some(persona) = state.personas().first() else { return Ok(None) };
    let account = AccountId(account.to_owned());
    let recipients = made_by(&account).recipients(config, journal).await?;
    Ok(Some(Leaving { account, persona: persona.id.clone(), recipients }))
}

/// Everything that an account has offered.
const fn made_by(account: &AccountId) -> Made<'_> {
    Made { by: account, role: None }
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

/// Declines the oldest open offers to an account until so many are left, a portion at a time.
async fn decline_beyond(bus: &CommandBus, leaving: &Leaving, kept: usize) -> Result<()> {
    loop {
        let done = bus
            .transact(&keeper::origin("erase"), async |tx| {
                let mut book = tx.load::<OfferBook, String>(&leaving.account.0).await?;
                let mut open: Vec<Offer> = book.state.offers().filter(|offer| offer.is_open()).cloned().collect();
                open.sort_by_key(|offer| offer.created_at);
                let beyond = open.len().saturating_sub(kept);
                open.truncate(beyond.min(kept));
                decline(tx, &mut book, leaving, open)
            })
            .await;
        let done = done.map_err(|error| keeper::ended("not erased, and some offers to it may be declined", error))?;
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

async fn find_day(journal: &Journal, day: NaiveDate) -> Result<Person> {
    let found = journal.keyring().find_subject(&SubjectAlias::client_day(day)).await?;
    let subject =
        found.ok_or_else(|| Exit::NotFound.because(format!("no unknown client left anything behind on {day}")))?;
    Ok(Person { name: day.to_string(), account: None, subject, free_address: None })
}

async fn find(config: &Config, journal: &Journal, bus: &CommandBus, who: &str) -> Result<Person> {
    let nobody = || Exit::NotFound.because(format!("there is no account or founder {who}"));
    if who.contains('@') {
        let email = who.trim().to_lowercase();
        let subject = journal.keyring().find_subject(&SubjectAlias::email(&email)).await?.ok_or_else(nobody)?;
        let owner = journal.claim_owner(ACCOUNT_EMAIL_CLAIM, &email).await?;
        let account = owner.map(|stream| stream.id.to_string());
        let name = account.clone().unwrap_or_else(|| subject.0.clone());
        return Ok(Person { name, free_address: account.is_none().then_some(email), account, subject });
    }
    let Some(account) = find_account(journal, who).await.map_err(unfolded)? else {
        return find_subject(config, journal, bus, who).await?.ok_or_else(nobody);
    };
    let folded =
        bus.state::<Account>(&account.0).await.map_err(|error| keeper::ended("the account cannot be read", error))?;
    let subject = folded.state.registered().map(|registered| registered.subject.clone()).ok_or_else(nobody)?;
    Ok(Person { name: account.0.clone(), account: Some(account.0), subject, free_address: None })
}

/// Somebody whose key is gone, by the subject: of an erasure that was cut short, or of one that the record does not know any more,
/// because it was restored from a backup of before and the keys are newer.
async fn find_subject(config: &Config, journal: &Journal, bus: &CommandBus, who: &str) -> Result<Option<Person>> {
    let subject = SubjectId(who.to_owned());
    let state = bus.state::<Subject>(who).await;
    let state = state.map_err(|error| keeper::ended("the subject cannot be read", error))?.state;
    let person = Person { name: who.to_owned(), account: None, subject, free_address: None };
    if state.erased_at().is_some() {
        return Ok(Some(person));
    }
    if !journal.keyring().is_gone(&person.subject).await? {
        return Ok(None);
    }
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    open::catch_up(journal, &store, &accounts::Accounts).await?;
    if let Some(account) = accounts::of_subject(&store, &person.subject).await? {
        return Ok(Some(Person { account: Some(account.0), ..person }));
    }
    let is_founder = !tokens::applications_of(config, journal, &person.subject).await?.is_empty();
    Ok(is_founder.then_some(person))
}

/// How the command ends when it was refused.
fn last_holder(error: BusError<String>) -> anyhow::Error {
    let is_last = matches!(&error, BusError::Refused(reason) if reason == "last_holder");
    let ended = keeper::ended("nothing was erased", error);
    if is_last {
        with_next(ended, "give keeper and admin to another account first: `muniment role grant <account> admin`")
    } else {
        ended
    }
}
