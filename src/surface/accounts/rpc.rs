//! JSON-RPC 2.0 (spec/accounts-and-offers.md sections 3.13 and 8.5): the envelope, and the gates every method passes
//! in one order, whichever transport brought it: 401, 400, authorization, credential type, role, limit, method.

use std::fmt;
use std::time::Instant;

use muniment_aggregates::record::Position;
use serde_json::{Map, Value, json};
use tracing::Instrument as _;

use super::caller::Caller;
use super::failure::{ApiFailure, Code};
use super::methods::{self, Counted, Params, Rpc, RpcMethod};
use super::persona::Acting;
use super::schema::{self, Input};
use super::sent_id::{SentId, written};
use crate::surface::Surface;
use crate::surface::limits::Window;
use crate::telemetry::spans::SPANS;

/// What brought a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `POST /api/rpc`.
    Http,
    /// `GET /api/rpc`, which only reads.
    HttpGet,
    /// A frame of `/api/ws`.
    Socket,
}

impl Transport {
    const fn surface(self) -> &'static str {
        match self {
            Self::Http | Self::HttpGet => "http",
            Self::Socket => "ws",
        }
    }
}

/// The answer to a request. It cannot be printed: a raw token may be in it.
#[derive(Clone)]
pub struct RpcReply {
    /// HTTP status.
    pub status: u16,
    /// The response object.
    pub body: Value,
    /// Its id as it was sent, where it would be written differently.
    pub sent_id: Option<SentId>,
    /// Position of what was appended.
    pub position: Option<Position>,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
}

impl fmt::Debug for RpcReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcReply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl RpcReply {
    /// The same answer, under the id as it was sent.
    #[must_use]
    pub fn under(self, sent_id: Option<SentId>) -> Self {
        Self { sent_id, ..self }
    }

    /// The response as text.
    #[must_use]
    pub fn text(&self) -> String {
        written(&self.body, self.sent_id.as_ref())
    }
}

/// One call that passed the gates.
pub struct Call<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The method.
    pub method: &'static RpcMethod,
    /// The persona, where the method acts as one.
    pub acting: Option<Acting>,
    /// The checked input.
    pub input: Input,
    /// What brought it.
    pub transport: Transport,
    /// Correlation id.
    pub correlation: &'a str,
}

impl Call<'_> {
    /// The persona of a method that acts as one.
    ///
    /// # Errors
    /// A fault, where the table says it does not.
    pub fn persona(&self) -> Result<&Acting, ApiFailure> {
        self.acting.as_ref().ok_or_else(|| ApiFailure::fault(format!("{} acts as nobody", self.method.name)))
    }

    /// The name of the surface that brought it, for the record.
    #[must_use]
    pub const fn surface(&self) -> &'static str {
        self.transport.surface()
    }
}

/// What a method answers. A raw token may be in it, so that it is not for printing.
#[derive(Clone, PartialEq)]
pub struct Outcome {
    /// The result.
    pub result: Value,
    /// Position of what was appended, or of the state that was read.
    pub position: Option<Position>,
}

impl Outcome {
    /// An answer that changed nothing.
    #[must_use]
    pub const fn read(result: Value) -> Self {
        Self { result, position: None }
    }

    /// The same of the state at this position and no other.
    #[must_use]
    pub const fn read_at(position: Position, result: Value) -> Self {
        Self { result, position: Some(position) }
    }

    /// An answer with what it appended.
    #[must_use]
    pub const fn wrote(result: Value, position: Option<Position>) -> Self {
        Self { result, position }
    }
}

/// The id of a request, where it has one that can be echoed.
#[must_use]
pub fn echoed_id(message: &Value) -> Value {
    match message.get("id") {
        Some(id @ (Value::String(_) | Value::Number(_))) => id.clone(),
        Some(_) | None => Value::Null,
    }
}

/// The answer to something that is no request, or to one that failed.
#[must_use]
pub fn failure(id: Value, fail: &ApiFailure, correlation: &str) -> RpcReply {
    if let Some(fault) = &fail.fault {
        tracing::error!(correlation.id = correlation, error = fault, "a call failed by a fault of ours");
    }
    RpcReply {
        status: fail.code.status(),
        body: json!({ "jsonrpc": "2.0", "id": id, "error": fail.on_wire() }),
        sent_id: None,
        position: None,
        retry_after_seconds: fail.retry_after_seconds,
    }
}

fn success(id: Value, outcome: Outcome) -> RpcReply {
    RpcReply {
        status: 200,
        body: json!({ "jsonrpc": "2.0", "id": id, "result": outcome.result }),
        sent_id: None,
        position: outcome.position,
        retry_after_seconds: None,
    }
}

/// The answer to a text that is not JSON.
#[must_use]
pub fn not_json(correlation: &str) -> RpcReply {
    failure(Value::Null, &ApiFailure::plain(Code::Parse, "This is not JSON."), correlation)
}

