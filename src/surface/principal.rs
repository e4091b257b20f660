//! Who asks: credentials checked in the order of spec/metrics.md section 3, remembered only as long as they hold.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use muniment_aggregates::application::TokenScope;
use muniment_aggregates::ids::{AccountId, ApplicationId, CompanyId, CredentialId};
use muniment_aggregates::record::Who;
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::Fence;
use muniment_projections::{accounts, agent_tokens, sessions};

use super::Surface;
use super::bearer::{Several, bearer_of};
use super::cookie_caller::Reviewer;
use super::credential_cache::Cached;
use super::errors::V1Error;
use super::limits::{Window, client_prefix};
use super::presented::Presented;
use super::request::Request;
use crate::auth::tokens::{self, TokenKind};

/// An agent token that holds.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Public id.
    pub id: CredentialId,
    /// Name.
    pub name: String,
    /// The company it is bound to.
    pub company: CompanyId,
    /// The application that made it.
    pub application: ApplicationId,
    /// Subject of the founder behind it.
    pub subject: SubjectId,
    /// Its scopes.
    pub scopes: Vec<TokenScope>,
    /// Metrics it may write; `None` for all.
    pub allowed_metrics: Option<BTreeSet<String>>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Falls when a credential ends, perhaps this one; what is recorded under it is recorded while the token holds.
    pub(super) fence: Fence,
    secret_hash: String,
}

/// A founder session that holds.
#[derive(Debug, Clone)]
pub struct Founder {
    /// Public id of the session.
    pub id: CredentialId,
    /// The account.
    pub account: AccountId,
    /// Its address, sealed.
    pub email: muniment_aggregates::sealed::Sealed,
    /// Its subject.
    pub subject: SubjectId,
    /// When the session began.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    secret_hash: String,
}

/// Who asks, for one company.
#[derive(Debug, Clone)]
pub enum CompanyCaller {
    /// An agent of the company.
    Agent(Agent),
    /// A founder of the company.
    Founder(Founder),
    /// A reviewer, of whichever company.
    Reviewer(Reviewer),
}

/// Read models a token's check looks at.
const TOKEN_MODELS: &[&str] = &["agent_tokens"];
/// Read models a session's check looks at.
const SESSION_MODELS: &[&str] = &["sessions", "accounts"];

impl Surface {
    /// The one bearer of a request.
    fn bearer<'a>(presented: &'a Presented, doubled: &'static str) -> Result<Option<&'a str>, V1Error> {
        bearer_of(&presented.authorization)
            .map_err(|Several| V1Error::refuse(401, doubled, "Send one Authorization header."))
    }

    /// Counts a wrong credential and answers it.
    async fn bad_credential(&self, presented: &Presented, code: &'static str) -> V1Error {
        let prefix = client_prefix(presented.client);
        match self.windows.hit(Window::BadTokens, &prefix, self.limits.bad_tokens).await {
            Ok(()) => V1Error::refuse(401, code, "The credential is unknown, wrong or revoked."),
            Err(limited) => V1Error::limited(limited, "rate_limited", "Too many wrong credentials; wait."),
        }
    }

    /// An agent token that holds (section 3.2, steps 1 to 4).
    ///
    /// # Errors
    /// 401 as the steps say; 429 for too many wrong ones.
    pub async fn agent(&self, presented: &Presented) -> Result<Agent, V1Error> {
        let (raw, id) = self.agent_token(presented).await?;
        self.runtime.journal.confirm_head().await?;
        let agent = self.agent_of(presented, raw, &id).await?;
        self.note_use_of(&agent).await;
        Ok(agent)
    }

    /// The same as far as this node has seen, without a question to the database where the token is remembered: another
    /// node may have ended it. Whoever asks records under [`Agent::fence`], and else asks [`Surface::agent`] before he
    /// answers.
    ///
    /// # Errors
    /// As [`Surface::agent`].
    pub(super) async fn agent_as_seen(&self, presented: &Presented) -> Result<Agent, V1Error> {
        let (raw, id) = self.agent_token(presented).await?;
        self.agent_of(presented, raw, &id).await
    }

