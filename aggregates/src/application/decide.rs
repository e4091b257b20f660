//! How an application decides, one function a command.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::commands::{
    ApplicationCommand, ChangeStatus, IssueToken, NewToken, RevokeToken, RotateToken, Submit, Withdraw,
};
use super::errors::ApplicationRefusal;
use super::events::{
    ApplicationEvent, ApplicationSubmitted, ApplicationWithdrawn, StatusChanged, TokenIssued, TokenRevoked,
    TokenRotated,
};
use super::state::{Application, ApplicationStatus};
use super::tokens::{
    TOKEN_GRACE_SECONDS_MAX, TOKEN_METRICS_MAX, TOKEN_NAME_CHARACTERS_MAX, TOKENS_LIVE_MAX, TOKENS_REPLACED_MAX,
    TokenGrant,
};
use crate::decider::{Decider, Facts};
use crate::ids::CompanyId;
use crate::metric::slug;

type Decision = Result<Vec<ApplicationEvent>, ApplicationRefusal>;

impl Decider for Application {
    const TYPE: &'static str = "application";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = ApplicationCommand;
    type Event = ApplicationEvent;
    type Refusal = ApplicationRefusal;

    fn decide(&self, command: &ApplicationCommand, facts: &Facts) -> Decision {
        if let ApplicationCommand::Submit(submit) = command {
            return submit_application(self, submit, facts.now);
        }
        let (Some(company), Some(status)) = (self.company_of(), self.status()) else {
            return Err(ApplicationRefusal::NotSubmitted);
        };
        match command {
            ApplicationCommand::Submit(_) => Err(ApplicationRefusal::AlreadySubmitted),
            ApplicationCommand::Withdraw(withdraw) => withdraw_application(company, status, withdraw, facts.now),
            ApplicationCommand::ChangeStatus(change) => change_status(company, status, change, facts.now),
            ApplicationCommand::IssueToken(issue) => issue_token(self, company, issue, facts.now),
            ApplicationCommand::RevokeToken(revoke) => revoke_token(self, company, revoke, facts.now),
            ApplicationCommand::RotateToken(rotate) => rotate_token(self, company, rotate, facts.now),
        }
    }

    fn evolve(&mut self, event: &ApplicationEvent) {
        self.take_event(event);
    }
}

fn submit_application(application: &Application, submit: &Submit, now: DateTime<Utc>) -> Decision {
    if application.status().is_some() {
        return Err(ApplicationRefusal::AlreadySubmitted);
    }
    let token = grant(&submit.token, now)?;
    Ok(vec![
        ApplicationEvent::Submitted(ApplicationSubmitted {
            company: submit.company.clone(),
            company_name: submit.company_name.clone(),
            founder: submit.founder.clone(),
            founder_name: submit.founder_name.clone(),
            founder_email: submit.founder_email.clone(),
            founder_email_verified: submit.founder_email_verified,
            subject: submit.subject.clone(),
            website: submit.website.clone(),
            narrative: submit.narrative.clone(),
            submitted_at: now,
        }),
        ApplicationEvent::TokenIssued(TokenIssued { company: submit.company.clone(), token, at: now }),
    ])
}

fn withdraw_application(
    company: &CompanyId,
    status: ApplicationStatus,
    withdraw: &Withdraw,
    now: DateTime<Utc>,
) -> Decision {
    if status == ApplicationStatus::Withdrawn {
        return Err(ApplicationRefusal::InvalidTransition { from: status, to: ApplicationStatus::Withdrawn });
    }
    Ok(vec![ApplicationEvent::Withdrawn(ApplicationWithdrawn {
        company: company.clone(),
        previous: status,
        reason: withdraw.reason.clone(),
        by: withdraw.by.clone(),
        at: now,
    })])
}

fn change_status(
    company: &CompanyId,
    status: ApplicationStatus,
    change: &ChangeStatus,
    now: DateTime<Utc>,
) -> Decision {
    // Withdrawing is the founder's own command, so its end is neither reached nor repeated here.
    if change.status == status && status != ApplicationStatus::Withdrawn {
        return Ok(Vec::new());
    }
    let has_reason = change.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    if !may_go(status, change.status, has_reason) {
        return Err(ApplicationRefusal::InvalidTransition { from: status, to: change.status });
    }
    Ok(vec![ApplicationEvent::StatusChanged(StatusChanged {
        company: company.clone(),
        previous: status,
        status: change.status,
        reason: change.reason.clone(),
        by: change.by.clone(),
        at: now,
    })])
}

