//! What an event is delivered by: its routing keys and the one serialised form that all subscribers share.
//!
//! Made once an event. Whose a stream is comes from its own events, so routing needs no read model and is right on
//! replay too.

use std::sync::Arc;

use muniment_aggregates::record::{Metadata, Position, RecordedEvent, StreamId};
use muniment_aggregates::wire;
use serde::Serialize;
use serde_json::Value;

use super::exposure::{self, Audience};

/// The keys that filters and rights are evaluated on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Literal event type.
    pub(crate) event_type: Arc<str>,
    /// Aggregate type.
    pub(crate) aggregate_kind: Arc<str>,
    /// `<aggregate type>/<id>`.
    pub(crate) aggregate: Box<str>,
    /// Company the stream belongs to.
    pub(crate) company: Option<Arc<str>>,
    /// Account the stream belongs to.
    pub(crate) account: Option<Arc<str>>,
    /// Metric id, on the stream of a metric.
    pub(crate) metric_id: Option<Arc<str>>,
    /// Metric slug, on the stream of a metric.
    pub(crate) metric_slug: Option<Arc<str>>,
    /// Correlation id of the request that caused it.
    pub(crate) correlation: Box<str>,
}

/// Whose a stream is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Belonging {
    /// Company, for streams of metrics and applications.
    pub(crate) company: Option<Arc<str>>,
    /// Account, for streams of accounts and sessions.
    pub(crate) account: Option<Arc<str>>,
    /// Slug, for streams of metrics.
    pub(crate) metric_slug: Option<Arc<str>>,
}

impl Belonging {
    /// Whether it says whose the stream is.
    pub(crate) fn is_known(&self) -> bool {
        self.company.is_some() || self.account.is_some()
    }
}

/// An event ready to be delivered: keys, who it is meant for at most, and its JSON.
#[derive(Debug)]
pub(crate) struct Routed {
    /// Place in the journal.
    pub(crate) position: Position,
    /// Whom events of this type may reach at all.
    pub(crate) audience: Audience,
    /// What filters and rights look at.
    pub(crate) keys: Keys,
    /// The event as it stands in `ev` of a batch; empty for an event that nobody may read.
    pub(crate) frame: Box<str>,
}

impl Routed {
    /// Bytes that a cache of this costs, about.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.frame.len() + self.keys.aggregate.len() + self.keys.correlation.len()
    }
}

/// The stream kinds whose events belong to somebody.
pub(crate) fn belongs_to_somebody(stream: &StreamId) -> bool {
    matches!(&*stream.kind, "metric" | "application" | "account" | "session")
}

/// Reads from an event whose stream it is in. Most events say it themselves; others leave it to the event that
/// began the stream.
pub(crate) fn belonging(event: &RecordedEvent) -> Belonging {
    let payload = payload_fields(&event.payload);
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(Arc::from);
    match &*event.stream.kind {
        "metric" => Belonging { company: text("company"), account: None, metric_slug: text("metric_key") },
        "application" => Belonging { company: text("company"), ..Belonging::default() },
        "account" => Belonging { account: Some(Arc::clone(&event.stream.id)), ..Belonging::default() },
        "session" => Belonging { account: text("account"), ..Belonging::default() },
        _ => Belonging::default(),
    }
}

/// The fields of an externally tagged payload, `{"variant":{…}}`.
pub(crate) fn payload_fields(payload: &str) -> serde_json::Map<String, Value> {
    match serde_json::from_str::<Value>(payload) {
        Ok(Value::Object(tagged)) => match tagged.into_iter().next() {
            Some((_, Value::Object(fields))) => fields,
            _ => serde_json::Map::new(),
        },
        _ => serde_json::Map::new(),
    }
}

#[derive(Serialize)]
struct EventFrame<'a> {
    p: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    agg: &'a str,
    seq: u64,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    corr: &'a str,
    data: Value,
}

/// Makes the delivered form of an event.
pub(crate) fn route(event: &RecordedEvent, belonging: &Belonging) -> Routed {
    let metadata = serde_json::from_str::<Metadata>(&event.metadata).ok();
    let correlation = metadata.as_ref().map_or("", |metadata| metadata.correlation.as_str());
    let aggregate = event.stream.to_string();
    let exposure = exposure::of(&event.event_type, &event.event_version);
    let frame = match exposure.audience {
        Audience::Nobody => Box::from(""),
        Audience::Company | Audience::Account => frame_text(&EventFrame {
            p: event.position.to_string(),
            event_type: &event.event_type,
            agg: &aggregate,
            seq: event.sequence,
            at: wire::instant(event.recorded_at),
            cause: metadata.as_ref().and_then(|metadata| metadata.causation).map(|position| position.to_string()),
            corr: correlation,
            data: Value::Object(exposure.open(payload_fields(&event.payload))),
        }),
    };
    let metric = (&*event.stream.kind == "metric").then(|| Arc::clone(&event.stream.id));
    Routed {
        position: event.position,
        audience: if frame.is_empty() { Audience::Nobody } else { exposure.audience },
        keys: Keys {
            event_type: Arc::clone(&event.event_type),
            aggregate_kind: Arc::clone(&event.stream.kind),
            company: belonging.company.clone(),
            account: belonging.account.clone(),
            metric_id: metric,
            metric_slug: belonging.metric_slug.clone(),
            correlation: Box::from(correlation),
            aggregate: aggregate.into_boxed_str(),
        },
        frame,
    }
}

/// A frame that cannot be written as JSON is not delivered: `serde_json` fails only on maps with other keys than
/// texts, and there are none here.
fn frame_text(frame: &EventFrame<'_>) -> Box<str> {
    match serde_json::to_string(frame) {
        Ok(text) => text.into_boxed_str(),
        Err(error) => {
            tracing::error!(position = %frame.p, %error, "an event cannot be serialised and is not delivered");
            Box::from("")
        }
    }
}
