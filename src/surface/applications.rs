//! Applications: submitting one makes company, founder, agent token and first metric in one append
//! (spec/metrics.md section 5).

use muniment_aggregates::application::{
    Application, ApplicationCommand, Narrative, NewToken, Submit, TokenScope, Withdraw,
};
use muniment_aggregates::ids::{ApplicationId, CompanyId, FounderId, InviteId, MetricId};
use muniment_aggregates::invite::{Claim, INVITE_EMAIL_CLAIM, Invite, InviteCommand};
use muniment_aggregates::metric::{Define, Metric, MetricCommand};
use muniment_aggregates::record::Who;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::SubjectAlias;
use muniment_projections::applications::{self, ApplicationRow};
use muniment_projections::invites;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::Surface;
use super::errors::{V1Error, V1Refusal, answered};
use super::input::{Fields, holds_huge_number};
use super::limits::{Entry, Window, client_prefix};
use super::metrics::{SETTING_FIELDS, definition};
use super::principal::Founder;
use super::request::{Reply, Request};
use super::status::STATUS_MODELS;
use super::text::{self, NAME_CHARACTERS_MAX, NARRATIVE_BYTES_MAX, REASON_CHARACTERS_MAX, WEBSITE_CHARACTERS_MAX};
use crate::auth::random_bytes;
use crate::auth::tokens::{self, FreshToken, TokenKind};
use crate::runtime::BusError;
use crate::runtime::transaction::Transaction;

/// Name of the token that is made with an application.
const DEFAULT_TOKEN_NAME: &str = "default-agent-token";
/// Its scopes, in the order in which they are answered.
const DEFAULT_SCOPES: [TokenScope; 3] =
    [TokenScope::ApplicationRead, TokenScope::MetricsCreate, TokenScope::MetricsWrite];

impl Surface {
    /// A founder session where one is presented; any other bearer is as if absent, and so is the cookie of an account
    /// without a verified e-mail, which alone counts as the session's.
    async fn optional_founder(&self, request: &Request) -> Result<Option<Founder>, V1Error> {
        let presented = request.presented.authorization.iter().flatten().any(|header| {
            header.trim().split_once(char::is_whitespace).is_some_and(|(_, token)| {
                tokens::claims_to_be(&self.metrics.token_prefix, TokenKind::Session, token.trim())
            })
        });
        if presented {
            return self.founder(&request.presented).await.map(Some);
        }
        if Self::is_by_cookie(&request.presented) {
            let founder = match self.founder_by_cookie(&request.presented).await {
                Err(V1Error::Refused(refusal)) if refusal.code == "insufficient_permissions" => None,
                founder => Some(founder?),
            };
            Self::require_json(&request.presented)?;
            return Ok(founder);
        }
        Ok(None)
    }

