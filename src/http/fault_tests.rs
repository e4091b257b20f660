//! What a client, the log and the figures get of a fault of ours: a 500 with the correlation id and one line, on both
//! surfaces, and a row of its route.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::TestRequest;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use futures_util::{StreamExt as _, stream};
use metrics_exporter_prometheus::PrometheusBuilder;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::detached::DetachedRequests;
use super::{Edge, api, entry};
use crate::app::Server;
use crate::config::Config;
use crate::runtime::fragile::{Fragile, FragileCommand, FragileRefusal};
use crate::runtime::fresh;
use crate::runtime::{BusError, Origin};
use crate::surface::accounts::failure::ApiFailure;
use crate::surface::errors::{Answered, V1Error, V1Refusal};
use crate::telemetry::panics;
use crate::telemetry::requests::REQUEST_ID;

impl Answered for FragileRefusal {
    fn answer(self) -> V1Refusal {
        V1Refusal::new(409, "fragile", self.to_string())
    }
}

/// The log of one thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn take(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock())).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

async fn body(response: HttpResponse) -> Value {
    let bytes = to_bytes(response.into_body()).await.expect("a body");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[actix::test]
async fn a_fault_of_a_handler_is_a_500_and_one_line_with_the_correlation_id() {
    panics::install();
    let lines = Lines::default();
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(log);
    let (bus, _folder) = fresh::bus().await;
    lines.take();
    for (command, said) in [
        (FragileCommand::PanicDeciding, "the handler of fragile/a panicked at src/runtime/fragile.rs:"),
        (FragileCommand::PanicWriting, "the handler of fragile/a panicked at src/runtime/fragile.rs:"),
        (
            FragileCommand::Unwritable,
            "a fault of the program or of what is stored: an event of fragile/a does not serialise",
        ),
    ] {
        for is_api in [false, true] {
            let origin = Origin::system("test", "test", None);
            let failed = bus.execute::<Fragile>("a", command.clone(), &origin).await.expect_err("a fault");
            let correlation = origin.correlation.as_str();
            let response = answered(failed, is_api, correlation);
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()), Some(correlation));
            assert_eq!(response.headers().get("retry-after"), None);
            assert_eq!(body(response).await, json!({ "error": "internal_error" }));
            let told = lines.take();
            let [line] = told.as_slice() else { panic!("one line: {told:?}") };
            assert_eq!((&line["level"], &line["correlation.id"]), (&json!("ERROR"), &json!(correlation)));
            assert!(line["error"].as_str().is_some_and(|error| error.starts_with(said)), "{line}");
            assert!(!line.to_string().contains("the secret of"), "what a panic says stays out of the log: {line}");
        }
        bus.execute::<Fragile>("a", FragileCommand::Count, &Origin::system("test", "test", None)).await.expect("well");
    }
    assert_eq!(lines.take(), Vec::<Value>::new());
}

#[actix::test]
async fn who_meets_a_full_queue_is_told_when_to_come_again() {
    for is_api in [false, true] {
        let response = answered(BusError::Overloaded, is_api, "c");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()), Some("1"));
        assert_eq!(body(response).await["error"], "service_unavailable");
    }
}

/// A request whose body cannot be read without a panic.
async fn fragile(path: &str) -> (HttpRequest, web::Payload) {
    let request = TestRequest::post().uri(path).insert_header((CONTENT_TYPE, "application/json")).to_http_request();
    let body = stream::once(async { panic!("the secret of a body") }).boxed_local();
    let payload = web::Payload::from_request(&request, &mut Payload::Stream { payload: body }).await;
    (request, payload.expect("a payload"))
}

#[actix::test]
async fn what_panics_and_what_finds_too_much_running_on_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::open(&Config::development(folder.path().to_owned()), None).await.expect("a server");
    let surface = web::Data::from(server.handlers().surface);
    for (detached, status) in [(DetachedRequests::default(), 500), (DetachedRequests::full(), 503)] {
        let body_time_max = Duration::from_secs(60);
        let edge = Edge { body_bytes_max: None, body_time_max, detached, is_production: false };
        for (path, route) in [("/v1/auth/otp/start", "/v1/auth/otp/start"), ("/api/rpc", "/api")] {
            let (request, payload) = fragile(path).await;
            let response = entry::answer(request, payload, surface.clone(), web::Data::new(edge.clone())).await;
            assert_eq!(response.status(), status, "{path}");
            let figures = recorder.handle().render();
            let counted = format!("muniment_http_requests{{route=\"{route}\",status=\"{status}\"}} 1\n");
            assert!(figures.contains(&counted), "{counted}: {figures}");
        }
    }
    server.close().await;
}

fn answered(failed: BusError<FragileRefusal>, is_api: bool, correlation: &str) -> HttpResponse {
    if is_api {
        return api::refusal(&ApiFailure::from_bus(failed).on_rest(), None, correlation);
    }
    entry::failure(V1Error::from(failed), "/v1/test", correlation).1
}
