//! Signing in with a password and out (spec/accounts-and-offers.md sections 3.3 and 3.4).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use muniment_aggregates::account::{ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM, Account, AccountCommand, OpenSession};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::SubjectId;
use muniment_aggregates::session::{Session, SessionCommand, SessionKind, Start};
use serde_json::json;
use zeroize::Zeroizing;

use super::attempts::RefusedAttempt;
use super::caller::{Caller, Credential, CredentialType};
use super::failure::{ApiFailure, Code, RestFailure};
use super::rest::RestReply;
use super::schema::Input;
use crate::auth::random_bytes;
use crate::auth::session_token::FreshSession;
use crate::runtime::transaction::Transaction;
use crate::runtime::{BusError, Origin};
use crate::surface::Surface;
use crate::surface::limits::{Entry, Window, client_prefix, sign_in_key};

/// Who a request comes from, for limits and the record.
pub(super) struct Requester<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) correlation: &'a str,
}

/// An account as it was found by the name given, with the password that is stored of it.
pub(super) struct Found {
    id: AccountId,
    subject: SubjectId,
    pub(super) stored: Option<Zeroizing<String>>,
    pub(super) version: u64,
}

pub(super) fn invalid_credentials() -> ApiFailure {
    ApiFailure::because(Code::Unauthenticated, "invalid_credentials", "The name or the password is wrong.")
}

impl Surface {
    /// `POST /api/account/login`.
    pub(super) async fn login(&self, input: &Input, from: &Requester<'_>) -> Result<RestReply, RestFailure> {
        let begun = Instant::now();
        match self.try_login(input, from).await {
            Err(flat) if flat.status == 401 => {
                self.pad(begun).await?;
                Err(flat)
            }
            other => other,
        }
    }

    /// Waits until a failure has taken as long as every failure takes, so that time tells nothing.
    pub(super) async fn pad(&self, begun: Instant) -> Result<(), ApiFailure> {
        let floor = self.accounts.login_fail_floor;
        if floor.is_zero() {
            return Ok(());
        }
        let jitter = self.accounts.login_fail_jitter.as_secs_f64();
        // Uniform in ±jitter: 32 random bits as a fraction of the whole width.
        let fraction = f64::from(u32::from_le_bytes(random_bytes::<4>()?)) / f64::from(u32::MAX);
        let wait = (floor.as_secs_f64() - jitter + 2.0 * jitter * fraction).max(0.0);
        let until = begun + Duration::from_secs_f64(wait);
        tokio::time::sleep_until(until.into()).await;
        Ok(())
    }

    async fn try_login(&self, input: &Input, from: &Requester<'_>) -> Result<RestReply, RestFailure> {
        let name = input.text("username");
        let address = client_prefix(from.client);
        let limits = (self.limits.login_ip, self.limits.login_account);
        let by_address =
            self.windows.enter(Window::LoginAddress, &address, limits.0).await.map_err(ApiFailure::limited)?;
        let found = self.find_by_name(name).await?;
        let key = found.as_ref().map_or_else(|| format!("name:{name}"), |found| sign_in_key(&found.id));
        let by_account = self.windows.enter(Window::LoginAccount, &key, limits.1).await.map_err(ApiFailure::limited)?;
        let password = Zeroizing::new(input.text("password").to_owned());
        let stored = found.as_ref().and_then(|found| found.stored.clone());
        let is_right = self.passwords.verify(password, stored).await.map_err(ApiFailure::from_hashing)?;
        let (Some(found), true) = (found.as_ref(), is_right) else {
            return Err(self.login_failed(name, found.as_ref(), from, by_address, by_account).await?);
        };
        match self.open_session(found, from).await? {
            Some((fresh, position)) => {
                by_account.succeeded().await;
                let mut reply = RestReply::ok(json!({ "ok": true }), position);
                reply.set_cookie = Some(self.cookies.issue(&fresh.raw, self.runtime.clock.now()));
                Ok(reply)
            }
            // The password was changed while it was compared: what was right is wrong now.
            None => Err(self.login_failed(name, Some(found), from, by_address, by_account).await?),
        }
    }

    async fn login_failed(
        &self,
        name: &str,
        found: Option<&Found>,
        from: &Requester<'_>,
        by_address: Entry<'_>,
        by_account: Entry<'_>,
    ) -> Result<RestFailure, ApiFailure> {
        by_address.failed().await.map_err(ApiFailure::limited)?;
        by_account.failed().await.map_err(ApiFailure::limited)?;
        match self.record_failed_login(name, found, from).await {
            // Erased meanwhile, so that nothing more is sealed for that person: a name that nobody has.
            Err(fail) if found.is_some() && fail.code == Code::Unauthenticated => {
                self.record_failed_login(name, None, from).await?;
            }
            recorded => recorded?,
        }
        Ok(invalid_credentials().on_rest())
    }

