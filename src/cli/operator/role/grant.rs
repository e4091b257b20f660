//! `role grant` and `role revoke`: roles given and taken without an offer, by whoever has the server's files
//! (spec/accounts-and-offers.md sections 1 and 5.2).

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use muniment_aggregates::account::Account;
use muniment_aggregates::metric::timestamp;
use muniment_aggregates::offer_book::GrantScope;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::wire;
use muniment_journal::Journal;
use serde_json::json;

use super::scope;
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::interrupt::{Standing, this_command};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::operator::{keeper, late_offers};
use crate::cli::output::Printer;
use crate::config::Config;
use crate::runtime::BusError;
use crate::runtime::accounts::grant::{DirectGrant, grant_directly};
use crate::runtime::accounts::revoke::{RevokedRole, revoke_directly};
use crate::runtime::accounts::taken_back::Made;
use crate::surface::accounts::methods::REASON_CHARACTERS_MAX;

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
pub(super) async fn grant(global: &Global, command: &Grant, standing: &Standing) -> Result<()> {
    let config = command.store.load()?.config;
    registered(&config, &command.role)?;
    if let Some(scope) = command.scope.as_ref().filter(|scope| !config.registries.is_scope_kind(&scope.kind)) {
        return Err(Exit::Usage.because(format!("there is no kind of scope {}", scope.kind)));
    }
    if command.expires.is_some_and(|end| end <= Utc::now()) {
        return Err(Exit::Usage.because("--expires is in the past"));
    }
    let journal = open::writing(&config).await?;
    let outcome = grant_in(global, command, &journal, standing).await;
    journal.shutdown().await;
    outcome
}

async fn grant_in(global: &Global, command: &Grant, journal: &Journal, standing: &Standing) -> Result<()> {
    let account = keeper::account(journal, &command.account).await?;
    let wanted = DirectGrant { role: command.role.clone(), scope: command.scope.clone(), expires: command.expires };
    standing.is(format!("it is not known whether the role was given; `{}` again finds out", this_command()));
    let given = grant_directly(&keeper::bus(journal), &account, command.actor.as_deref(), &wanted)
        .await
        .map_err(|error| not_given(command, error))?;
    let position = given.position.map(|position| position.to_string());
    standing.is(match &position {
        Some(position) => format!("given at position {position}"),
        None => "nothing was recorded, the role was held already".to_owned(),
    });
    let ends = given.expires.map(wire::instant);
    let shown = json!({
        "account_id": account,
        "actor_id": given.persona,
        "role": command.role,
        "role_grant_id": given.grant,
        "created": position.is_some(),
        "position": position,
        "expires_at": ends,
    });
    let until = ends.as_ref().map(|end| format!(", until {end}")).unwrap_or_default();
    Printer::new(global).result(&shown, || {
        vec![match &position {
            Some(position) => format!("{} holds {} since position {position}{until}", command.account, command.role),
            None => format!("{} holds {} already{until}; nothing was recorded", command.account, command.role),
        }]
    })
}

fn not_given(command: &Grant, error: BusError<String>) -> anyhow::Error {
    if let (Some(actor), BusError::Refused(reason)) = (&command.actor, &error)
        && reason == "actor_not_found"
    {
        return Exit::NotFound.because(format!("the account has no actor {actor}; `muniment account show` lists them"));
    }
    keeper::ended("nothing was given", error)
}

/// Takes a role.
pub(super) async fn revoke(global: &Global, command: &Revoke, standing: &Standing) -> Result<()> {
    let config = command.store.load()?.config;
    registered(&config, &command.role)?;
    if command.reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS_MAX) {
        return Err(Exit::Usage.because(format!("--reason has at most {REASON_CHARACTERS_MAX} characters")));
    }
    let journal = open::writing(&config).await?;
    let outcome = revoke_in(global, command, &config, &journal, standing).await;
    journal.shutdown().await;
    outcome
}

async fn revoke_in(
    global: &Global,
    command: &Revoke,
    config: &Config,
    journal: &Journal,
    standing: &Standing,
) -> Result<()> {
    let account = keeper::account(journal, &command.account).await?;
    let bus = keeper::bus(journal);
    let folded =
        bus.state::<Account>(&account.0).await.map_err(|error| keeper::ended("the account cannot be read", error))?;
    let subject = folded.state.registered().map(|registered| registered.subject.clone());
    let reason = match (&command.reason, subject) {
        (Some(reason), Some(subject)) => {
            let context = SealContext::revocation_of_role(&account, &command.role);
            Some(journal.keyring().seal(&subject, &context, reason).await?)
        }
        (Some(_) | None, _) => None,
    };
    let made = Made { by: &account, role: Some(&command.role) };
    let recipients = late_offers::recipients(&made, config, journal).await?;
    let again = format!("`muniment role revoke {} {}` again", account.0, command.role);
    standing.is(format!("it is not known whether the role was taken; {again} finds out"));
    let revoked = revoke_directly(&bus, &account, &command.role, reason.as_ref(), &made, &recipients)
        .await
        .map_err(|error| last_holder(command, error))?;
    let RevokedRole { grants, mut offers, position } = revoked;
    let at = position.map(|position| format!(" at position {position}")).unwrap_or_default();
    let what = format!("taken{at}, but offers of it that {} made may still stand; {again}", command.account);
    standing.is(&*what);
    offers.extend(late_offers::take_back(&made, config, journal, &bus, "role_revoke", &what).await?);
    standing.is(if at.is_empty() { "nothing was recorded".to_owned() } else { format!("taken{at}") });
    let position = position.map(|position| position.to_string());
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
