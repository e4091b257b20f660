//! Shows every setting as it holds.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::output::Printer;
use crate::config::Loaded;

/// The settings.
#[derive(Debug, Args)]
pub struct Settings {
    #[command(subcommand)]
    command: Option<Show>,
}

/// What is done with them; shown where nothing is said.
#[derive(Debug, Subcommand)]
enum Show {
    /// Print every setting as it holds; secrets are masked
    #[command(before_help = "Examples:\n  muniment config show\n  muniment config show --origin --json")]
    Show {
        /// Where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

/// Prints the settings.
///
/// # Errors
/// When stdout is closed.
pub fn show(printer: &Printer, settings: &Settings, loaded: &Loaded) -> Result<()> {
    let Show::Show { origin } = settings.command.as_ref().unwrap_or(&Show::Show { origin: false });
    let shown: Map<String, Value> = loaded
        .effective
        .iter()
        .map(|setting| {
            let value = json!(setting.value);
            let with_origin = || json!({ "value": value, "origin": setting.origin });
            (setting.name.to_owned(), if *origin { with_origin() } else { value.clone() })
        })
        .collect();
    printer.result(&Value::Object(shown), || {
        let line = |setting: &crate::config::Effective| {
            let value = setting.value.as_deref().unwrap_or("none");
            let source = if *origin { format!("  ({})", setting.origin) } else { String::new() };
            format!("{:<32} {value}{source}", setting.name)
        };
        loaded.effective.iter().map(line).collect()
    })?;
    for warning in &loaded.warnings {
        printer.warning(warning);
    }
    for refusal in loaded.config.refusals() {
        printer.warning(&format!("the server would not start: {refusal}"));
    }
    Ok(())
}