    async fn signup_gate(&self, request: &Request, has_session: bool) -> Result<(), V1Error> {
        let otp_required = || V1Error::refuse(401, "email_otp_required", "Sign in by e-mail code first.");
        match &self.applications.signup_secret {
            Some(secret) => {
                let prefix = client_prefix(request.presented.client);
                let too_many =
                    |limited| V1Error::limited(limited, "rate_limited", "Too many wrong signup secrets; wait.");
                let limit = self.limits.signup_secret;
                let attempt = self.windows.enter(Window::SignupSecret, &prefix, limit).await.map_err(too_many)?;
                // Digests are compared, so that neither content nor length shows in the time it takes.
                let given = blake3::hash(request.signup_secret.as_deref().unwrap_or_default().as_bytes());
                let wanted = blake3::hash(secret.expose_secret().as_bytes());
                if !bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
                    attempt.failed().await.map_err(too_many)?;
                    return Err(V1Error::refuse(401, "unauthorized", "The signup secret is missing or wrong."));
                }
            }
            None if self.applications.require_email_otp && !has_session => return Err(otp_required()),
            None => {}
        }
        if self.applications.require_invite && !has_session {
            return Err(otp_required());
        }
        Ok(())
    }

    /// `POST /v1/applications`.
    pub(super) async fn submit_application(&self, request: &mut Request) -> Result<Reply, V1Error> {
        let mut founder = self.optional_founder(request).await?;
        self.signup_gate(request, founder.is_some()).await?;
        // While the body was on its way the session may have ended.
        if request.receive_body().await && founder.is_some() {
            founder = self.optional_founder(request).await?;
        }
        let known = ["company_name", "founder_name", "founder_email", "website", "narrative", "primary_metric"];
        let mut fields = Fields::of(request, &known, false).await?;
        let company_name = fields.required_text("company_name", NAME_CHARACTERS_MAX)?;
        let founder_name = fields.required_text("founder_name", NAME_CHARACTERS_MAX)?;
        let founder_email = fields.required_text("founder_email", usize::MAX)?;
        let email = text::email(&founder_email).ok_or_else(|| {
            V1Error::refuse(400, "invalid_email", "founder_email must be an address like name@example.com.")
        })?;
        if let Some(founder) = &founder
            && self.shown_email(founder).await?.as_deref() != Some(email.as_str())
        {
            return Err(V1Error::refuse(403, "email_mismatch", "founder_email is not the address you signed in with."));
        }
        let primary = primary_metric(&mut fields)?;
        let website = fields.text_unless_blank("website", WEBSITE_CHARACTERS_MAX)?;
        let narrative = narrative(&mut fields)?;
        let invite = self.invite_of_applicant(founder.as_ref(), &email).await?;
        let counted = self.limit_applications(request, &email).await?;

        let keys = self.runtime.journal.keyring();
        let subject = keys.subject_for(SubjectAlias::email(&email)).await?;
        let application = ApplicationId::from_random(random_bytes()?);
        let company = CompanyId::from_random(random_bytes()?);
        let sealed = async |context: SealContext, value: &str| keys.seal(&subject, &context, value).await;
        let token = FreshToken::make(&self.metrics.token_prefix, TokenKind::Agent)?;
        let submit = ApplicationCommand::Submit(Submit {
            company: company.clone(),
            company_name,
            founder: FounderId::from_random(random_bytes()?),
            founder_name: sealed(SealContext::founder_name(&application), &founder_name).await?,
            founder_email: sealed(SealContext::founder_email(&application), &email).await?,
            founder_email_verified: founder.is_some(),
            subject: subject.clone(),
            website,
            narrative: Narrative::Sealed(sealed(SealContext::narrative(&application), &narrative).await?),
            token: NewToken {
                id: token.id.clone(),
                name: DEFAULT_TOKEN_NAME.to_owned(),
                secret_hash: token.hash.clone(),
                scopes: DEFAULT_SCOPES.to_vec(),
                allowed_metrics: None,
                expires_at: None,
                created_by: None,
            },
        });
        let metric = primary.map(|settings| defined(settings, &company, &application)).transpose()?;
        let who = founder.as_ref().map_or(Who::Anonymous, Founder::who);
        let origin = self.origin(request, who, Some(&subject), "submit_application").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                rest_on_applicant(tx, &subject, founder.as_ref()).await?;
                let mut own = tx.begin::<Application>(application.as_str());
                tx.decide(&mut own, &submit).map_err(answered)?;
                if let (Some(invite), Some(founder)) = (&invite, &founder) {
                    use_invite(tx, invite, founder).await?;
                }
                if let Some((id, define)) = &metric {
                    let mut metric = tx.begin::<Metric>(id.as_str());
                    tx.decide(&mut metric, define).map_err(answered)?;
                }
                Ok::<_, BusError<Box<V1Refusal>>>(())
            })
            .await?;
        count(counted).await;
        let body = json!({
            "company_id": company.as_str(),
            "application_id": application.as_str(),
            "founder_email_verified": founder.is_some(),
            "token": token.raw,
            "token_scopes": DEFAULT_SCOPES.map(|scope| scope.as_str()),
        });
        Ok(Reply::created(body, committed.appended.map(|appended| appended.last)))
    }

    /// The invitation an application uses up, where it needs one: an open one for the e-mail; none where the account
    /// was made by one, or used one up with an earlier application.
    async fn invite_of_applicant(&self, founder: Option<&Founder>, email: &str) -> Result<Option<InviteId>, V1Error> {
        let Some(founder) = founder.filter(|_| self.applications.require_invite) else { return Ok(None) };
        let account = self.account_state(&founder.account).await.map_err(V1Error::from_accounts)?;
        if account.is_some_and(|account| account.registered().is_some_and(|it| it.invite.is_some())) {
            return Ok(None);
        }
        let found = self.claim_owner(INVITE_EMAIL_CLAIM, email).await.map_err(V1Error::from_accounts)?;
        if let Some(id) = found {
            return Ok(Some(InviteId(id)));
        }
        self.runtime.reads.catch_up(&["invites"]).await?;
        if invites::is_claimant(self.runtime.reads.store(), &founder.account).await? {
            return Ok(None);
        }
        Err(no_invite().into())
    }

    /// The places an application takes, by its e-mail and by its client. One that is not recorded gives them back.
    async fn limit_applications(&self, request: &Request, email: &str) -> Result<[Entry<'_>; 2], V1Error> {
        let too_many = |limited| V1Error::limited(limited, "rate_limited", "Too many applications; wait.");
        let prefix = client_prefix(request.presented.client);
        // The address itself is nobody's business in a table of counters.
        let digest = hex::encode(self.runtime.journal.keyring().mac("application-limit", email.as_bytes()));
        let (by_address, by_email) = (self.limits.applications_address, self.limits.applications_email);
        let of_email = self.windows.enter(Window::ApplicationsEmail, &digest, by_email).await.map_err(too_many)?;
        let of_address =
            self.windows.enter(Window::ApplicationsAddress, &prefix, by_address).await.map_err(too_many)?;
        Ok([of_email, of_address])
    }

    /// `GET /v1/applications`.
    pub(super) async fn list_applications(&self, founder: &Founder) -> Result<Reply, V1Error> {
        let read = async || self.known_applications_of(founder).await;
        let (own, as_of) = self.runtime.reads.at_one_position(&["applications"], read).await?;
        let rows: Vec<_> = own.iter().map(summary).collect();
        Ok(Reply::ok(json!({"applications": rows}), Some(as_of)))
    }

    /// An application that is the founder's, from wherever the read model is.
    async fn own_application(&self, request: &Request, founder: &Founder) -> Result<ApplicationRow, V1Error> {
        let not_found = || V1Error::refuse(404, "application_not_found", "There is no such application of yours.");
        let id = ApplicationId::parse(request.parameter(0)).ok_or_else(not_found)?;
        applications::by_id(self.runtime.reads.store(), &id)
            .await?
            .filter(|row| row.founder_subject == founder.subject)
            .ok_or_else(not_found)
    }

    /// `GET /v1/applications/{id}`.
    pub(super) async fn show_application(&self, request: &Request, founder: &Founder) -> Result<Reply, V1Error> {
        let read = async || self.application_in_full(request, founder).await;
        let (body, as_of) = self.runtime.reads.at_one_position(STATUS_MODELS, read).await?;
        Ok(Reply::ok(body, Some(as_of)))
    }

    async fn application_in_full(&self, request: &Request, founder: &Founder) -> Result<Value, V1Error> {
        let row = self.own_application(request, founder).await?;
        let history = applications::history(self.runtime.reads.store(), &row.id).await?;
        let history: Vec<_> = history
            .iter()
            .map(|it| json!({"status": it.status.as_str(), "at": text::instant(it.at), "reason": it.reason}))
            .collect();
        let mut shown = summary(&row);
        shown["narrative"] = self.narrative_on_wire(&row.id, &row.narrative).await?;
        shown["status_history"] = json!(history);
        Ok(json!({
            "application": shown,
            "metrics": self.status_metrics(&row.company).await?,
            "alerts": self.status_alerts(&row.company).await?,
        }))
    }

    /// A narrative as its founder gave it; `null` when he was erased.
    pub(super) async fn narrative_on_wire(&self, id: &ApplicationId, narrative: &Narrative) -> Result<Value, V1Error> {
        let sealed = match narrative {
            Narrative::Clear(object) => return Ok(Value::Object(object.clone())),
            Narrative::Sealed(sealed) => sealed,
        };
        let text = self.runtime.journal.keyring().open(&SealContext::narrative(id), sealed).await?;
        let Some(text) = text else { return Ok(Value::Null) };
        serde_json::from_str(&text).map_err(|error| V1Error::fault(format!("a narrative is no JSON: {error}")))
    }

    /// `POST /v1/applications/{id}/withdraw`.
    pub(super) async fn withdraw(&self, request: &mut Request, founder: &Founder) -> Result<Reply, V1Error> {
        self.runtime.reads.catch_up(&["applications"]).await?;
        let row = self.own_application(request, founder).await?;
        let mut fields = Fields::of(request, &["reason"], true).await?;
        let reason = fields.text_unless_blank("reason", REASON_CHARACTERS_MAX)?;
        let command = ApplicationCommand::Withdraw(Withdraw { reason, by: founder.account.0.clone() });
        let origin = self.origin(request, founder.who(), Some(&founder.subject), "withdraw_application").await?;
        let done = self.runtime.bus.execute::<Application>(row.id.as_str(), command, &origin).await?;
        Ok(Reply::ok(json!({"id": row.id.as_str(), "status": "withdrawn"}), done.position))
    }
}

