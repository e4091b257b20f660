//! Accounts as whoever has the server's files sees them: listed, shown, made, and let in again when the password is
//! lost.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use muniment_aggregates::account::{Account as State, SetPassword};
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::offer_book::OfferBook;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::Sealed;
use muniment_aggregates::wire;
use muniment_journal::Journal;
use muniment_projections::accounts::AccountRow;
use muniment_projections::{OnMismatch, PAGE_ROWS_MAX, accounts};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::keeper;
use super::open::{self, StoreFlags};
use super::unthrottle::{Unthrottle, unthrottle};
use crate::auth::common_passwords::is_common;
use crate::auth::identifiers;
use crate::auth::passwords::{self, Passwords};
use crate::cli::exit::Exit;
use crate::cli::flags::Global;
use crate::cli::interrupt::{Standing, this_command};
use crate::cli::listing::{gather, offset_hint, print_part};
use crate::cli::output::Printer;
use crate::cli::{on_actors, on_actors_known, on_this_thread};
use crate::runtime::BusError;
use crate::runtime::accounts::make::{MakeError, make, seal_password};

/// What stands where a value can no longer be read.
const ERASED: &str = "[erased]";

/// Accounts: who has one; making one; letting somebody in again
#[derive(Debug, Subcommand)]
pub enum Account {
    /// List the accounts, oldest first
    #[command(
        before_help = "Examples:\n  muniment account list\n  muniment account list --limit 20 --offset 40 --json"
    )]
    List(List),
    /// Show one: personas, roles, what is open
    #[command(before_help = "Examples:\n  muniment account show ana\n  muniment account show ana@example.com --json")]
    Show(Show),
    /// Make an account that signs in with a password
    #[command(
        before_help = "Example:\n  muniment account create ana --password-stdin < password.txt  # mode 0600",
        after_help = "With the embedded store, stop the server first."
    )]
    Create(Create),
    /// Set an account's password without the current one; ends its sessions and tokens
    #[command(
        before_help = "Example:\n  muniment account set-password ana --password-stdin < password.txt  # mode 0600",
        after_help = "With the embedded store, stop the server first."
    )]
    SetPassword(Set),
    /// Let an account sign in again at once after too many wrong passwords; it is on record
    #[command(
        before_help = "Example:\n  muniment account unthrottle ana",
        after_help = "With the embedded store, stop the server first. Failures of a client's address go on counting."
    )]
    Unthrottle(Unthrottle),
}

/// `account list`.
#[derive(Debug, Args)]
pub struct List {
    /// How many
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: usize,
    /// How many to skip
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    offset: usize,
    #[command(flatten)]
    store: StoreFlags,
}

/// `account show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Username, e-mail address or account id
    account: String,
    #[command(flatten)]
    store: StoreFlags,
}

/// `account create`.
#[derive(Debug, Args)]
pub struct Create {
    /// The username
    username: String,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    /// The e-mail address; not proved by this
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// `account set-password`.
#[derive(Debug, Args)]
pub struct Set {
    /// Username, e-mail address or account id
    account: String,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Runs one.
///
/// # Errors
/// Whatever kept it from being done.
pub fn account(global: &Global, command: Account) -> Result<()> {
    match command {
        Account::List(command) => on_this_thread(list(global, &command)),
        Account::Show(command) => on_actors(show(global, &command)),
        Account::Create(command) => on_actors(create(global, &command)),
        Account::SetPassword(command) => {
            let standing = Standing::default();
            on_actors_known(&standing, set_password(global, &command, &standing))
        }
        Account::Unthrottle(command) => on_actors(unthrottle(global, &command)),
    }
}

fn time(at: DateTime<Utc>) -> String {
    wire::instant(at)
}

/// An account's address.
async fn opened(journal: &Journal, account: &AccountId, sealed: Option<&Sealed>) -> Result<Option<String>> {
    let Some(sealed) = sealed else { return Ok(None) };
    let context = SealContext::account_email(account);
    Ok(Some(journal.keyring().open(&context, sealed).await?.unwrap_or_else(|| ERASED.to_owned())))
}

async fn list(global: &Global, command: &List) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::reading(&config).await?;
    let store = open::read_models(&config, &journal, OnMismatch::Refuse).await?;
    open::catch_up(&journal, &store, &accounts::Accounts).await?;
    // By the last row had: an erasure between two pages moves all that is behind it.
    let page = async |have: &[AccountRow], wanted: usize| {
        let after = have.last();
        let offset = if after.is_none() { command.offset } else { 0 };
        Ok(accounts::list(&store, after, wanted, offset).await?)
    };
    let listed = gather(command.limit, PAGE_ROWS_MAX, page).await?;
    let rest = listed.more.then(|| offset_hint("later accounts", command.limit, command.offset));
    let mut items: Vec<Value> = Vec::new();
    for row in listed.rows {
        items.push(json!({
            "id": row.id,
            "username": row.username,
            "email": opened(&journal, &row.id, row.email.as_ref()).await?,
            "email_verified": row.email_verified,
            "created_at": time(row.created_at),
        }));
    }
    let columns = ["id", "username", "email", "email_verified", "created_at"];
    print_part(&Printer::new(global), json!({ "accounts": items }), &items, &columns, rest)
}

async fn show(global: &Global, command: &Show) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::reading(&config).await?;
    let id = keeper::account(&journal, &command.account).await?;
    let bus = keeper::bus(&journal);
    let state =
        bus.state::<State>(&id.0).await.map_err(|error| keeper::ended("the account cannot be read", error))?.state;
    let book = bus
        .state::<OfferBook>(&id.0)
        .await
        .map_err(|error| keeper::ended("the offer book cannot be read", error))?
        .state;
    let registered = state.registered().context("the account's stream does not begin with its registration")?;
    let now = Utc::now();
    let personas: Vec<Value> = state
        .personas()
        .iter()
        .map(|it| json!({ "id": it.id, "name": it.name, "created_at": time(it.created_at) }))
        .collect();
    let roles: Vec<Value> = book
        .held(now)
        .iter()
        .map(|grant| {
            json!({
                "role_grant_id": grant.id,
                "actor_id": grant.persona,
                "role": grant.role,
                "scope_kind": grant.scope.as_ref().map(|scope| &scope.kind),
                "scope_id": grant.scope.as_ref().map(|scope| &scope.id),
                "since": time(grant.created_at),
                "expires_at": grant.expires_at.map(time),
            })
        })
        .collect();
    let shown = json!({
        "id": id,
        "username": registered.username,
        "email": opened(&journal, &id, registered.email.as_ref()).await?,
        "email_verified": state.email_verified(),
        "has_password": state.password().is_some(),
        "created_at": time(registered.at),
        "erased_at": state.erased_at().map(time),
        "actors": personas,
        "roles": roles,
        "sessions": state.sessions().iter().filter(|open| open.expires_at > now).count(),
        "api_tokens": state.tokens().iter().filter(|held| held.is_live(now)).count(),
    });
    Printer::new(global).result(&shown, || {
        // A Value serialises to text without a failing case.
        let pretty = serde_json::to_string_pretty(&shown).unwrap_or_default();
        pretty.lines().map(str::to_owned).collect()
    })
}

