//! Agent tokens: made, listed, revoked, rotated by founders (spec/metrics.md section 9).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::application::{
    Application, ApplicationCommand, ApplicationEvent, ApplicationRefusal, IssueToken, NewToken, RevokeToken,
    RotateToken, TOKEN_GRACE_SECONDS_MAX, TOKEN_METRICS_MAX, TOKEN_NAME_CHARACTERS_MAX, TokenScope,
};
use muniment_aggregates::ids::{ApplicationId, CompanyId, CredentialId};
use muniment_aggregates::record::Position;
use muniment_projections::agent_tokens::{self, TokenRow};
use muniment_projections::{PAGE_ROWS_MAX, applications};
use serde_json::{Value, json};

use super::Surface;
use super::errors::V1Error;
use super::input::Fields;
use super::metrics::slugged;
use super::principal::Founder;
use super::request::{Reply, Request};
use super::text::{self, REASON_CHARACTERS_MAX};
use crate::auth::tokens::{FreshToken, TokenKind};
use crate::runtime::{BusError, Origin};

/// Longest life that can be asked for.
const LIFE_DAYS_MAX: u32 = 365;

impl Surface {
    async fn application_of(&self, company: &CompanyId) -> Result<applications::ApplicationRow, V1Error> {
        self.runtime.reads.catch_up(&["applications"]).await?;
        let row = applications::by_company(self.runtime.reads.store(), company).await?;
        row.ok_or_else(|| V1Error::fault(format!("{company} has no application")))
    }

    async fn own_token(&self, request: &Request, founder: &Founder) -> Result<TokenRow, V1Error> {
        let not_found = || V1Error::refuse(404, "token_not_found", "There is no such token of your company.");
        let id = CredentialId(request.parameter(0).to_owned());
        self.runtime.reads.catch_up(&["agent_tokens"]).await?;
        let row = agent_tokens::by_public_id(self.runtime.reads.store(), &id).await?.ok_or_else(not_found)?;
        let is_wanted = request.query("company_id").is_none_or(|wanted| wanted == row.company.as_str());
        if is_wanted && self.owns(founder, &row.company).await? { Ok(row) } else { Err(not_found()) }
    }

    /// Every token of a company, newest first, from wherever the read model is.
    async fn all_tokens(&self, company: &CompanyId) -> Result<Vec<TokenRow>, V1Error> {
        let mut rows: Vec<TokenRow> = Vec::new();
        loop {
            let before = rows.last().map(|row| row.position);
            let page = agent_tokens::of_company(self.runtime.reads.store(), company, before, PAGE_ROWS_MAX).await?;
            let is_last = page.len() < PAGE_ROWS_MAX;
            rows.extend(page);
            if is_last {
                return Ok(rows);
            }
        }
    }

    /// `POST /v1/tokens`.
    pub(super) async fn create_token(&self, request: &mut Request, founder: &Founder) -> Result<Reply, V1Error> {
        let known = ["name", "scopes", "allowed_metrics", "expires_in_days", "company_id"];
        let mut fields = Fields::of(request, &known, false).await?;
        let name = fields.required_name("name", TOKEN_NAME_CHARACTERS_MAX)?;
        let scopes = read_scopes(&mut fields)?;
        let allowed_metrics = read_allowed(&mut fields)?;
        let days = fields.count("expires_in_days", 1, LIFE_DAYS_MAX)?;
        let in_body = fields.text("company_id", text::NAME_CHARACTERS_MAX)?;
        let wanted = in_body.as_deref().or(request.query("company_id"));
        let company = self.company_of(founder, wanted).await?;
        let application = self.application_of(&company).await?;
        let now = self.runtime.clock.now();
        let token = FreshToken::make(&self.metrics.token_prefix, TokenKind::Agent)?;
        let issued = NewToken {
            id: token.id.clone(),
            name,
            secret_hash: token.hash.clone(),
            scopes,
            allowed_metrics,
            expires_at: days.map(|days| now + TimeDelta::days(i64::from(days))),
            created_by: Some(founder.account.0.clone()),
        };
        let command = ApplicationCommand::IssueToken(IssueToken { token: issued });
        let origin = self.origin(request, founder.who(), Some(&founder.subject), "issue_token").await?;
        let (events, position) = self.make_token(founder, &application.id, &command, &origin).await?;
        Ok(Reply::created(fresh_token(&token, &application.id, &events)?, position))
    }

