//! `/api`: accounts, credentials, roles given by consent, invitations, switches and their audit
//! (spec/accounts-and-offers.md). REST for what carries cookies, JSON-RPC for the rest, over HTTP and sockets alike.
//!
//! Reading order: [`methods`] and [`routes`] are the table, [`access`] is who may call a row of it; [`caller`] says who
//! calls and [`persona`] as whom; [`rpc`] and [`rest`] lead a call through its gates; [`schema`] reads inputs, [`shapes`]
//! and [`wire`] write outputs, which [`super::output_check`] compares in development; [`failure`] holds every refusal,
//! [`refusals`] which of them a row may answer with; [`document`], `openapi` and `openrpc` show the tables, [`counts`]
//! counts them; then one file a subject.

pub mod access;
mod admin;
mod attempts;
pub mod bootstrap;
mod bus_failure;
mod by_bearer;
mod by_cookie;
mod by_daemon_token;
pub mod caller;
pub mod closings;
pub mod counts;
pub(super) mod document;
mod entitled;
pub mod extra;
pub mod failure;
mod grants;
mod invites;
mod login;
pub mod methods;
mod offers;
pub(super) mod openapi;
mod openrpc;
mod origins;
mod own;
mod password;
mod people;
pub mod persona;
pub mod refusals;
pub mod rest;
pub mod routes;
pub mod rpc;
pub mod schema;
pub mod sent_id;
pub mod shapes;
mod signup;
mod status;
mod why;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use self::closings::Closings;
use self::routes::{RestRoute, Route};
use super::Surface;

impl Surface {
    /// Sockets that are about to be closed.
    #[must_use]
    pub fn closings(&self) -> &Arc<Closings> {
        &self.closings
    }

    /// How long a socket may be silent; `None` for ever.
    #[must_use]
    pub fn heartbeat_timeout(&self) -> Option<Duration> {
        self.offers.heartbeat_timeout
    }

    /// Whether a route is there in this configuration.
    #[must_use]
    pub fn is_mounted(&self, route: &RestRoute) -> bool {
        route.route != Route::Bootstrap || self.bootstrap.is_mounted()
    }
}
