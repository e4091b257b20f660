//! The command line as clap has it, with what every command's help ends with.

use clap::{Command, CommandFactory as _};

use super::Cli;
use super::exit::EXIT_CODES;

/// The whole tree of commands.
#[must_use]
pub fn command() -> Command {
    with_exit_codes(with_examples(Cli::command(), "muniment"))
}

/// Begins the help of a group with the first example of each of its commands, where it has none of its own.
fn with_examples(command: Command, words: &str) -> Command {
    let command = command.mut_subcommands(|sub| {
        let words = format!("{words} {}", sub.get_name());
        with_examples(sub, &words)
    });
    if command.get_before_help().is_some() || !command.has_subcommands() {
        return command;
    }
    let examples: Vec<String> = command
        .get_subcommands()
        .filter_map(|sub| {
            let words = format!("{words} {}", sub.get_name());
            let given = sub.get_before_help()?.to_string();
            given.lines().find(|line| line.contains(&words)).map(|line| format!("  {}", line.trim()))
        })
        .collect();
    command.before_help(format!("Examples:\n{}", examples.join("\n")))
}

/// Ends the help of a command and of all below it with the exit codes; a note of its own stays before them.
fn with_exit_codes(command: Command) -> Command {
    let note = command.get_after_help().map(|note| format!("{note}\n\n")).unwrap_or_default();
    command.after_help(format!("{note}{EXIT_CODES}")).mut_subcommands(with_exit_codes)
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn completions_offer_no_secret_as_a_flag() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "muniment", &mut script);
            let script = String::from_utf8(script).expect("a script is text");
            let words: Vec<&str> = script.split(|it: char| !it.is_ascii_alphanumeric() && it != '-').collect();
            let has = |flag: &str| words.iter().any(|word| word.trim_start_matches('-') == flag);
            assert!(!has("session-token") && !has("signup-secret"), "{shell}");
            assert!(has("session-token-file") && has("rotate-master"), "{shell}");
        }
    }

    #[test]
    fn every_help_begins_with_examples_and_ends_with_the_exit_codes() {
        fn look(command: &mut Command, path: &str) {
            let help = command.render_long_help().to_string();
            assert!(help.starts_with("Example"), "{path}:\n{help}");
            assert_eq!(help.matches("Exit codes:").count(), 1, "{path}:\n{help}");
            for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                look(sub, &path);
            }
        }
        look(&mut command(), "muniment");
    }
}