    /// The token of a request and its public id, by its form alone.
    async fn agent_token<'a>(&self, presented: &'a Presented) -> Result<(&'a str, CredentialId), V1Error> {
        let Some(raw) = Self::bearer(presented, "invalid_token")? else {
            return Err(V1Error::refuse(401, "missing_token", "Send the token as Authorization: Bearer …"));
        };
        match tokens::public_id(&self.metrics.token_prefix, TokenKind::Agent, raw) {
            Some(id) => Ok((raw, id)),
            None => Err(self.bad_credential(presented, "invalid_token").await),
        }
    }

    async fn agent_of(&self, presented: &Presented, raw: &str, id: &CredentialId) -> Result<Agent, V1Error> {
        let Some(agent) = self.find_agent(id).await?.filter(|agent| tokens::matches(raw, &agent.secret_hash)) else {
            return Err(self.bad_credential(presented, "invalid_token").await);
        };
        if agent.expires_at.is_some_and(|end| end <= self.runtime.clock.now()) {
            return Err(V1Error::refuse(401, "expired_token", "The token has ended; make or rotate one."));
        }
        Ok(agent)
    }

    /// Notes when a token was used last. What it did stands whether or not that can be noted.
    pub(super) async fn note_use_of(&self, agent: &Agent) {
        if let Err(error) = self.last_used.note(&agent.id, None, self.runtime.clock.now()).await {
            tracing::warn!(error = %error, "when a token was used last could not be noted");
        }
    }

    async fn find_agent(&self, id: &CredentialId) -> Result<Option<Agent>, V1Error> {
        if let Some(agent) = self.credentials.agent(id) {
            return Ok(Some(agent));
        }
        let fence = self.credentials.fence();
        self.runtime.reads.catch_up(TOKEN_MODELS).await?;
        let Some(row) = agent_tokens::by_public_id(self.runtime.reads.store(), id).await? else { return Ok(None) };
        if row.revoked_at.is_some() {
            return Ok(None);
        }
        let agent = Agent {
            id: row.public_id,
            name: row.name,
            company: row.company,
            application: row.application,
            subject: row.founder_subject,
            scopes: row.scopes,
            allowed_metrics: row.allowed_metrics,
            expires_at: row.expires_at,
            fence: fence.clone(),
            secret_hash: row.secret_hash,
        };
        self.credentials.remember(&fence, id, Cached::Agent(agent.clone()));
        Ok(Some(agent))
    }

    /// Checks that a token has a scope.
    ///
    /// # Errors
    /// 403 `missing_scope` naming it.
    pub fn require_scope(agent: &Agent, scope: TokenScope) -> Result<(), V1Error> {
        if agent.scopes.contains(&scope) {
            return Ok(());
        }
        let message = format!("The token lacks the scope {}.", scope.as_str());
        Err(V1Error::refuse(403, "missing_scope", message))
    }

    /// Checks that a token may write a metric.
    ///
    /// # Errors
    /// 403 `forbidden`, whether or not the metric exists.
    pub fn require_metric(agent: &Agent, slug: &str) -> Result<(), V1Error> {
        if agent.allowed_metrics.as_ref().is_none_or(|allowed| allowed.contains(slug)) {
            return Ok(());
        }
        Err(V1Error::refuse(403, "forbidden", "The token is not allowed this metric."))
    }

    /// A founder session that holds.
    ///
    /// # Errors
    /// 401 `invalid_session` or `expired_session`; 429 for too many wrong ones.
    pub async fn founder(&self, presented: &Presented) -> Result<Founder, V1Error> {
        let raw = Self::bearer(presented, "invalid_session")?;
        let id = raw.and_then(|raw| tokens::public_id(&self.metrics.token_prefix, TokenKind::Session, raw));
        let (Some(raw), Some(id)) = (raw, id) else {
            return Err(V1Error::refuse(401, "invalid_session", "Send a founder session; sign in to get one."));
        };
        self.runtime.journal.confirm_head().await?;
        let found = self.find_founder(&id).await?;
        let Some(founder) = found.filter(|founder| tokens::matches(raw, &founder.secret_hash)) else {
            return Err(self.bad_credential(presented, "invalid_session").await);
        };
        if founder.expires_at <= self.runtime.clock.now() {
            return Err(V1Error::refuse(401, "expired_session", "The session has ended; sign in again."));
        }
        Ok(founder)
    }

    async fn find_founder(&self, id: &CredentialId) -> Result<Option<Founder>, V1Error> {
        if let Some(founder) = self.credentials.founder(id) {
            return Ok(Some(founder));
        }
        let fence = self.credentials.fence();
        self.runtime.reads.catch_up(SESSION_MODELS).await?;
        let store = self.runtime.reads.store();
        let Some(session) = sessions::by_public_id(store, id).await? else { return Ok(None) };
        // One that ran out is expired, also once the sweep has closed it: only an end before its own made it invalid. Whose
        // clock said so does not matter: no clock makes a session that has ended hold again.
        let expires_at = match session.ended_at {
            Some(ended) if ended < session.expires_at => return Ok(None),
            Some(_) => DateTime::<Utc>::MIN_UTC,
            None => session.expires_at,
        };
        let Some(account) = accounts::by_id(store, &session.account).await? else { return Ok(None) };
        if account.erased_at.is_some() {
            return Ok(None);
        }
        // A founder's session is made by proving an e-mail, so its account has one.
        let Some(email) = account.email else { return Ok(None) };
        let founder = Founder {
            id: session.public_id,
            account: session.account,
            email,
            subject: account.subject,
            created_at: session.created_at,
            expires_at,
            secret_hash: session.secret_hash,
        };
        self.credentials.remember(&fence, id, Cached::Founder(founder.clone()));
        Ok(Some(founder))
    }

    /// A founder, where an agent token is of the wrong type.
    ///
    /// # Errors
    /// 403 `credential_type_required` for an agent token; else as [`Surface::founder`].
    pub async fn founder_not_agent(&self, presented: &Presented) -> Result<Founder, V1Error> {
        let raw = Self::bearer(presented, "invalid_session")?;
        if raw.is_some_and(|raw| tokens::claims_to_be(&self.metrics.token_prefix, TokenKind::Agent, raw)) {
            // A token that does not hold is told so first: its type is nobody's business.
            self.agent(presented).await?;
            return Err(V1Error::refuse(
                403,
                "credential_type_required",
                "An agent token cannot do this; sign in as a founder.",
            ));
        }
        self.founder(presented).await
    }

    /// Somebody who may read a company: its agent with the scope, or a founder of it.
    ///
    /// # Errors
    /// As the credential's own check; 400 `company_required`, 404 for a company that is not his.
    pub async fn company_caller(
        &self,
        request: &Request,
        scope: TokenScope,
    ) -> Result<(CompanyCaller, CompanyId), V1Error> {
        let raw = Self::bearer(&request.presented, "invalid_token")?;
        if raw.is_some_and(|raw| tokens::claims_to_be(&self.metrics.token_prefix, TokenKind::Session, raw)) {
            let founder = self.founder(&request.presented).await?;
            let company = self.company_of(&founder, request.query("company_id")).await?;
            return Ok((CompanyCaller::Founder(founder), company));
        }
        let agent = self.agent(&request.presented).await?;
        Self::require_scope(&agent, scope)?;
        if request.query("company_id").is_some_and(|wanted| wanted != agent.company.as_str()) {
            return Err(V1Error::no_such_company());
        }
        let company = agent.company.clone();
        Ok((CompanyCaller::Agent(agent), company))
    }
}

