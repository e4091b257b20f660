//! Ends a child process and removes its folder when the test process is gone, however it went.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a process is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `SIGKILL`: nothing of it runs after.
    Kill,
    /// `SIGQUIT`, which PostgreSQL takes as "at once": unlike after a kill, it removes its shared memory. After five
    /// seconds it is killed.
    Quit,
}

/// A watcher that holds the reading end of a pipe: when this process ends, even by `kill -9`, the pipe closes and
/// the watcher ends the child and removes the folder. Dropping the guard does the same at once.
#[derive(Debug)]
pub struct Guard {
    watcher: Child,
}

impl Guard {
    /// Watches over the process `id` and the folder.
    ///
    /// # Panics
    /// When `sh` cannot be started.
    #[must_use]
    pub fn new(id: u32, end: End, folder: Option<&Path>) -> Self {
        let script = match end {
            End::Kill => r#"cat >/dev/null; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2""#,
            End::Quit => {
                r#"cat >/dev/null; kill -QUIT "$1" 2>/dev/null; i=0
                while [ $i -lt 50 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; i=$((i+1)); done
                kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2""#
            }
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg("guard").arg(id.to_string());
        command.arg(folder.map(Path::as_os_str).unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watcher = command.spawn().expect("every Unix has `sh`");
        Self { watcher }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        if let Err(error) = self.watcher.wait() {
            eprintln!("testkit: the watcher could not be awaited: {error}");
        }
    }
}
