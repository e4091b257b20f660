//! Alerts: listed, acknowledged, resolved (spec/metrics.md section 7.4).

use muniment_aggregates::ids::{AlertId, CompanyId};
use muniment_aggregates::metric::{AcknowledgeAlert, Metric, MetricCommand, ResolveAlert};
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;
use muniment_projections::alerts::{self, AlertFilter, AlertRow, AlertState};
use serde_json::{Value, json};

use super::Surface;
use super::cursor;
use super::errors::V1Error;
use super::input::Fields;
use super::metrics::slugged;
use super::principal::{Agent, CompanyCaller};
use super::request::{Reply, Request};
use super::text::{self, REASON_CHARACTERS_MAX};

/// Rows of one page, and the default.
const PAGE_ALERTS_MAX: usize = 200;
const PAGE_ALERTS: usize = 50;

impl Surface {
    /// `GET /v1/alerts`.
    pub(super) async fn list_alerts(&self, request: &Request, company: &CompanyId) -> Result<Reply, V1Error> {
        let state = match request.query("state") {
            None => None,
            Some(given) => Some(
                AlertState::parse(given)
                    .ok_or_else(|| V1Error::invalid_field("state", "open, acknowledged or resolved"))?,
            ),
        };
        let metric = match request.query("metric") {
            None => None,
            Some(key) => Some(self.metric_id(company, &slugged(key)?).await?),
        };
        let limit = request.query_count("limit", PAGE_ALERTS, PAGE_ALERTS_MAX)?;
        let keys = self.runtime.journal.keyring();
        let listing = format!("alerts/{company}");
        let place = cursor::read(keys, &listing, request.query("cursor"))?;
        let before = place.and_then(|place| place.parse().ok()).map(Position);
        let filter = AlertFilter { state, metric, before };
        let reads = &self.runtime.reads;
        let read = async || Ok::<_, V1Error>(alerts::of_company(reads.store(), company, &filter, limit + 1).await?);
        let (mut rows, as_of) = reads.at_one_position(&["alerts"], read).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next =
            rows.last().filter(|_| has_more).map(|last| cursor::make(keys, &listing, &last.position.to_string()));
        let shown: Vec<_> = rows.iter().map(shown).collect();
        Ok(Reply::ok(json!({"alerts": shown, "next_cursor": next}), Some(as_of)))
    }

    async fn alert_row(&self, id: &AlertId) -> Result<Option<AlertRow>, V1Error> {
        self.runtime.reads.catch_up(&["alerts"]).await?;
        Ok(alerts::by_id(self.runtime.reads.store(), id).await?)
    }

    async fn own_alert(
        &self,
        request: &Request,
        caller: &CompanyCaller,
        company: &CompanyId,
    ) -> Result<AlertRow, V1Error> {
        let not_found = || V1Error::refuse(404, "alert_not_found", "The company has no such alert.");
        let id = AlertId::parse(request.parameter(0)).ok_or_else(not_found)?;
        let row = self.alert_row(&id).await?.filter(|row| row.company == *company).ok_or_else(not_found)?;
        if let CompanyCaller::Agent(agent) = caller {
            may_touch(agent, &row)?;
        }
        Ok(row)
    }

    /// `POST /v1/alerts/{id}/ack`.
    pub(super) async fn acknowledge(
        &self,
        request: &mut Request,
        caller: &CompanyCaller,
        company: &CompanyId,
    ) -> Result<Reply, V1Error> {
        let row = self.own_alert(request, caller, company).await?;
        let mut fields = Fields::of(request, &["note"], true).await?;
        let note = fields.text_unless_blank("note", REASON_CHARACTERS_MAX)?;
        if row.state != AlertState::Open {
            return Ok(Reply::ok(shown(&row), None));
        }
        let by = caller.label().to_owned();
        let command = MetricCommand::AcknowledgeAlert(AcknowledgeAlert { alert: row.id.clone(), by, note });
        self.change_alert(request, caller, row, command, "acknowledge_alert").await
    }

    /// `POST /v1/alerts/{id}/resolve`.
    pub(super) async fn resolve(
        &self,
        request: &mut Request,
        caller: &CompanyCaller,
        company: &CompanyId,
    ) -> Result<Reply, V1Error> {
        let row = self.own_alert(request, caller, company).await?;
        let mut fields = Fields::of(request, &["note"], true).await?;
        let note = fields.text_unless_blank("note", REASON_CHARACTERS_MAX)?;
        if row.state == AlertState::Resolved {
            return Ok(Reply::ok(shown(&row), None));
        }
        let by = caller.label().to_owned();
        let command = MetricCommand::ResolveAlert(ResolveAlert { alert: row.id.clone(), by, note });
        self.change_alert(request, caller, row, command, "resolve_alert").await
    }

    async fn change_alert(
        &self,
        request: &Request,
        caller: &CompanyCaller,
        mut row: AlertRow,
        command: MetricCommand,
        name: &'static str,
    ) -> Result<Reply, V1Error> {
        let origin = self.origin(request, caller.who(), Some(caller.subject()), name).await?;
        let done = self.runtime.bus.execute::<Metric>(row.metric.as_str(), command, &origin).await?;
        if done.events.is_empty() {
            // Somebody else was first since it was read.
            let now = self.alert_row(&row.id).await?;
            let now = now.ok_or_else(|| V1Error::fault("an alert is gone from its read model"))?;
            return Ok(Reply::ok(shown(&now), done.position));
        }
        // What was recorded is answered: a read model that lags must not turn what was done into an error.
        for event in &done.events {
            row.take(event);
        }
        // Resolved without an acknowledgement, as far as the row told: one may have come since it was read.
        if row.acknowledged_at.is_none()
            && let Ok(Some(now)) = self.alert_row(&row.id).await
        {
            row = now;
        }
        Ok(Reply::ok(shown(&row), done.position))
    }
}

fn may_touch(agent: &Agent, row: &AlertRow) -> Result<(), V1Error> {
    Surface::require_metric(agent, &row.metric_key)
}

fn shown(row: &AlertRow) -> Value {
    json!({
        "id": row.id.as_str(),
        "metric_key": row.metric_key,
        "alert_type": row.alert_type.as_str(),
        "severity": row.severity.as_str(),
        "summary": row.summary,
        "created_at": text::instant(row.raised_at),
        "state": row.state.as_str(),
        "acknowledged_at": row.acknowledged_at.map(text::instant),
        "acknowledged_by": row.acknowledged_by,
        "point_id": row.point.as_str(),
        "previous_point_id": row.previous_point.as_ref().map(|point| point.as_str()),
        "growth": row.growth.map(wire::number),
        "rule_version": row.rule_version,
    })
}
