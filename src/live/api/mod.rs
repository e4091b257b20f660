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

use actix_web::{HttpRequest, HttpResponse, web};

use crate::surface::Surface;
use crate::surface::accounts::caller::ApiPresented;
use crate::surface::accounts::fail::Flat;

pub use registry::ApiRegistry;

/// Starts the live side of `/api`: joins the journal's publish hook. Needs a tokio runtime.
#[must_use]
pub fn start(surface: &Arc<Surface>) -> Arc<ApiRegistry> {
    let registry = Arc::new(ApiRegistry::new(Arc::clone(surface.closings())));
    notices::start(surface, &registry);
    registry
}

/// Mounts `/api/ws` and the audit's stream. The application's data must hold the registry and the surface.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/ws").route(web::get().to(socket::open)))
        .service(web::resource("/api/audit/stream").route(web::get().to(stream::open)))
        .service(web::resource("/api/admin/audit/stream").route(web::get().to(stream::open)));
}

fn presented(request: &HttpRequest, surface: &Surface, correlation: &str) -> ApiPresented {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    surface.presented(headers, request.peer_addr().map(|peer| peer.ip()), correlation)
}

fn refused(flat: &Flat, correlation: &str) -> HttpResponse {
    if let Some(fault) = &flat.fault {
        tracing::error!(correlation.id = correlation, error = fault, "a connection failed by a fault of ours");
    }
    let status = actix_web::http::StatusCode::from_u16(flat.status)
        .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = flat.retry_after_seconds {
        response.insert_header((actix_web::http::header::RETRY_AFTER, seconds.to_string()));
    }
    response.content_type("application/json; charset=utf-8").body(flat.body().to_string())
}