fn no_invite() -> V1Refusal {
    V1Refusal::new(403, "no_matching_invite", "Applying is by invitation only.")
}

/// Counts an application that is recorded: what was done is not answered as if nothing was.
async fn count(places: [Entry<'_>; 2]) {
    for place in places {
        if place.counts().await.is_err() {
            tracing::warn!("an application could not be counted");
        }
    }
}

/// Rests an application on whom it is of, and on the session it is made by: its token would outlive one that has ended.
async fn rest_on_applicant(
    tx: &mut Transaction<'_>,
    subject: &SubjectId,
    founder: Option<&Founder>,
) -> Result<(), BusError<Box<V1Refusal>>> {
    tx.rest_on(subject).await?;
    let Some(founder) = founder else { return Ok(()) };
    if tx.rest_on_credential(&founder.account, &founder.id).await? {
        return Ok(());
    }
    let message = "The session has ended; sign in again.";
    Err(BusError::Refused(Box::new(V1Refusal::new(401, "invalid_session", message))))
}

/// Uses an invitation up, unless the same founder did so meanwhile, with another application.
async fn use_invite(
    tx: &mut Transaction<'_>,
    invite: &InviteId,
    founder: &Founder,
) -> Result<(), BusError<Box<V1Refusal>>> {
    let mut stream = tx.load::<Invite, Box<V1Refusal>>(&invite.0).await?;
    if stream.state.claimed_by() != Some(&founder.account) {
        let claim = InviteCommand::Claim(Claim { account: founder.account.clone() });
        tx.decide(&mut stream, &claim).map_err(|error| error.map_refusal(|_| Box::new(no_invite())))?;
    }
    Ok(())
}

fn summary(row: &ApplicationRow) -> Value {
    json!({
        "id": row.id.as_str(),
        "company_id": row.company.as_str(),
        "company_name": row.company_name,
        "website": row.website,
        "status": row.status.as_str(),
        "submitted_at": text::instant(row.submitted_at),
        "founder_email_verified": row.founder_email_verified,
    })
}

/// The text of the object that a narrative is.
fn narrative(fields: &mut Fields) -> Result<String, V1Error> {
    match fields.take("narrative") {
        None => Ok("{}".to_owned()),
        Some(Value::Object(narrative)) => {
            let narrative = Value::Object(narrative);
            if holds_huge_number(&narrative) {
                return Err(V1Error::invalid_field("narrative", "without numbers beyond 64-bit floats"));
            }
            let narrative = narrative.to_string();
            if narrative.len() > NARRATIVE_BYTES_MAX {
                return Err(V1Error::invalid_field("narrative", "at most 64 KiB long"));
            }
            Ok(narrative)
        }
        Some(_) => Err(V1Error::invalid_field("narrative", "an object")),
    }
}

/// The settings of the metric that is made with an application, before company and application have ids.
struct Primary(Define);

impl Primary {
    fn of(mut self, company: CompanyId, application: ApplicationId) -> Define {
        self.0.company = company;
        self.0.application = application;
        self.0
    }
}

/// The first metric of an application, and the command that defines it.
fn defined(
    settings: Primary,
    company: &CompanyId,
    application: &ApplicationId,
) -> Result<(MetricId, MetricCommand), V1Error> {
    let id = MetricId::from_random(random_bytes()?);
    Ok((id, MetricCommand::Define(settings.of(company.clone(), application.clone()))))
}

fn primary_metric(fields: &mut Fields) -> Result<Option<Primary>, V1Error> {
    let given = match fields.take("primary_metric") {
        None => return Ok(None),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(V1Error::invalid_field("primary_metric", "an object")),
    };
    let known: Vec<&str> =
        std::iter::once("key").chain(SETTING_FIELDS.iter().copied().filter(|name| *name != "source_type")).collect();
    let mut given = Fields::within(given, &known)?;
    let key = match given.take("key") {
        None => return Ok(None),
        Some(Value::String(key)) if key.is_empty() => return Ok(None),
        Some(Value::String(key)) => key,
        Some(_) => return Err(V1Error::invalid_field("primary_metric.key", "a string")),
    };
    definition(&key, &mut given, CompanyId::default(), ApplicationId::default()).map(|define| Some(Primary(define)))
}
