//! Sign-in by e-mail code (spec/metrics.md section 4): one stream a mailbox holds every limit and the single use;
//! a right code, the session and the account are one append.

use chrono::TimeDelta;
use muniment_aggregates::account::{
    ACCOUNT_EMAIL_CLAIM, Account, AccountCommand, OpenSession, RegisterByEmail, VerifyEmail,
};
use muniment_aggregates::challenge::{
    Challenge, ChallengeCommand, Guess, Issue, Limits, Purpose, Rate, Verdict, stream_key,
};
use muniment_aggregates::ids::{AccountId, InviteId, OtpId, PersonaId};
use muniment_aggregates::invite::{Claim, INVITE_EMAIL_CLAIM, Invite, InviteCommand};
use muniment_aggregates::record::{Position, Who};
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_aggregates::session::{Session, SessionCommand, SessionKind, Start};
use muniment_aggregates::settings::{SETTINGS_ID, Settings};
use muniment_journal::{NewMail, SubjectAlias};
use serde_json::json;
use uuid::Uuid;

use super::Surface;
use super::errors::{V1Error, V1Refusal, answered, wrong_code};
use super::input::Fields;
use super::limits::{Limited, Window, client_prefix};
use super::principal::Founder;
use super::request::{Reply, Request};
use super::text;
use crate::auth::tokens::{FreshToken, TokenKind};
use crate::auth::{codes, random_bytes};
use crate::config::accounts::OtpSignup;
use crate::config::{EchoPermit, Limit, MailMode};
use crate::runtime::BusError;
use crate::runtime::policies::letters::{LOGIN_CODE_MINUTES, Letter};
use crate::runtime::transaction::Transaction;

/// How long a founder session lasts; use does not extend it.
const SESSION_DAYS: i64 = 30;
/// Live founder sessions of one account; the oldest are evicted.
const SESSIONS_MAX: u32 = 10;
/// Letters and digits behind `founder-`.
const USERNAME_CHARACTERS: usize = 10;

struct SignedIn {
    token: String,
    expires_at: String,
    position: Option<Position>,
}

impl Surface {
    fn challenge_limits(&self) -> Limits {
        let rate = |limit: Limit| Rate {
            count: limit.count,
            seconds: u32::try_from(limit.window.as_secs()).unwrap_or(u32::MAX),
        };
        Limits {
            starts: self.limits.otp_starts.map(rate),
            guesses_per_code: Some(crate::config::limits::GUESSES_PER_CODE_MAX),
            guesses: self.limits.otp_guesses.map(rate),
        }
    }

    /// Whether the code may stand in the answer. Behind a proxy every peer is local, and so is every page in a browser
    /// of this machine; a page of this installation, or of a site it lists, may hear it.
    fn may_hear(&self, permit: &EchoPermit, request: &Request) -> bool {
        let presented = &request.presented;
        let is_local = || {
            permit.allows(presented.peer)
                && permit.allows(presented.client)
                && presented.is_called_locally()
                && self.check_origin(presented).is_ok()
        };
        permit.is_for_anybody() || is_local()
    }

