//! Rules of a metric: listed with the one every metric has, set as a new version (spec/metrics.md section 7.4).

use muniment_aggregates::ids::CompanyId;
use muniment_aggregates::metric::rules::{COOL_DOWN_POINTS_MAX, COOL_DOWN_SECONDS_MAX, FRACTION_MAX, PERIODS_MAX};
use muniment_aggregates::metric::{
    CoolDown, Metric, MetricCommand, MetricEvent, Rule, RuleChange, RuleType, SetRule, Severity,
};
use muniment_aggregates::wire;
use muniment_projections::rules;
use serde_json::{Value, json};

use super::Surface;
use super::errors::V1Error;
use super::input::Fields;
use super::principal::Agent;
use super::request::{Reply, Request};
use super::text;

const FIELDS: [&str; 7] =
    ["type", "enabled", "threshold", "periods", "severity", "cool_down_points", "cool_down_seconds"];

impl Surface {
    /// `GET /v1/metrics/{key}/rules`.
    pub(super) async fn list_rules(&self, request: &Request, company: &CompanyId) -> Result<Reply, V1Error> {
        let row = self.metric_row(company, &Self::path_slug(request)?).await?;
        let reads = &self.runtime.reads;
        let read = async || Ok::<_, V1Error>(rules::of_metric(reads.store(), &row.id).await?);
        let (set, as_of) = reads.at_one_position(&["rules"], read).await?;
        let mut shown: Vec<Value> = Vec::with_capacity(set.len() + 1);
        if !set.iter().any(|it| it.rule.condition.rule_type() == RuleType::GrowthSpike) {
            let at = text::instant(row.created_at);
            shown.push(shown_rule(&Rule::implicit_growth_spike(), json!(at), json!("system")));
        }
        shown.extend(set.iter().map(|it| shown_rule(&it.rule, json!(text::instant(it.set_at)), json!(it.set_by))));
        Ok(Reply::ok(json!({"rules": shown}), Some(as_of)))
    }

    /// `POST /v1/metrics/{key}/rules`.
    pub(super) async fn set_rule(&self, request: &mut Request, agent: &Agent) -> Result<Reply, V1Error> {
        let slug = Self::path_slug(request)?;
        Self::require_metric(agent, &slug)?;
        let mut fields = Fields::of(request, &FIELDS, false).await?;
        let change = read_change(&mut fields)?;
        let id = self.metric_id(&agent.company, &slug).await?;
        let command = MetricCommand::SetRule(SetRule { rule: change, by: Some(agent.name.clone()) });
        let origin = self.origin(request, agent.who(), Some(&agent.subject), "set_rule").await?;
        let done = self.runtime.bus.execute::<Metric>(id.as_str(), command, &origin).await?;
        // What was recorded is answered, not what a read model may show later: who is refused here sets it once more.
        let set =
            done.events.iter().find_map(|event| if let MetricEvent::RuleSet(set) = event { Some(set) } else { None });
        let set = set.ok_or_else(|| V1Error::fault("a rule was set without an event"))?;
        let body = shown_rule(&set.rule, json!(text::instant(set.at)), json!(set.by));
        Ok(Reply::ok(body, done.position))
    }
}

fn read_change(fields: &mut Fields) -> Result<RuleChange, V1Error> {
    let known = RuleType::ALL.map(RuleType::as_str).join(", ");
    let rule_type = fields.needed_text("type", usize::MAX)?;
    let rule_type = RuleType::parse(&rule_type).ok_or_else(|| V1Error::invalid_field("type", &known))?;
    let mut change = RuleChange::of(rule_type);
    change.enabled = fields.flag("enabled")?;
    change.threshold = fields.number("threshold", "a number")?;
    let is_fraction = !matches!(rule_type, RuleType::Above | RuleType::Below);
    if is_fraction && change.threshold.is_some_and(|threshold| !(threshold > 0.0 && threshold <= FRACTION_MAX)) {
        return Err(V1Error::invalid_field("threshold", "greater than 0 and at most 1000"));
    }
    change.periods = fields.count("periods", 1, PERIODS_MAX)?;
    change.severity = match fields.text("severity", usize::MAX)? {
        None => None,
        Some(given) => {
            Some(Severity::parse(&given).ok_or_else(|| V1Error::invalid_field("severity", "low, medium or high"))?)
        }
    };
    let points = fields.count("cool_down_points", 0, COOL_DOWN_POINTS_MAX)?;
    let seconds = fields.count("cool_down_seconds", 0, COOL_DOWN_SECONDS_MAX)?;
    change.cool_down = match (points, seconds) {
        (None, None) => None,
        (Some(0), None) | (None, Some(0)) => Some(CoolDown::None),
        (Some(points), None) => Some(CoolDown::Points(points)),
        (None, Some(seconds)) => Some(CoolDown::Seconds(seconds)),
        (Some(_), Some(_)) => {
            return Err(V1Error::invalid_field("cool_down_seconds", "absent beside cool_down_points"));
        }
    };
    Ok(change)
}

/// A rule on the wire. The keys of section 7.4 always; what only other rules have, where they have it.
fn shown_rule(rule: &Rule, set_at: Value, set_by: Value) -> Value {
    let mut shown = wire::rule(rule);
    shown.insert("set_at".to_owned(), set_at);
    shown.insert("set_by".to_owned(), set_by);
    shown.into()
}
