//! The accounts of a fresh installation. The keeper comes by the real bootstrap; the others are made and given their
//! roles directly, as by whoever has the server's files.

use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muniment::auth::api_token::FreshApiToken;
use muniment::auth::session_token::FreshSession;
use muniment::auth::{identifiers, random_bytes};
use muniment::config::Config;
use muniment::config::registries::Registries;
use muniment::runtime::BusError;
use muniment::runtime::accounts::grant::{DirectGrant, grant_directly};
use muniment::runtime::accounts::make::make;
use muniment::runtime::accounts::{origin, said};
use muniment::surface::Surface;
use muniment::surface::accounts::rest::RestCall;
use muniment::surface::accounts::routes;
use muniment::surface::methods::Verb;
use muniment::surface::presented::Presented;
use muniment_aggregates::account::{Account, AccountCommand, AddPersona, IssueApiToken, OpenSession, PERSONAS_MAX};
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::session::{Session, SessionCommand, SessionKind, Start};
use muniment_aggregates::wire;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The keeper's username.
const KEEPER: &str = "keeper";
/// The password of every account that is given none.
const PASSWORD: &str = "test-password-123";
/// Live sessions and tokens an account may have in a test.
const CREDENTIALS_MAX: Option<u32> = None;

/// What a reset is to make.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    extra_keeper_roles: Vec<String>,
    extra_accounts: Vec<WantedAccount>,
    extra_actors: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedAccount {
    username: String,
    #[serde(default)]
    password_value: Option<String>,
    roles: Vec<String>,
}

/// An account as a reset answers it.
#[derive(Debug, Serialize)]
pub(crate) struct SeededAccount {
    account: NamedAccount,
    actor: Actor,
    api_token: String,
    /// The value of the session's cookie, without its name.
    session_cookie: String,
}

#[derive(Debug, Serialize)]
struct NamedAccount {
    id: AccountId,
    username: String,
}

#[derive(Debug, Serialize)]
struct Actor {
    id: PersonaId,
}

#[derive(Debug, Serialize)]
struct NamedActor {
    id: PersonaId,
    name: String,
}

/// What a reset answers.
#[derive(Debug, Serialize)]
pub(crate) struct Seeded {
    #[serde(flatten)]
    keeper: SeededAccount,
    extra_accounts: Vec<SeededAccount>,
    extra_actors: Vec<NamedActor>,
}

impl Wanted {
    /// Says what could not be made, before anything is wiped.
    pub(crate) fn check(&self, registries: &Registries) -> Result<(), String> {
        let roles = self.extra_keeper_roles.iter().chain(self.extra_accounts.iter().flat_map(|it| &it.roles));
        if let Some(unknown) = roles.into_iter().find(|role| registries.role(role).is_none()) {
            return Err(format!("there is no role {unknown}"));
        }
        let mut usernames = vec![KEEPER.to_owned()];
        for wanted in &self.extra_accounts {
            let username = identifiers::new_username(&wanted.username).ok_or("a username is malformed")?;
            if usernames.contains(&username) {
                return Err(format!("{username} is wanted twice"));
            }
            usernames.push(username);
        }
        // The keeper's own persona is one of them.
        if self.extra_actors.len() >= PERSONAS_MAX {
            return Err(format!("an account has at most {PERSONAS_MAX} actors, the keeper's own included"));
        }
        Ok(())
    }
}

/// Writes the token of the next bootstrap.
pub(crate) fn write_bootstrap_token(config: &Config) -> Result<String> {
    let path = config.accounts.bootstrap_token_path.as_ref().context("the bootstrap has no token file")?;
    let token: String = random_bytes::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    std::io::Write::write_all(&mut file, token.as_bytes())?;
    Ok(token)
}

/// Makes what is wanted.
pub(crate) async fn seed(surface: &Surface, config: &Config, token: &str, wanted: &Wanted) -> Result<Seeded> {
    let (id, actor) = bootstrap(surface, token).await?;
    for role in &wanted.extra_keeper_roles {
        give(surface, &id, role).await?;
    }
    let keeper = with_credentials(surface, config, id.clone(), KEEPER.to_owned(), actor).await?;
    let mut extra_actors = Vec::new();
    for name in &wanted.extra_actors {
        let persona = PersonaId(uuid());
        let add = AddPersona { persona: persona.clone(), name: name.clone() };
        let origin = origin("testing_seed");
        let bus = &surface.runtime.bus;
        bus.execute::<Account>(&id.0, add.into(), &origin).await.with_context(|| format!("no persona {name}"))?;
        extra_actors.push(NamedActor { id: persona, name: name.clone() });
    }
    let mut extra_accounts = Vec::new();
    for wanted in &wanted.extra_accounts {
        let username = identifiers::new_username(&wanted.username).context("a username is malformed")?;
        let password = Zeroizing::new(wanted.password_value.clone().unwrap_or_else(|| PASSWORD.to_owned()));
        let runtime = &surface.runtime;
        let made = make(&runtime.journal, &runtime.bus, &username, None, password).await?;
        for role in &wanted.roles {
            give(surface, &made.id, role).await?;
        }
        extra_accounts.push(with_credentials(surface, config, made.id, username, made.persona).await?);
    }
    Ok(Seeded { keeper, extra_accounts, extra_actors })
}

fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn give(surface: &Surface, account: &AccountId, role: &str) -> Result<()> {
    let wanted = DirectGrant { role: role.to_owned(), scope: None, expires: None };
    grant_directly(&surface.runtime.bus, account, None, &wanted)
        .await
        .with_context(|| format!("{role} was not given"))?;
    Ok(())
}

/// The first account, by the route that makes it.
async fn bootstrap(surface: &Surface, token: &str) -> Result<(AccountId, PersonaId)> {
    let route = routes::find(Verb::Post, "/api/account/bootstrap").context("there is no bootstrap")?;
    let body = json!({ "token": token, "username": KEEPER, "password": PASSWORD }).to_string().into_bytes();
    let call = RestCall {
        caller: None,
        presented: &Presented::default(),
        client: None,
        query: Some(Vec::new()),
        body: Box::pin(async move { Ok(body) }),
        correlation: "testing",
    };
    let reply = surface.call_rest(route, call).await;
    let reply = reply.map_err(|flat| anyhow::anyhow!("the bootstrap was refused: {} {}", flat.status, flat.error))?;
    let body = reply.body.unwrap_or_default();
    let id = |of: &str| body[of]["id"].as_str().map(str::to_owned).context("the bootstrap answers ids");
    Ok((AccountId(id("account")?), PersonaId(id("actor")?)))
}

async fn with_credentials(
    surface: &Surface,
    config: &Config,
    id: AccountId,
    username: String,
    persona: PersonaId,
) -> Result<SeededAccount> {
    let fresh = FreshApiToken::make(&config.accounts.api_token_prefix)?;
    let issue = IssueApiToken {
        token: fresh.id.clone(),
        name: "testing".to_owned(),
        secret_hash: fresh.hash.clone(),
        expires_at: None,
        max_tokens: CREDENTIALS_MAX,
    };
    let origin = origin("testing_seed");
    let bus = &surface.runtime.bus;
    bus.execute::<Account>(&id.0, issue.into(), &origin).await.context("no token")?;
    let life = TimeDelta::from_std(config.accounts.session_max_age)?;
    let minted = mint(surface, &id, life).await?.context("the account was just made")?;
    let session_cookie = minted["session_cookie"].as_str().context("a session was minted")?.to_owned();
    Ok(SeededAccount {
        account: NamedAccount { id, username },
        actor: Actor { id: persona },
        api_token: fresh.raw,
        session_cookie,
    })
}

/// A session of an account that ends after `life`, counted from now; `None` where there is no such account. The cookie
/// itself is signed for its full time, so that only the session's end can refuse it.
pub(crate) async fn mint(surface: &Surface, account: &AccountId, life: TimeDelta) -> Result<Option<Value>> {
    let runtime = &surface.runtime;
    let known = runtime.bus.state::<Account>(&account.0).await.context("no state")?;
    if known.state.registered().is_none() || known.state.erased_at().is_some() {
        return Ok(None);
    }
    let fresh = FreshSession::make()?;
    let expires_at = runtime.clock.now() + life;
    let open =
        OpenSession { session: fresh.id.clone(), kind: SessionKind::Cookie, expires_at, max_sessions: CREDENTIALS_MAX };
    let start =
        Start { account: account.clone(), kind: SessionKind::Cookie, secret_hash: fresh.id.0.clone(), expires_at };
    let committed = runtime
        .bus
        .transact(&origin("testing_seed"), async |tx| {
            let mut state = tx.load::<Account, String>(&account.0).await?;
            tx.decide(&mut state, &AccountCommand::OpenSession(open.clone())).map_err(said)?;
            let mut session = tx.begin::<Session>(&fresh.id.0);
            tx.decide(&mut session, &SessionCommand::Start(start.clone())).map_err(said)?;
            Ok::<(), BusError<String>>(())
        })
        .await;
    committed.context("no session was opened")?;
    let header = surface.cookies().issue(&fresh.raw, runtime.clock.now());
    let pair = header.split(';').next().unwrap_or_default();
    let value = pair.split_once('=').map(|(_, value)| value).context("a cookie has a name and a value")?;
    Ok(Some(json!({
        "session_cookie": value,
        "session_id": fresh.id,
        "expires_at": wire::instant(expires_at),
    })))
}

/// Waits until everything that is recorded now can be read in every read model.
pub(crate) async fn drain(surface: &Surface) -> Result<()> {
    let reads = &surface.runtime.reads;
    let names: Vec<&str> = reads.store().projections().iter().map(|projection| projection.name()).collect();
    reads.catch_up(&names).await?;
    Ok(())
}
