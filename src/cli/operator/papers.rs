//! What goes with the program: shell completion, the manual page, the version for programs.

use std::io::Write as _;

use anyhow::Result;
use clap::Subcommand;
use clap_complete::Shell;
use serde_json::json;

use crate::cli::help;
use crate::cli::output::Printer;

/// What goes with the program.
#[derive(Debug, Subcommand)]
pub enum Papers {
    /// Print the completion script of a shell
    #[command(
        before_help = "Example:\n  muniment completions bash > ~/.local/share/bash-completion/completions/muniment"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(before_help = "Example:\n  muniment man | man -l -")]
    Man,
    /// Print the version
    #[command(before_help = "Example:\n  muniment version --json")]
    Version,
}

/// Prints one.
///
/// # Errors
/// When stdout is closed.
pub fn papers(printer: &Printer, command: Papers) -> Result<()> {
    let (mut text, mut shown) = (Vec::new(), json!({}));
    match command {
        Papers::Completions { shell } => {
            clap_complete::generate(shell, &mut help::command(), "muniment", &mut text);
            shown["shell"] = json!(shell.to_string());
        }
        Papers::Man => {
            clap_mangen::Man::new(help::command()).render(&mut text)?;
            pages(&help::command(), "muniment", &mut text)?;
        }
        Papers::Version => {
            let version = env!("CARGO_PKG_VERSION");
            let shown = json!({ "name": "muniment", "version": version });
            return printer.result(&shown, || vec![format!("muniment {version}")]);
        }
    }
    let text = String::from_utf8(text)?;
    shown["text"] = json!(text);
    // Tabs and escapes of a script are its own, so a person gets it as it is.
    printer.verbatim(&shown, &text)
}

/// The sections of the subcommands, so that one page holds all.
fn pages(command: &clap::Command, name: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let name = format!("{name} {}", sub.get_name());
        writeln!(text, ".SH {}", name.to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone().bin_name(name.clone()));
        man.render_synopsis_section(text)?;
        man.render_description_section(text)?;
        man.render_options_section(text)?;
        pages(sub, &name, text)?;
    }
    Ok(())
}
