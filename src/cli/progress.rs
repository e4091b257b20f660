//! How far a long job is: a bar on a terminal, a line every 5 s elsewhere, a JSON object a line with `--json`.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::flags::Global;
use super::output::say;

/// Between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The progress of one job, in positions of the journal or whatever else is counted.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: Lines,
}

impl Progress {
    /// Begins one.
    #[must_use]
    pub fn new(global: &Global, what: impl Into<String>) -> Self {
        Self::of(global, what, "events")
    }

    /// Begins one that counts something else.
    #[must_use]
    pub fn of(global: &Global, what: impl Into<String>, unit: &'static str) -> Self {
        let what = what.into();
        let bar = has_bar(global).then(|| {
            let bar = ProgressBar::no_length();
            // The template is a literal that a test reads.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.set_message(what.clone());
            bar
        });
        Self { bar, lines: Lines::new(global, what, unit) }
    }

    /// Notes how far it is.
    pub fn at(&self, position: u64, total: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(position);
            }
            None => self.lines.say(position, Some(total), position),
        }
    }

    /// Says that it is done, in these words or to a program as the last of its lines.
    pub fn done(self, position: u64, words: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.lines.done(position, words);
    }
}

/// Whether a bar is shown.
#[must_use]
pub fn has_bar(global: &Global) -> bool {
    !global.quiet && !global.is_for_programs() && std::io::stderr().is_terminal()
}

const TEMPLATE: &str = "{msg} {wide_bar} {pos}/{len}, {per_sec}, {eta} left";

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress of one job as lines on stderr, where there is no bar.
pub struct Lines {
    what: String,
    /// What is counted, as a word.
    unit: &'static str,
    wanted: bool,
    quiet: bool,
    json: bool,
    pace: Mutex<Pace>,
}

/// Where and when it began, and when it last said something.
struct Pace {
    began: Instant,
    said: Instant,
    first: Option<Reached>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
struct Reached {
    position: u64,
    count: u64,
}

impl Lines {
    /// Begins them.
    #[must_use]
    pub fn new(global: &Global, what: impl Into<String>, unit: &'static str) -> Self {
        let now = Instant::now();
        let pace = Mutex::new(Pace { began: now, said: now, first: None });
        let wanted = !global.quiet && !has_bar(global);
        Self { what: what.into(), unit, wanted, quiet: global.quiet, json: global.is_for_programs(), pace }
    }

    /// Says how far it is, where it is time to. `count` is what the speed is told in.
    pub fn say(&self, position: u64, total: Option<u64>, count: u64) {
        if !self.wanted {
            return;
        }
        // A panic while it was held leaves instants that are as good as any.
        let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let reached = Reached { position, count };
        let first = *pace.first.get_or_insert(reached);
        if pace.said.elapsed() >= LINE_INTERVAL {
            pace.said = Instant::now();
            say(&self.line(first, reached, total, pace.began.elapsed()));
        }
    }

    fn done(&self, position: u64, words: &str) {
        if self.quiet {
            return;
        }
        if self.json {
            say(&json!({ "job": self.what, "position": position, "total": position, "eta_seconds": 0 }).to_string());
        } else {
            say(words);
        }
    }

    /// The line. What was done before this run began says nothing about its speed.
    fn line(&self, first: Reached, now: Reached, total: Option<u64>, time: Duration) -> String {
        let rate = per_second(now.count.saturating_sub(first.count), time);
        let left = total.map(|total| total.saturating_sub(now.position));
        let speed = per_second(now.position.saturating_sub(first.position), time);
        let eta_seconds = left.filter(|_| speed > 0).map(|left| left.div_ceil(speed));
        if self.json {
            let (position, unit) = (now.position, self.unit);
            let mut line =
                json!({ "job": self.what, "position": position, "total": total, "eta_seconds": eta_seconds });
            line[unit] = Value::from(now.count);
            line[format!("{unit}_per_second")] = Value::from(rate);
            return line.to_string();
        }
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        let eta = eta_seconds.map(|seconds| format!(", {seconds} s left")).unwrap_or_default();
        format!("{}: {}{of}, {rate} {}/s{eta}", self.what, now.position, self.unit)
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / milliseconds
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_template_is_one_and_rates_do_not_overflow() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(5, Duration::ZERO), 5_000);
    }

    #[test]
    fn a_line_has_position_total_speed_and_what_is_left() {
        let lines = |flags: &[&str], what: &str, unit| {
            let arguments = ["muniment", "status"].iter().chain(flags);
            Lines::new(&Cli::parse_from(arguments).global, what, unit)
        };
        let at = |position, count| Reached { position, count };
        let time = Duration::from_secs(10);
        let people = lines(&[], "rebuild metrics", "events");
        let line = people.line(at(1_000, 1_000), at(3_000, 3_000), Some(5_000), time);
        assert_eq!(line, "rebuild metrics: 3000 of 5000, 200 events/s, 10 s left");
        assert_eq!(people.line(at(0, 0), at(0, 0), None, time), "rebuild metrics: 0, 0 events/s");
        let programs = lines(&["--json"], "import arr", "points");
        let line: Value = serde_json::from_str(&programs.line(at(0, 0), at(400, 20), Some(1_000), time)).unwrap();
        let expected = json!({
            "job": "import arr", "position": 400, "total": 1_000, "eta_seconds": 15, "points": 20, "points_per_second": 2,
        });
        assert_eq!(line, expected);
    }
}
