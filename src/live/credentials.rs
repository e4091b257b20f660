//! Credentials of the live protocol are those of the surface.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::rights::Authenticate;
use crate::surface::Surface;
use crate::surface::errors::V1Error;
use crate::surface::presented::Presented;
use crate::surface::readable::Readable;
use crate::transport;

#[async_trait::async_trait(?Send)]
impl Authenticate for Surface {
    async fn authenticate(&self, bearer: &str, client: Option<IpAddr>) -> Result<Readable, V1Error> {
        self.readable(bearer, client).await
    }

    async fn authenticate_cookie(&self, presented: &Presented) -> Result<Readable, V1Error> {
        self.readable_by_cookie(presented).await
    }

    fn presented(&self, request: &HttpRequest) -> Presented {
        transport::presented(request, self, "")
    }

    fn check_socket_origin(&self, presented: &Presented) -> Result<(), V1Error> {
        Self::check_socket_origin(self, presented)
    }

    async fn count_look(&self, credential: &str) -> Result<(), V1Error> {
        Self::count_look(self, credential).await
    }
}
