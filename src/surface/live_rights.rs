//! The live protocol's door to the credentials: what a bearer token may read (spec/live.md).

use std::net::IpAddr;
use std::sync::Arc;

use muniment_aggregates::application::Scope;

use super::Surface;
use super::errors::ApiError;
use super::request::Presented;
use crate::auth::tokens::{self, TokenKind};
use crate::live::rights::{Authenticate, Denied, Grant};

/// The surface, as the live protocol asks it.
pub struct LiveRights(pub Arc<Surface>);

impl LiveRights {
    async fn grant(&self, bearer: &str, client: Option<IpAddr>) -> Result<Grant, ApiError> {
        let surface = &self.0;
        let presented = Presented { authorization: vec![Some(format!("Bearer {bearer}"))], client };
        if tokens::claims_to_be(&surface.metrics.token_prefix, TokenKind::Session, bearer) {
            let founder = surface.founder(&presented).await?;
            let companies = surface.applications_of(&founder).await?;
            return Ok(Grant {
                credential: founder.id.0.clone(),
                account: Some(founder.account.0.clone()),
                subject: Some(founder.subject.0.clone()),
                companies: companies.into_iter().map(|it| it.company.as_str().to_owned()).collect(),
                expires_at: Some(founder.expires_at),
            });
        }
        let agent = surface.agent(&presented).await?;
        Surface::require_scope(&agent, Scope::ApplicationRead)?;
        Ok(Grant {
            credential: agent.id.0.clone(),
            account: None,
            subject: None,
            companies: std::iter::once(agent.company.as_str().to_owned()).collect(),
            expires_at: agent.expires_at,
        })
    }
}

#[async_trait::async_trait(?Send)]
impl Authenticate for LiveRights {
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Grant, Denied> {
        self.grant(bearer, client).await.map_err(|error| match error {
            ApiError::Refused(refusal) => Denied {
                status: refusal.status,
                code: refusal.code.to_owned(),
                message: refusal.message,
                retry_after_seconds: refusal.retry_after_seconds,
            },
            ApiError::Fault(why) => {
                tracing::error!(error = %why, "a credential could not be checked");
                Denied {
                    status: 500,
                    code: "internal_error".to_owned(),
                    message: String::new(),
                    retry_after_seconds: None,
                }
            }
        })
    }
}
