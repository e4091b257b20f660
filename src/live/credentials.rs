//! Credentials of the live protocol are those of the surface.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use ipnet::IpNet;

use super::rights::{Authenticate, Denied, Grant};
use crate::surface::accounts::caller::ApiPresented;
use crate::surface::errors::V1Error;
use crate::surface::readable::Readable;
use crate::surface::{Surface, client_address};

fn granted(readable: Result<Readable, V1Error>) -> Result<Grant, Denied> {
    match readable {
        Ok(readable) => Ok(Grant {
            credential: readable.credential,
            account: readable.account,
            subject: readable.subject,
            companies: readable.companies,
            expires_at: readable.expires_at,
        }),
        Err(error) => Err(denied(error)),
    }
}

/// The surface, as the live protocol asks it.
pub struct SurfaceCredentials {
    /// Who checks credentials.
    pub surface: Arc<Surface>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

fn denied(error: V1Error) -> Denied {
    match error {
        V1Error::Refused(refusal) => Denied {
            status: refusal.status,
            code: refusal.code.to_owned(),
            message: refusal.message,
            retry_after_seconds: refusal.retry_after_seconds,
        },
        V1Error::Fault(why) => {
            tracing::error!(error = %why, "a credential could not be checked");
            let code = "internal_error".to_owned();
            Denied { status: 500, code, message: String::new(), retry_after_seconds: None }
        }
    }
}

#[async_trait::async_trait(?Send)]
impl Authenticate for SurfaceCredentials {
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Grant, Denied> {
        granted(self.surface.readable(bearer, client).await)
    }

    async fn authenticate_cookie(&self, presented: &ApiPresented) -> Result<Grant, Denied> {
        granted(self.surface.readable_by_cookie(presented).await)
    }

    fn presented(&self, request: &HttpRequest) -> ApiPresented {
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        self.surface.presented(headers, request.peer_addr().map(|peer| peer.ip()), "")
    }

    fn is_allowed_origin(&self, presented: &ApiPresented) -> bool {
        !presented.origins.is_empty() && self.surface.check_origin(presented).is_ok()
    }

    async fn count_look(&self, credential: &str) -> Result<(), Denied> {
        self.surface.count_look(credential).await.map_err(denied)
    }

    fn client(&self, peer: Option<IpAddr>, forwarded: &[&str]) -> Option<IpAddr> {
        client_address::resolve(peer, forwarded, &self.trusted_proxies)
    }
}