fn not_by_get() -> ApiFailure {
    ApiFailure::plain(Code::InvalidRequest, "This method changes something; call it with POST.")
}

struct Envelope {
    id: Value,
    method: String,
    params: Option<Map<String, Value>>,
}

fn envelope(message: Value) -> Result<Envelope, (Value, Box<ApiFailure>)> {
    let invalid = |id: Value, what: &str| (id, Box::new(ApiFailure::plain(Code::InvalidRequest, what)));
    if message.is_array() {
        return Err(invalid(Value::Null, "Batches are not taken; send one request at a time."));
    }
    let id = echoed_id(&message);
    let Value::Object(mut members) = message else {
        return Err(invalid(Value::Null, "A request is an object."));
    };
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid(id, "jsonrpc must be \"2.0\"."));
    }
    let Some(Value::String(method)) = members.remove("method") else {
        return Err(invalid(id, "method must be a string."));
    };
    if id.is_null() {
        return Err(invalid(id, "id must be a string or a number."));
    }
    let params = match members.remove("params") {
        None => None,
        Some(Value::Object(params)) => Some(params),
        Some(_) => return Err(invalid(id, "params must be an object, or absent.")),
    };
    Ok(Envelope { id, method, params })
}

impl Surface {
    async fn rpc_extra(
        &self,
        caller: Option<&Caller>,
        transport: Transport,
        asked: &Envelope,
        correlation: &str,
    ) -> Option<RpcReply> {
        let params = asked.params.clone().unwrap_or_default();
        let answer = self.extra_methods.get()?.call(self, caller, &asked.method, params)?;
        // Nothing says of these that they only read.
        if transport == Transport::HttpGet {
            return Some(failure(asked.id.clone(), &not_by_get(), correlation));
        }
        Some(match answer.await {
            Ok(result) => success(asked.id.clone(), Outcome::read(result)),
            Err(fail) => failure(asked.id.clone(), &fail, correlation),
        })
    }

    /// Answers one JSON-RPC request, gates and limits included.
    pub async fn rpc(
        &self,
        caller: Option<&Caller>,
        transport: Transport,
        message: Value,
        correlation: &str,
    ) -> RpcReply {
        let started = Instant::now();
        let envelope = match envelope(message) {
            Ok(envelope) => envelope,
            Err((id, fail)) => return failure(id, &fail, correlation),
        };
        let found = methods::find(&envelope.method).filter(|it| !it.socket_only || transport == Transport::Socket);
        let Some(method) = found else {
            if let Some(reply) = self.rpc_extra(caller, transport, &envelope, correlation).await {
                return reply;
            }
            return failure(
                envelope.id,
                &ApiFailure::plain(Code::MethodNotFound, "There is no such method."),
                correlation,
            );
        };
        if transport == Transport::HttpGet && method.side_effects {
            return failure(envelope.id, &not_by_get(), correlation);
        }
        let span = tracing::info_span!(
            target: SPANS,
            "rpc",
            otel.name = method.name,
            rpc.system.name = "jsonrpc",
            rpc.method = method.name,
            correlation.id = correlation,
        );
        let outcome = self.admit_call(caller, transport, method, envelope.params, correlation).instrument(span).await;
        let reply = match outcome {
            Ok(outcome) => {
                if method.side_effects && outcome.position.is_some() {
                    self.closings.settle(correlation).await;
                }
                success(envelope.id, outcome)
            }
            Err(fail) => {
                self.check_failure(method, &fail, correlation);
                failure(envelope.id, &fail, correlation)
            }
        };
        metrics::histogram!("muniment_rpc_seconds", "method" => method.name).record(started.elapsed().as_secs_f64());
        reply
    }

