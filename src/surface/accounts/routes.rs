//! The REST routes of `/api` (spec/accounts-and-offers.md section 4.1): who may call each, what goes in and comes out.

use super::schema::{Field, Kind, optional, optional_not_null, required};
use super::shapes;
use crate::surface::shape::Shape;

/// Which REST route a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each row of the table describes its route")]
pub enum Route {
    Login,
    Logout,
    Password,
    Verify,
    Status,
    Signup,
    Bootstrap,
    Surface,
    OpenRpc,
    ServerStatus,
    DatabaseHealth,
    RpcPost,
    RpcGet,
}

/// A REST route.
#[derive(Debug, Clone, Copy)]
pub struct RestRoute {
    /// Which.
    pub route: Route,
    /// `GET` or `POST`.
    pub verb: &'static str,
    /// The path.
    pub path: &'static str,
    /// One line.
    pub about: &'static str,
    /// Whether an account is needed.
    pub account: bool,
    /// Whether it acts as a persona.
    pub persona: bool,
    /// Roles of which one is needed.
    pub roles: &'static [&'static str],
    /// Types of credential that may call it.
    pub credentials: &'static [&'static str],
    /// Fields of the body; `None` where it is ignored.
    pub body: Option<&'static [Field]>,
    /// Fields of the query.
    pub query: &'static [Field],
    /// What comes out.
    pub output: Option<Shape>,
    /// Which limit counts it, as the listing says it.
    pub limit: Option<&'static str>,
    /// Refusals beyond its gates, by status.
    pub errors: &'static [(u16, &'static str)],
}

const REST: RestRoute = RestRoute {
    route: Route::Login,
    verb: "POST",
    path: "",
    about: "",
    account: false,
    persona: false,
    roles: &[],
    credentials: &[],
    body: None,
    query: &[],
    output: None,
    limit: None,
    errors: &[],
};

/// Fields of the query of the audit's stream.
pub const STREAM_QUERY: [Field; 2] =
    [optional_not_null("acting", Kind::Uuid), optional_not_null("since_seq", Kind::Text { min: 1, max: 19 })];

/// What a route that `live` serves becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveAnswer {
    /// Rows of the audit as server-sent events.
    AuditRows,
    /// A WebSocket that speaks JSON-RPC.
    Socket,
}

/// A header that a route reads: its name, and one line.
pub type Header = (&'static str, &'static str);

/// Where a stream of the audit goes on.
const LAST_EVENT_ID: Header = ("Last-Event-ID", "id of the last row that came; beats since_seq");

/// A GET route that `live` serves, for an account that acts as a persona.
#[derive(Debug, Clone, Copy)]
pub struct LiveRoute {
    /// The path.
    pub path: &'static str,
    /// Its name in the OpenAPI document.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Roles of which one is needed.
    pub roles: &'static [&'static str],
    /// Fields of the query.
    pub query: &'static [Field],
    /// Headers of its own; each is text and may be absent.
    pub headers: &'static [Header],
    /// What it becomes.
    pub answer: LiveAnswer,
}

/// Every route that `live` serves under `/api`.
pub const LIVE_ROUTES: &[LiveRoute] = &[
    LiveRoute {
        path: "/api/audit/stream",
        name: "api_audit_stream",
        about: "Streams what happens, row by row, as server-sent events",
        roles: &["admin"],
        query: &STREAM_QUERY,
        headers: &[LAST_EVENT_ID],
        answer: LiveAnswer::AuditRows,
    },
    LiveRoute {
        path: "/api/admin/audit/stream",
        name: "api_admin_audit_stream",
        about: "The same under the name that older clients know",
        roles: &["admin"],
        query: &STREAM_QUERY,
        headers: &[LAST_EVENT_ID],
        answer: LiveAnswer::AuditRows,
    },
    LiveRoute {
        path: "/api/ws",
        name: "api_socket",
        about: "The methods of JSON-RPC over a WebSocket, and notifications",
        roles: &[],
        query: &[optional_not_null("acting", Kind::Text { min: 0, max: 100 })],
        headers: &[],
        answer: LiveAnswer::Socket,
    },
];

