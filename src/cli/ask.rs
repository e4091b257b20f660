//! Asks on a terminal for what the command line left out; elsewhere names the flag that is missing.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;

use super::exit::Exit;
use super::flags::Global;

/// Whether there is somebody to ask.
#[must_use]
pub fn somebody(global: &Global) -> bool {
    !global.no_input && std::io::stdin().is_terminal()
}

/// The value of a flag, asked for where it was not given.
///
/// # Errors
/// When there is nobody to ask, or the answer is empty though it must not be.
pub fn for_flag(global: &Global, given: Option<&str>, flag: &str, question: &str) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if !somebody(global) {
        return Err(Exit::Usage.because(format!("{flag} is missing")));
    }
    let answer = line(question)?;
    if answer.is_empty() { Err(Exit::Usage.because(format!("{flag} must not be empty"))) } else { Ok(answer) }
}

/// One line from the terminal, without its end.
///
/// # Errors
/// When the terminal is gone.
pub fn line(question: &str) -> Result<String> {
    // Not held while the answer is waited for: an interrupt has something to say.
    let asked = write!(std::io::stderr(), "{question}: ").and_then(|()| std::io::stderr().flush());
    asked.map_err(|error| Exit::Failure.because_of("a question cannot be asked", error))?;
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer)? == 0 {
        return Err(Exit::Interrupted.because("the input ended"));
    }
    Ok(answer.trim().to_owned())
}

/// Has a destructive command confirmed by typing what it destroys.
///
/// # Errors
/// When it is not confirmed, or there is nobody to confirm it and no `--yes`.
pub fn confirm(global: &Global, what: &str, word: &str) -> Result<()> {
    if global.yes {
        return Ok(());
    }
    if !somebody(global) {
        return Err(Exit::Usage.because(format!("{what}: add --yes to confirm it")));
    }
    if line(&format!("{what}\nType {word} to go on"))? == word {
        Ok(())
    } else {
        Err(Exit::Interrupted.because("not confirmed; nothing was changed"))
    }
}
