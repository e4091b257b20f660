//! The REST routes of `/api` (spec/accounts-and-offers.md sections 3.13, 4.1 and 8.3): the gates in their order, then
//! the route.

use std::fmt;
use std::time::Duration;

use muniment_aggregates::record::Position;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::failure::{ApiFailure, RestFailure};
use super::login::Requester;
use super::routes::{RestRoute, Route};
use super::rpc::{RpcReply, Transport, failure, not_json};
use super::schema::{self, Input};
use super::sent_id::{SentId, written};
use super::{document, failure, openrpc};
use crate::surface::Surface;
use crate::surface::input;
use crate::surface::presented::Presented;
use crate::surface::request::{self, Body, BodyError};

/// What a REST route answers. It cannot be printed: a session's cookie or a raw token may be in it.
#[derive(Clone)]
pub struct RestReply {
    /// HTTP status.
    pub status: u16,
    /// JSON body; `None` for an empty one.
    pub body: Option<Value>,
    /// The id of an answer of JSON-RPC as it was sent, where it would be written differently.
    pub sent_id: Option<SentId>,
    /// Position of what was appended.
    pub position: Option<Position>,
    /// A `Set-Cookie` header, which replaces one that authentication asked for.
    pub set_cookie: Option<String>,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
}

impl fmt::Debug for RestReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestReply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl RestReply {
    /// 200.
    #[must_use]
    pub const fn ok(body: Value, position: Option<Position>) -> Self {
        Self { status: 200, body: Some(body), sent_id: None, position, set_cookie: None, retry_after_seconds: None }
    }

    /// The body as text; `None` for an empty one.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.body.as_ref().map(|body| written(body, self.sent_id.as_ref()))
    }
}

impl From<RpcReply> for RestReply {
    fn from(reply: RpcReply) -> Self {
        Self {
            status: reply.status,
            body: Some(reply.body),
            sent_id: reply.sent_id,
            position: reply.position,
            set_cookie: None,
            retry_after_seconds: reply.retry_after_seconds,
        }
    }
}

/// One request to `/api`, authenticated.
pub struct RestCall<'a> {
    /// Who calls; `None` for nobody.
    pub caller: Option<Caller>,
    /// What he proves himself by.
    pub presented: &'a Presented,
    /// Whom the request comes from.
    pub client: Option<std::net::IpAddr>,
    /// Decoded query parameters; `None` where they do not decode.
    pub query: Option<Vec<(String, String)>>,
    /// The body, read when its turn comes.
    pub body: Body,
    /// Correlation id.
    pub correlation: &'a str,
}

impl Surface {
    /// Answers a REST route.
    ///
    /// # Errors
    /// What gate or route refuses, or a fault.
    pub async fn call_rest(&self, route: &'static RestRoute, mut call: RestCall<'_>) -> Result<RestReply, RestFailure> {
        match route.route {
            Route::RpcPost => return self.rpc_by_post(call).await,
            Route::RpcGet => return Ok(self.rpc_by_get(&call).await.into()),
            Route::Login
            | Route::Logout
            | Route::Password
            | Route::Verify
            | Route::Status
            | Route::Signup
            | Route::Bootstrap
            | Route::Surface
            | Route::OpenRpc
            | Route::ServerStatus
            | Route::DatabaseHealth => {}
        }
        // Whatever the query of the status holds, it answers (section 4.1).
        let query = if route.route == Route::Status { None } else { Some(read_query(route, call.query.as_deref())?) };
        if route.access.needs_account() && call.caller.is_none() {
            return Err(ApiFailure::unauthenticated().on_rest());
        }
        let input = match route.body {
            Some(fields) => {
                self.receive(&mut call).await?;
                if route.access.needs_account() && call.caller.is_none() {
                    return Err(ApiFailure::unauthenticated().on_rest());
                }
                let given = read_object(&mut call.body).await?;
                let input = schema::check(fields, given).map_err(|issues| ApiFailure::issues(&issues))?;
                if self.accounts.refuse_common_passwords {
                    match schema::common_passwords(fields, &input).as_slice() {
                        [] => {}
                        issues => return Err(ApiFailure::issues(issues).on_rest()),
                    }
                }
                input
            }
            None => Input::default(),
        };
        if let Some(caller) = &call.caller {
            let acting = if route.access.needs_persona() {
                let acting = query.as_ref().and_then(|query| query.optional_text("acting"));
                Some(self.resolve_persona(caller, acting).await?)
            } else {
                None
            };
            route.access.check_credential(caller)?;
            route.access.check_role(acting.as_ref())?;
        }
        let reply = self.route(route.route, &call, &input).await?;
        if reply.status == 200 {
            self.check_output(route.path, route.output.as_ref(), reply.body.as_ref(), call.correlation);
        }
        // A method has waited for its own.
        if reply.position.is_some() && !matches!(route.route, Route::RpcPost | Route::RpcGet) {
            self.closings.settle(call.correlation).await;
        }
        Ok(reply)
    }

