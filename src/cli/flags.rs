//! The flags every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, ValueEnum};

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// The flags every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print one JSON document; the same as `--output json`
    #[arg(long, global = true, conflicts_with = "output")]
    json: bool,
    /// How to print results
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// The server [MUNIMENT_URL; default: the saved one, else http://127.0.0.1:8080]
    #[arg(long, global = true, alias = "api-url", value_name = "URL")]
    pub url: Option<String>,
    /// Which saved server and login count; `muniment context list` lists them [MUNIMENT_CONTEXT]
    #[arg(long, global = true, value_name = "NAME", value_parser = super::client::contexts::name)]
    pub context: Option<String>,
    /// A file that holds the agent token [MUNIMENT_TOKEN]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A file that holds the session token [MUNIMENT_SESSION_TOKEN]
    #[arg(long, global = true, value_name = "FILE")]
    pub session_token_file: Option<PathBuf>,
    /// A file that holds the signup secret [MUNIMENT_SIGNUP_SECRET]
    #[arg(long, global = true, value_name = "FILE")]
    pub signup_secret_file: Option<PathBuf>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No colours [NO_COLOR]
    #[arg(long, global = true)]
    no_color: bool,
    /// Never ask; a missing value is an error
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Answer yes to what a destructive command asks
    #[arg(long, global = true)]
    pub yes: bool,
    /// How long one request may take, tries included, as 30s or 2m
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
}

/// What would be a secret as a flag, and the variable that takes it.
const SECRETS: [(&str, &str); 3] = [
    ("--token", "MUNIMENT_TOKEN"),
    ("--session-token", "MUNIMENT_SESSION_TOKEN"),
    ("--signup-secret", "MUNIMENT_SIGNUP_SECRET"),
];

/// What to say where a secret was given as a flag: what takes it instead. `None` for any other error.
#[must_use]
pub fn refused_secret(error: &clap::Error) -> Option<clap::Error> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return None };
    let (flag, variable) = SECRETS.into_iter().find(|(flag, _)| flag == unknown)?;
    let message = format!(
        "{flag} is refused: everyone on this machine sees flags in the list of processes; set {variable}, or name a file \
         with {flag}-file\n"
    );
    Some(clap::Error::raw(ErrorKind::UnknownArgument, message))
}

impl Global {
    /// How to print results.
    #[must_use]
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output.unwrap_or_default() }
    }

    /// Whether results are for a program.
    #[must_use]
    pub fn is_for_programs(&self) -> bool {
        self.format() != Format::Table
    }

    /// Whether colours may be used on stderr.
    #[must_use]
    pub fn colors(&self) -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !self.no_color && !unwanted && std::io::IsTerminal::is_terminal(&std::io::stderr())
    }
}

/// `30`, `30s`, `2m`, `1h`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor_ms = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is a number and ms, s, m or h".to_owned()),
    };
    let milliseconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(factor_ms));
    milliseconds.filter(|time| *time > 0).map(Duration::from_millis).ok_or_else(|| "a time is 1 or more".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "0s", "-1s", "1d", "s", "1.5s", "99999999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
