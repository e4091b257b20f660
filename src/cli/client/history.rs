//! A metric's events as the history that a rule is tried on: from the record, in the order of positions, or from a file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{ApplicationId, CompanyId, PointId};
use muniment_aggregates::metric::{Metric, MetricDefined, MetricEvent, PointRecorded};
use muniment_aggregates::metric::{number, slug, timestamp};
use serde_json::{Value, json};

use super::http::Call;
use super::import::unreadable;
use super::import_rows::{Columns, Row, csv, is_ndjson, ndjson};
use super::{Company, Session};
use crate::cli::exit::Exit;
use crate::cli::output::cell;

/// Events of one request.
const PAGE_EVENTS: usize = 1_000;
/// Shortest pause where the server's limit is reached.
const LIMITED_PAUSE_MIN: Duration = Duration::from_secs(1);

/// The events of a metric, each with the time it was recorded at.
pub struct History {
    /// The metric's key.
    pub key: String,
    /// The events, in the order of recording.
    pub events: Vec<(DateTime<Utc>, MetricEvent)>,
}

impl History {
    /// From the record: every event of the metric, in the order of positions, as the live evaluator was given them.
    pub async fn fetch(session: &Session, key: &str, company: &Company) -> Result<Self> {
        let auth = session.reader(company)?;
        let shown = Call::get(&["v1", "metrics", key]).query(session.company_query(&auth, company)).auth(auth.clone());
        let shown = session.api.send(shown).await?;
        let text = |name: &str| shown[name].as_str().with_context(|| format!("the answer has no {name}"));
        let filter = json!({ "eq": { "aggregate": format!("metric/{}", text("id")?) } }).to_string();
        let mut history = Self { key: text("key")?.to_owned(), events: Vec::new() };
        let (mut after, mut goal) = ("start".to_owned(), None);
        loop {
            let query = [("after", after.clone()), ("limit", PAGE_EVENTS.to_string()), ("filter", filter.clone())];
            let call = Call::get(&["v1", "events"]).query(query).auth(auth.clone());
            let page = page(session, &call).await?;
            for event in page["events"].as_array().into_iter().flatten() {
                history.events.push(decoded(event)?);
            }
            // As far as the record reached when it was asked first: it may grow as fast as it is read.
            let position = |name: &str| page[name].as_str()?.parse::<u64>().ok();
            let (upto, head) = position("upto").zip(position("head")).context("the answer has no positions")?;
            if upto >= *goal.get_or_insert(head) {
                break;
            }
            page["next"].as_str().context("the answer has no next")?.clone_into(&mut after);
        }
        if history.events.is_empty() {
            return Err(Exit::Denied.because(format!("this login may not read the events of {key}")));
        }
        Ok(history)
    }

    /// Of a metric without points that nothing else is known of than its key.
    fn of(key: &str) -> Self {
        let slug = slug::slug(key);
        let defined = MetricDefined {
            company: CompanyId::default(),
            application: ApplicationId::default(),
            display_name: slug::title(&slug),
            unit: "count".to_owned(),
            cadence: "weekly".to_owned(),
            direction: "up".to_owned(),
            source_type: "self_reported".to_owned(),
            verification_level: "self_reported".to_owned(),
            metric_key: slug.clone(),
        };
        Self { key: slug, events: vec![(DateTime::UNIX_EPOCH, MetricEvent::Defined(defined))] }
    }

    /// From a file, in the order of its rows.
    pub fn read(path: &Path, key: &str) -> Result<Self> {
        let open = || File::open(path).map_err(|error| unreadable(path, error));
        let rows: Box<dyn Iterator<Item = Result<Row>>> = if is_ndjson(path) {
            Box::new(ndjson(BufReader::new(open()?)))
        } else {
            let (timestamp, value) = ("timestamp".to_owned(), "value".to_owned());
            Box::new(csv(open()?, &Columns { timestamp, value, idempotency_key: None, format: None })?)
        };
        let mut history = Self::of(key);
        for row in rows {
            match row? {
                Row::Empty => {}
                Row::Refused { line, reason } => return Err(Exit::Usage.because(format!("line {line}: {reason}"))),
                Row::Point { body, .. } => history.push(&body, None)?,
            }
        }
        Ok(history)
    }

