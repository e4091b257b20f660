//! Signing up, on an invitation or while anybody may (spec/accounts-and-offers.md section 3.10).

use std::time::Instant;

use muniment_aggregates::account::{
    ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM, Account, AccountCommand, AccountEmail, SignUp, Via,
};
use muniment_aggregates::ids::{AccountId, InviteId, PersonaId};
use muniment_aggregates::invite::{
    Claim, INVITE_EMAIL_CLAIM, INVITE_USERNAME_CLAIM, Invite, InviteCommand, InviteRefusal,
};
use muniment_aggregates::record::Who;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_aggregates::settings::{SETTINGS_ID, Settings};
use muniment_journal::SubjectAlias;
use serde_json::json;
use zeroize::Zeroizing;

use super::attempts::RefusedAttempt;
use super::failure::{ApiFailure, Code, RestFailure};
use super::login::Requester;
use super::rest::RestReply;
use super::schema::Input;
use crate::auth::session_token::FreshSession;
use crate::runtime::BusError;
use crate::runtime::accounts::make::{Prepared, prepare};
use crate::surface::Surface;
use crate::surface::limits::{Window, client_prefix};

/// What somebody signs up with, made ready for an append.
pub(super) struct NewAccount {
    pub(super) id: AccountId,
    pub(super) persona: PersonaId,
    pub(super) username: String,
    pub(super) subject: SubjectId,
    pub(super) email: Option<AccountEmail>,
    pub(super) password: Sealed,
    pub(super) session: FreshSession,
}

impl NewAccount {
    /// The command that makes it.
    pub(super) fn command(&self, via: Via, invite: Option<InviteId>) -> AccountCommand {
        AccountCommand::SignUp(SignUp {
            username: self.username.clone(),
            email: self.email.clone(),
            subject: self.subject.clone(),
            persona: self.persona.clone(),
            password: self.password.clone(),
            via,
            invite,
        })
    }
}

fn no_matching_invite() -> ApiFailure {
    ApiFailure::because(Code::Forbidden, "no_matching_invite", "Sign-up is by invitation only.")
}

fn signup_conflict() -> ApiFailure {
    ApiFailure::because(Code::Conflict, "signup_conflict", "The username or the e-mail is taken.")
}

impl Surface {
    /// `POST /api/account/signup`.
    pub(super) async fn sign_up(&self, input: &Input, from: &Requester<'_>) -> Result<RestReply, RestFailure> {
        let begun = Instant::now();
        let (username, email) = (input.text("username"), input.optional_text("email"));
        let address = client_prefix(from.client);
        let limits = (self.limits.signup_ip, self.limits.signup_account);
        let by_address =
            self.windows.enter(Window::SignupAddress, &address, limits.0).await.map_err(ApiFailure::limited)?;
        let by_name =
            self.windows.enter(Window::SignupAccount, username, limits.1).await.map_err(ApiFailure::limited)?;
        match self.try_sign_up(input.text("password"), username, email, from).await {
            Ok(reply) => {
                by_name.succeeded().await;
                Ok(reply)
            }
            Err(Unsigned { fail, row }) => {
                if let Some(row) = row {
                    by_address.failed().await.map_err(ApiFailure::limited)?;
                    by_name.failed().await.map_err(ApiFailure::limited)?;
                    self.record_sign_up(row, username, email, from).await?;
                }
                // Whose name it is costs the row some time, and this answer must not tell it.
                if fail.code == Code::Forbidden {
                    self.pad(begun).await?;
                }
                Err(fail.on_rest())
            }
        }
    }

