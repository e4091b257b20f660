//! Points: recorded once a key, corrected beside the first value, listed by instant (spec/metrics.md section 6).

use chrono::{DateTime, Utc};
use muniment_aggregates::ids::{CompanyId, PointId};
use muniment_aggregates::metric::{
    CorrectPoint, Metric, MetricCommand, MetricEvent, NewPoint, RecordPoints, is_idempotency_key, number, timestamp,
};
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;
use muniment_projections::points::{self, Order, PointKey, PointQuery, PointRow};
use serde_json::{Value, json};

use super::Surface;
use super::cursor;
use super::errors::V1Error;
use super::input::Fields;
use super::methods::POINT;
use super::principal::Agent;
use super::request::{Reply, Request};
use super::text::{self, KEY_CHARACTERS_MAX, NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX};
use crate::auth::random_bytes;
use crate::runtime::BusError;

/// Rows of one page, and the default.
const PAGE_POINTS_MAX: usize = 1_000;
const PAGE_POINTS: usize = 100;
/// Confidence of a point that names none.
const CONFIDENCE: f64 = 0.5;

/// A recorded point as a repeated key finds it.
pub(super) struct First {
    pub(super) id: String,
    pub(super) value: f64,
}

/// A point as its fields say, and whether it got both its time and its key here: then it repeats none, even when two
/// of one millisecond would have the same key.
pub(super) struct Given {
    pub(super) point: NewPoint,
    pub(super) is_stamped: bool,
}

/// Gives a point that names no key one that no other has.
pub(super) fn own_key(point: &mut NewPoint) {
    point.idempotency_key = format!("{}#{}", point.idempotency_key, point.id);
}

impl First {
    pub(super) fn answer(&self, offered: f64) -> Value {
        let mut answer = json!({"id": self.id, "duplicate": true});
        if self.value != offered {
            answer["differs"] = json!(true);
        }
        answer
    }
}

