//! Metrics: defining, settings, listing (spec/metrics.md section 6).

use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId};
use muniment_aggregates::metric::{
    ChangeSettings, Define, METRIC_KEY_CLAIM, Metric, MetricCommand, MetricEvent, metric_key_claim, slug, title,
};
use muniment_aggregates::wire;
use muniment_projections::metrics::{self, MetricRow};
use serde_json::{Value, json};

use super::Surface;
use super::errors::V1Error;
use super::input::Fields;
use super::principal::Agent;
use super::request::{Reply, Request};
use super::text::{self, NAME_CHARACTERS_MAX};
use crate::auth::random_bytes;
use crate::runtime::BusError;

/// Longest slug.
const SLUG_CHARACTERS_MAX: usize = 100;
/// Rows of one page when all metrics of a company are listed.
const PAGE_ROWS: usize = 1_000;

/// The settings of a metric that are texts.
pub(super) const SETTING_FIELDS: [&str; 5] = ["display_name", "unit", "cadence", "direction", "source_type"];

/// The slug of a key as given.
///
/// # Errors
/// 400 `invalid_metric_key` when nothing is left of it, or too much.
pub(super) fn slugged(key: &str) -> Result<String, V1Error> {
    let slug = slug(key);
    if slug.is_empty() || slug.len() > SLUG_CHARACTERS_MAX {
        let message = "The key must leave 1 to 100 letters a-z, digits and underscores.";
        return Err(V1Error::refuse(400, "invalid_metric_key", message));
    }
    Ok(slug)
}

/// A definition from a body's fields, with the defaults of section 6.2.
pub(super) fn definition(
    key: &str,
    fields: &mut Fields,
    company: CompanyId,
    application: ApplicationId,
) -> Result<Define, V1Error> {
    let key = slugged(key)?;
    let mut setting = |name: &str, default: String| -> Result<String, V1Error> {
        Ok(fields.text_unless_blank(name, NAME_CHARACTERS_MAX)?.unwrap_or(default))
    };
    Ok(Define {
        display_name: setting("display_name", title(&key))?,
        unit: setting("unit", "count".to_owned())?,
        cadence: setting("cadence", "weekly".to_owned())?,
        direction: setting("direction", "up".to_owned())?,
        source_type: setting("source_type", "self_reported".to_owned())?,
        company,
        application,
        key,
    })
}

fn metric_not_found() -> V1Error {
    V1Error::refuse(404, "metric_not_found", "The company has no metric of this key; define it first.")
}

impl Surface {
    /// The slug in a path.
    pub(super) fn path_slug(request: &Request) -> Result<String, V1Error> {
        slugged(request.parameter(0))
    }

    /// The id of a company's metric. It never changes once there is one, so it is remembered.
    pub(super) async fn metric_id(&self, company: &CompanyId, key: &str) -> Result<MetricId, V1Error> {
        let known = (company.as_str().to_owned(), key.to_owned());
        if let Some(id) = self.metric_ids.lock().get(&known) {
            return Ok(id.clone());
        }
        let owner = self.runtime.journal.claim_owner(METRIC_KEY_CLAIM, &metric_key_claim(company, key)).await?;
        let id = owner.and_then(|stream| MetricId::parse(&stream.id)).ok_or_else(metric_not_found)?;
        self.metric_ids.lock().put(known, id.clone());
        Ok(id)
    }

    /// A company's metric as its read model has it now.
    pub(super) async fn metric_row(&self, company: &CompanyId, key: &str) -> Result<MetricRow, V1Error> {
        self.runtime.reads.catch_up(&["metrics"]).await?;
        self.known_metric_row(company, key).await
    }

    /// The same from wherever the read model is.
    async fn known_metric_row(&self, company: &CompanyId, key: &str) -> Result<MetricRow, V1Error> {
        metrics::by_key(self.runtime.reads.store(), company, key).await?.ok_or_else(metric_not_found)
    }

