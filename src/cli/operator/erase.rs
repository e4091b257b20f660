//! Erases a person: finds out who is meant, asks, and tells what became of it. What ends is decided in `runtime/accounts/`;
//! what was offered or made while that ran is looked up afterwards, and ended in a second append.

mod tokens;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::Args;
use muniment_aggregates::account::{ACCOUNT_EMAIL_CLAIM, Account};
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::subject::Subject;
use muniment_journal::{Appended, Journal, SubjectAlias};
use muniment_projections::{OnMismatch, accounts, invites};
use serde_json::json;

use super::open::{self, StoreFlags};
use super::{keeper, late_offers};
use crate::cli::ask;
use crate::cli::exit::{Exit, unfolded, with_next};
use crate::cli::flags::Global;
use crate::cli::interrupt::Standing;
use crate::cli::output::Printer;
use crate::config::Config;
use crate::runtime::accounts::erase::{self, Ended, Leaving, Person};
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

/// Who is to be erased, and how whoever asks is told of them.
struct Named {
    name: String,
    person: Person,
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
    let Named { name, mut person } = match (&command.who, command.client_day) {
        (Some(who), _) => find(config, journal, &bus, who).await?,
        (None, Some(day)) => find_day(journal, day).await?,
        (None, None) => return Err(Exit::Usage.because("name whom to erase")),
    };
    let what = match command.client_day {
        Some(_) => {
            format!("What clients nobody knows left behind on {name} becomes unreadable, for ever and everywhere")
        }
        None => format!("All personal data of {name} becomes unreadable, for ever and everywhere"),
    };
    ask::confirm(global, &what, &name)?;
    let (committed, leaving) = loop {
        standing.is(in_doubt(&person));
        let leaving = leaving(config, journal, &bus, person.account.as_ref()).await?;
        if let Some(leaving) = &leaving {
            let declined = erase::decline_beyond(&bus, leaving).await;
            declined.map_err(|error| keeper::ended("not erased, and some offers to it may be declined", error))?;
        }
        let applications = tokens::applications_of(config, journal, &person.subject).await?;
        let ended = erase::end(&bus, &person, leaving.as_ref(), &applications, &command.reason).await;
        match ended {
            Ok(committed) => break (committed, leaving),
            Err(error) => {
                let again = erase::signed_up_meanwhile(&bus, &person, &error).await;
                let again = again.map_err(|error| keeper::ended("the account cannot be read", error))?;
                person = again.ok_or_else(|| last_holder(error))?;
            }
        }
    };
    if let Some(leaving) = &leaving {
        let what = erased_but("offers it made may still stand", &person, committed.appended);
        standing.is(&*what);
        let made = erase::made_by(&leaving.account);
        late_offers::take_back(&made, config, journal, &bus, "erase", &what).await?;
    }
    let Ended { sessions, mut tokens } = committed.value;
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

/// Drops the tables that a rebuild or a verification of a read model left when it was interrupted: nothing would fold the
/// erasure into them.
async fn drop_unfinished(config: &Config, journal: &Journal) -> Result<()> {
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    store.drop_unfinished().await.context("unfinished read models cannot be dropped")
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
    let known_as = person.account.as_ref().map_or(&person.subject.0, |account| &account.0);
    format!("`muniment erase {known_as}` again")
}

/// What an account with a persona leaves, and to whom it offered.
async fn leaving(
    config: &Config,
    journal: &Journal,
    bus: &CommandBus,
    account: Option<&AccountId>,
) -> Result<Option<Leaving>> {
    let Some(account) = account else { return Ok(None) };
    let state = bus
        .state::<Account>(&account.0)
        .await
        .map_err(|error| keeper::ended("the account cannot be read", error))?
        .state;
    let Some(persona) = state.personas().first() else { return Ok(None) };
    let recipients = late_offers::recipients(&erase::made_by(account), config, journal).await?;
    Ok(Some(Leaving { account: account.clone(), persona: persona.id.clone(), recipients }))
}

async fn find_day(journal: &Journal, day: NaiveDate) -> Result<Named> {
    let found = journal.keyring().find_subject(&SubjectAlias::client_day(day)).await?;
    let subject =
        found.ok_or_else(|| Exit::NotFound.because(format!("no unknown client left anything behind on {day}")))?;
    Ok(Named { name: day.to_string(), person: Person { account: None, subject, free_address: None } })
}

async fn find(config: &Config, journal: &Journal, bus: &CommandBus, who: &str) -> Result<Named> {
    let nobody = || Exit::NotFound.because(format!("there is no account or founder {who}"));
    if who.contains('@') {
        let email = who.trim().to_lowercase();
        let subject = journal.keyring().find_subject(&SubjectAlias::email(&email)).await?.ok_or_else(nobody)?;
        let owner = journal.claim_owner(ACCOUNT_EMAIL_CLAIM, &email).await?;
        let account = owner.map(|stream| AccountId(stream.id.to_string()));
        let name = account.as_ref().map_or_else(|| subject.0.clone(), |account| account.0.clone());
        let free_address = account.is_none().then_some(email);
        return Ok(Named { name, person: Person { account, subject, free_address } });
    }
    let Some(account) = find_account(journal, who).await.map_err(unfolded)? else {
        let person = find_subject(config, journal, bus, who).await?.ok_or_else(nobody)?;
        return Ok(Named { name: who.to_owned(), person });
    };
    let folded =
        bus.state::<Account>(&account.0).await.map_err(|error| keeper::ended("the account cannot be read", error))?;
    let subject = folded.state.registered().map(|registered| registered.subject.clone()).ok_or_else(nobody)?;
    Ok(Named { name: account.0.clone(), person: Person { account: Some(account), subject, free_address: None } })
}

/// Somebody whose key is gone, by the subject: of an erasure that was cut short, or of one that the record does not know any more,
/// because it was restored from a backup of before and the keys are newer.
async fn find_subject(config: &Config, journal: &Journal, bus: &CommandBus, who: &str) -> Result<Option<Person>> {
    let subject = SubjectId(who.to_owned());
    let state = bus.state::<Subject>(who).await;
    let state = state.map_err(|error| keeper::ended("the subject cannot be read", error))?.state;
    let person = Person { account: None, subject, free_address: None };
    if state.erased_at().is_some() {
        return Ok(Some(person));
    }
    if !journal.keyring().is_gone(&person.subject).await? {
        return Ok(None);
    }
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    open::catch_up(journal, &store, &accounts::Accounts).await?;
    if let Some(account) = accounts::of_subject(&store, &person.subject).await? {
        return Ok(Some(Person { account: Some(account), ..person }));
    }
    let is_founder = !tokens::applications_of(config, journal, &person.subject).await?.is_empty();
    open::catch_up(journal, &store, &invites::Invites).await?;
    let is_invited = invites::names(&store, &person.subject).await?;
    Ok((is_founder || is_invited).then_some(person))
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
