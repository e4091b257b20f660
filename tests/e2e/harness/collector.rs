//! A collector of traces: takes OTLP over HTTP on loopback and keeps every span, and the bytes it came in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use muniment_testkit::free_port;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// One running collector.
pub(crate) struct Collector {
    port: u16,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, kept) = (connection.unwrap(), Arc::clone(&kept));
                // A client that hangs up in the middle has exported nothing.
                std::thread::spawn(move || drop(serve(&connection, &kept)));
            }
        });
        Self { port, bodies }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, head and body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().concat()
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests: Vec<ExportTraceServiceRequest> = self
            .bodies
            .lock()
            .unwrap()
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap())
            .collect();
        for resource in requests.iter().flat_map(|request| &request.resource_spans) {
            let service = &resource.resource.as_ref().unwrap().attributes;
            let named = service.iter().any(|one| one.key == "service.name" && shown(one.value.as_ref()) == "muniment");
            assert!(named, "{service:?}");
        }
        let scopes = requests.into_iter().flat_map(|request| request.resource_spans).flat_map(|one| one.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The spans of one trace.
    pub(crate) fn trace(&self, id: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| hex::encode(&span.trace_id) == id).collect()
    }
}

/// The text of a span's attribute.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    span.attributes.iter().find(|one| one.key == key).map(|one| shown(one.value.as_ref()))
}

fn shown(value: Option<&opentelemetry_proto::tonic::common::v1::AnyValue>) -> String {
    match value.and_then(|value| value.value.clone()) {
        Some(AnyValue::StringValue(text)) => text,
        Some(AnyValue::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn serve(connection: &TcpStream, kept: &Mutex<Vec<Vec<u8>>>) -> std::io::Result<()> {
    let mut out = connection;
    let mut input = BufReader::new(connection);
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    kept.lock().unwrap().push(body);
    out.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
}
