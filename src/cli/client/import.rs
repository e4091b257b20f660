//! Imports many points of one metric, in batches. Idempotent row by row, so running it again resumes it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::Session;
use super::http::{Auth, Call, CallError};
use super::import_rows::{Columns, Row, TimeFormat, csv, is_ndjson, ndjson};
use crate::cli::exit::{self, Exit};
use crate::cli::interrupt::this_command;
use crate::cli::progress::{Lines, has_bar};

/// Points of one request: what the server takes.
const BATCH_POINTS_MAX: usize = 1_000;
/// Bytes of one request, well under the server's default of 1 MiB.
const BATCH_BYTES_MAX: usize = 768 * 1024;
/// Refused rows that are listed one by one; further ones are only counted.
const REFUSED_SHOWN_MAX: usize = 20;

/// `metric import`.
#[derive(Debug, Args)]
pub struct Import {
    /// Key of the metric
    key: String,
    /// The file [default: standard input]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Its format [default: by the file's name, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// CSV: the column with the time [default: timestamp]
    #[arg(long, value_name = "NAME")]
    timestamp_column: Option<String>,
    /// CSV: the column with the value [default: value]
    #[arg(long, value_name = "NAME")]
    value_column: Option<String>,
    /// CSV: the column with the idempotency key [default: the metric's own key of each time]
    #[arg(long, value_name = "NAME")]
    idempotency_key_column: Option<String>,
    /// CSV: how times are written, in strftime's letters, as %Y%m%d
    #[arg(long, value_name = "FORMAT", value_parser = TimeFormat::parse)]
    timestamp_format: Option<TimeFormat>,
    /// Read and check everything, send nothing
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    /// The command that goes on where this one was.
    #[must_use]
    pub fn resumed(&self) -> String {
        let input = if self.file.is_none() { ", with the same input" } else { "" };
        format!("{}{input}", this_command())
    }

    /// What the file holds, by what is said of it, else by its name.
    fn format(&self) -> Format {
        let by_name = self.file.as_deref().is_some_and(is_ndjson);
        self.format.unwrap_or(if by_name { Format::Ndjson } else { Format::Csv })
    }

    /// Refuses what is said of the columns of a file that has none: it would be passed over, and points stay for ever.
    fn check(&self) -> Result<()> {
        let of_columns = [
            ("--timestamp-column", self.timestamp_column.is_some()),
            ("--value-column", self.value_column.is_some()),
            ("--idempotency-key-column", self.idempotency_key_column.is_some()),
            ("--timestamp-format", self.timestamp_format.is_some()),
        ];
        match of_columns.into_iter().find(|(_, is_given)| *is_given && self.format() == Format::Ndjson) {
            Some((flag, _)) => {
                Err(Exit::Usage.because(format!("{flag} is for CSV, and this is NDJSON; --format says what it is")))
            }
            None => Ok(()),
        }
    }
}

/// Format of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With a header
    Csv,
    /// A JSON object a line
    Ndjson,
}

/// What became of the rows.
#[derive(Debug, Default)]
struct Counts {
    recorded: u64,
    duplicates: u64,
    differing: u64,
    skipped: u64,
    refused: Vec<(u64, String)>,
    /// With `--dry-run`: what would have been sent.
    ready: u64,
}

/// A point that waits to be sent.
struct Waiting {
    line: u64,
    body: Value,
}

/// Imports.
///
/// # Errors
/// When the file cannot be read, the server refuses a batch for another reason than its rows, or a row was refused.
pub async fn import(session: &Session, command: &Import) -> Result<()> {
    command.check()?;
    // Who sends nothing needs no token.
    let auth = if command.dry_run { Auth::None } else { session.agent()? };
    let progress = progress(session, command)?;
    let mut counts = Counts::default();
    let sent = send_all(session, command, &auth, &mut counts, &progress).await;
    progress.finish_and_clear();
    if let Err(error) = sent {
        // Where nothing was done there is nothing to go on with.
        let exit = exit::of(&error);
        let is_begun = counts.recorded + counts.duplicates > 0 || exit == Exit::Unavailable;
        if !is_begun {
            return Err(error);
        }
        let (recorded, known, refused) = (counts.recorded, counts.duplicates, counts.refused.len());
        let go_on = if exit == Exit::Usage { "Once that is mended, go on with" } else { "Go on with" };
        let so_far = format!("{recorded} recorded, {known} known, {refused} refused before the error");
        session.printer.message(&format!("{so_far}. {go_on}: {}", command.resumed()));
        return Err(error);
    }
    report(session, command, &counts)
}