    async fn route(&self, route: Route, call: &RestCall<'_>, input: &Input) -> Result<RestReply, RestFailure> {
        let from = Requester { client: call.client, correlation: call.correlation };
        match (route, &call.caller) {
            (Route::Login, _) => self.login(input, &from).await,
            (Route::Signup, _) => self.sign_up(input, &from).await,
            (Route::Bootstrap, _) => self.bootstrap(input, &from).await,
            (Route::Status, caller) => {
                let as_of = self.runtime.journal.head();
                let acting = call.query.iter().flatten().find(|(name, _)| name == "acting");
                let reply = self.account_status(caller.as_ref(), acting.map(|(_, value)| value.as_str())).await?;
                Ok(RestReply { position: Some(as_of), ..reply })
            }
            (Route::Logout, Some(caller)) => self.logout_of_account(caller, &from).await,
            (Route::Password, Some(caller)) => self.change_password(caller, input, &from).await,
            (Route::Verify, Some(_)) => Ok(RestReply { body: None, ..RestReply::ok(Value::Null, None) }),
            (Route::Surface, Some(_)) => {
                let listing = self.listing.get_or_init(|| document::surface(self));
                Ok(RestReply::ok(listing.clone(), None))
            }
            (Route::OpenRpc, Some(_)) => Ok(RestReply::ok(openrpc::document().clone(), None)),
            (Route::ServerStatus, Some(_)) => {
                let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
                Ok(RestReply::ok(json!({ "version": env!("CARGO_PKG_VERSION"), "uptime_ms": uptime }), None))
            }
            (Route::DatabaseHealth, Some(_)) => Ok(self.database_health().await),
            (
                Route::Logout
                | Route::Password
                | Route::Verify
                | Route::Surface
                | Route::OpenRpc
                | Route::ServerStatus
                | Route::DatabaseHealth
                | Route::RpcPost
                | Route::RpcGet,
                _,
            ) => Err(ApiFailure::fault(format!("{route:?} has no gate")).on_rest()),
        }
    }

    /// What the route that tells of the database answers while nobody can say who calls because the database is away. The
    /// daemon token alone admits here: who has the server's files learns from the answer what they say anyway.
    pub async fn health_unauthenticated(
        &self,
        route: &RestRoute,
        presented: &Presented,
        failure: &RestFailure,
    ) -> Option<RestReply> {
        let may_be_away = route.route == Route::DatabaseHealth && failure.status == 503;
        if !may_be_away || !self.bears_daemon_token(presented).unwrap_or(false) {
            return None;
        }
        Some(self.database_health().await).filter(|reply| reply.status == failure.status)
    }

    async fn database_health(&self) -> RestReply {
        let engine = self.engine;
        let asked = tokio::time::timeout(Duration::from_secs(5), self.runtime.journal.ping()).await;
        if let Ok(Ok(_)) = asked {
            let body =
                json!({ "connected": true, "type": engine, "name": self.runtime.journal.identity().to_string() });
            return RestReply::ok(body, None);
        }
        let body = json!({ "connected": false, "type": engine, "error": "database_connection_failed" });
        RestReply { status: 503, ..RestReply::ok(body, None) }
    }

    /// Waits for the body, and finds out anew who calls where it was not there at once: meanwhile his credential may have
    /// ended.
    async fn receive(&self, call: &mut RestCall<'_>) -> Result<(), RestFailure> {
        if request::receive(&mut call.body).await && call.caller.is_some() {
            call.caller = self.authenticate_api(call.presented).await?.caller;
        }
        Ok(())
    }

    async fn rpc_by_post(&self, mut call: RestCall<'_>) -> Result<RestReply, RestFailure> {
        self.receive(&mut call).await?;
        let bytes = read_bytes(&mut call.body).await?;
        let Ok(message) = input::strict_value(&bytes) else {
            return Ok(not_json(call.correlation).into());
        };
        let sent_id = SentId::of(&bytes, &message);
        Ok(self.rpc(call.caller.as_ref(), Transport::Http, message, call.correlation).await.under(sent_id).into())
    }

    async fn rpc_by_get(&self, call: &RestCall<'_>) -> RpcReply {
        let invalid = |what: &str| {
            failure(Value::Null, &ApiFailure::plain(failure::Code::InvalidRequest, what), call.correlation)
        };
        let query = call.query.as_deref().unwrap_or_default();
        let given = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let is_doubled = |name: &&str| query.iter().filter(|(key, _)| key == name).count() > 1;
        if let Some(name) = ["method", "id", "params"].into_iter().find(is_doubled) {
            return invalid(&format!("{name} stands more than once in the query."));
        }
        let (Some(method), Some(id)) = (given("method"), given("id")) else {
            return invalid("Name method and id in the query.");
        };
        // What comes back as the same text is a number; everything else stays a text.
        let id = match id.parse::<i64>() {
            Ok(number) if number.to_string() == id => json!(number),
            Ok(_) | Err(_) => json!(id),
        };
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if let Some(params) = given("params") {
            let Ok(params @ Value::Object(_)) = input::strict_value(params.as_bytes()) else {
                let fail = ApiFailure::plain(failure::Code::InvalidParams, "params must be a JSON object.");
                return failure(id, &fail, call.correlation);
            };
            message["params"] = params;
        }
        self.rpc(call.caller.as_ref(), Transport::HttpGet, message, call.correlation).await
    }
}

/// The checked query; unknown and doubled parameters are issues.
fn read_query(route: &RestRoute, query: Option<&[(String, String)]>) -> Result<Input, RestFailure> {
    let Some(query) = query else { return Err(ApiFailure::query_issues(&[])) };
    schema::check_query(route.query, query).map_err(|issues| ApiFailure::query_issues(&issues))
}

async fn read_bytes(body: &mut Body) -> Result<Vec<u8>, RestFailure> {
    body.await.map_err(|error| match error {
        BodyError::TooLarge => RestFailure::new(413, "payload_too_large"),
        BodyError::Broken => RestFailure::new(400, "invalid_json_body"),
        BodyError::Late => RestFailure::new(408, "request_timeout"),
    })
}

async fn read_object(body: &mut Body) -> Result<Map<String, Value>, RestFailure> {
    let bytes = read_bytes(body).await?;
    match input::strict_value(&bytes) {
        Ok(Value::Object(given)) => Ok(given),
        Ok(_) | Err(_) => Err(RestFailure::new(400, "invalid_json_body")),
    }
}