    async fn record_failed_login(
        &self,
        name: &str,
        found: Option<&Found>,
        from: &Requester<'_>,
    ) -> Result<(), ApiFailure> {
        let subject = match found {
            Some(found) => found.subject.clone(),
            None => self.client_subject().await?,
        };
        let origin = self.origin_of(Who::Anonymous, &subject, from.client, "http", "login", from.correlation).await?;
        let named = if found.is_some() { None } else { self.subject_named(name).await? };
        let refusal = RefusedAttempt { account: found.map(|found| found.id.clone()), ..RefusedAttempt::of("login") };
        self.record_refusal(refusal.personal(named, "username", name), &subject, &origin).await?;
        Ok(())
    }

    /// The account a name means: with `@` by e-mail first, else by username first.
    async fn find_by_name(&self, name: &str) -> Result<Option<Found>, ApiFailure> {
        let order = if name.contains('@') {
            [ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM]
        } else {
            [ACCOUNT_USERNAME_CLAIM, ACCOUNT_EMAIL_CLAIM]
        };
        for namespace in order {
            if let Some(id) = self.claim_owner(namespace, name).await? {
                return self.found(AccountId(id)).await;
            }
        }
        Ok(None)
    }

    pub(super) async fn found(&self, id: AccountId) -> Result<Option<Found>, ApiFailure> {
        let Some(account) = self.account_state(&id).await? else { return Ok(None) };
        let Some(registered) = account.registered() else { return Ok(None) };
        let stored = match account.password() {
            Some(sealed) => {
                let place = SealContext::account_password(&id);
                self.runtime.journal.keyring().open(&place, sealed).await?.map(Zeroizing::new)
            }
            None => None,
        };
        Ok(Some(Found { subject: registered.subject.clone(), stored, version: account.password_version(), id }))
    }

    /// Opens a session on the password that was verified; `None` where it was changed since.
    async fn open_session(
        &self,
        found: &Found,
        from: &Requester<'_>,
    ) -> Result<Option<(FreshSession, Option<Position>)>, ApiFailure> {
        let fresh = FreshSession::make()?;
        let origin = self.session_origin(&found.id, &found.subject, &fresh.id, from, "login").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let mut account = tx.load::<Account, Box<ApiFailure>>(&found.id.0).await?;
                if account.state.password_version() != found.version || account.state.password().is_none() {
                    return Ok(false);
                }
                self.start_session(tx, &mut account, &found.id, &fresh.id)?;
                Ok(true)
            })
            .await?;
        let position = committed.appended.map(|appended| appended.last);
        Ok(committed.value.then_some((fresh, position)))
    }

    /// The origin of what opens a session: the account itself, by the session it opens.
    pub(super) async fn session_origin(
        &self,
        account: &AccountId,
        subject: &SubjectId,
        session: &CredentialId,
        from: &Requester<'_>,
        command: &'static str,
    ) -> Result<Origin, ApiFailure> {
        let who = Who::Account {
            account: account.0.clone(),
            persona: None,
            credential: CredentialType::Session.word().to_owned(),
            credential_id: session.0.clone(),
        };
        self.origin_of(who, subject, from.client, "http", command, from.correlation).await
    }

    /// Puts a new session of an account into an append.
    pub(super) fn start_session(
        &self,
        tx: &mut Transaction<'_>,
        account: &mut crate::runtime::transaction::Loaded<Account>,
        id: &AccountId,
        session: &CredentialId,
    ) -> Result<(), BusError<Box<ApiFailure>>> {
        let expires_at = tx.facts.now + self.session_life();
        let open = AccountCommand::OpenSession(OpenSession {
            session: session.clone(),
            kind: SessionKind::Cookie,
            expires_at,
            max_sessions: self.accounts.max_sessions,
        });
        tx.decide(account, &open).map_err(BusError::unexpected)?;
        let mut stream = tx.begin::<Session>(&session.0);
        let start = SessionCommand::Start(Start {
            account: id.clone(),
            kind: SessionKind::Cookie,
            secret_hash: session.0.clone(),
            expires_at,
        });
        tx.decide(&mut stream, &start).map_err(BusError::unexpected)?;
        Ok(())
    }

    /// `POST /api/account/logout`.
    pub(super) async fn logout_of_account(
        &self,
        caller: &Caller,
        from: &Requester<'_>,
    ) -> Result<RestReply, RestFailure> {
        let account = self.account_state(&caller.account).await?;
        let username = account.as_deref().and_then(Account::registered).map(|it| it.username.clone());
        let origin =
            self.origin_of(caller.who(None), &caller.subject, from.client, "http", "logout", from.correlation).await?;
        let position = match &caller.credential {
            Credential::Session { hash } => self.close_session(&caller.account, hash, "logout", &origin).await?,
            Credential::ApiToken { .. } | Credential::DaemonToken => None,
        };
        let mut reply = RestReply::ok(json!({ "ok": true, "username": username }), position);
        reply.set_cookie = Some(self.cookies.clear());
        Ok(reply)
    }
}
