//! How the company of the agent token stands.

use anyhow::Result;
use serde_json::Value;

use super::Session;
use super::http::Call;
use crate::cli::output::cell;

/// Prints it.
///
/// # Errors
/// When the server refuses or is away.
pub async fn status(session: &Session) -> Result<()> {
    let answer = session.api.send(Call::get(&["v1", "status"]).auth(session.agent()?)).await?;
    session.printer.result(&answer, || lines(&answer))
}

fn lines(answer: &Value) -> Vec<String> {
    let items = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let application = &answer["application"];
    let mut lines = vec![
        format!("{} ({})", cell(&application["company_name"]), cell(&application["status"])),
        cell(&application["id"]),
    ];
    let metrics = items("metrics");
    if metrics.is_empty() {
        lines.push("No metrics yet.".to_owned());
    }
    lines.extend(metrics.iter().map(|metric| {
        if metric["latest_value"].is_null() {
            return format!("{}: no points", cell(&metric["key"]));
        }
        let (value, unit) = (cell(&metric["latest_value"]), cell(&metric["unit"]));
        format!("{}: {value} {unit} at {}", cell(&metric["key"]), cell(&metric["latest_timestamp"]))
    }));
    let alerts = items("alerts");
    if !alerts.is_empty() {
        lines.push("Recent alerts:".to_owned());
        let line = |alert: &Value| format!("[{}] {}", cell(&alert["severity"]), cell(&alert["summary"]));
        lines.extend(alerts.iter().map(line));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_company_a_line_a_metric_and_its_alerts() {
        let mut answer = json!({
            "application": { "id": "app_1", "status": "submitted", "company_name": "Acme" },
            "metrics": [
                { "key": "arr", "unit": "usd", "latest_value": 18500.0, "latest_timestamp": "2026-06-08" },
                { "key": "mrr", "unit": "usd", "latest_value": null, "latest_timestamp": null },
            ],
            "alerts": [{ "severity": "high", "summary": "Arr increased 54% from 12000 to 18500." }],
        });
        assert_eq!(
            lines(&answer),
            [
                "Acme (submitted)",
                "app_1",
                "arr: 18500 usd at 2026-06-08",
                "mrr: no points",
                "Recent alerts:",
                "[high] Arr increased 54% from 12000 to 18500.",
            ]
        );
        answer["metrics"] = json!([]);
        answer["alerts"] = json!([]);
        assert_eq!(lines(&answer), ["Acme (submitted)", "app_1", "No metrics yet."]);
    }
}
