//! `GET /v1/status`: application, metrics and newest alerts of the token's company, in exactly the keys of
//! spec/metrics.md section 8.

use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::wire;
use muniment_projections::alerts::{self, AlertFilter};
use muniment_projections::applications;
use serde_json::{Value, json};

use super::Surface;
use super::errors::V1Error;
use super::principal::Agent;
use super::request::Reply;
use super::text;

/// Alerts shown.
const NEWEST_ALERTS: usize = 10;
/// The read models behind a status, alike for agents, founders and reviewers.
pub(super) const STATUS_MODELS: &[&str] = &["applications", "metrics", "alerts"];

impl Surface {
    /// `GET /v1/status`.
    pub(super) async fn status(&self, agent: &Agent) -> Result<Reply, V1Error> {
        let read = async || self.status_of(agent).await;
        let (body, as_of) = self.runtime.reads.at_one_position(STATUS_MODELS, read).await?;
        Ok(Reply::ok(body, Some(as_of)))
    }

    async fn status_of(&self, agent: &Agent) -> Result<Value, V1Error> {
        let row = applications::by_id(self.runtime.reads.store(), &agent.application).await?;
        let row = row.ok_or_else(|| V1Error::fault(format!("{} has no application row", agent.application)))?;
        Ok(json!({
            "application": {
                "id": row.id.as_str(),
                "status": row.status.as_str(),
                "submitted_at": text::instant(row.submitted_at),
                "company_name": row.company_name,
                "website": row.website,
            },
            "metrics": self.status_metrics(&agent.company).await?,
            "alerts": self.status_alerts(&agent.company).await?,
        }))
    }

    /// The metrics of a company as the status shows them, oldest first, from wherever the read models are.
    pub(super) async fn status_metrics(&self, company: &CompanyId) -> Result<Vec<Value>, V1Error> {
        let rows = self.all_metrics(company).await?;
        Ok(rows
            .iter()
            .map(|row| {
                json!({
                    "key": row.key,
                    "display_name": row.display_name,
                    "unit": row.unit,
                    "cadence": row.cadence,
                    "direction": row.direction,
                    "verification_level": row.verification_level,
                    "latest_value": row.latest.as_ref().map(|latest| wire::number(latest.value)),
                    "latest_timestamp": row.latest.as_ref().map(|latest| latest.timestamp.as_str()),
                })
            })
            .collect())
    }

    /// The newest alerts of a company as the status shows them, from wherever the read models are.
    pub(super) async fn status_alerts(&self, company: &CompanyId) -> Result<Vec<Value>, V1Error> {
        let filter = AlertFilter { state: None, metric: None, before: None };
        let rows = alerts::of_company(self.runtime.reads.store(), company, &filter, NEWEST_ALERTS).await?;
        Ok(rows
            .iter()
            .map(|row| {
                json!({
                    "alert_type": row.alert_type.as_str(),
                    "severity": row.severity.as_str(),
                    "summary": row.summary,
                    "created_at": text::instant(row.raised_at),
                })
            })
            .collect())
    }
}