/// Every REST route but those of [`LIVE_ROUTES`].
pub const REST_ROUTES: &[RestRoute] = &[
    RestRoute {
        route: Route::Login,
        path: "/api/account/login",
        about: "Signs in with a password; sets the session's cookie",
        body: Some(&[
            required("username", Kind::GivenUsername),
            required("password", Kind::GivenPassword),
            // Of accounts with a second factor, which none has yet; clients that send it always are let in.
            optional("totp", Kind::Text { min: 0, max: 200 }),
        ]),
        output: Some(shapes::DONE),
        limit: Some("both"),
        errors: &[(401, "invalid_credentials")],
        ..REST
    },
    RestRoute {
        route: Route::Logout,
        path: "/api/account/logout",
        about: "Ends the session and takes its cookie away",
        account: true,
        credentials: &["session"],
        output: Some(shapes::LOGGED_OUT),
        ..REST
    },
    RestRoute {
        route: Route::Password,
        path: "/api/account/password",
        about: "Changes the password; ends every session and token",
        account: true,
        credentials: &["session"],
        body: Some(&[required("current_password", Kind::GivenPassword), required("new_password", Kind::NewPassword)]),
        output: Some(shapes::PASSWORD_CHANGED),
        limit: Some("both"),
        errors: &[(401, "invalid_credentials")],
        ..REST
    },
    RestRoute {
        route: Route::Verify,
        verb: "GET",
        path: "/api/account/verify",
        about: "Says by its status whether the credential holds",
        account: true,
        ..REST
    },
    RestRoute {
        route: Route::Status,
        verb: "GET",
        path: "/api/account/status",
        about: "Shows the account, the persona and its roles",
        query: &[optional("acting", Kind::Text { min: 0, max: 100 })],
        output: Some(shapes::STATUS),
        errors: &[(401, "authentication_required")],
        ..REST
    },
    RestRoute {
        route: Route::Signup,
        path: "/api/account/signup",
        about: "Makes an account on an invitation, or while anybody may; sets the session's cookie",
        body: Some(&[
            required("username", Kind::NewUsername),
            required("password", Kind::NewPassword),
            optional("email", Kind::Email),
        ]),
        output: Some(shapes::DONE),
        limit: Some("both"),
        errors: &[(403, "no_matching_invite"), (409, "signup_conflict")],
        ..REST
    },
    RestRoute {
        route: Route::Bootstrap,
        path: "/api/account/bootstrap",
        about: "Makes the first account of the installation; sets the session's cookie",
        body: Some(&[
            required("token", Kind::Text { min: 1, max: 1_000 }),
            required("username", Kind::NewUsername),
            required("password", Kind::NewPassword),
        ]),
        output: Some(shapes::BOOTSTRAPPED),
        limit: Some("ip"),
        errors: &[(401, "invalid_token"), (403, "already_bootstrapped"), (404, "token_file_missing")],
        ..REST
    },
    RestRoute {
        route: Route::Surface,
        verb: "GET",
        path: "/api/surface",
        about: "Describes every route, method and notification there is",
        account: true,
        output: Some(Shape::Open),
        ..REST
    },
    RestRoute {
        route: Route::OpenRpc,
        verb: "GET",
        path: "/api/openrpc.json",
        about: "Describes every method of JSON-RPC as an OpenRPC document",
        account: true,
        output: Some(Shape::Open),
        ..REST
    },
    RestRoute {
        route: Route::ServerStatus,
        verb: "GET",
        path: "/api/server/status",
        about: "Shows the version and for how long it runs",
        account: true,
        output: Some(shapes::SERVER),
        ..REST
    },
    RestRoute {
        route: Route::DatabaseHealth,
        verb: "GET",
        path: "/api/db/health",
        about: "Says whether the database answers",
        account: true,
        persona: true,
        roles: &["keeper"],
        credentials: &["daemon_token"],
        query: &[optional_not_null("acting", Kind::Uuid)],
        output: Some(shapes::DATABASE),
        errors: &[(503, "database_connection_failed")],
        ..REST
    },
    RestRoute {
        route: Route::RpcPost,
        path: "/api/rpc",
        about: "Calls a method by JSON-RPC 2.0",
        output: Some(Shape::Open),
        ..REST
    },
    RestRoute {
        route: Route::RpcGet,
        verb: "GET",
        path: "/api/rpc",
        about: "Calls a method that changes nothing",
        output: Some(Shape::Open),
        ..REST
    },
];

/// The route of a verb and path.
#[must_use]
pub fn find(verb: &str, path: &str) -> Option<&'static RestRoute> {
    REST_ROUTES.iter().find(|route| route.verb == verb && route.path == path)
}
