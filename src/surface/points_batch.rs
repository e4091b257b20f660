//! Points of a batch: all are recorded or none, and a key that is recorded already, or stands in the batch before, makes a
//! duplicate (spec/metrics.md section 6).

use std::collections::{HashMap, HashSet};

use muniment_aggregates::decider::Decider as _;
use muniment_aggregates::metric::{Metric, MetricCommand, NewPoint, RecordPoints};
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use serde_json::{Value, json};

use super::Surface;
use super::errors::{V1Error, V1Refusal};
use super::input::Fields;
use super::methods::POINT;
use super::points::{First, Given, own_key};
use super::principal::Agent;
use super::request::{Reply, Request};
use crate::runtime::BusError;

/// Points of one batch.
const BATCH_POINTS_MAX: usize = 1_000;
/// How often a batch is put together again because keys of it were recorded in between.
const BATCH_RACES_MAX: usize = 16;

impl Surface {
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