impl Agent {
    /// As the record names it.
    #[must_use]
    pub fn who(&self) -> Who {
        Who::Agent {
            company: self.company.as_str().to_owned(),
            application: self.application.as_str().to_owned(),
            token: self.id.0.clone(),
            name: self.name.clone(),
        }
    }
}

impl Founder {
    /// A founder who came by cookie; the session's own token was compared where the cookie was.
    #[must_use]
    pub(super) fn by_cookie(
        id: CredentialId,
        account: AccountId,
        email: muniment_aggregates::sealed::Sealed,
        subject: SubjectId,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self { secret_hash: id.0.clone(), id, account, email, subject, created_at, expires_at }
    }

    /// As the record names him.
    #[must_use]
    pub fn who(&self) -> Who {
        Who::Account {
            account: self.account.0.clone(),
            persona: None,
            credential: "founder_session".to_owned(),
            credential_id: self.id.0.clone(),
        }
    }
}

impl CompanyCaller {
    /// As the record names the caller.
    #[must_use]
    pub fn who(&self) -> Who {
        match self {
            Self::Agent(agent) => agent.who(),
            Self::Founder(founder) => founder.who(),
            Self::Reviewer(reviewer) => reviewer.who(),
        }
    }

    /// Whose key seals the caller's address.
    #[must_use]
    pub const fn subject(&self) -> &SubjectId {
        match self {
            Self::Agent(agent) => &agent.subject,
            Self::Founder(founder) => &founder.subject,
            Self::Reviewer(reviewer) => &reviewer.subject,
        }
    }

    /// What a limit counts the caller by.
    #[must_use]
    pub fn limit_key(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.id.0,
            Self::Founder(founder) => &founder.id.0,
            Self::Reviewer(reviewer) => &reviewer.session.0,
        }
    }

    /// How answers name the caller: the token's name or the account's id.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.name,
            Self::Founder(founder) => &founder.account.0,
            Self::Reviewer(reviewer) => &reviewer.account.0,
        }
    }
}
