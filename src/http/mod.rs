//! HTTP: a translation of the surface and nothing more. One entry answers every method of the table; beside it stand
//! health, readiness, metrics for Prometheus, the OpenAPI document and a page to try it.
//!
//! Begin with [`configure`]. [`entry`] reads a request and writes a reply; [`detached`] brings it to its end;
//! [`headers`] holds what every answer bears; [`closing`] keeps a connection's last request the last; [`operations`] is
//! what operators and their tools ask; [`documents`] the page.

pub mod api;
pub mod closing;
pub mod detached;
pub mod documents;
pub mod entry;
#[cfg(test)]
mod fault_tests;
pub mod headers;
pub mod operations;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use crate::surface::Surface;

/// What the HTTP edge needs to know of the configuration.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Longest request body in bytes; `None` for any.
    pub body_bytes_max: Option<usize>,
    /// How long a request's body may take to arrive.
    pub body_time_max: Duration,
    /// Requests that run on although their client left.
    pub detached: detached::DetachedRequests,
    /// Whether production's rules hold: browsers are told to come by TLS alone.
    pub is_production: bool,
}

/// Mounts everything but the live protocol, which must be mounted before: what no service took ends here.
pub fn configure(config: &mut web::ServiceConfig, surface: &Arc<Surface>, edge: &Edge) {
    config
        .app_data(web::Data::from(Arc::clone(surface)))
        .app_data(web::Data::new(edge.clone()))
        .configure(operations::configure)
        .configure(documents::configure)
        .default_service(web::to(entry::answer));
}
