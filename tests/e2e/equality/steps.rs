//! What may be asked for in a random history: every kind of command that a company, its founder, its agents and the people
//! with roles have.

use serde_json::{Value, json};

use super::Dice;
use super::consent::{Deed, deed};

/// The metrics of a company.
pub(super) const KEYS: [&str; 4] = ["arr", "mrr", "churn", "users"];

/// What is done with an alert.
#[derive(Debug, Clone, Copy)]
pub(super) enum AlertAction {
    Acknowledge,
    Resolve,
}

/// One request. Companies, tokens and alerts are named by their number, since ids differ between the two sides.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Agent { company: usize, path: String, body: Value },
    Issued { nth: usize, path: String, body: Value },
    CorrectNewest { company: usize, metric: String, value: u64 },
    Issue { company: usize, body: Value },
    Revoke { nth: usize },
    Rotate { nth: usize },
    OnAlert { company: usize, nth: usize, action: AlertAction, said: Value },
    Withdraw { company: usize },
    Apply,
    SignIn { right: bool },
    Logout,
    People(Deed),
}

fn day(dice: &mut Dice) -> String {
    format!("2026-{:02}-{:02}", 1 + dice.roll(12), 1 + dice.roll(28))
}

fn point(dice: &mut Dice) -> Value {
    match dice.roll(3) {
        0 => json!({ "value": dice.roll(500), "timestamp": day(dice) }),
        1 => {
            json!({ "value": dice.roll(500), "timestamp": day(dice), "idempotency_key": format!("k{}", dice.roll(40)) })
        }
        _ => json!({ "value": dice.roll(9) * 1_000, "timestamp": day(dice), "source": "dice", "confidence": 0.25 }),
    }
}

/// A rule of any type, with or without a cool-down, on or off.
fn rule(dice: &mut Dice) -> Value {
    let mut rule = match dice.roll(6) {
        0 => json!({ "type": "growth_spike", "threshold": 1 + dice.roll(3) }),
        1 => json!({ "type": "growth", "threshold": 0.25, "periods": 1 + dice.roll(3) }),
        2 => json!({ "type": "drop", "threshold": 0.5, "periods": 1 + dice.roll(2) }),
        3 => json!({ "type": "above", "threshold": 100 * dice.roll(5), "periods": 1 + dice.roll(2) }),
        4 => json!({ "type": "below", "threshold": 100 * dice.roll(3), "periods": 1 + dice.roll(2) }),
        _ => json!({ "type": "late", "periods": 1 + dice.roll(3) }),
    };
    match dice.roll(4) {
        0 => rule["cool_down_points"] = json!(dice.roll(4)),
        1 => rule["cool_down_seconds"] = json!(dice.roll(40) * 86_400),
        _ => {}
    }
    if dice.roll(3) == 0 {
        rule["severity"] = json!(dice.pick(&["low", "medium", "high"]));
    }
    rule["enabled"] = json!(dice.roll(5) > 0);
    rule
}

/// The next request.
pub(super) fn step(dice: &mut Dice) -> Step {
    let metric = (*dice.pick(&KEYS)).to_owned();
    let company = dice.index(2);
    let nth = dice.index(12);
    let agent = |path: String, body: Value| Step::Agent { company, path, body };
    match dice.roll(58) {
        0..=2 => agent("/v1/metrics".to_owned(), json!({ "key": metric, "unit": "usd" })),
        3 => agent(format!("/v1/metrics/{metric}/settings"), json!({ "display_name": format!("N{}", dice.roll(5)) })),
        4..=7 => agent(format!("/v1/metrics/{metric}/rules"), rule(dice)),
        8..=9 => Step::CorrectNewest { company, metric, value: dice.roll(900) },
        10..=11 => {
            let name = format!("t{}", dice.roll(6));
            let body = json!({ "name": name, "scopes": ["metrics:write"], "allowed_metrics": [metric] });
            Step::Issue { company, body }
        }
        12 => Step::Revoke { nth },
        13 => Step::Rotate { nth },
        14..=15 => Step::Issued { nth, path: format!("/v1/metrics/{metric}/points"), body: point(dice) },
        16..=17 => Step::OnAlert { company, nth, action: AlertAction::Acknowledge, said: Value::Null },
        18 => Step::OnAlert { company, nth, action: AlertAction::Resolve, said: Value::Null },
        19 => match dice.roll(12) {
            0 => Step::Withdraw { company },
            1..=4 => Step::Apply,
            _ => Step::Logout,
        },
        40..=57 => Step::People(deed(dice)),
        20 => Step::SignIn { right: dice.roll(3) > 0 },
        21..=24 => {
            let points: Vec<Value> = (0..1 + dice.roll(8)).map(|_| point(dice)).collect();
            agent(format!("/v1/metrics/{metric}/points/batch"), json!({ "points": points }))
        }
        _ => agent(format!("/v1/metrics/{metric}/points"), point(dice)),
    }
}
