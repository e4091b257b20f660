//! `GET /api/audit/stream` (spec/accounts-and-offers.md section 6.5): the audit's rows as server-sent events. The body is
//! pulled, so a client that does not read is behind; a row that ends the stream is the last it gets. Who is further behind
//! than a page when his right ends gets that page and not the rest of the way to the row.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use muniment_aggregates::ids::PersonaId;
use muniment_aggregates::record::Position;
use muniment_projections::audit_log::{AuditRow, everywhere};
use serde_json::json;
use tokio::time::Instant;

use super::registry::{ApiRegistry, Connection, End};
use super::{authenticate, set_cookie};
use crate::live::event_stream::{self, Pieces};
use crate::surface::Surface;
use crate::surface::accounts::caller::{Authenticated, Caller};
use crate::surface::accounts::failure::{ApiFailure, Issue, RestFailure};
use crate::surface::accounts::persona::Acting;
use crate::surface::accounts::routes::{ADMIN_AUDIT_STREAM, AUDIT_STREAM};
use crate::surface::accounts::schema;
use crate::telemetry::connections as traces;
use crate::telemetry::requests::{self, Time};
use crate::transport;

/// Rows read at once.
const ROWS: usize = 200;
/// After so long without a row a comment says that the stream is alive.
const QUIET_MAX: Duration = Duration::from_secs(15);
/// How long one look waits for the record to move before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Opens a stream.
pub(super) async fn open(
    request: HttpRequest,
    surface: web::Data<Surface>,
    registry: web::Data<ApiRegistry>,
) -> HttpResponse {
    let correlation = requests::fresh_id();
    let routes = [ADMIN_AUDIT_STREAM.path, AUDIT_STREAM.path];
    let route = routes.into_iter().find(|path| *path == request.path()).unwrap_or(AUDIT_STREAM.path);
    let surface = surface.into_inner();
    requests::within(&request, &correlation, route, Time::Ours, async |span| {
        let Authenticated { caller, set_cookie: cookie } = match authenticate(&request, &surface, &correlation).await {
            Ok(authenticated) => authenticated,
            Err(failure) => return transport::failed(&failure, &correlation),
        };
        let life = traces::Connection::opened_by(&span, route, traces::Protocol::Events);
        let mut response = match admit(&request, &surface, &registry.into_inner(), caller, life).await {
            Ok(flow) => event_stream::respond("text/event-stream", flow),
            Err(failure) => transport::failed(&failure, &correlation),
        };
        set_cookie(&mut response, cookie.as_deref());
        response
    })
    .await
}

/// Persona and place that a query names.
fn query(request: &HttpRequest) -> Result<(schema::Input, Option<Position>), RestFailure> {
    let given = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let given = given.map_err(|_| ApiFailure::query_issues(&[]))?.into_inner();
    let input = schema::check_query(AUDIT_STREAM.query, &given).map_err(|issues| ApiFailure::query_issues(&issues))?;
    let since = match input.optional_text("since_seq") {
        Some(text) => Some(seq(text).ok_or_else(|| {
            let what = "since_seq must be a whole number from 0.";
            ApiFailure::query_issues(&[Issue::at("since_seq", "invalid_format", what)])
        })?),
        None => None,
    };
    Ok((input, since))
}

/// A row's number: digits and nothing else, as the stream itself writes it.
fn seq(text: &str) -> Option<Position> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok())??;
    u64::try_from(number).ok().map(Position)
}

async fn admit(
    request: &HttpRequest,
    surface: &Arc<Surface>,
    registry: &Arc<ApiRegistry>,
    caller: Option<Caller>,
    mut life: traces::Connection,
) -> Result<Flow, RestFailure> {
    let (query, since) = query(request)?;
    let caller = caller.ok_or_else(|| ApiFailure::unauthenticated().on_rest())?;
    let acting = surface.resolve_persona(&caller, query.optional_text("acting")).await?;
    let Some(role_ends) = end_of_role(&acting) else {
        return Err(ApiFailure::role(AUDIT_STREAM.access.roles()).on_rest());
    };
    let connection = registry.admit_stream(&caller).map_err(|_| ApiFailure::unauthenticated().on_rest())?;
    let last_seen = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    // Browsers send the last id on their own; what is none of ours is as if it were not sent.
    let from = last_seen.and_then(seq).or(since);
    // Not the head of this moment: what was taken since the caller was judged lies before that, and its row would not come.
    let seen = from.unwrap_or(caller.as_of).min(caller.as_of);
    life.stand();
    Ok(Flow {
        surface: Arc::clone(surface),
        caller,
        persona: acting.persona.id,
        role_ends,
        connection,
        seen,
        // A browser sends back the last id it was told, also one that came without a row: without it, whoever is cut off
        // before the first row would begin at the head again.
        ready: VecDeque::from([format!(": connected\n\nid: {seen}\n\n")]),
        over: false,
        spoke_at: Instant::now(),
        life,
    })
}

/// Whether a stream is opened by a role, held everywhere.
fn opens(role: &str) -> bool {
    AUDIT_STREAM.access.roles().contains(&role)
}

/// When a persona's role runs out, where it holds it; the inner `None` is never.
fn end_of_role(acting: &Acting) -> Option<Option<DateTime<Utc>>> {
    let held = acting.grants.iter().filter(|grant| grant.scope.is_none() && opens(&grant.role));
    held.map(|grant| grant.expires_at).reduce(|one, other| Some(one?.max(other?)))
}