/// The password from standard input, without the end of its line.
fn password_of_stdin(refuse_common: bool) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().read_to_string(&mut text).context("the password cannot be read from standard input")?;
    let password = Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned());
    if refuse_common && is_common(&password) {
        return Err(Exit::Usage.because("this is one of the most common passwords; choose another"));
    }
    if passwords::CHARACTERS.contains(&password.chars().count()) {
        return Ok(password);
    }
    let (least, most) = (passwords::CHARACTERS.start(), passwords::CHARACTERS.end());
    Err(Exit::Usage.because(format!("a password has {least} to {most} characters")))
}

async fn create(global: &Global, command: &Create) -> Result<()> {
    let refused = "a username has 3 to 39 letters, digits, _ and -, begins with a letter and ends with none of _ and -";
    let username = identifiers::new_username(&command.username).ok_or_else(|| Exit::Usage.because(refused))?;
    if command.email.as_ref().is_some_and(|email| !identifiers::is_email(email)) {
        return Err(Exit::Usage.because("--email is no e-mail address"));
    }
    let config = command.store.load()?.config;
    let password = password_of_stdin(config.accounts.refuse_common_passwords)?;
    let journal = open::making(&config).await?;
    let outcome = create_in(global, command, &journal, username, password).await;
    journal.shutdown().await;
    outcome
}

async fn create_in(
    global: &Global,
    command: &Create,
    journal: &Journal,
    username: String,
    password: Zeroizing<String>,
) -> Result<()> {
    let made = make(journal, &keeper::bus(journal), &username, command.email.as_deref(), password).await;
    let made = made.map_err(|error| match error {
        MakeError::Record(BusError::ClaimTaken { .. }) => {
            Exit::Conflict.because("the username or the e-mail address is taken")
        }
        MakeError::Record(error) => keeper::ended("no account was made", error),
        error @ (MakeError::Hash(_) | MakeError::Seal(_)) => error.into(),
    })?;
    let shown = json!({
        "id": made.id,
        "username": username,
        "actor_id": made.persona,
        "position": made.position.map(|position| position.to_string()),
    });
    Printer::new(global).result(&shown, || vec![format!("Account {username} made: {}", made.id)])
}

async fn set_password(global: &Global, command: &Set, standing: &Standing) -> Result<()> {
    let config = command.store.load()?.config;
    let password = password_of_stdin(config.accounts.refuse_common_passwords)?;
    let journal = open::writing(&config).await?;
    let outcome = set_password_in(global, command, &journal, password, standing).await;
    journal.shutdown().await;
    outcome
}

async fn set_password_in(
    global: &Global,
    command: &Set,
    journal: &Journal,
    password: Zeroizing<String>,
    standing: &Standing,
) -> Result<()> {
    let id = keeper::account(journal, &command.account).await?;
    let bus = keeper::bus(journal);
    let state =
        bus.state::<State>(&id.0).await.map_err(|error| keeper::ended("the account cannot be read", error))?.state;
    let registered = state.registered().context("the account's stream does not begin with its registration")?;
    let stored = Zeroizing::new(Passwords::new(1, 0)?.hash(password).await?);
    let password = seal_password(journal.keyring(), &id, &registered.subject, &stored).await?;
    standing.is(format!("it is not known whether the password was set; `{}` again sets it", this_command()));
    let done = bus
        .execute::<State>(&id.0, SetPassword { password }.into(), &keeper::origin("account_set_password"))
        .await
        .map_err(|error| keeper::ended("the password was not set", error))?;
    let at = done.position.map(|position| format!(" at position {position}")).unwrap_or_default();
    standing.is(format!("the password was set{at}, and its sessions and tokens have ended"));
    let shown = json!({
        "id": id,
        "username": registered.username,
        "position": done.position.map(|position| position.to_string()),
    });
    let username = &registered.username;
    Printer::new(global)
        .result(&shown, || vec![format!("The password of {username} is set; its sessions and tokens have ended")])
}
