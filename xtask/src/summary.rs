//! The table a person reads after `cargo xtask test`: each step, how it ended, how long it took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Steps run so far. A failed step does not stop the later ones: one run tells all there is to mend.
#[derive(Default)]
pub(crate) struct Summary {
    steps: Vec<(String, Duration, Option<String>)>,
}

impl Summary {
    /// Runs one step and notes how it ended.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        eprintln!("\nxtask: {name}");
        let begun = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            eprintln!("xtask: {name} failed: {failure}");
        }
        self.steps.push((name.to_owned(), begun.elapsed(), failure));
    }

    /// Prints the table; an error when a step failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!();
        for (name, took, failure) in &self.steps {
            let verdict = if failure.is_none() { "ok    " } else { "FAILED" };
            println!("{verdict} {:>6.1} s  {name}", took.as_secs_f64());
        }
        let failed = self.steps.iter().filter(|(_, _, failure)| failure.is_some()).count();
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.steps.len());
        }
        Ok(())
    }
}
