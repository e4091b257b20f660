//! Results to stdout, in the format asked for; messages to stderr.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Result;
use serde_json::Value;

use super::exit::Exit;
use super::flags::{Format, Global};
use crate::surface::text::steers;
use crate::telemetry::lines;

/// Prints what a command has to say.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    format: Format,
    quiet: bool,
}

impl Printer {
    /// As the flags ask for.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        Self { format: global.format(), quiet: global.quiet }
    }

    /// One result: as a JSON document, or as the lines that a person reads.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn result(&self, value: &Value, lines: impl FnOnce() -> Vec<String>) -> Result<()> {
        print(|out| match self.format {
            Format::Table => lines().iter().try_for_each(|line| writeln!(out, "{}", printable(line))),
            Format::Json | Format::Ndjson => writeln!(out, "{value}"),
        })
    }

    /// A result, and how the command ends by it: a check that fails has failed whoever reads of it.
    ///
    /// # Errors
    /// `ended`; when stdout is closed.
    pub fn verdict(&self, value: &Value, lines: impl FnOnce() -> Vec<String>, ended: Result<()>) -> Result<()> {
        let printed = self.result(value, lines);
        ended.and(printed)
    }

    /// A text of the program's own: as a JSON document, or as it is.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn verbatim(&self, value: &Value, text: &str) -> Result<()> {
        print(|out| match self.format {
            Format::Table => out.write_all(text.as_bytes()),
            Format::Json | Format::Ndjson => writeln!(out, "{value}"),
        })
    }

    /// A list: one JSON document, an object a line, or a table of these columns.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn list(&self, whole: &Value, items: &[Value], columns: &[&str]) -> Result<()> {
        print(|out| match self.format {
            Format::Json => writeln!(out, "{whole}"),
            Format::Ndjson => items.iter().try_for_each(|item| writeln!(out, "{item}")),
            Format::Table => table(items, columns).iter().try_for_each(|line| writeln!(out, "{line}")),
        })
    }

    /// One of many results that come one by one.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn line(&self, value: &Value, text: impl FnOnce() -> String) -> Result<()> {
        print(|out| match self.format {
            Format::Table => writeln!(out, "{}", printable(&text())),
            Format::Json | Format::Ndjson => writeln!(out, "{value}"),
        })
    }

    /// Whether all results make one document.
    #[must_use]
    pub fn is_one_document(&self) -> bool {
        self.format == Format::Json
    }

    /// A message beside the results.
    pub fn message(&self, text: &str) {
        if !self.quiet {
            say(&printable(text));
        }
    }

    /// A message that not even `--quiet` silences.
    pub fn warning(&self, text: &str) {
        say(&format!("warning: {}", printable(text)));
    }
}

/// Writes results to stdout, all of them at once.
///
/// # Errors
/// When nobody reads them any more, which ends the command without a word; when they cannot be written.
pub fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Exit::Unread.because_of("nobody reads the results", error),
        _ => anyhow::Error::new(error).context("the results cannot be written"),
    })
}

/// Says a line on stderr. Where nobody listens any more the work goes on: it is not done for what is said of it.
pub fn say(line: &str) {
    let _unheard = lines::write(&format!("{line}\n"));
}

/// A text that cannot steer the terminal: what others wrote is shown, not obeyed.
#[must_use]
pub fn printable(text: &str) -> String {
    let visible = |letter: char| letter == '\n' || letter == '\t' || !steers(letter);
    text.chars().map(|letter| if visible(letter) { letter } else { '\u{fffd}' }).collect()
}

/// The text of a cell.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(&text.replace(['\n', '\t', '\u{2028}', '\u{2029}'], " ")),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), muniment_aggregates::metric::number::text)
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => printable(&value.to_string()),
    }
}

fn table(items: &[Value], columns: &[&str]) -> Vec<String> {
    let head = columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
    let mut rows: Vec<Vec<String>> = vec![head];
    rows.extend(items.iter().map(|item| columns.iter().map(|column| cell(&item[*column])).collect()));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items =
            [json!({ "key": "arr", "latest_value": 12000.0 }), json!({ "key": "weekly", "latest_value": null })];
        assert_eq!(table(&items, &["key", "latest_value"]), ["KEY     LATEST VALUE", "arr     12000", "weekly  -"]);
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\rc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(printable("ana\u{202e}nimda\u{2066}\u{2028}"), "ana\u{fffd}nimda\u{fffd}\u{fffd}");
    }
}
