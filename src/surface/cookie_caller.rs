//! Callers of `/v1` who come by the session's cookie (spec/metrics.md section 3.4): founders whose e-mail is verified,
//! and reviewers. A bearer wins over a cookie, and their rights are never added up.

use std::sync::Arc;

use muniment_aggregates::account::Account;
use muniment_aggregates::ids::{AccountId, CompanyId, CredentialId};
use muniment_aggregates::record::Who;
use muniment_aggregates::sealed::SubjectId;
use muniment_projections::applications;

use super::Surface;
use super::accounts::caller::{Caller, Credential, CredentialType};
use super::errors::V1Error;
use super::presented::Presented;
use super::principal::{CompanyCaller, Founder};
use super::request::Request;

/// Somebody who may look at every application.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// The account.
    pub account: AccountId,
    /// Whose key seals its client's address.
    pub subject: SubjectId,
    /// Id of the session.
    pub session: CredentialId,
    /// The persona that holds the role.
    pub persona: String,
}

impl Reviewer {
    /// As the record names the reviewer.
    #[must_use]
    pub fn who(&self) -> Who {
        Who::Account {
            account: self.account.0.clone(),
            persona: Some(self.persona.clone()),
            credential: CredentialType::Session.word().to_owned(),
            credential_id: self.session.0.clone(),
        }
    }
}

impl Surface {
    /// Whether a request comes by cookie: one is there, and no bearer that would win over it.
    #[must_use]
    pub fn is_by_cookie(presented: &Presented) -> bool {
        presented.authorization.is_empty() && !presented.cookies.is_empty()
    }

    /// The account behind a cookie.
    async fn account_by_cookie(&self, presented: &Presented) -> Result<(Caller, Arc<Account>), V1Error> {
        self.check_origin(presented).map_err(V1Error::from_accounts)?;
        let caller = self.caller_by_cookie(presented).await.map_err(V1Error::from_accounts)?.ok_or_else(nobody)?;
        let account = self.account_state(&caller.account).await.map_err(V1Error::from_accounts)?;
        Ok((caller, account.ok_or_else(nobody)?))
    }

    /// The founder behind a cookie, whose account's verified e-mail counts as the session's.
    ///
    /// # Errors
    /// 403 `forbidden_origin`, 401 `invalid_session`, 403 `insufficient_permissions` without a verified e-mail.
    pub(super) async fn founder_by_cookie(&self, presented: &Presented) -> Result<Founder, V1Error> {
        let (caller, account) = self.account_by_cookie(presented).await?;
        let unverified = || {
            let message = "Founders are known by their verified e-mail; sign in by code once.";
            V1Error::refuse(403, "insufficient_permissions", message)
        };
        let registered = account.registered().filter(|_| account.email_verified()).ok_or_else(unverified)?;
        let email = registered.email.clone().ok_or_else(unverified)?;
        let session = session_of(&caller)?;
        let open = account.sessions().iter().find(|open| open.session == session);
        // It may have ended since the cookie was looked at.
        let (created_at, expires_at) = open.map(|open| (open.opened_at, open.expires_at)).ok_or_else(nobody)?;
        Ok(Founder::by_cookie(session, caller.account, email, registered.subject.clone(), created_at, expires_at))
    }

    /// A reviewer behind a cookie; `None` where the account is one of others.
    pub(super) async fn reviewer_by_cookie(&self, request: &Request) -> Result<Option<Reviewer>, V1Error> {
        let (caller, _) = self.account_by_cookie(&request.presented).await?;
        let acting = request.query("acting");
        let acting = self.resolve_persona(&caller, acting).await.map_err(V1Error::from_accounts)?;
        let roles: Vec<&str> = self.metrics.reviewer_roles.iter().map(String::as_str).collect();
        if !acting.holds_any(&roles) {
            return Ok(None);
        }
        Ok(Some(Reviewer {
            session: session_of(&caller)?,
            account: caller.account,
            subject: caller.subject,
            persona: acting.persona.id.0,
        }))
    }

    /// Who reads a company by cookie: a founder of it, or a reviewer who names it. Whether somebody is a founder hangs on
    /// no persona, so that is asked first.
    ///
    /// # Errors
    /// As the cookie's own check; 400 `company_required`, 404 for a company that is not his.
    pub(super) async fn company_caller_by_cookie(
        &self,
        request: &Request,
    ) -> Result<(CompanyCaller, CompanyId), V1Error> {
        let wanted = request.query("company_id");
        let as_founder = async {
            let founder = self.founder_by_cookie(&request.presented).await?;
            let company = self.company_of(&founder, wanted).await?;
            Ok::<_, V1Error>((CompanyCaller::Founder(founder), company))
        };
        let (wanted, refusal) = match (wanted, as_founder.await) {
            (Some(wanted), Err(V1Error::Refused(refusal))) if matches!(refusal.status, 403 | 404) => (wanted, refusal),
            (_, found) => return found,
        };
        let Some(reviewer) = self.reviewer_by_cookie(request).await? else { return Err(V1Error::Refused(refusal)) };
        let company = CompanyId::parse(wanted).ok_or_else(V1Error::no_such_company)?;
        self.runtime.reads.catch_up(&["applications"]).await?;
        let found = applications::by_company(self.runtime.reads.store(), &company).await?;
        found.ok_or_else(V1Error::no_such_company)?;
        Ok((CompanyCaller::Reviewer(reviewer), company))
    }
}

fn nobody() -> V1Error {
    V1Error::refuse(401, "invalid_session", "Sign in again; the session has ended.")
}

fn session_of(caller: &Caller) -> Result<CredentialId, V1Error> {
    match &caller.credential {
        Credential::Session { hash } => Ok(hash.clone()),
        Credential::ApiToken { .. } | Credential::DaemonToken => Err(V1Error::fault("a cookie made no session")),
    }
}
