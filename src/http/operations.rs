//! What operators and their tools ask: is it alive, can it serve, how is it doing.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use futures_util::future::join;
use serde_json::{Value, json};

use crate::runtime::ReadPosition;
use crate::runtime::policies::alert_evaluator;
use crate::runtime::readiness::{self, Readiness};
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
        .route("/metrics", web::get().to(figures))
        .route("/metrics", web::head().to(figures));
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

/// Whether this node can serve, and what it is that keeps it from that.
async fn ready(surface: web::Data<Surface>) -> HttpResponse {
    let readiness = Readiness::of(&surface.runtime).await;
    let is_ready = readiness.is_ready();
    let model = |(name, at): &(&str, ReadPosition)| {
        let stopped = at.stopped_by.as_ref().map(|poison| {
            json!({"position": poison.position.0.to_string(), "event_type": poison.event_type, "reason": poison.reason})
        });
        json!({
            "name": name,
            "position": at.position.to_string(),
            "lag": readiness::lag(at, readiness.head),
            "stopped_by": stopped,
            "failing": at.failing,
        })
    };
    let models: Vec<Value> = readiness.models.iter().map(model).collect();
    let body = json!({
        "ready": is_ready,
        "head": readiness.head.to_string(),
        "journal": readiness.trouble.as_deref().unwrap_or("writable"),
        "projections": models,
    });
    surface.check_other_answer(&READY, if is_ready { 200 } else { 503 }, &body);
    let mut response = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type(JSON).body(body.to_string())
}

/// Figures for Prometheus.
async fn figures(surface: web::Data<Surface>, figures: web::Data<Figures>) -> HttpResponse {
    let runtime = &surface.runtime;
    let head = runtime.journal.head();
    for (name, at) in runtime.reads.positions() {
        let lag = float(readiness::lag(&at, head));
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
