//! What `doctor` says of the export of traces: whether the collector takes connections, and whether the server that runs
//! with these settings has lost spans.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Config;
use crate::telemetry::figures::{SPANS_DROPPED, SPANS_LOST};

/// How long the collector and the server may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

/// The finding.
pub(super) async fn traces(config: &Config) -> Result<String, String> {
    let Some(traces) = &config.telemetry.traces else { return Ok("not exported".to_owned()) };
    let endpoint = traces.endpoint.as_str();
    let host = traces.endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = traces.endpoint.port_or_known_default().unwrap_or_default();
    match timeout(ANSWER_TIME_MAX, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(format!("the collector at {endpoint} takes no connection: {error}")),
        Err(_) => return Err(format!("the collector at {endpoint} takes no connection within 2 s")),
    }
    let Ok(figures) = figures(config.http.listen).await else {
        return Ok(format!("exported to {endpoint}; no server answers on {} to count lost spans", config.http.listen));
    };
    let (dropped, lost) = (figure(&figures, SPANS_DROPPED), figure(&figures, SPANS_LOST));
    let counts = format!("{SPANS_DROPPED} {dropped}, {SPANS_LOST} {lost} since the server started");
    if (dropped, lost) == (0, 0) {
        return Ok(format!("exported to {endpoint}; {counts}"));
    }
    Err(format!("{counts}; give the collector at {endpoint} more room, or lower telemetry.sample_ratio"))
}

/// The figures of the server that listens there.
async fn figures(listen: SocketAddr) -> Result<String> {
    // Another part of the program may have chosen the same provider already; either way there is one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build()?;
    let host = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
    };
    let answer = client.get(format!("http://{}/metrics", SocketAddr::new(host, listen.port()))).send().await?;
    answer.error_for_status()?.text().await.context("no figures")
}

/// A counter of them; what is not there was never counted.
fn figure(figures: &str, name: &str) -> u64 {
    let value = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let figures = "# TYPE a counter\na_more 4\na 3\nb 5";
        assert_eq!((figure(figures, "a"), figure(figures, "b"), figure(figures, "c")), (3, 5, 0));
    }
}
