//! The one pure function that decides the rules: live, late, on replay and in a back-test.
//!
//! A rule is judged when a point becomes the newest of its metric. A point that was dated back fires nothing.

use chrono::{DateTime, Duration, Months, SubsecRound as _, Utc};

use super::{Condition, Finding, Rule, RuleType};
use crate::ids::{AlertId, ID_BYTES, PointId};
use crate::metric::number;
use crate::metric::state::PointSeen;
use crate::wire;

/// The id of the alert that a rule of this type raises about this point: always the same one.
#[must_use]
pub fn alert_id(point: &PointId, rule_type: RuleType) -> AlertId {
    let mut hasher = blake3::Hasher::new_derive_key("muniment alert id v1");
    hasher.update(point.as_str().as_bytes());
    // No point id and no rule type contains a zero byte, so no two pairs hash the same text.
    hasher.update(&[0]);
    hasher.update(rule_type.as_str().as_bytes());
    let mut bytes = [0; ID_BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    AlertId::from_random(bytes)
}

/// Judges one rule on the newest point. `window` holds the metric's newest points, oldest first, as known when
/// the last of them was recorded. Cool-down and `enabled` are the caller's; `late` is never found here, because
/// a point that arrives is not late (see [`late_finding`]).
#[must_use]
pub fn evaluate(rule: &Rule, window: &[PointSeen], display_name: &str) -> Option<Finding> {
    let latest = window.last()?;
    match rule.condition {
        Condition::GrowthSpike { threshold } => {
            let (previous, growth) = growth_over(window, 1)?;
            if growth < threshold {
                return None;
            }
            let summary = change_sentence(display_name, "increased", growth, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Growth { threshold, periods } => {
            let (previous, growth) = growth_over(window, periods)?;
            if growth < threshold {
                return None;
            }
            let name = named_over(display_name, "grew", growth, periods);
            let summary = from_to(&name, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Drop { threshold, periods } => {
            let (previous, growth) = growth_over(window, periods)?;
            if -growth < threshold {
                return None;
            }
            let name = named_over(display_name, "fell", -growth, periods);
            let summary = from_to(&name, previous.value, latest.value);
            Some(compared(rule, display_name, latest, previous, growth, summary))
        }
        Condition::Above { threshold, periods } => {
            in_a_row(window, periods, |value| value > threshold)?;
            let summary = beyond_sentence(display_name, "above", threshold, periods, latest.value);
            Some(single(rule, display_name, latest, summary))
        }
        Condition::Below { threshold, periods } => {
            in_a_row(window, periods, |value| value < threshold)?;
            let summary = beyond_sentence(display_name, "below", threshold, periods, latest.value);
            Some(single(rule, display_name, latest, summary))
        }
        Condition::Late { .. } => None,
    }
}

/// The finding of a `late` rule about the newest point; the caller has found that it is due.
#[must_use]
pub fn late_finding(rule: &Rule, latest: &PointSeen, cadence: &str, display_name: &str) -> Finding {
    let since = wire::instant(latest.instant);
    let summary = format!("{display_name} is late: no point since {since}, expected {cadence}.");
    single(rule, display_name, latest, summary)
}

/// The instant from which a metric of this cadence is late, to the microsecond; `None` for cadences that are never late.
#[must_use]
pub fn late_due_at(cadence: &str, latest: DateTime<Utc>, tolerance: f64) -> Option<DateTime<Utc>> {
    let expected = match cadence {
        "daily" => latest.checked_add_signed(Duration::days(1)),
        "weekly" => latest.checked_add_signed(Duration::days(7)),
        "monthly" => latest.checked_add_months(Months::new(1)),
        "quarterly" => latest.checked_add_months(Months::new(3)),
        "yearly" => latest.checked_add_months(Months::new(12)),
        _ => None,
    }?;
    let period_seconds = expected.signed_duration_since(latest).as_seconds_f64();
    let tolerance = std::time::Duration::try_from_secs_f64(period_seconds * tolerance).ok()?;
    Some(expected.checked_add_signed(Duration::from_std(tolerance).ok()?)?.trunc_subsecs(6))
}

/// The point `periods` before the newest and the growth since, in 64-bit floats and in this order of
/// operations. Nothing where there is no such point or its value is not above 0.
fn growth_over(window: &[PointSeen], periods: u32) -> Option<(&PointSeen, f64)> {
    let latest = window.last()?;
    let back = usize::try_from(periods).ok()?.checked_add(1)?;
    let previous = &window[window.len().checked_sub(back)?];
    if previous.value <= 0.0 {
        return None;
    }
    Some((previous, (latest.value - previous.value) / previous.value))
}

fn in_a_row(window: &[PointSeen], periods: u32, holds: impl Fn(f64) -> bool) -> Option<()> {
    let from = window.len().checked_sub(usize::try_from(periods).ok()?)?;
    window[from..].iter().all(|point| holds(point.value)).then_some(())
}

fn change_sentence(display_name: &str, verb: &str, growth: f64, previous: f64, latest: f64) -> String {
    from_to(&format!("{display_name} {verb} {}%", number::percent(growth)), previous, latest)
}

fn named_over(display_name: &str, verb: &str, growth: f64, periods: u32) -> String {
    let over = if periods == 1 { String::new() } else { format!(" over {periods} points") };
    format!("{display_name} {verb} {}%{over}", number::percent(growth))
}

fn from_to(beginning: &str, previous: f64, latest: f64) -> String {
    format!("{beginning} from {} to {}.", number::text(previous), number::text(latest))
}

fn beyond_sentence(display_name: &str, side: &str, threshold: f64, periods: u32, latest: f64) -> String {
    let (threshold, latest) = (number::text(threshold), number::text(latest));
    if periods == 1 {
        format!("{display_name} is {side} {threshold} at {latest}.")
    } else {
        format!("{display_name} has been {side} {threshold} for {periods} points, now at {latest}.")
    }
}

fn single(rule: &Rule, display_name: &str, latest: &PointSeen, summary: String) -> Finding {
    let alert_type = rule.condition.rule_type();
    Finding {
        alert: alert_id(&latest.point, alert_type),
        alert_type,
        rule_version: rule.version,
        severity: rule.severity,
        summary,
        display_name: display_name.to_owned(),
        point: latest.point.clone(),
        value: latest.value,
        instant: latest.instant,
        previous_point: None,
        previous_value: None,
        growth: None,
        threshold: rule.condition.threshold(),
    }
}

fn compared(
    rule: &Rule,
    display_name: &str,
    latest: &PointSeen,
    previous: &PointSeen,
    growth: f64,
    summary: String,
) -> Finding {
    Finding {
        previous_point: Some(previous.point.clone()),
        previous_value: Some(previous.value),
        // Past the largest float JSON has no number for it; the summary still says Infinity.
        growth: growth.is_finite().then_some(growth),
        ..single(rule, display_name, latest, summary)
    }
}
