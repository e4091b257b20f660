//! Ctrl-C: a command ends with 130 at once, also while it waits for standard input, and one that can go on says how.

use std::os::unix::ffi::OsStrExt as _;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::exit::{self as ending, Exit};

/// How long a command may take to let go of what it holds before the process ends regardless.
const GRACE: Duration = Duration::from_millis(500);

/// What is said of an interrupted command, asked for when it happens.
pub type Farewell = Arc<dyn Fn() -> String + Send + Sync>;

/// Where nothing can be gone on with.
#[must_use]
pub fn no_resume() -> Farewell {
    Arc::new(|| "interrupted".to_owned())
}

/// Where this command goes on where the interrupted one was.
#[must_use]
pub fn resumed_by(command: String) -> Farewell {
    Arc::new(move || format!("interrupted; what is done stays done. Go on with: {command}"))
}

/// Does the work until it ends or the user interrupts it.
///
/// # Errors
/// Those of the work, and that it was interrupted.
pub async fn until_interrupted(farewell: Farewell, work: impl Future<Output = Result<()>>) -> Result<()> {
    let pressed = Arc::new(Notify::new());
    let listener = listen(Arc::clone(&pressed), Arc::clone(&farewell));
    // Where no thread can be started the signal keeps its own effect, which is to end the process.
    if let Err(error) = listener {
        tracing::debug!(%error, "interrupts cannot be listened for");
    }
    tokio::select! {
        done = work => done,
        () = pressed.notified() => Err(Exit::Interrupted.because(farewell())),
    }
}

/// Listens on a thread of its own: a read of standard input blocks the one that works, and no signal ends that read.
fn listen(pressed: Arc<Notify>, farewell: Farewell) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before the work begins: what is pressed before the thread has its first turn is heard too.
    let mut interrupts = {
        let _entered = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    let wait = move || {
        runtime.block_on(async {
            interrupts.recv().await;
            pressed.notify_one();
            tokio::time::sleep(GRACE).await;
        });
        ending::tell(&Exit::Interrupted.because(farewell()));
        exit(i32::from(Exit::Interrupted.code()));
    };
    std::thread::Builder::new().name("interrupts".to_owned()).spawn(wait).map(drop)
}

/// This process's command line, as a shell takes it. It holds no secret: none is ever a flag's value.
#[must_use]
pub fn this_command() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(argument.as_bytes()));
    std::iter::once("muniment".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// One word as a shell takes it; a name of a file need be no text.
fn quoted(word: &[u8]) -> String {
    let Ok(word) = std::str::from_utf8(word) else {
        let escaped = word.iter().map(|byte| match byte {
            b'\'' | b'\\' => format!(r"\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!(r"\x{byte:02x}"),
        });
        return format!("$'{}'", escaped.collect::<String>());
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted(b"--file=a/b.csv"), "--file=a/b.csv");
        assert_eq!(quoted(b"a b"), "'a b'");
        assert_eq!(quoted(b"it's"), r"'it'\''s'");
        assert_eq!(quoted(b""), "''");
        assert_eq!(quoted(b"caf\xe9 it's\n"), r"$'caf\xe9 it\'s\x0a'");
    }
}
