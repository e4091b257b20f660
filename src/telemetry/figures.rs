//! Counters and distributions, in the text form that Prometheus reads. There is no listener: `/metrics` renders.

use std::time::Duration;

use metrics::SetRecorderError;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Bounds of the histograms of durations, in seconds: from a read out of memory to a client's patience.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Spans of batches that the collector refused or did not take in time.
pub const SPANS_LOST: &str = "muniment_spans_lost_total";
/// Spans that found the queue to the collector full.
pub const SPANS_DROPPED: &str = "muniment_spans_dropped_total";

/// Lines of the log that standard error did not take, or not in time.
pub const LOG_LINES_LOST: &str = "muniment_log_lines_lost_total";

/// Mails that the mail server took from this node.
pub const MAILS_SENT: &str = "muniment_mails_sent_total";
/// Mails that this node gave up, those that expired while they waited among them.
pub const MAILS_FAILED: &str = "muniment_mails_failed_total";

/// Notifications to sockets of `/api/ws` that were not sent.
pub const NOTICES_LOST: &str = "muniment_notices_lost_total";

/// How often what was measured is counted into the histograms, whether or not anybody reads them: until then every
/// measurement is kept by itself, in 16 bytes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The figures of this process. Cheap to clone.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// The bounds are not usable.
    #[error("the figures cannot be set up")]
    Build(#[from] BuildError),
    /// Something records already.
    #[error("figures are recorded by something else already")]
    Taken(#[from] SetRecorderError<PrometheusRecorder>),
}

impl Figures {
    /// Starts to record, for the whole process and once. Needs a running event loop, which keeps what they take in memory
    /// the same however much is measured.
    ///
    /// # Errors
    /// When something records already.
    pub fn start() -> Result<Self, FiguresError> {
        let bounds = Matcher::Suffix("_seconds".to_owned());
        let recorder = PrometheusBuilder::new().set_buckets_for_metric(bounds, &SECONDS)?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder)?;
        tokio::spawn(keep_small(handle.clone()));
        // There from the start, as 0: what is not there cannot be told from what was never counted.
        let counters = [SPANS_LOST, SPANS_DROPPED, LOG_LINES_LOST, MAILS_SENT, MAILS_FAILED, NOTICES_LOST];
        counters.into_iter().for_each(|name| metrics::counter!(name).absolute(0));
        Ok(Self(handle))
    }

    /// The text of `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

async fn keep_small(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of this process that is in use, in bytes.
    #[cfg(target_os = "linux")]
    fn resident() -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_counted_is_rendered_and_takes_no_more_memory_for_being_counted_often() {
        let figures = Figures::start().unwrap();
        metrics::counter!("muniment_test_total").increment(3);
        metrics::histogram!("muniment_test_seconds").record(0.003);
        let text = figures.render();
        assert!(text.contains("muniment_test_total 3"), "{text}");
        assert!(text.contains("muniment_test_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(Figures::start().is_err());

        #[cfg(target_os = "linux")]
        {
            let measured = metrics::histogram!("muniment_often_seconds");
            let before = resident();
            for _ in 0..40 {
                (0..100_000).for_each(|_| measured.record(0.003));
                // Nobody asks for `/metrics` meanwhile.
                tokio::time::sleep(UPKEEP_INTERVAL).await;
            }
            let grown = resident().saturating_sub(before);
            assert!(grown < 32 << 20, "4 million measurements take {grown} bytes");
            assert!(figures.render().contains("muniment_often_seconds_count 4000000"));
        }
    }
}