impl Surface {
    /// `POST /v1/metrics/{key}/points`.
    pub(super) async fn record_point(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        Self::require_metric(agent, &slug)?;
        let known: Vec<&str> = POINT.iter().map(|field| field.name).collect();
        let mut fields = Fields::of(request, &known, false).await?;
        let Given { mut point, is_stamped } = self.point(&mut fields, &request.idempotency_keys, agent, &slug)?;
        let id = self.metric_id(&agent.company, &slug).await?;
        let (offered, point_id) = (point.value, point.id.clone());
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "record_points").await?;
        let mut fence = Some(&agent.fence);
        loop {
            let command = MetricCommand::RecordPoints(RecordPoints { points: vec![point.clone()] });
            match self.runtime.bus.execute_under::<Metric>(fence, id.as_str(), command, &origin).await {
                Ok(done) => {
                    self.note_use_of(agent).await;
                    return Ok(Reply::created(json!({"id": point_id.as_str(), "duplicate": false}), done.position));
                }
                Err(BusError::Duplicate { position, .. }) => {
                    let first = self.first_at(position).await?;
                    if !is_stamped || first.id == point_id.as_str() {
                        return Ok(Reply::ok(first.answer(offered), Some(position)));
                    }
                    own_key(&mut point);
                }
                // Some credential has ended since, perhaps this one. It is asked for as every other method asks first.
                Err(BusError::Fenced) => {
                    self.agent(&request.presented).await?;
                    fence = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads one point's fields, in the order in which the specification refuses them.
    pub(super) fn point(
        &self,
        fields: &mut Fields,
        header_keys: &[Option<String>],
        agent: &Agent,
        slug: &str,
    ) -> Result<Given, V1Error> {
        let now = self.runtime.clock.now();
        let value = read_value(fields)?;
        let (timestamp, instant, is_now) = read_timestamp(fields, now)?;
        let header_key = header_key(header_keys)?;
        let body_key = match fields.take("idempotency_key") {
            None => None,
            Some(Value::String(key)) => Some(key),
            Some(_) => return Err(invalid_key()),
        };
        let (idempotency_key, is_stamped) = match header_key.or(body_key) {
            Some(key) if is_idempotency_key(&key) => (key, false),
            Some(_) => return Err(invalid_key()),
            None => (format!("{}:{slug}:{timestamp}", agent.company), is_now),
        };
        let source = fields.text_unless_blank("source", NAME_CHARACTERS_MAX)?;
        let confidence = fields.number("confidence", "a number from 0 to 1")?.unwrap_or(CONFIDENCE);
        if !(0.0..=1.0).contains(&confidence) {
            return Err(V1Error::invalid_field("confidence", "a number from 0 to 1"));
        }
        let point = NewPoint {
            id: PointId::from_random(random_bytes()?),
            value,
            timestamp,
            instant,
            source: source.unwrap_or_else(|| agent.name.clone()),
            confidence,
            raw_event_id: fields.text("raw_event_id", KEY_CHARACTERS_MAX)?,
            idempotency_key,
        };
        Ok(Given { point, is_stamped })
    }

    pub(super) async fn first_at(&self, position: Position) -> Result<First, V1Error> {
        self.runtime.journal.wait_for(position).await?;
        let event = self.runtime.journal.event(position).await?;
        let event = event.ok_or_else(|| V1Error::fault(format!("no event at position {position}")))?;
        match muniment_aggregates::catalog::decode_recorded::<MetricEvent>(&event) {
            Ok(MetricEvent::PointRecorded(recorded)) => {
                Ok(First { id: recorded.point.as_str().to_owned(), value: recorded.value })
            }
            Ok(_) => Err(V1Error::fault(format!("the event at position {position} is no point"))),
            Err(error) => Err(V1Error::fault(error)),
        }
    }

    /// `POST /v1/metrics/{key}/points/{id}/correct`.
    pub(super) async fn correct_point(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        Self::require_metric(agent, &slug)?;
        let mut fields = Fields::of(request, &["value", "reason"], false).await?;
        let value = read_value(&mut fields)?;
        let reason = fields.text_unless_blank("reason", REASON_CHARACTERS_MAX)?;
        let metric = self.metric_id(&agent.company, &slug).await?;
        let not_found = || V1Error::refuse(404, "point_not_found", "The metric has no such point.");
        let point = PointId::parse(request.parameter(1)).ok_or_else(not_found)?;
        self.runtime.reads.catch_up(&["points"]).await?;
        points::by_id(self.runtime.reads.store(), &point)
            .await?
            .filter(|row| row.metric == metric)
            .ok_or_else(not_found)?;
        let at = self.runtime.clock.now();
        let command = MetricCommand::CorrectPoint(CorrectPoint { point: point.clone(), value, reason, at });
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "correct_point").await?;
        let done = self.runtime.bus.execute::<Metric>(metric.as_str(), command, &origin).await?;
        let body = json!({"id": point.as_str(), "value": wire::number(value), "corrected_at": text::instant(at)});
        Ok(Reply::ok(body, done.position))
    }

    /// `GET /v1/metrics/{key}/points`.
    pub(super) async fn list_points(&self, request: &Request, company: &CompanyId) -> Result<Reply, V1Error> {
        let row = self.metric_row(company, &Self::path_slug(request)?).await?;
        let bound = |name: &str| -> Result<Option<DateTime<Utc>>, V1Error> {
            request.query(name).map(|given| timestamp::parse(given).map_err(|_| invalid_timestamp(name))).transpose()
        };
        let (order, word) = match request.query("order") {
            None | Some("desc") => (Order::Descending, "desc"),
            Some("asc") => (Order::Ascending, "asc"),
            Some(_) => return Err(V1Error::invalid_field("order", "asc or desc")),
        };
        let known_at = match request.query("known_at") {
            None => None,
            Some(given) => Some(
                given
                    .parse()
                    .map(Position)
                    .map_err(|_| V1Error::invalid_field("known_at", "a position, a whole number"))?,
            ),
        };
        let limit = request.query_count("limit", PAGE_POINTS, PAGE_POINTS_MAX)?;
        let keys = self.runtime.journal.keyring();
        let listing = format!("points/{}/{word}", row.id);
        let place = cursor::read(keys, &listing, request.query("cursor"))?;
        let query = PointQuery {
            from: bound("from")?,
            to: bound("to")?,
            order,
            after: place.as_deref().and_then(point_key),
            limit: limit + 1,
        };
        // What was known at a position that is not there yet, nobody can say; another node may have it already.
        if let Some(position) = known_at {
            self.runtime.reads.wait(&["points"], position).await?;
        }
        let as_of = self.runtime.reads.catch_up(&["points"]).await?;
        let store = self.runtime.reads.store();
        // Rows may be newer than the position that was waited for. A reader who subscribes from the position this
        // answer names would get those twice, so it shows the points as known there.
        let known_at = known_at.unwrap_or(as_of);
        let mut rows = points::page_as_known_at(store, &row.id, known_at, &query).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|last| cursor::make(keys, &listing, &place_of(last)));
        let shown: Vec<_> = rows.iter().map(shown).collect();
        Ok(Reply::ok(json!({"points": shown, "next_cursor": next}), Some(as_of)))
    }
}

fn place_of(row: &PointRow) -> String {
    format!("{}:{}", row.instant.timestamp_micros(), row.position)
}

fn point_key(place: &str) -> Option<PointKey> {
    let (instant, position) = place.split_once(':')?;
    Some(PointKey {
        instant: DateTime::from_timestamp_micros(instant.parse().ok()?)?,
        position: Position(position.parse().ok()?),
    })
}

fn shown(row: &PointRow) -> Value {
    let mut shown = json!({
        "id": row.id.as_str(),
        "timestamp": row.timestamp,
        "value": wire::number(row.value),
        "source": row.source,
        "confidence": wire::number(row.confidence),
        "raw_event_id": row.raw_event_id,
        "idempotency_key": row.idempotency_key,
        "created_at": text::instant(row.recorded_at),
    });
    if let Some(original) = row.original_value {
        shown["original_value"] = wire::number(original);
    }
    shown
}

fn read_value(fields: &mut Fields) -> Result<f64, V1Error> {
    let value = fields.take("value").filter(Value::is_number).and_then(|value| value.as_f64());
    value
        .filter(|value| value.is_finite())
        .map(number::stored)
        .ok_or_else(|| V1Error::refuse(400, "invalid_value", "value must be a finite JSON number.").about("value"))
}

/// The time's text, its instant, and whether it is the server's.
fn read_timestamp(fields: &mut Fields, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>, bool), V1Error> {
    let (given, is_now) = match fields.take("timestamp") {
        // The text names the instant to the millisecond; the point then bears exactly that instant.
        None => (text::instant(now), true),
        Some(Value::String(given)) => (given, false),
        Some(_) => return Err(invalid_timestamp("timestamp")),
    };
    let instant = timestamp::parse(&given).map_err(|_| invalid_timestamp("timestamp"))?;
    if timestamp::is_too_far_ahead(instant, now) {
        let message = "timestamp is more than 366 days ahead.";
        return Err(V1Error::refuse(400, "invalid_timestamp", message).about("timestamp"));
    }
    Ok((given, instant, is_now))
}

fn header_key(given: &[Option<String>]) -> Result<Option<String>, V1Error> {
    match given {
        [] => Ok(None),
        [Some(key)] => Ok(Some(key.clone())),
        [None] | [_, _, ..] => Err(invalid_key()),
    }
}

fn invalid_key() -> V1Error {
    let message = "An idempotency key has 1 to 255 characters and no control characters, and is sent once.";
    V1Error::refuse(400, "invalid_idempotency_key", message).about("idempotency_key")
}

fn invalid_timestamp(field: &str) -> V1Error {
    let message = format!("{field} must be ISO 8601, for example 2026-06-05 or 2026-06-05T18:00:00Z.");
    V1Error::refuse(400, "invalid_timestamp", message).about(field)
}