async fn send_all(
    session: &Session,
    command: &Import,
    auth: &Auth,
    counts: &mut Counts,
    progress: &ProgressBar,
) -> Result<()> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let lines = Lines::new(&session.global, format!("import {}", command.key), "points");
    for row in rows(command, progress)? {
        let row = match row {
            Ok(row) => row,
            // What was read before it is recorded, so that what is said of it does not depend on the size of a batch.
            Err(error) => {
                send(session, &command.key, auth, batch, counts).await?;
                return Err(error);
            }
        };
        match row {
            Row::Empty => counts.skipped += 1,
            Row::Refused { line, reason } => counts.refused.push((line, reason)),
            Row::Point { .. } if command.dry_run => counts.ready += 1,
            Row::Point { line, body } => {
                bytes += body.to_string().len() + 1;
                batch.push(Waiting { line, body });
            }
        }
        if batch.len() >= BATCH_POINTS_MAX || bytes >= BATCH_BYTES_MAX {
            bytes = 0;
            send(session, &command.key, auth, std::mem::take(&mut batch), counts).await?;
        }
        let done = counts.recorded + counts.duplicates;
        progress.set_message(format!("{done} points"));
        lines.say(progress.position(), progress.length(), done);
    }
    send(session, &command.key, auth, batch, counts).await
}

/// Sends a batch, in two where it is too large for a server that takes less than others. Rows that the server refuses
/// leave it, and the rest is sent again.
async fn send(session: &Session, key: &str, auth: &Auth, batch: Vec<Waiting>, counts: &mut Counts) -> Result<()> {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        if batch.is_empty() {
            continue;
        }
        let points: Vec<&Value> = batch.iter().map(|waiting| &waiting.body).collect();
        let call = Call::post(&["v1", "metrics", key, "points", "batch"], json!({ "points": points }));
        match session.api.insist(&call.auth(auth.clone())).await {
            Ok(answer) => {
                let count = |name: &str| answer[name].as_u64().with_context(|| format!("the answer has no {name}"));
                counts.recorded += count("created")?;
                counts.duplicates += count("duplicates")?;
                let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
                let differing = results.iter().filter(|result| result["differs"] == true).count();
                counts.differing += u64::try_from(differing)?;
            }
            Err(CallError::Refused { status: 413, .. }) if batch.len() > 1 => {
                // The earlier half first: rules compare a point with those before it.
                let later = batch.split_off(batch.len() / 2);
                batches.extend([later, batch]);
            }
            Err(error) => {
                let refused = refused_rows(&error);
                if refused.iter().all(|(index, _)| *index >= batch.len()) {
                    return Err(error.ending());
                }
                for (index, reason) in refused.into_iter().rev() {
                    if index < batch.len() {
                        counts.refused.push((batch.remove(index).line, reason));
                    }
                }
                batches.push(batch);
            }
        }
    }
    Ok(())
}

/// The rows that a refusal names: place in the batch, ascending and each once, with the reason.
fn refused_rows(error: &CallError) -> Vec<(usize, String)> {
    let CallError::Refused { status: 400, body, .. } = error else { return Vec::new() };
    let mut rows: Vec<(usize, String)> = body["issues"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|issue| {
            let index = issue["path"].as_str()?.strip_prefix("points.")?.split('.').next()?.parse().ok()?;
            let reason = issue["message"].as_str().or_else(|| issue["code"].as_str()).unwrap_or("refused");
            Some((index, reason.to_owned()))
        })
        .collect();
    rows.sort_by_key(|(index, _)| *index);
    rows.dedup_by_key(|(index, _)| *index);
    rows
}