    /// Makes a token, unless the session that asks has ended: the token would outlive it.
    async fn make_token(
        &self,
        founder: &Founder,
        application: &ApplicationId,
        command: &ApplicationCommand,
        origin: &Origin,
    ) -> Result<(Vec<ApplicationEvent>, Option<Position>), V1Error> {
        let made = self.runtime.bus.transact(origin, async |tx| {
            if !tx.rest_on_credential(&founder.account, &founder.id).await? {
                return Ok(None);
            }
            let mut application = tx.load::<Application, ApplicationRefusal>(application.as_str()).await?;
            tx.decide(&mut application, command).map(Some)
        });
        let made = made.await?;
        let ended = || V1Error::refuse(401, "invalid_session", "The session has ended; sign in again.");
        Ok((made.value.ok_or_else(ended)?, made.appended.map(|appended| appended.last)))
    }

    /// `GET /v1/tokens`.
    pub(super) async fn list_tokens(&self, request: &Request, founder: &Founder) -> Result<Reply, V1Error> {
        let company = self.company_of(founder, request.query("company_id")).await?;
        let read = async || self.all_tokens(&company).await;
        let (rows, as_of) = self.runtime.reads.at_one_position(&["agent_tokens"], read).await?;
        let listed: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut listed = Shown::of(row).on_wire();
                listed["last_used_at"] = json!(row.last_used_at.map(text::instant));
                listed["revoked_at"] = json!(row.revoked_at.map(text::instant));
                listed["created_by"] = json!(row.created_by);
                listed
            })
            .collect();
        Ok(Reply::ok(json!({"tokens": listed}), Some(as_of)))
    }

    /// `POST /v1/tokens/{public_id}/revoke`.
    pub(super) async fn revoke_token(&self, request: &mut Request, founder: &Founder) -> Result<Reply, V1Error> {
        let row = self.own_token(request, founder).await?;
        let mut fields = Fields::of(request, &["reason"], true).await?;
        let reason = fields.text_unless_blank("reason", REASON_CHARACTERS_MAX)?;
        let revoked = |at| json!({"public_id": row.public_id.0, "revoked_at": text::instant(at)});
        if let Some(at) = row.revoked_at {
            return Ok(Reply::ok(revoked(at), None));
        }
        let by = founder.account.0.clone();
        let command = ApplicationCommand::RevokeToken(RevokeToken { token: row.public_id.clone(), reason, by });
        let origin = self.origin(request, founder.who(), Some(&founder.subject), "revoke_token").await?;
        let outcome = self.runtime.bus.execute::<Application>(row.application.as_str(), command, &origin).await;
        let now = self.runtime.clock.now();
        let done = match (outcome, row.expires_at.filter(|end| *end <= now)) {
            // It ended by itself so long ago that its application has forgotten it; nothing is left to end.
            (Err(BusError::Refused(ApplicationRefusal::TokenNotFound)), Some(at)) => {
                return Ok(Reply::ok(revoked(at), None));
            }
            (outcome, _) => outcome?,
        };
        if let Some(at) = done.events.iter().find_map(revoked_at) {
            return Ok(Reply::ok(revoked(at), done.position));
        }
        // Somebody else revoked it since it was read.
        self.runtime.reads.catch_up(&["agent_tokens"]).await?;
        let row = agent_tokens::by_public_id(self.runtime.reads.store(), &row.public_id).await?;
        let at = row.and_then(|row| row.revoked_at);
        let at = at.ok_or_else(|| V1Error::fault("a revoked token is not revoked in its read model"))?;
        Ok(Reply::ok(revoked(at), done.position))
    }

    /// `POST /v1/tokens/{public_id}/rotate`.
    pub(super) async fn rotate_token(&self, request: &mut Request, founder: &Founder) -> Result<Reply, V1Error> {
        let row = self.own_token(request, founder).await?;
        let mut fields = Fields::of(request, &["grace_seconds"], true).await?;
        let grace_seconds = fields.count("grace_seconds", 0, TOKEN_GRACE_SECONDS_MAX)?.unwrap_or(0);
        let token = FreshToken::make(&self.metrics.token_prefix, TokenKind::Agent)?;
        let command = ApplicationCommand::RotateToken(RotateToken {
            token: row.public_id.clone(),
            replacement: token.id.clone(),
            secret_hash: token.hash.clone(),
            grace_seconds,
            by: founder.account.0.clone(),
        });
        let origin = self.origin(request, founder.who(), Some(&founder.subject), "rotate_token").await?;
        let (events, position) = self.make_token(founder, &row.application, &command, &origin).await?;
        Ok(Reply::created(fresh_token(&token, &row.application, &events)?, position))
    }
}