    /// Every metric of a company, oldest first, from wherever the read model is.
    pub(super) async fn all_metrics(&self, company: &CompanyId) -> Result<Vec<MetricRow>, V1Error> {
        let mut rows: Vec<MetricRow> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.position);
            let page = metrics::of_company(self.runtime.reads.store(), company, after, PAGE_ROWS).await?;
            let is_last = page.len() < PAGE_ROWS;
            rows.extend(page);
            if is_last {
                return Ok(rows);
            }
        }
    }

    /// `POST /v1/metrics`.
    pub(super) async fn define_metric(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let known: Vec<&str> = std::iter::once("key").chain(SETTING_FIELDS).collect();
        let mut fields = Fields::of(request, &known, false).await?;
        let key = fields.required_text("key", usize::MAX)?;
        Self::require_metric(agent, &slugged(&key)?)?;
        let define = definition(&key, &mut fields, agent.company.clone(), agent.application.clone())?;
        // Counted and defined in turns, lest many at once find the same room. Other nodes have turns of their own: each of
        // them may define one more in the moment in which the last room is taken.
        // Where the read model stands still, all are told so at once, and not one after the other.
        self.runtime.reads.catch_up(&["metrics"]).await?;
        let place = self.definitions.join(agent.company.as_str());
        let _turn = place.turn().await;
        self.runtime.reads.catch_up(&["metrics"]).await?;
        let count = metrics::count_of_company(self.runtime.reads.store(), &agent.company).await?;
        let claim = metric_key_claim(&agent.company, &define.key);
        if count >= u64::from(self.metrics.per_company_max)
            && self.runtime.journal.claim_owner(METRIC_KEY_CLAIM, &claim).await?.is_none()
        {
            return Err(V1Error::refuse(409, "metric_limit", "The company has as many metrics as are allowed."));
        }
        let id = MetricId::from_random(random_bytes()?);
        let slug = define.key.clone();
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "define_metric").await?;
        match self.runtime.bus.execute::<Metric>(id.as_str(), MetricCommand::Define(define), &origin).await {
            Ok(done) => Ok(Reply::created(json!({"id": id.as_str(), "key": slug}), done.position)),
            Err(BusError::ClaimTaken { owner, .. }) => {
                Err(V1Error::refuse(409, "metric_exists", "The company already has a metric of this key.")
                    .with("id", json!(&*owner.id)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// `POST /v1/metrics/{key}/settings`.
    pub(super) async fn change_settings(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        Self::require_metric(agent, &slug)?;
        let mut fields = Fields::of(request, &SETTING_FIELDS, true).await?;
        let mut setting = |name: &str| fields.text_unless_blank(name, NAME_CHARACTERS_MAX);
        let command = MetricCommand::ChangeSettings(ChangeSettings {
            display_name: setting("display_name")?,
            unit: setting("unit")?,
            cadence: setting("cadence")?,
            direction: setting("direction")?,
            source_type: setting("source_type")?,
        });
        let id = self.metric_id(&agent.company, &slug).await?;
        // Read before anything is recorded: a read model that lags must not turn what was done into an error.
        let mut row = self.metric_row(&agent.company, &slug).await?;
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "change_settings").await?;
        let done = self.runtime.bus.execute::<Metric>(id.as_str(), command, &origin).await?;
        for event in &done.events {
            if let MetricEvent::SettingsChanged(changed) = event {
                row.change_settings(changed);
            }
        }
        // Others may have changed it since the row was read. Where that cannot be asked, what was done is told all the same.
        let stands = self.runtime.bus.state::<Metric>(id.as_str()).await;
        if let Some(definition) = stands.as_ref().ok().and_then(|folded| folded.state.definition()) {
            row.take_settings(definition);
        }
        Ok(Reply::ok(shown(&row), done.position))
    }

    /// `GET /v1/metrics`.
    pub(super) async fn list_metrics(&self, company: &CompanyId) -> Result<Reply, V1Error> {
        let read = async || self.all_metrics(company).await;
        let (rows, as_of) = self.runtime.reads.at_one_position(&["metrics"], read).await?;
        let rows: Vec<_> = rows.iter().map(shown).collect();
        Ok(Reply::ok(json!({"metrics": rows}), Some(as_of)))
    }

    /// `GET /v1/metrics/{key}`.
    pub(super) async fn show_metric(&self, request: &Request, company: &CompanyId) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        let read = async || self.known_metric_row(company, &slug).await;
        let (row, as_of) = self.runtime.reads.at_one_position(&["metrics"], read).await?;
        Ok(Reply::ok(shown(&row), Some(as_of)))
    }
}

/// A metric on the wire.
fn shown(row: &MetricRow) -> Value {
    json!({
        "id": row.id.as_str(),
        "key": row.key,
        "display_name": row.display_name,
        "unit": row.unit,
        "cadence": row.cadence,
        "direction": row.direction,
        "source_type": row.source_type,
        "verification_level": row.verification_level,
        "created_at": text::instant(row.created_at),
        "latest_value": row.latest.as_ref().map(|latest| wire::number(latest.value)),
        "latest_timestamp": row.latest.as_ref().map(|latest| latest.timestamp.as_str()),
    })
}