    async fn admit_call(
        &self,
        caller: Option<&Caller>,
        transport: Transport,
        method: &'static RpcMethod,
        params: Option<Map<String, Value>>,
        correlation: &str,
    ) -> Result<Outcome, ApiFailure> {
        let caller = caller.ok_or_else(ApiFailure::unauthenticated)?;
        let input = match (method.params, params) {
            (Params::Void, None) => Input::default(),
            (Params::Void, Some(_)) => {
                return Err(ApiFailure::issues(&[super::failure::Issue {
                    code: "invalid_type",
                    message: "This method takes no params.".to_owned(),
                    path: Vec::new(),
                }]));
            }
            (Params::Fields(fields), params) => {
                let input = schema::check(fields, params.unwrap_or_default());
                let input = input.map_err(|issues| ApiFailure::issues(&issues))?;
                schema::check_one_of(method.one_of, &input).map_err(|issue| ApiFailure::issues(&[issue]))?;
                self.scope_of(&input)?;
                input
            }
        };
        // On sockets the head was confirmed long ago; what was recorded elsewhere since counts for this message.
        if transport == Transport::Socket {
            self.runtime.journal.confirm_head().await?;
            // The socket is closed at that moment too; this message may have been faster.
            if self.has_run_out(caller).await? {
                return Err(ApiFailure::unauthenticated());
            }
        }
        let acting = if method.access.needs_persona() {
            Some(self.resolve_persona(caller, input.optional_text("acting")).await?)
        } else {
            None
        };
        method.access.check_credential(caller)?;
        method.access.check_role(acting.as_ref())?;
        if method.counted == Counted::Always {
            let limit = self.limits.action_account;
            self.windows.hit(Window::ActionAccount, &caller.account.0, limit).await.map_err(ApiFailure::limited)?;
        }
        // What a reading method shows is at least as new as what this node had seen when it was let in; some say more.
        let as_of = (!method.side_effects).then(|| self.runtime.journal.head());
        let outcome = self.dispatch(&Call { caller, method, acting, input, transport, correlation }).await?;
        self.check_output(method.name, Some(&method.output), Some(&outcome.result), correlation);
        Ok(Outcome { position: outcome.position.or(as_of), ..outcome })
    }

    async fn dispatch(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        match call.method.rpc {
            Rpc::AccountVerify => self.account_verify(call).await,
            Rpc::SessionList => self.session_list(call).await,
            Rpc::SessionRevoke => self.session_revoke(call).await,
            Rpc::SessionRevokeAll => self.session_revoke_all(call).await,
            Rpc::TokenCreate => self.api_token_create(call).await,
            Rpc::TokenList => self.api_token_list(call).await,
            Rpc::TokenRevoke => self.api_token_revoke(call).await,
            Rpc::AdminAccountList => self.admin_account_list(call).await,
            Rpc::AdminSessionList => self.admin_session_list(call).await,
            Rpc::AdminSessionRevokeAll => self.admin_session_revoke_all(call).await,
            Rpc::AdminTokenRevokeAll => self.admin_token_revoke_all(call).await,
            Rpc::AuditList => self.audit_list(call).await,
            Rpc::AuditGrantHistory => self.audit_grant_history(call).await,
            Rpc::InviteCreate => self.invite_create(call).await,
            Rpc::InviteList => self.invite_list().await,
            Rpc::InviteDelete => self.invite_delete(call).await,
            Rpc::SettingsGet => self.settings_get().await,
            Rpc::SettingsUpdate => self.settings_update(call).await,
            Rpc::GrantRevoke => self.grant_revoke(call).await,
            Rpc::ScopeDestroy => self.scope_destroy(call).await,
            Rpc::OfferCreate => self.offer_create(call).await,
            Rpc::OfferAccept => self.offer_accept(call).await,
            Rpc::OfferDecline => self.offer_decline(call).await,
            Rpc::OfferRetract => self.offer_retract(call).await,
            Rpc::OfferList => self.offer_list(call).await,
            Rpc::OfferHistory => self.offer_history(call).await,
            Rpc::SelfServiceSet => self.self_service_set(call).await,
            Rpc::RoleWhy => self.role_why(call).await,
            Rpc::ActorLookup => self.actor_lookup(call).await,
            Rpc::ActorSearch => self.actor_search(call).await,
            Rpc::ActorCreate => self.actor_create(call).await,
            Rpc::ActorList => self.actor_list(call).await,
            Rpc::Heartbeat => Ok(Outcome::read(json!({}))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(message: Value) -> Option<(Value, i32)> {
        envelope(message).err().map(|(id, fail)| (id, fail.code.number()))
    }

    #[test]
    fn acc_200_bad_envelopes_are_told_with_the_id_that_can_be_saved() {
        let invalid = |id: Value| Some((id, -32_600));
        assert_eq!(code(json!([])), invalid(Value::Null));
        assert_eq!(code(json!("x")), invalid(Value::Null));
        assert_eq!(code(json!({ "id": 7, "method": "m" })), invalid(json!(7)));
        assert_eq!(code(json!({ "jsonrpc": "1.0", "id": "a", "method": "m" })), invalid(json!("a")));
        assert_eq!(code(json!({ "jsonrpc": "2.0", "id": 1 })), invalid(json!(1)));
        assert_eq!(code(json!({ "jsonrpc": "2.0", "method": "m" })), invalid(Value::Null));
        assert_eq!(code(json!({ "jsonrpc": "2.0", "id": null, "method": "m" })), invalid(Value::Null));
        for params in [json!(null), json!([]), json!("x")] {
            assert_eq!(code(json!({ "jsonrpc": "2.0", "id": 1, "method": "m", "params": params })), invalid(json!(1)));
        }
        assert_eq!(code(json!({ "jsonrpc": "2.0", "id": 1, "method": "m", "more": true })), None);
    }
}
