//! A metric's points as the history that a rule is tried on: from the server, or from a file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use muniment_aggregates::ids::{ApplicationId, CompanyId, PointId};
use muniment_aggregates::metric::{MetricDefined, MetricEvent, PointRecorded};
use muniment_aggregates::metric::{slug, timestamp};
use serde_json::Value;

use super::Session;
use super::http::Call;
use super::import::unreadable;
use super::import_rows::{Columns, Row, csv, ndjson};
use crate::cli::exit::Exit;

/// Points of one request.
const PAGE_POINTS: usize = 1_000;

/// The events of a metric, each with the time it was recorded at.
pub struct History {
    /// The metric's key.
    pub key: String,
    /// The events, in the order of recording.
    pub events: Vec<(DateTime<Utc>, MetricEvent)>,
}

impl History {
    /// Of a metric without points. `shown` is what the server says of it; a file says nothing.
    fn of(key: &str, shown: &Value) -> Self {
        let slug = slug::slug(key);
        let text = |name: &str, default: &str| shown[name].as_str().unwrap_or(default).to_owned();
        let defined = MetricDefined {
            company: CompanyId::default(),
            application: ApplicationId::default(),
            display_name: text("display_name", &slug::title(&slug)),
            unit: text("unit", "count"),
            cadence: text("cadence", "weekly"),
            direction: text("direction", "up"),
            source_type: text("source_type", "self_reported"),
            verification_level: text("verification_level", "self_reported"),
            metric_key: slug.clone(),
        };
        Self { key: slug, events: vec![(DateTime::UNIX_EPOCH, MetricEvent::Defined(defined))] }
    }

    /// From the server: every point, with the value known when it was recorded, in the order of recording.
    pub async fn fetch(session: &Session, key: &str) -> Result<Self> {
        let auth = session.either()?;
        let company = session.company_query(&auth);
        let shown = Call::get(&["v1", "metrics", key]).query(company.clone()).auth(auth.clone());
        let mut history = Self::of(key, &session.api.send(shown).await?);
        let mut points: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let call = Call::get(&["v1", "metrics", key, "points"]).query(company.clone());
            let call = call.query([("order", "asc".to_owned()), ("limit", PAGE_POINTS.to_string())]);
            let call = call.query(cursor.take().map(|cursor| ("cursor", cursor))).auth(auth.clone());
            let page = session.api.send(call).await?;
            points.extend(page["points"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        // Stable: points of one request keep the order of their instants.
        points.sort_by(|left, right| left["created_at"].as_str().cmp(&right["created_at"].as_str()));
        for point in &points {
            history.push(point)?;
        }
        Ok(history)
    }

    /// From a file, in the order of its rows.
    pub fn read(path: &Path, key: &str) -> Result<Self> {
        let open = || File::open(path).map_err(|error| unreadable(path, error));
        let is_ndjson = path.extension().is_some_and(|extension| extension == "ndjson" || extension == "jsonl");
        let rows: Box<dyn Iterator<Item = Result<Row>>> = if is_ndjson {
            Box::new(ndjson(BufReader::new(open()?)))
        } else {
            let (timestamp, value) = ("timestamp".to_owned(), "value".to_owned());
            Box::new(csv(open()?, &Columns { timestamp, value, idempotency_key: None, format: None })?)
        };
        let mut history = Self::of(key, &Value::Null);
        for row in rows {
            match row? {
                Row::Empty => {}
                Row::Refused { line, reason } => return Err(Exit::Usage.because(format!("line {line}: {reason}"))),
                Row::Point { body, .. } => history.push(&body)?,
            }
        }
        Ok(history)
    }

    /// Adds a point, recorded after all others.
    pub fn push(&mut self, point: &Value) -> Result<()> {
        let text = |name: &str| point[name].as_str();
        let time = text("timestamp").context("a point has no timestamp")?;
        let instant = timestamp::parse(time).with_context(|| format!("{time:?} is no time"))?;
        let value = point["original_value"].as_f64().or_else(|| point["value"].as_f64());
        let number = u64::try_from(self.events.len())?;
        let mut random = [0_u8; 12];
        random[..8].copy_from_slice(&number.to_be_bytes());
        let id = text("id").and_then(PointId::parse).unwrap_or_else(|| PointId::from_random(random));
        let recorded_at = text("created_at").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let recorded = PointRecorded {
            company: CompanyId::default(),
            metric_key: self.key.clone(),
            point: id,
            value: value.context("a point has no value")?,
            timestamp: time.to_owned(),
            instant,
            source: String::new(),
            confidence: 0.5,
            raw_event_id: None,
            idempotency_key: number.to_string(),
        };
        let at = recorded_at.map_or(instant, |at| at.to_utc());
        self.events.push((at, MetricEvent::PointRecorded(recorded)));
        Ok(())
    }

    /// The point recorded last.
    #[must_use]
    pub fn newest(&self) -> Option<&PointId> {
        match self.events.last() {
            Some((_, MetricEvent::PointRecorded(recorded))) => Some(&recorded.point),
            Some(_) | None => None,
        }
    }
}
