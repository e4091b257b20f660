//! What goes with the program: shell completion, the manual page, the version for programs.

use std::io::Write as _;

use anyhow::Result;
use clap::Subcommand;
use clap_complete::Shell;
use serde_json::json;

use crate::cli::exit::EXIT_CODES;
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
        Papers::Man => page(&mut text)?,
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

/// The manual page: one for all commands.
fn page(text: &mut Vec<u8>) -> std::io::Result<()> {
    let command = help::command();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    examples(&command, ".SH", text)?;
    man.render_options_section(text)?;
    commands(&command, text)?;
    writeln!(text, ".SH EXIT STATUS\n{}", escaped(EXIT_CODES))?;
    sections(&command, "muniment", text)?;
    man.render_version_section(text)
}

/// The commands in a list. Each has its section below; pages of their own, which clap would name, there are none.
fn commands(command: &clap::Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(text, ".SH COMMANDS")?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, ".TP\n{}\n{}", escaped(&format!("muniment {}", sub.get_name())), escaped(&about))?;
    }
    Ok(())
}

/// The sections of the subcommands.
fn sections(command: &clap::Command, name: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let name = format!("{name} {}", sub.get_name());
        writeln!(text, ".SH {}", name.to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone().bin_name(name.clone()));
        let mut inner = Vec::new();
        man.render_synopsis_section(&mut inner)?;
        man.render_description_section(&mut inner)?;
        man.render_options_section(&mut inner)?;
        // What is a section in a page of its own is a part of a section here.
        let inner = String::from_utf8_lossy(&inner).replace("\n.SH ", "\n.SS ");
        text.extend_from_slice(inner.as_bytes());
        examples(sub, ".SS", text)?;
        sections(sub, &name, text)?;
    }
    Ok(())
}

/// The examples that the help begins with, as they are typed.
fn examples(command: &clap::Command, level: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    let Some(shown) = command.get_before_help() else { return Ok(()) };
    writeln!(text, "{level} EXAMPLES\n.nf")?;
    for line in shown.to_string().lines().skip(1) {
        writeln!(text, "{}", escaped(line))?;
    }
    writeln!(text, ".fi")
}

/// A line as roff prints it, and a shell takes it back.
fn escaped(line: &str) -> String {
    let escaped = line.replace('\\', r"\e").replace('-', r"\-").replace('\'', r"\(aq").replace('`', r"\(ga");
    if escaped.starts_with('.') { format!(r"\&{escaped}") } else { escaped }
}
