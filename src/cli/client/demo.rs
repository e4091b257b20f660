//! A company to look at: made like any other, through the public surface of a development server.

use anyhow::{Context as _, Result};
use chrono::{Days, Utc};
use serde_json::{Value, json};

use super::http::{Api, Auth, Call};
use crate::cli::flags::Global;
use crate::cli::output::Printer;

/// Who founds it.
const FOUNDER: &str = "demo@example.com";
/// Weeks of points.
const WEEKS: u32 = 52;

/// A metric of the demo: key, unit, first value and weekly growth in per cent.
const METRICS: [(&str, &str, f64, f64); 3] =
    [("weekly_revenue", "usd", 12_000.0, 2.0), ("active_users", "count", 480.0, 3.0), ("churn", "percent", 4.2, -1.0)];

/// Signs in, applies, defines metrics and records a year of weekly points, one of them a jump that raises an alert.
///
/// # Errors
/// What the server refuses.
pub async fn make(global: &Global, url: &str) -> Result<()> {
    let api = Api::new(url, global.timeout)?;
    let started = api.send(Call::post(&["v1", "auth", "otp", "start"], json!({ "email": FOUNDER }))).await?;
    let code = started["dev_otp"].as_str().context("the server echoes no code")?;
    let verify = Call::post(&["v1", "auth", "otp", "verify"], json!({ "email": FOUNDER, "code": code }));
    let session = text(&api.send(verify).await?, "session_token")?;
    let application = json!({
        "company_name": "Anvil Works",
        "founder_name": "Dee Demo",
        "founder_email": FOUNDER,
        "narrative": { "one_liner": "Anvils as a service" },
    });
    let apply = Call::post(&["v1", "applications"], application).auth(Auth::Session(session.into()));
    let applied = api.send(apply).await?;
    let token = text(&applied, "token")?;
    let agent = Auth::Agent(token.clone().into());
    for (key, unit, first, growth) in METRICS {
        let metric = json!({ "key": key, "unit": unit, "cadence": "weekly" });
        api.send(Call::post(&["v1", "metrics"], metric).auth(agent.clone())).await?;
        let points = json!({ "points": points(first, growth) });
        api.send(Call::post(&["v1", "metrics", key, "points", "batch"], points).auth(agent.clone())).await?;
    }
    let printer = Printer::new(global);
    printer.message("Demo company: Anvil Works. To look at it from another terminal:");
    printer.message(&format!("export MUNIMENT_URL={url}\nexport MUNIMENT_TOKEN={token}\nmuniment status"));
    Ok(())
}

fn text(answer: &Value, name: &str) -> Result<String> {
    answer[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no {name}"))
}

/// Weekly points up to this week; the last but four is a jump of more than half.
fn points(first: f64, growth_percent: f64) -> Vec<Value> {
    let today = Utc::now().date_naive();
    (0..WEEKS)
        .filter_map(|week| {
            let day = today.checked_sub_days(Days::new(u64::from(7 * (WEEKS - 1 - week))))?;
            let jump = if week + 4 >= WEEKS { 1.6 } else { 1.0 };
            let value = first * (1.0 + growth_percent / 100.0).powi(i32::try_from(week).ok()?) * jump;
            Some(json!({ "timestamp": day.to_string(), "value": (value * 100.0).round() / 100.0, "source": "demo" }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_points_ends_today() {
        let points = points(100.0, 1.0);
        assert_eq!(points.len(), 52);
        assert_eq!(points[51]["timestamp"], Utc::now().date_naive().to_string());
    }
}
