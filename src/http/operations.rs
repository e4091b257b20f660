//! What operators and their tools ask: is it alive, can it serve, how is it doing.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use futures_util::future::join;
use muniment_aggregates::record::Position;
use serde_json::json;

use crate::runtime::ReadPosition;
use crate::runtime::limits::LAG_EVENTS_MAX;
use crate::runtime::policies::alert_evaluator;
use crate::surface::Surface;
use crate::surface::other_routes::{HEALTH, READY};
use crate::telemetry::Figures;
use crate::transport::JSON;

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/health").to(health))
        .route("/ready", web::get().to(ready))
        .route("/ready", web::head().to(ready))
        .route("/metrics", web::get().to(numbers))
        .route("/metrics", web::head().to(numbers));
}

/// How long `/metrics` waits for the figures that the database has: whoever scrapes gives up after ten seconds or so, and
/// all the others are wanted most while it does not answer.
const FIGURE_WAIT: Duration = Duration::from_secs(1);

/// One path for two surfaces: `ok` and `env` for `/v1`, `status` for `/api`.
async fn health(surface: web::Data<Surface>) -> HttpResponse {
    let body = json!({"ok": true, "status": "ok", "env": surface.environment.as_str()});
    surface.check_other_answer(&HEALTH, 200, &body);
    HttpResponse::Ok().content_type(JSON).body(body.to_string())
}

/// Migrated, the journal within reach and writable, every read model within its bound and none stopped or failing.
async fn ready(surface: web::Data<Surface>) -> HttpResponse {
    let journal = &surface.runtime.journal;
    let confirmed = journal.confirm_head().await;
    let head = confirmed.as_ref().map_or_else(|_| journal.head(), |head| *head);
    let mut is_ready = true;
    let mut models = Vec::new();
    for (name, at) in surface.runtime.reads.positions() {
        let lag = head.0.saturating_sub(at.position.0);
        let stopped = at.stopped_by.as_ref().map(|poison| {
            json!({"position": poison.position.0.to_string(), "event_type": poison.event_type, "reason": poison.reason})
        });
        is_ready &= follows(&at, head);
        let position = at.position.to_string();
        let told = json!({
            "name": name, "position": position, "lag": lag, "stopped_by": stopped, "failing": at.failing,
        });
        models.push(told);
    }
    models.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    let away = || confirmed.is_err().then(|| "the database does not answer".to_owned());
    let trouble = journal.check_writable().await.err().or_else(away);
    is_ready &= trouble.is_none();
    let body = json!({
        "ready": is_ready,
        "head": head.to_string(),
        "journal": trouble.as_deref().unwrap_or("writable"),
        "projections": models,
    });
    surface.check_other_answer(&READY, if is_ready { 200 } else { 503 }, &body);
    let mut response = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type(JSON).body(body.to_string())
}

/// Whether a read model is within its bound of the head, and nothing keeps it from following.
fn follows(at: &ReadPosition, head: Position) -> bool {
    head.0.saturating_sub(at.position.0) <= LAG_EVENTS_MAX && at.stopped_by.is_none() && at.failing.is_none()
}

/// Figures for Prometheus.
async fn numbers(surface: web::Data<Surface>, figures: web::Data<Figures>) -> HttpResponse {
    let runtime = &surface.runtime;
    let head = runtime.journal.head();
    for (name, at) in runtime.reads.positions() {
        let lag = float(head.0.saturating_sub(at.position.0));
        metrics::gauge!("muniment_projection_lag_events", "projection" => name).set(lag);
    }
    for (kind, count) in runtime.bus.directories().live_counts() {
        let live = float(u64::try_from(count).unwrap_or(u64::MAX));
        metrics::gauge!("muniment_live_actors", "aggregate" => kind).set(live);
    }
    let (outbox, store) = (runtime.journal.outbox(), runtime.reads.store());
    let evaluated = store.subscription(alert_evaluator::NAME);
    let (pending, evaluated) = join(asked(outbox.count_pending()), asked(evaluated)).await;
    metrics::gauge!("muniment_mails_pending").set(pending.map_or(f64::NAN, float));
    let lag = evaluated.map_or(f64::NAN, |place| float(head.0.saturating_sub(place.unwrap_or_default().0)));
    metrics::gauge!("muniment_alert_evaluator_lag_events").set(lag);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(figures.render())
}

/// What the database has for a figure, if it says so in time. The last answer would look as if nothing moved; NaN is what
/// Prometheus takes for a figure that nobody knows.
async fn asked<T, E>(figure: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(FIGURE_WAIT, figure).await.ok()?.ok()
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts stay far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_model_follows_within_its_bound_of_the_head() {
        let head = Position(20_000);
        let behind = |events| ReadPosition { position: Position(head.0 - events), ..ReadPosition::default() };
        assert!(follows(&behind(0), head));
        assert!(follows(&behind(LAG_EVENTS_MAX), head));
        assert!(!follows(&behind(LAG_EVENTS_MAX + 1), head));
        assert!(!follows(&ReadPosition { failing: Some("its checkpoint is gone"), ..behind(0) }, head));
    }
}