fn read_scopes(fields: &mut Fields) -> Result<Vec<TokenScope>, V1Error> {
    let expected = "1 to 4 of application:read, metrics:create, metrics:write, alerts:ack, each once";
    let invalid = || V1Error::invalid_field("scopes", expected);
    let given = match fields.take("scopes") {
        None => return Err(V1Error::missing("scopes")),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(invalid()),
    };
    let mut scopes = Vec::with_capacity(given.len());
    for name in &given {
        let scope = name.as_str().and_then(TokenScope::parse).ok_or_else(invalid)?;
        if scopes.contains(&scope) {
            return Err(invalid());
        }
        scopes.push(scope);
    }
    if scopes.is_empty() { Err(invalid()) } else { Ok(scopes) }
}

fn read_allowed(fields: &mut Fields) -> Result<Option<BTreeSet<String>>, V1Error> {
    let invalid = || V1Error::invalid_field("allowed_metrics", "1 to 100 keys, or absent for all");
    let given = match fields.take("allowed_metrics") {
        None => return Ok(None),
        Some(Value::Array(given)) if (1..=TOKEN_METRICS_MAX).contains(&given.len()) => given,
        Some(_) => return Err(invalid()),
    };
    let slugs = given.iter().map(|key| key.as_str().ok_or_else(invalid).and_then(slugged));
    slugs.collect::<Result<BTreeSet<_>, _>>().map(Some)
}

fn revoked_at(event: &ApplicationEvent) -> Option<DateTime<Utc>> {
    if let ApplicationEvent::TokenRevoked(revoked) = event { Some(revoked.at) } else { None }
}

/// The answer that shows a raw token, this once. It is made of what was recorded: a read model that lags must not keep the
/// only copy of the secret from whoever asked for it.
fn fresh_token(token: &FreshToken, application: &ApplicationId, events: &[ApplicationEvent]) -> Result<Value, V1Error> {
    let made = events.iter().find_map(|event| match event {
        ApplicationEvent::TokenIssued(issued) => Some((&issued.token, &issued.company, issued.at)),
        ApplicationEvent::TokenRotated(rotated) => Some((&rotated.replacement, &rotated.company, rotated.at)),
        ApplicationEvent::Submitted(_)
        | ApplicationEvent::StatusChanged(_)
        | ApplicationEvent::Withdrawn(_)
        | ApplicationEvent::TokenRevoked(_) => None,
    });
    let (grant, company, created_at) = made.ok_or_else(|| V1Error::fault("a token was made without an event"))?;
    let shown = Shown {
        public_id: &grant.id,
        name: &grant.name,
        scopes: &grant.scopes,
        allowed_metrics: grant.allowed_metrics.as_ref(),
        expires_at: grant.expires_at,
        company,
        application,
        created_at,
    };
    let mut body = shown.on_wire();
    body["token"] = json!(token.raw);
    Ok(body)
}

/// What every answer shows of a token.
struct Shown<'a> {
    public_id: &'a CredentialId,
    name: &'a str,
    scopes: &'a [TokenScope],
    allowed_metrics: Option<&'a BTreeSet<String>>,
    expires_at: Option<DateTime<Utc>>,
    company: &'a CompanyId,
    application: &'a ApplicationId,
    created_at: DateTime<Utc>,
}

impl<'a> Shown<'a> {
    fn of(row: &'a TokenRow) -> Self {
        Self {
            public_id: &row.public_id,
            name: &row.name,
            scopes: &row.scopes,
            allowed_metrics: row.allowed_metrics.as_ref(),
            expires_at: row.expires_at,
            company: &row.company,
            application: &row.application,
            created_at: row.created_at,
        }
    }

    fn on_wire(&self) -> Value {
        json!({
            "public_id": self.public_id.0,
            "name": self.name,
            "scopes": self.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
            "allowed_metrics": self.allowed_metrics,
            "expires_at": self.expires_at.map(text::instant),
            "company_id": self.company.as_str(),
            "application_id": self.application.as_str(),
            "created_at": text::instant(self.created_at),
        })
    }
}
