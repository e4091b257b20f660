//! The live side of `/api` (spec/accounts-and-offers.md sections 6.5, 7 and 8.8): sockets that speak the same methods as
//! `/api/rpc`, notifications of offers and roles, and the stream of the audit.
//!
//! Reading order: [`registry`] knows who is connected and what ends him; [`socket`] is one connection; [`notices`] says
//! what happened to whom; [`stream`] is the audit as server-sent events.

mod notices;
mod registry;
mod socket;
mod stream;

use std::sync::Arc;

use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, guard, web};

use crate::surface::Surface;
use crate::surface::accounts::caller::Authenticated;
use crate::surface::accounts::failure::RestFailure;
use crate::surface::accounts::routes::{ADMIN_AUDIT_STREAM, API_SOCKET, AUDIT_STREAM};
use crate::transport;

pub use registry::ApiRegistry;

/// Starts the live side of `/api`: joins the journal's publish hook. Needs a tokio runtime.
#[must_use]
pub fn start(surface: &Arc<Surface>) -> Arc<ApiRegistry> {
    let registry = Arc::new(ApiRegistry::new(Arc::clone(surface.closings())));
    notices::start(surface, &registry);
    registry
}

/// Mounts the socket and the audit's stream. The application's data must hold the registry and the surface.
pub fn configure(config: &mut web::ServiceConfig) {
    // The guard stands at the resource, so that every other verb is answered like a path that is not there.
    let get = |path| web::resource::<&str>(path).guard(guard::Get());
    config
        .service(get(API_SOCKET.path).to(socket::open))
        .service(get(AUDIT_STREAM.path).to(stream::open))
        .service(get(ADMIN_AUDIT_STREAM.path).to(stream::open));
}

/// Who asks for a connection, behind the check of the origin.
async fn authenticate(
    request: &HttpRequest,
    surface: &Surface,
    correlation: &str,
) -> Result<Authenticated, RestFailure> {
    let presented = transport::presented(request, surface, correlation);
    surface.check_origin(&presented)?;
    surface.authenticate_api(&presented).await
}

/// Gives or takes the cookie as authentication asked for.
fn set_cookie(response: &mut HttpResponse, cookie: Option<&str>) {
    if let Some(value) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
}