    async fn try_sign_up(
        &self,
        password: &str,
        username: &str,
        email: Option<&str>,
        from: &Requester<'_>,
    ) -> Result<RestReply, Unsigned> {
        self.runtime.journal.confirm_head().await.map_err(ApiFailure::from)?;
        let settings = self.runtime.bus.state::<Settings>(SETTINGS_ID).await.map_err(ApiFailure::from_bus)?.state;
        let invite = if settings.open_signup() {
            None
        } else {
            let found = self.matching_invite(username, email).await?;
            Some(found.ok_or_else(|| {
                Unsigned::recorded(no_matching_invite(), RefusedAttempt::of("signup").with("reason", "no_match"))
            })?)
        };
        let row = |reason: &str| {
            let row = RefusedAttempt::of("signup").with("reason", reason);
            match &invite {
                Some(invite) => row.with("invite_id", invite.0.as_str()),
                None => row.with("open_signup", true),
            }
        };
        // Before the password is hashed: a name that is taken must not cost the server a hash. The append decides.
        if self.is_taken(username, email).await? {
            return Err(Unsigned::recorded(signup_conflict(), row("signup_conflict")));
        }
        let new = self.new_account(username, email, password).await?;
        let via = if invite.is_some() { Via::Invite } else { Via::OpenSignup };
        let origin = self.session_origin(&new.id, &new.subject, &new.session.id, from, "signup").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                if let Some(invite) = &invite {
                    let mut stream = tx.load::<Invite, Box<ApiFailure>>(&invite.0).await?;
                    let claim = InviteCommand::Claim(Claim { account: new.id.clone() });
                    tx.decide(&mut stream, &claim).map_err(|error| {
                        error.map_refusal(|refusal| {
                            Box::new(match refusal {
                                InviteRefusal::NotFound => no_matching_invite(),
                                InviteRefusal::Empty | InviteRefusal::AlreadyCreated => ApiFailure::fault(refusal),
                            })
                        })
                    })?;
                } else if !tx.load::<Settings, Box<ApiFailure>>(SETTINGS_ID).await?.state.open_signup() {
                    // The switch was turned while the password was hashed.
                    return Err(no_matching_invite().into());
                }
                tx.rest_on(&new.subject).await?;
                let mut account = tx.begin::<Account>(&new.id.0);
                tx.decide(&mut account, &new.command(via, invite.clone())).map_err(BusError::unexpected)?;
                self.start_session(tx, &mut account, &new.id, &new.session.id)
            })
            .await;
        match committed {
            Ok(committed) => {
                let position = committed.appended.map(|appended| appended.last);
                let mut reply = RestReply::ok(json!({ "ok": true }), position);
                reply.set_cookie = Some(self.cookies.issue(&new.session.raw, self.runtime.clock.now()));
                Ok(reply)
            }
            Err(BusError::ClaimTaken { .. }) => Err(Unsigned::recorded(signup_conflict(), row("signup_conflict"))),
            Err(error) => {
                let fail = ApiFailure::from(error);
                match fail.reason {
                    Some("no_matching_invite") => Err(Unsigned::recorded(fail, row("race_lost"))),
                    _ => Err(fail.into()),
                }
            }
        }
    }

    async fn is_taken(&self, username: &str, email: Option<&str>) -> Result<bool, ApiFailure> {
        if self.claim_owner(ACCOUNT_USERNAME_CLAIM, username).await?.is_some() {
            return Ok(true);
        }
        match email {
            Some(email) => Ok(self.claim_owner(ACCOUNT_EMAIL_CLAIM, &email.to_lowercase()).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The oldest open invitation that covers a sign-up.
    async fn matching_invite(&self, username: &str, email: Option<&str>) -> Result<Option<InviteId>, ApiFailure> {
        let email = email.map(str::to_lowercase);
        let by_email = match &email {
            Some(email) => self.claim_owner(INVITE_EMAIL_CLAIM, email).await?,
            None => None,
        };
        let by_username = self.claim_owner(INVITE_USERNAME_CLAIM, username).await?;
        let mut found = Vec::new();
        for (id, through_email) in by_email.iter().map(|id| (id, true)).chain(by_username.iter().map(|id| (id, false)))
        {
            let state = self.runtime.bus.state::<Invite>(id).await.map_err(ApiFailure::from_bus)?.state;
            let Some(created) = state.created().filter(|_| state.is_open()) else { continue };
            // Whoever is invited by both must come with both.
            let covers = match (&created.email, &created.username) {
                (Some(_), None) => through_email,
                (None, Some(_)) => !through_email,
                (Some(_), Some(_)) => by_email.as_ref() == Some(id) && by_username.as_ref() == Some(id),
                (None, None) => false,
            };
            if covers {
                found.push((created.at, InviteId(id.clone())));
            }
        }
        found.sort();
        Ok(found.into_iter().next().map(|(_, id)| id))
    }

    /// Ids, sealed values and a session for a new account.
    pub(super) async fn new_account(
        &self,
        username: &str,
        email: Option<&str>,
        password: &str,
    ) -> Result<NewAccount, ApiFailure> {
        let stored = self.passwords.hash(Zeroizing::new(password.to_owned())).await;
        let stored = stored.map_err(ApiFailure::from_hashing)?;
        let Prepared { id, persona, subject, email, password } =
            prepare(self.runtime.journal.keyring(), email, &stored).await?;
        Ok(NewAccount {
            id,
            persona,
            username: username.to_owned(),
            subject,
            email,
            password,
            session: FreshSession::make()?,
        })
    }

    async fn record_sign_up(
        &self,
        row: RefusedAttempt,
        username: &str,
        email: Option<&str>,
        from: &Requester<'_>,
    ) -> Result<(), ApiFailure> {
        let subject = self.client_subject().await?;
        let origin = self.origin_of(Who::Anonymous, &subject, from.client, "http", "signup", from.correlation).await?;
        // An address gets a subject here if it has none: whoever is erased later takes along what was tried before.
        let whose = match email {
            Some(email) => Some(self.runtime.journal.keyring().subject_for(SubjectAlias::email(email)).await?),
            None => None,
        };
        let named = self.subject_named(username).await?.or_else(|| whose.clone());
        let mut row = row.personal(named, "username", username);
        if let Some(email) = email {
            row = row.personal(whose, "email", email);
        }
        self.record_refusal(row, &subject, &origin).await?;
        Ok(())
    }
}

/// A sign-up that failed, with the row it leaves, where it leaves one.
struct Unsigned {
    fail: ApiFailure,
    row: Option<RefusedAttempt>,
}

impl Unsigned {
    fn recorded(fail: ApiFailure, row: RefusedAttempt) -> Self {
        Self { fail, row: Some(row) }
    }
}

impl From<ApiFailure> for Unsigned {
    fn from(fail: ApiFailure) -> Self {
        Self { fail, row: None }
    }
}
