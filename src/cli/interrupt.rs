//! Ctrl-C, and what else asks a command to end: SIGTERM, and SIGHUP of a terminal that is closed. It ends with 130, 143 or 129
//! at once, also while it waits for standard input; what it holds is let go, and one that can go on says how.

use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use parking_lot::Mutex;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

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

/// What is known of a command that changes the record, for whoever ends it in the middle. It begins with nothing recorded.
#[derive(Clone, Default)]
pub struct Standing(Arc<Mutex<Option<String>>>);

impl Standing {
    /// From here on this is so.
    pub fn is(&self, what: impl Into<String>) {
        *self.0.lock() = Some(what.into());
    }

    /// What is said where it is interrupted.
    #[must_use]
    pub fn farewell(&self) -> Farewell {
        let standing = self.clone();
        Arc::new(move || {
            let known = standing.0.lock();
            format!("interrupted: {}", known.as_deref().unwrap_or("nothing was recorded"))
        })
    }
}

/// Does the work until it ends or the user interrupts it.
///
/// # Errors
/// Those of the work, and that it was interrupted.
pub async fn until_interrupted(farewell: Farewell, work: impl Future<Output = Result<()>>) -> Result<()> {
    let (tell, told) = oneshot::channel();
    // Where no thread can be started the signals keep their own effect, which is to end the process.
    if let Err(error) = listen(tell, Arc::clone(&farewell)) {
        tracing::debug!(%error, "interrupts cannot be listened for");
    }
    let asked = async {
        match told.await {
            Ok(exit) => exit,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        done = work => done,
        exit = asked => Err(exit.because(farewell())),
    }
}

/// Listens on a thread of its own: a read of standard input blocks the one that works, and no signal ends that read.
fn listen(tell: oneshot::Sender<Exit>, farewell: Farewell) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before the work begins: what is pressed before the thread has its first turn is heard too.
    let (mut interrupts, mut terminations, mut hangups) = {
        let _entered = runtime.enter();
        let hangups = (!outlives_its_terminal()).then(|| signal(SignalKind::hangup())).transpose()?;
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, hangups)
    };
    let wait = move || {
        let exit = runtime.block_on(async {
            let exit = tokio::select! {
                _ = interrupts.recv() => Exit::Interrupted,
                _ = terminations.recv() => Exit::Terminated,
                () = hung_up(hangups.as_mut()) => Exit::HungUp,
            };
            // Who works may have ended just now.
            let _ = tell.send(exit);
            tokio::time::sleep(GRACE).await;
            exit
        });
        ending::tell(&exit.because(farewell()));
        std::process::exit(i32::from(exit.code()));
    };
    std::thread::Builder::new().name("interrupts".to_owned()).spawn(wait).map(drop)
}

async fn hung_up(hangups: Option<&mut Signal>) {
    match hangups {
        Some(hangups) => drop(hangups.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the process was started so that the end of its terminal does not end it, as by `nohup`: to listen would undo that.
/// Where the system does not say, it is taken to be so, and SIGHUP keeps its own effect.
fn outlives_its_terminal() -> bool {
    std::fs::read_to_string("/proc/self/status").map_or(true, |status| ignores_hangups(&status))
}

fn ignores_hangups(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is the first signal.
    ignored.is_none_or(|mask| mask & 1 == 1)
}

/// This process's command line, as a shell takes it. It holds no secret: none is ever a flag's value.
#[must_use]
pub fn this_command() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(argument.as_bytes()));
    std::iter::once("muniment".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// One word as a shell takes it; a name of a file need be no text.
#[must_use]
pub fn quoted(word: &[u8]) -> String {
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
    fn who_was_started_to_outlive_the_terminal_is_seen() {
        assert!(ignores_hangups("Name:\tmuniment\nSigIgn:\t0000000000000001\n"));
        assert!(!ignores_hangups("Name:\tmuniment\nSigIgn:\t0000000000001006\n"));
        assert!(ignores_hangups("Name:\tmuniment\n"));
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted(b"--file=a/b.csv"), "--file=a/b.csv");
        assert_eq!(quoted(b"a b"), "'a b'");
        assert_eq!(quoted(b"it's"), r"'it'\''s'");
        assert_eq!(quoted(b""), "''");
        assert_eq!(quoted(b"caf\xe9 it's\n"), r"$'caf\xe9 it\'s\x0a'");
    }
}