/// The table of spec/metrics.md section 10: reopening needs a reason.
fn may_go(from: ApplicationStatus, to: ApplicationStatus, has_reason: bool) -> bool {
    use ApplicationStatus::{Accepted, InReview, Rejected, Submitted, Withdrawn};
    match from {
        Submitted => matches!(to, InReview | Accepted | Rejected),
        InReview => matches!(to, Accepted | Rejected),
        Accepted | Rejected => to == InReview && has_reason,
        Withdrawn => false,
    }
}

fn issue_token(application: &Application, company: &CompanyId, issue: &IssueToken, now: DateTime<Utc>) -> Decision {
    let token = grant(&issue.token, now)?;
    let live: Vec<_> = application.tokens().filter(|token| token.is_live(now)).collect();
    if application.token(&token.id).is_some() {
        return Err(ApplicationRefusal::InvalidField { field: "public_id" });
    }
    if live.iter().any(|other| other.grant.name == token.name) {
        return Err(ApplicationRefusal::InvalidField { field: "name" });
    }
    if live.len() >= TOKENS_LIVE_MAX {
        return Err(ApplicationRefusal::TokenLimit);
    }
    Ok(vec![ApplicationEvent::TokenIssued(TokenIssued { company: company.clone(), token, at: now })])
}

fn revoke_token(application: &Application, company: &CompanyId, revoke: &RevokeToken, now: DateTime<Utc>) -> Decision {
    let token = application.token(&revoke.token).ok_or(ApplicationRefusal::TokenNotFound)?;
    if token.revoked_at.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![ApplicationEvent::TokenRevoked(TokenRevoked {
        company: company.clone(),
        token: revoke.token.clone(),
        name: token.grant.name.clone(),
        reason: revoke.reason.clone(),
        by: revoke.by.clone(),
        at: now,
    })])
}

fn rotate_token(application: &Application, company: &CompanyId, rotate: &RotateToken, now: DateTime<Utc>) -> Decision {
    let token =
        application.token(&rotate.token).filter(|token| token.is_live(now)).ok_or(ApplicationRefusal::TokenNotFound)?;
    if rotate.grace_seconds > TOKEN_GRACE_SECONDS_MAX {
        return Err(ApplicationRefusal::InvalidField { field: "grace_seconds" });
    }
    if application.token(&rotate.replacement).is_some() {
        return Err(ApplicationRefusal::InvalidField { field: "public_id" });
    }
    let replaced = application.tokens().filter(|token| token.works(now) && !token.is_live(now)).count();
    if rotate.grace_seconds > 0 && replaced >= TOKENS_REPLACED_MAX {
        return Err(ApplicationRefusal::ReplacedTokenLimit);
    }
    let grace_ends = now + Duration::seconds(i64::from(rotate.grace_seconds));
    let replacement = TokenGrant {
        id: rotate.replacement.clone(),
        secret_hash: rotate.secret_hash.clone(),
        created_by: Some(rotate.by.clone()),
        ..token.grant.clone()
    };
    Ok(vec![ApplicationEvent::TokenRotated(TokenRotated {
        company: company.clone(),
        token: rotate.token.clone(),
        ends_at: token.grant.expires_at.map_or(grace_ends, |end| end.min(grace_ends)),
        replacement,
        by: rotate.by.clone(),
        at: now,
    })])
}

/// Checks what is wrong with a token whatever others there are.
fn grant(token: &NewToken, now: DateTime<Utc>) -> Result<TokenGrant, ApplicationRefusal> {
    let distinct: BTreeSet<_> = token.scopes.iter().collect();
    let metrics_hold = token.allowed_metrics.as_ref().is_none_or(|slugs| {
        (1..=TOKEN_METRICS_MAX).contains(&slugs.len()) && slugs.iter().all(|text| slug::is_valid(text))
    });
    let field = if !(1..=TOKEN_NAME_CHARACTERS_MAX).contains(&token.name.chars().count()) {
        Some("name")
    } else if token.scopes.is_empty() || distinct.len() != token.scopes.len() {
        Some("scopes")
    } else if !metrics_hold {
        Some("allowed_metrics")
    } else if token.expires_at.is_some_and(|end| end <= now) {
        Some("expires_at")
    } else {
        None
    };
    if let Some(field) = field {
        return Err(ApplicationRefusal::InvalidField { field });
    }
    Ok(TokenGrant {
        id: token.id.clone(),
        name: token.name.clone(),
        secret_hash: token.secret_hash.clone(),
        scopes: token.scopes.clone(),
        allowed_metrics: token.allowed_metrics.clone(),
        expires_at: token.expires_at,
        created_by: token.created_by.clone(),
    })
}