    /// Adds a point, recorded after all others: at this instant, else at its own.
    pub fn push(&mut self, point: &Value, recorded_at: Option<DateTime<Utc>>) -> Result<()> {
        let time = point["timestamp"].as_str().context("a point has no timestamp")?;
        let instant = timestamp::parse(time).with_context(|| format!("{time:?} is no time"))?;
        let number = u64::try_from(self.events.len())?;
        let mut random = [0_u8; 12];
        random[..8].copy_from_slice(&number.to_be_bytes());
        let recorded = PointRecorded {
            company: CompanyId::default(),
            metric_key: self.key.clone(),
            point: PointId::from_random(random),
            value: number::stored(point["value"].as_f64().context("a point has no value")?),
            timestamp: time.to_owned(),
            instant,
            source: String::new(),
            confidence: 0.5,
            raw_event_id: None,
            idempotency_key: number.to_string(),
        };
        self.events.push((recorded_at.unwrap_or(instant), MetricEvent::PointRecorded(recorded)));
        Ok(())
    }

    /// The metric that these events make: its rules as they stand.
    #[must_use]
    pub fn metric(&self) -> Metric {
        let mut metric = Metric::default();
        for (_, event) in &self.events {
            metric.evolve(event);
        }
        metric
    }

    /// The point recorded last.
    #[must_use]
    pub fn newest(&self) -> Option<&PointId> {
        self.events.iter().rev().find_map(|(_, event)| match event {
            MetricEvent::PointRecorded(recorded) => Some(&recorded.point),
            MetricEvent::Defined(_)
            | MetricEvent::SettingsChanged(_)
            | MetricEvent::PointCorrected(_)
            | MetricEvent::RuleSet(_)
            | MetricEvent::AlertRaised(_)
            | MetricEvent::AlertAcknowledged(_)
            | MetricEvent::AlertResolved(_) => None,
        })
    }
}

/// One page. A limit that is reached on the way is waited out, whatever `--timeout`: the server is there, and a run that
/// began anew would reach it at the same place.
async fn page(session: &Session, call: &Call<'_>) -> Result<Value> {
    loop {
        let error = match session.api.insist(call).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let Some(pause) = error.limited_for() else { return Err(error.ending()) };
        let pause = pause.max(LIMITED_PAUSE_MIN);
        session.printer.message(&format!("{error} It goes on in {} s.", pause.as_secs()));
        tokio::time::sleep(pause).await;
    }
}

/// An event of a metric as `/v1/events` has it: the payload without the name of its kind, which is in the type.
fn decoded(event: &Value) -> Result<(DateTime<Utc>, MetricEvent)> {
    let (position, event_type) = (cell(&event["p"]), cell(&event["type"]));
    let unknown = || format!("position {position}, {event_type}: no event that this program knows; is it too old?");
    let kind = event_type.strip_prefix("metric.").with_context(unknown)?;
    let at = event["at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).with_context(unknown)?;
    let event = serde_json::from_value(json!({ kind: event["data"] })).with_context(unknown)?;
    Ok((at.to_utc(), event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_from_its_delivered_form() {
        let mut history = History::of("arr");
        let point = json!({ "value": 0.1 + 0.2, "timestamp": "2026-01-01T12:00:00.123456Z" });
        history.push(&point, None).unwrap();
        for (_, event) in &history.events {
            // As the journal stores it, taken apart as the live surface does.
            let stored: Value = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            let (kind, data) = stored.as_object().unwrap().iter().next().unwrap();
            let delivered = json!({
                "p": "7", "type": format!("metric.{kind}"), "at": "2026-01-02T00:00:00.000Z", "data": data,
            });
            assert_eq!(decoded(&delivered).unwrap().1, *event);
        }
        let unknown = json!({ "p": "8", "type": "metric.dreamt", "at": "2026-01-02T00:00:00.000Z", "data": {} });
        assert!(decoded(&unknown).unwrap_err().to_string().contains("position 8, metric.dreamt"));
    }
}
