//! How far a long job is: a bar on a terminal, a line every 5 s elsewhere, a JSON object a line with `--json`.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::flags::Global;

/// Between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The progress of one job, in positions of the journal.
pub struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    lines: bool,
    json: bool,
    began: Instant,
    said: Mutex<Instant>,
}

impl Progress {
    /// Begins one.
    #[must_use]
    pub fn new(global: &Global, what: impl Into<String>) -> Self {
        let what = what.into();
        let terminal = std::io::stderr().is_terminal() && !global.is_for_programs();
        let bar = (terminal && !global.quiet).then(|| {
            let bar = ProgressBar::no_length();
            // The template is a literal that a test reads.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.set_message(what.clone());
            bar
        });
        let now = Instant::now();
        let lines = bar.is_none() && !global.quiet;
        Self { what, bar, lines, json: global.is_for_programs(), began: now, said: Mutex::new(now) }
    }

    /// Notes how far it is.
    pub fn at(&self, position: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(position);
        } else if self.lines && self.is_due() {
            let rate = per_second(position, self.began.elapsed());
            if self.json {
                let line = json!({ "job": self.what, "position": position, "total": total, "per_second": rate });
                eprintln!("{line}");
            } else {
                eprintln!("{}: {position} of {total}, {rate}/s", self.what);
            }
        }
    }

    fn is_due(&self) -> bool {
        // A panic while it was held leaves an instant that is as good as any.
        let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = said.elapsed() >= LINE_INTERVAL;
        if due {
            *said = Instant::now();
        }
        due
    }
}

const TEMPLATE: &str = "{msg} {bar:30} {pos}/{len}, {per_sec}, {eta} left";

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one_and_rates_do_not_overflow() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(5, Duration::ZERO), 5_000);
    }
}
