//! Points: recorded once a key, corrected beside the first value, listed by instant (spec/metrics.md section 6).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::ids::{CompanyId, PointId};
use muniment_aggregates::metric::{
    CorrectPoint, Metric, MetricCommand, MetricEvent, NewPoint, RecordPoints, is_idempotency_key, number, timestamp,
};
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_aggregates::wire;
use muniment_projections::points::{self, Order, PointKey, PointQuery, PointRow};
use serde_json::{Value, json};

use super::Surface;
use super::cursor;
use super::errors::{V1Error, V1Refusal};
use super::input::Fields;
use super::methods::POINT;
use super::principal::Agent;
use super::request::{Reply, Request};
use super::text::{self, KEY_CHARACTERS_MAX, NAME_CHARACTERS_MAX, REASON_CHARACTERS_MAX};
use crate::auth::random_bytes;
use crate::runtime::BusError;

/// Points of one batch.
const BATCH_POINTS_MAX: usize = 1_000;
/// Rows of one page, and the default.
const PAGE_POINTS_MAX: usize = 1_000;
const PAGE_POINTS: usize = 100;
/// How often a batch is put together again because keys of it were recorded in between.
const BATCH_RACES_MAX: usize = 16;
/// Confidence of a point that names none.
const CONFIDENCE: f64 = 0.5;

/// A recorded point as a repeated key finds it.
struct First {
    id: String,
    value: f64,
}

/// A point as its fields say, and whether it got both its time and its key here: then it repeats none, even when two
/// of one millisecond would have the same key.
struct Given {
    point: NewPoint,
    is_stamped: bool,
}

/// Gives a point that names no key one that no other has.
fn own_key(point: &mut NewPoint) {
    point.idempotency_key = format!("{}#{}", point.idempotency_key, point.id);
}