/// How the program ends when a file that was named cannot be read.
pub(super) fn unreadable(path: &Path, error: std::io::Error) -> anyhow::Error {
    let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Failure };
    exit.because_of(format!("cannot read {}", path.display()), error)
}

fn rows(command: &Import, progress: &ProgressBar) -> Result<Box<dyn Iterator<Item = Result<Row>>>> {
    let input: Box<dyn BufRead> = match &command.file {
        None => Box::new(BufReader::new(progress.wrap_read(std::io::stdin()))),
        Some(path) => {
            let file = File::open(path).map_err(|error| unreadable(path, error))?;
            Box::new(BufReader::new(progress.wrap_read(file)))
        }
    };
    let named = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    Ok(match command.format() {
        Format::Ndjson => Box::new(ndjson(input)),
        Format::Csv => {
            let columns = Columns {
                timestamp: named(&command.timestamp_column, "timestamp"),
                value: named(&command.value_column, "value"),
                idempotency_key: command.idempotency_key_column.clone(),
                format: command.timestamp_format.clone(),
            };
            Box::new(csv(input, &columns)?)
        }
    })
}

fn progress(session: &Session, command: &Import) -> Result<ProgressBar> {
    let target = if has_bar(&session.global) { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bytes = match &command.file {
        Some(path) => Some(std::fs::metadata(path).map_err(|error| unreadable(path, error))?.len()),
        None => None,
    };
    let progress = ProgressBar::with_draw_target(bytes, target);
    let template = "{wide_bar} {bytes}/{total_bytes} {msg}, {bytes_per_sec}, {eta} left";
    progress.set_style(ProgressStyle::with_template(template)?);
    progress.enable_steady_tick(Duration::from_millis(200));
    Ok(progress)
}

fn report(session: &Session, command: &Import, counts: &Counts) -> Result<()> {
    let mut refused = counts.refused.clone();
    refused.sort_unstable();
    let listed: Vec<Value> = refused.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect();
    let mut shown = json!({
        "recorded": counts.recorded,
        "duplicates": counts.duplicates,
        "skipped": counts.skipped,
        "refused": listed,
    });
    if command.dry_run {
        shown["dry_run"] = json!(true);
        shown["ready"] = json!(counts.ready);
    }
    let lines = || {
        let first = if command.dry_run {
            format!("{} ready to send", counts.ready)
        } else {
            format!("{} recorded, {} duplicates", counts.recorded, counts.duplicates)
        };
        let mut lines = vec![format!("{first}, {} skipped, {} refused", counts.skipped, refused.len())];
        let line = |(line, reason): &(u64, String)| format!("line {line}: {reason}");
        lines.extend(refused.iter().take(REFUSED_SHOWN_MAX).map(line));
        if refused.len() > REFUSED_SHOWN_MAX {
            lines.push(format!("and {} more; --json lists them all", refused.len() - REFUSED_SHOWN_MAX));
        }
        lines
    };
    let ended = if refused.is_empty() {
        Ok(())
    } else {
        Err(Exit::Failure.because(format!("rows refused: {}", refused.len())))
    };
    let ended = session.printer.verdict(&shown, lines, ended);
    if counts.differing > 0 {
        let warning = format!("{} duplicates have another value than the recorded one, which stays", counts.differing);
        session.printer.warning(&warning);
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_rows_once_and_in_order() {
        let body = json!({ "error": "invalid_batch", "issues": [
            { "path": "points.7.value", "code": "invalid_value", "message": "no" },
            { "path": "points.3.timestamp", "code": "invalid_timestamp" },
            { "path": "points.7.source", "code": "invalid_field", "message": "also" },
            { "path": "points", "code": "invalid_batch" },
        ]});
        let error = CallError::Refused { status: 400, message: String::new(), body, retry_after: None };
        let expected = [(3, "invalid_timestamp".to_owned()), (7, "no".to_owned())];
        assert_eq!(refused_rows(&error), expected);
    }
}