/// What a stream was opened by, at one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// It stands.
    Holds,
    /// Nothing more is to be sent: time took it away, which no row tells, or the stream has to go.
    Over,
    /// An event took it away, whose row is the last: the one at this position, or one that is recorded by now.
    Taken(Option<Position>),
}

struct Flow {
    surface: Arc<Surface>,
    caller: Caller,
    /// Whose role it was opened by.
    persona: PersonaId,
    /// When that role runs out, as of the last look; none for never.
    role_ends: Option<DateTime<Utc>>,
    connection: Connection,
    /// Rows up to here were sent.
    seen: Position,
    ready: VecDeque<String>,
    /// Nothing follows what is ready.
    over: bool,
    /// When the client was last sent something.
    spoke_at: Instant,
    /// What traces are told at the end.
    life: traces::Connection,
}

impl Pieces for Flow {
    async fn next(mut self) -> Option<(String, Self)> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                self.spoke_at = Instant::now();
                return Some((text, self));
            }
            if self.over {
                self.life.end(None);
                return None;
            }
            let mut head = self.surface.runtime.journal.watch_head();
            head.borrow_and_update();
            match self.read().await {
                Ok(()) if !self.ready.is_empty() || self.over => {}
                Ok(()) => {
                    // The clock below makes up for a wake that was missed, on this node or another.
                    let moved = async {
                        tokio::select! {
                            changed = head.changed() => changed.is_ok(),
                            () = self.connection.entry.woken() => true,
                        }
                    };
                    // Either way round the loop looks again.
                    let _elapsed = tokio::time::timeout(LOOK_AGAIN, moved).await;
                    // Whatever woke it: events without a row are no sign of life.
                    if self.spoke_at.elapsed() >= QUIET_MAX {
                        self.ready.push_back(": still here\n\n".to_owned());
                    }
                }
                Err(fail) => {
                    tracing::warn!(error = ?fail.fault, "a stream of the audit ends, for its rows cannot be read");
                    self.life.end_by_fault(None, "rows_unreadable");
                    return None;
                }
            }
        }
    }
}

impl Flow {
    /// Reads a page. It is the last of whoever was ended, and has nothing that was recorded after that.
    async fn read(&mut self) -> Result<(), ApiFailure> {
        let surface = Arc::clone(&self.surface);
        let reads = &surface.runtime.reads;
        let mut until = reads.catch_up(everywhere::MODELS).await?;
        // Asked only now: whom an event up to `until` ends is marked before the record is known to have reached it. So
        // the mark may also be ahead of it.
        match self.right().await? {
            Right::Holds => {}
            Right::Over => {
                self.over = true;
                return Ok(());
            }
            Right::Taken(Some(at)) => {
                self.over = true;
                reads.wait(everywhere::MODELS, at).await?;
                until = at;
            }
            Right::Taken(None) => {
                self.over = true;
                until = reads.catch_up(everywhere::MODELS).await?;
            }
        }
        for row in everywhere::after(reads.store(), self.seen, ROWS).await? {
            if row.seq > until {
                break;
            }
            self.seen = row.seq;
            let params = self.surface.audit_event(&row).await?;
            self.surface.check_streamed_row(&row.event_type, &params);
            let data = json!({ "method": row.event_type, "params": params });
            self.ready.push_back(format!("id: {}\ndata: {data}\n\n", row.seq));
            self.life.sent();
            if self.ends_with(&row) {
                self.over = true;
                break;
            }
        }
        Ok(())
    }

    /// Whether what the stream was opened by still stands.
    async fn right(&mut self) -> Result<Right, ApiFailure> {
        match self.connection.entry.ended() {
            Some(End { at: Some(at), .. }) => return Ok(Right::Taken(Some(at))),
            // Who has to leave, and may come back with his last id.
            Some(End { at: None, .. }) => return Ok(Right::Over),
            None if self.surface.has_run_out(&self.caller).await? => return Ok(Right::Over),
            None => {}
        }
        match self.surface.resolve_persona(&self.caller, Some(&self.persona.0)).await {
            Ok(acting) => match end_of_role(&acting) {
                Some(end) => {
                    self.role_ends = end;
                    Ok(Right::Holds)
                }
                None if self.role_ends.is_some_and(|end| end <= self.surface.runtime.clock.now()) => Ok(Right::Over),
                None => Ok(Right::Taken(None)),
            },
            // Erased a moment ago: the mark is there at the next look.
            Err(fail) if fail.reason == Some("account_vanished") => Ok(Right::Holds),
            Err(fail) => Err(fail),
        }
    }

    /// Whether a row takes away what this stream was opened by. Rows from before it was found to hold took it from nobody.
    fn ends_with(&self, row: &AuditRow) -> bool {
        if row.seq <= self.caller.as_of {
            return false;
        }
        let concerned = row.target_account_id.as_ref().or(row.account_id.as_ref());
        if row.outcome != "success" || concerned != Some(&self.caller.account.0) {
            return false;
        }
        let own = |key: &str| row.metadata[key] == json!(self.caller.credential.id());
        match row.event_type.as_str() {
            "session_revoke" => own("session_id"),
            "token_revoke" => own("token_id"),
            "session_revoke_all" | "password_change" | "logout" | "token_revoke_all" => true,
            "role_grant_revoke" => row.metadata["role"].as_str().is_some_and(opens),
            _ => false,
        }
    }
}
