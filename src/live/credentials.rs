//! Credentials of the live protocol are those of the surface.

use std::net::IpAddr;
use std::sync::Arc;

use super::rights::{Authenticate, Denied, Grant};
use crate::surface::Surface;
use crate::surface::errors::ApiError;

/// The surface, as the live protocol asks it.
pub struct SurfaceCredentials(pub Arc<Surface>);

#[async_trait::async_trait(?Send)]
impl Authenticate for SurfaceCredentials {
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Grant, Denied> {
        match self.0.readable(bearer, client).await {
            Ok(readable) => Ok(Grant {
                credential: readable.credential,
                account: readable.account,
                subject: readable.subject,
                companies: readable.companies,
                expires_at: readable.expires_at,
            }),
            Err(ApiError::Refused(refusal)) => Err(Denied {
                status: refusal.status,
                code: refusal.code.to_owned(),
                message: refusal.message,
                retry_after_seconds: refusal.retry_after_seconds,
            }),
            Err(ApiError::Fault(why)) => {
                tracing::error!(error = %why, "a credential could not be checked");
                Err(Denied {
                    status: 500,
                    code: "internal_error".to_owned(),
                    message: String::new(),
                    retry_after_seconds: None,
                })
            }
        }
    }
}
