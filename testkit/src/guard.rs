//! Ends a child process and removes its folder when the test process is gone, however it went.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A watcher that holds the reading end of a pipe: when this process ends, even by `kill -9`, the pipe closes and
/// the watcher kills the child and removes the folder. Dropping the guard does the same at once.
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
    pub fn new(id: u32, folder: Option<&Path>) -> Self {
        let script = r#"cat >/dev/null; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2""#;
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