impl First {
    fn answer(&self, offered: f64) -> Value {
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

    /// `POST /v1/metrics/{key}/points/batch`.
    pub(super) async fn record_batch(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        Self::require_metric(agent, &slug)?;
        let mut fields = Fields::of(request, &["points"], false).await?;
        if !request.idempotency_keys.is_empty() {
            let message = "A batch takes no Idempotency-Key header; give each point its idempotency_key.";
            return Err(V1Error::refuse(400, "invalid_idempotency_key", message));
        }
        let mut points = self.batch_points(&mut fields, agent, &slug)?;
        let id = self.metric_id(&agent.company, &slug).await?;
        let stream = StreamId::new(Metric::TYPE, id.as_str());
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "record_points").await?;
        part_stamped(&mut points);
        let mut keys = dedupe_keys(&stream, &points);
        // Most batches bring nothing but new keys, and the journal refuses those it has: only then is it asked which. One
        // that is sent again is mostly sent again whole, and its ends tell that without a refusal.
        let ends: Vec<DedupeKey> = keys.iter().take(1).chain(keys.last()).copied().collect();
        let mut recorded = self.runtime.journal.find_dedupe(&ends).await?;
        if !recorded.is_empty() {
            recorded = self.runtime.journal.find_dedupe(&keys).await?;
        }
        for _ in 0..=BATCH_RACES_MAX {
            if self.part_recorded(&mut points, &keys, &recorded).await? {
                keys = dedupe_keys(&stream, &points);
            }
            let mut plan = self.plan_batch(&points, &keys, &recorded).await?;
            if plan.fresh.is_empty() {
                return Ok(Reply::ok(plan.body(0), None));
            }
            let created = plan.fresh.len();
            let command = MetricCommand::RecordPoints(RecordPoints { points: std::mem::take(&mut plan.fresh) });
            match self.runtime.bus.execute::<Metric>(id.as_str(), command, &origin).await {
                Ok(done) => return Ok(Reply::ok(plan.body(created), done.position)),
                // A key of the batch is recorded, perhaps since a moment ago.
                Err(BusError::Duplicate { .. }) => recorded = self.runtime.journal.find_dedupe(&keys).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(V1Error::unavailable("The same keys are being recorded by too many at once; try again shortly."))
    }

    /// Gives stamped points whose key is another point's a key of their own. Whether there were any.
    async fn part_recorded(
        &self,
        points: &mut [Given],
        keys: &[DedupeKey],
        recorded: &HashMap<DedupeKey, Position>,
    ) -> Result<bool, V1Error> {
        let mut were_any = false;
        for (given, key) in points.iter_mut().zip(keys).filter(|(given, _)| given.is_stamped) {
            if let Some(position) = recorded.get(key)
                && self.first_at(*position).await?.id != given.point.id.as_str()
            {
                own_key(&mut given.point);
                were_any = true;
            }
        }
        Ok(were_any)
    }

    fn batch_points(&self, fields: &mut Fields, agent: &Agent, slug: &str) -> Result<Vec<Given>, V1Error> {
        let given = match fields.take("points") {
            Some(Value::Array(given)) if (1..=BATCH_POINTS_MAX).contains(&given.len()) => given,
            Some(Value::Array(_)) => {
                return Err(invalid_batch(vec![issue("points", "invalid_field", "1 to 1,000 points")]));
            }
            Some(_) => return Err(V1Error::invalid_field("points", "an array of 1 to 1,000 points")),
            None => return Err(V1Error::missing("points")),
        };
        let known: Vec<&str> = POINT.iter().map(|field| field.name).collect();
        let (mut points, mut issues) = (Vec::with_capacity(given.len()), Vec::new());
        for (index, value) in given.into_iter().enumerate() {
            let read = match value {
                Value::Object(values) => {
                    Fields::within(values, &known).and_then(|mut fields| self.point(&mut fields, &[], agent, slug))
                }
                _ => Err(V1Error::refuse(400, "invalid_field", "A point must be an object.")),
            };
            match read {
                Ok(point) => points.push(point),
                Err(V1Error::Refused(refusal)) => issues.push(batch_issue(index, &refusal)),
                Err(fault) => return Err(fault),
            }
        }
        if issues.is_empty() { Ok(points) } else { Err(invalid_batch(issues)) }
    }

    /// Reads one point's fields, in the order in which the specification refuses them.
    fn point(
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

    async fn first_at(&self, position: Position) -> Result<First, V1Error> {
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

    async fn plan_batch(
        &self,
        points: &[Given],
        keys: &[DedupeKey],
        recorded: &HashMap<DedupeKey, Position>,
    ) -> Result<BatchPlan, V1Error> {
        let mut plan = BatchPlan { results: Vec::with_capacity(points.len()), fresh: Vec::new() };
        let mut in_batch: HashMap<DedupeKey, First> = HashMap::new();
        for (Given { point, .. }, key) in points.iter().zip(keys) {
            if let Some(first) = in_batch.get(key) {
                plan.results.push(first.answer(point.value));
                continue;
            }
            let first = match recorded.get(key) {
                Some(position) => {
                    let first = self.first_at(*position).await?;
                    plan.results.push(first.answer(point.value));
                    first
                }
                None => {
                    plan.results.push(json!({"id": point.id.as_str(), "duplicate": false}));
                    plan.fresh.push(point.clone());
                    First { id: point.id.as_str().to_owned(), value: point.value }
                }
            };
            in_batch.insert(*key, first);
        }
        Ok(plan)
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

fn dedupe_keys(stream: &StreamId, points: &[Given]) -> Vec<DedupeKey> {
    points.iter().map(|given| DedupeKey::of(stream, &given.point.idempotency_key)).collect()
}

/// Gives stamped points whose key stands in the batch already a key of their own.
fn part_stamped(points: &mut [Given]) {
    let mut keys: HashSet<String> =
        points.iter().filter(|given| !given.is_stamped).map(|given| given.point.idempotency_key.clone()).collect();
    for given in points.iter_mut().filter(|given| given.is_stamped) {
        if !keys.insert(given.point.idempotency_key.clone()) {
            own_key(&mut given.point);
        }
    }
}

struct BatchPlan {
    results: Vec<Value>,
    fresh: Vec<NewPoint>,
}

impl BatchPlan {
    fn body(&self, created: usize) -> Value {
        json!({"results": self.results, "created": created, "duplicates": self.results.len() - created})
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

fn invalid_batch(issues: Vec<Value>) -> V1Error {
    V1Error::refuse(400, "invalid_batch", "The batch was refused; nothing of it is recorded.")
        .with("issues", json!(issues))
}

fn issue(path: &str, code: &str, message: &str) -> Value {
    json!({ "path": path, "code": code, "message": message })
}

/// What is wrong with one element first; the batch's answer has one of these for each element that is wrong.
fn batch_issue(index: usize, refusal: &V1Refusal) -> Value {
    let path = match &refusal.field {
        Some(field) => format!("points.{index}.{field}"),
        None => format!("points.{index}"),
    };
    issue(&path, refusal.code, &refusal.message)
}
