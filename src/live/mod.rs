//! The live surface: the journal, pushed to whoever may read it (spec/live.md).
//!
//! A subscription is a cursor over the journal, never a queue. Reading order: [`hub`] (how far events are
//! published, and which rights ended), `routing` and `exposure` (what of an event leaves), `rights` and `filter`
//! (to whom), `cursor` and `portion` (shared pages, and what a subscription gets of one), `pace` (when), `session`
//! (one connection as a state machine) and its edge `socket_actor`; `reader` with `sse` and
//! `long_poll` for plain HTTP. **Invariant:** nothing is sent to a socket's mailbox.

pub mod api;
mod bucket;
mod codec;
mod credentials;
mod cursor;
mod event_stream;
mod exposure;
mod filter;
mod fragments;
pub mod hub;
mod inbound;
mod limits;
mod long_poll;
mod pace;
mod portion;
mod reader;
mod registry;
mod request;
mod revocation;
pub mod rights;
#[cfg(test)]
mod rights_tests;
mod routing;
#[cfg(test)]
mod served_tests;
mod session;
#[cfg(test)]
mod session_tests;
mod socket_actor;
mod sse;
mod supervisor;

use actix_web::{guard, web};

pub use hub::Hub;
pub use supervisor::on_connect;

/// Mounts `/v1/live`, `/v1/stream` and `/v1/events`. The application's data must hold `web::Data<Hub>`, and its
/// server should be given [`on_connect`].
pub fn configure(config: &mut web::ServiceConfig) {
    // The guards stand at the resources, so that every other verb is answered like a path that is not there.
    let read = |path: &str| web::resource(path).guard(guard::Any(guard::Get()).or(guard::Head()));
    config
        .service(web::resource("/v1/live").guard(guard::Get()).to(socket_actor::open))
        .service(read("/v1/stream").route(web::get().to(sse::open)).route(web::head().to(sse::head)))
        .service(read("/v1/events").to(long_poll::answer));
}