    /// `POST /v1/auth/otp/start`.
    pub(super) async fn otp_start(&self, request: &mut Request) -> Result<Reply, V1Error> {
        let mut fields = Fields::of(request, &["email"], false).await?;
        let given = fields.required_text("email", usize::MAX)?;
        let email = text::email(&given)
            .ok_or_else(|| V1Error::refuse(400, "invalid_email", "email must be an address like name@example.com."))?;
        let mode = self.mail.mode();
        let is_written = self.mail.folder().is_some();
        let (sent, echoed) = match &mode {
            MailMode::Smtp(_) => (true, false),
            MailMode::Echo(permit) if self.may_hear(permit, request) => (is_written, true),
            MailMode::Echo(_) | MailMode::Off if is_written => (true, false),
            MailMode::Echo(_) | MailMode::Off => {
                return Err(V1Error::unavailable("Sign-in by e-mail is not available here: no mail is set up."));
            }
        };
        // A start that the mailbox's limit refuses gives its place back: others behind the address have it.
        let (client, limit) = (client_prefix(request.presented.client), self.limits.otp_address_starts);
        let start = self.windows.enter(Window::OtpAddressStarts, &client, limit).await.map_err(too_many_sign_ins)?;

        let keys = self.runtime.journal.keyring();
        let subject = keys.subject_for(SubjectAlias::email(&email)).await?;
        let stream = stream_key(Purpose::SignIn, &subject);
        let code = codes::fresh()?;
        let otp = OtpId::from_random(random_bytes()?);
        let expires_at = self.runtime.clock.now() + TimeDelta::minutes(LOGIN_CODE_MINUTES);
        let command = ChallengeCommand::Issue(Issue {
            otp: otp.clone(),
            purpose: Purpose::SignIn,
            subject: subject.clone(),
            email: keys.seal(&subject, &SealContext::challenge_email(&stream), &email).await?,
            digest: codes::digest(keys, Purpose::SignIn.as_str(), &email, &code),
            expires_at,
            sent,
            limits: self.challenge_limits(),
        });
        let mail = if sent { Some(self.code_mail(&subject, &otp, &email, &code, expires_at).await?) } else { None };
        let origin = self.origin(request, Who::Anonymous, Some(&subject), "issue_challenge").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                tx.rest_on(&subject).await?;
                let mut challenge = tx.load::<Challenge, Box<V1Refusal>>(&stream).await?;
                tx.decide(&mut challenge, &command).map_err(answered)?;
                if let Some(mail) = &mail {
                    tx.send(mail.clone());
                }
                Ok(())
            })
            .await?;
        // The code is on its way: what was done is not answered as if nothing was.
        if start.counts().await.is_err() {
            tracing::warn!("a start of a sign-in could not be counted by its address");
        }
        let position = committed.appended.map(|appended| appended.last);
        let mut body = json!({"ok": true, "email": email, "expires_at": text::instant(expires_at)});
        if echoed {
            body["delivery"] = json!("development_response");
            body["dev_otp"] = json!(code);
        } else {
            body["delivery"] = json!("email");
        }
        Ok(Reply::ok(body, position))
    }

    async fn code_mail(
        &self,
        subject: &SubjectId,
        otp: &OtpId,
        email: &str,
        code: &str,
        expires_at: chrono::DateTime<chrono::Utc>,
    ) -> Result<NewMail, V1Error> {
        let letter = Letter::LoginCode { to: email.to_owned(), code: code.to_owned() };
        let context = SealContext::mail(otp);
        let body = self.runtime.journal.keyring().seal(subject, &context, &letter.to_text()).await?;
        Ok(NewMail { id: otp.as_str().to_owned(), subject: subject.clone(), body, expires_at })
    }

    /// `POST /v1/auth/otp/verify`.
    pub(super) async fn otp_verify(&self, request: &mut Request) -> Result<Reply, V1Error> {
        let mut fields = Fields::of(request, &["email", "code", "totp"], false).await?;
        let given = fields.required_text("email", usize::MAX)?;
        let email = text::email(&given)
            .ok_or_else(|| V1Error::refuse(400, "invalid_email", "email must be an address like name@example.com."))?;
        let code = fields.required_text("code", usize::MAX)?;
        fields.text("totp", text::NAME_CHARACTERS_MAX)?;
        let code = codes::parse(&code)
            .ok_or_else(|| V1Error::refuse(400, "invalid_otp", "code must be the six digits of the mail."))?;
        let (client, limit) = (client_prefix(request.presented.client), self.limits.otp_address_guesses);
        self.windows.hit(Window::OtpAddressGuesses, &client, limit).await.map_err(too_many_sign_ins)?;

        let subject = self.runtime.journal.keyring().find_subject(&SubjectAlias::email(&email)).await?;
        let guessed = match &subject {
            Some(subject) => self.guess(request, &email, subject, &code).await,
            None => Ok(None),
        };
        // A wrong guess is recorded, so its refusal names a position; that of one at no code does too, so that the header alone
        // does not tell them apart.
        let signed_in = guessed
            .and_then(|signed_in| signed_in.ok_or_else(|| wrong_code().into()))
            .map_err(|error| error.at(self.runtime.journal.head()))?;
        let body = json!({
            "ok": true,
            "email": email,
            "session_token": signed_in.token,
            "expires_at": signed_in.expires_at,
        });
        Ok(Reply::ok(body, signed_in.position))
    }

    /// Compares a code; `None` when it was wrong, which is recorded.
    async fn guess(
        &self,
        request: &Request,
        email: &str,
        subject: &SubjectId,
        code: &str,
    ) -> Result<Option<SignedIn>, V1Error> {
        let keys = self.runtime.journal.keyring();
        let stream = stream_key(Purpose::SignIn, subject);
        let guess = ChallengeCommand::Guess(Guess {
            digest: codes::digest(keys, Purpose::SignIn.as_str(), email, code),
            limits: self.challenge_limits(),
        });
        let fresh = FreshToken::make(&self.metrics.token_prefix, TokenKind::Session)?;
        let new_account = Uuid::new_v4().to_string();
        let registration = RegisterByEmail {
            username: fresh_username()?,
            email: self.seal_account_email(&new_account, subject, email).await?,
            subject: subject.clone(),
            persona: PersonaId(Uuid::new_v4().to_string()),
            invite: None,
        };
        let origin = self.origin(request, Who::Anonymous, Some(subject), "answer_challenge").await?;
        let decide = async |tx: &mut Transaction<'_>| -> Result<_, BusError<Box<V1Refusal>>> {
            let expires_at = tx.facts.now + TimeDelta::days(SESSION_DAYS);
            let mut challenge = tx.load::<Challenge, Box<V1Refusal>>(&stream).await?;
            let events = tx.decide(&mut challenge, &guess).map_err(answered)?;
            if !matches!(Challenge::verdict(&events), Some(Verdict::Right { .. })) {
                return Ok(None);
            }
            let owner = self.runtime.journal.claim_owner(ACCOUNT_EMAIL_CLAIM, email).await;
            let owner = owner.map_err(|error| BusError::Unavailable(error.to_string()))?;
            let account_id = owner.map_or_else(|| new_account.clone(), |stream| stream.id.to_string());
            let mut account = if account_id == new_account {
                let invite = self.claim_invite(tx, email, &account_id).await?;
                tx.rest_on(subject).await?;
                let mut account = tx.begin::<Account>(&account_id);
                let command = AccountCommand::RegisterByEmail(RegisterByEmail { invite, ..registration.clone() });
                tx.decide(&mut account, &command).map_err(BusError::unexpected)?;
                account
            } else {
                tx.load::<Account, Box<V1Refusal>>(&account_id).await?
            };
            if account.state.erased_at().is_some() {
                return Err(BusError::Refused(Box::new(wrong_code())));
            }
            check_owner(&account.state, subject)?;
            if !account.state.email_verified() {
                let command = AccountCommand::VerifyEmail(VerifyEmail {});
                tx.decide(&mut account, &command).map_err(BusError::unexpected)?;
            }
            let open = AccountCommand::OpenSession(OpenSession {
                session: fresh.id.clone(),
                kind: SessionKind::Founder,
                expires_at,
                max_sessions: Some(SESSIONS_MAX),
            });
            tx.decide(&mut account, &open).map_err(BusError::unexpected)?;
            let mut session = tx.begin::<Session>(&fresh.id.0);
            let start = SessionCommand::Start(Start {
                account: AccountId(account_id),
                kind: SessionKind::Founder,
                secret_hash: fresh.hash.clone(),
                expires_at,
            });
            tx.decide(&mut session, &start).map_err(BusError::unexpected)?;
            Ok(Some(text::instant(expires_at)))
        };
        let mut committed = self.runtime.bus.transact(&origin, &decide).await;
        // Somebody signed up with the address since it was looked up. The code is not used: now it opens that account.
        if matches!(committed, Err(BusError::ClaimTaken { .. })) {
            committed = self.runtime.bus.transact(&origin, &decide).await;
        }
        match committed {
            Ok(committed) => Ok(committed.value.map(|expires_at| SignedIn {
                token: fresh.raw.clone(),
                expires_at,
                position: committed.appended.map(|appended| appended.last),
            })),
            Err(BusError::ClaimTaken { .. }) => {
                Err(V1Error::unavailable("The address is being registered elsewhere; try again shortly."))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The invitation that makes an account by code use up, where sign-up is by invitation and not open.
    async fn claim_invite(
        &self,
        tx: &mut Transaction<'_>,
        email: &str,
        account: &str,
    ) -> Result<Option<InviteId>, BusError<Box<V1Refusal>>> {
        if self.accounts.otp_signup == OtpSignup::Always {
            return Ok(None);
        }
        if tx.load::<Settings, Box<V1Refusal>>(SETTINGS_ID).await?.state.open_signup() {
            return Ok(None);
        }
        let uninvited = || Box::new(V1Refusal::new(403, "no_matching_invite", "Sign-up is by invitation only."));
        let owner = self.runtime.journal.claim_owner(INVITE_EMAIL_CLAIM, email).await;
        let owner = owner.map_err(|error| BusError::Unavailable(error.to_string()))?;
        let id = owner.map(|stream| stream.id.to_string()).ok_or_else(|| BusError::Refused(uninvited()))?;
        let mut invite = tx.load::<Invite, Box<V1Refusal>>(&id).await?;
        let claim = InviteCommand::Claim(Claim { account: AccountId(account.to_owned()) });
        tx.decide(&mut invite, &claim).map_err(|error| error.map_refusal(|_| uninvited()))?;
        Ok(Some(InviteId(id)))
    }

    async fn seal_account_email(&self, account: &str, subject: &SubjectId, email: &str) -> Result<Sealed, V1Error> {
        let context = SealContext::account_email(&AccountId(account.to_owned()));
        Ok(self.runtime.journal.keyring().seal(subject, &context, email).await?)
    }

    /// A founder's e-mail as it is shown and compared; nothing where it was erased. An account keeps it as it was given,
    /// and here it is lower-case throughout.
    pub(super) async fn shown_email(&self, founder: &Founder) -> Result<Option<String>, V1Error> {
        let context = SealContext::account_email(&founder.account);
        let given = self.runtime.journal.keyring().open(&context, &founder.email).await?;
        Ok(given.map(|email| email.to_lowercase()))
    }
}

/// Whoever proved a mailbox is known by its subject. The claim that leads from an address to an account stands in no hash: one
/// that was moved in the database opens nothing.
fn check_owner<R>(account: &Account, subject: &SubjectId) -> Result<(), BusError<R>> {
    if account.registered().is_some_and(|registered| registered.subject == *subject) {
        return Ok(());
    }
    Err(BusError::Fault("the claim of an address leads to the account of somebody else".to_owned()))
}

fn too_many_sign_ins(limited: Limited) -> V1Error {
    V1Error::limited(limited, "otp_rate_limited", "Too many sign-ins from this address; wait.")
}

fn fresh_username() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = String::from("founder-");
    while name.len() < "founder-".len() + USERNAME_CHARACTERS {
        // 252 is the greatest multiple of 36 below 256: what lies above is drawn again, so that all are as likely.
        for byte in random_bytes::<16>()?.into_iter().filter(|byte| *byte < 252).take(USERNAME_CHARACTERS) {
            if name.len() < "founder-".len() + USERNAME_CHARACTERS
                && let Some(letter) = ALPHABET.get(usize::from(byte % 36))
            {
                name.push(char::from(*letter));
            }
        }
    }
    Ok(name)
}
