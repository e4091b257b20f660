//! Lines on standard error. A command writes its own. Those of a server go by a thread of their own, so that nobody who
//! says something waits for whoever reads it: a reader that stands still costs lines, which are counted, and nothing else.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::figures::LOG_LINES_LOST;

/// Bytes of lines that wait for the reader; a line beyond them is lost.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// How often, and how long each time, the end of the process looks whether everything was read. In portions, so that a
/// machine that stood still for seconds takes one of them and not all.
const FLUSH_LOOKS: u32 = 10;
const FLUSH_LOOK: Duration = Duration::from_millis(500);

/// The lines of this process, which has one standard error; none before a server starts to log.
static SERVER: OnceLock<Lines> = OnceLock::new();

/// From now on lines go by a thread, for the whole process.
///
/// # Errors
/// When there can be no further thread.
pub(super) fn start() -> io::Result<()> {
    let lines = Lines::start(io::stderr())?;
    // Where there is one already it stays, and the thread of the new one ends with its queue.
    drop(SERVER.set(lines));
    Ok(())
}

/// Writes whole lines to standard error.
///
/// # Errors
/// What the system says, where the caller itself writes them.
pub fn write(lines: &str) -> io::Result<()> {
    match SERVER.get() {
        Some(server) => {
            server.put(lines);
            Ok(())
        }
        None => io::stderr().lock().write_all(lines.as_bytes()),
    }
}

/// For the end of a process, however it comes: what was said before is read, unless its reader stands still.
#[derive(Debug)]
#[must_use = "its end is when what was said is waited for"]
pub struct UntilRead;

impl Drop for UntilRead {
    fn drop(&mut self) {
        if let Some(server) = SERVER.get() {
            server.flush();
        }
    }
}

/// What goes to the thread.
enum Said {
    Line(String),
    /// Whoever waits for it knows that all before it was written.
    Mark(Sender<()>),
}

/// A queue of lines, and the thread that empties it.
struct Lines {
    queue: Sender<Said>,
    /// Bytes of the lines in the queue and of the one that is being written.
    waiting: Arc<AtomicUsize>,
}

impl Lines {
    fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, said) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waiting);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&said, &counted, out))?;
        Ok(Self { queue, waiting })
    }

    fn put(&self, line: &str) {
        let before = self.waiting.fetch_add(line.len(), Ordering::Relaxed);
        let has_room = before.saturating_add(line.len()) <= WAITING_BYTES_MAX;
        if !has_room || self.queue.send(Said::Line(line.to_owned())).is_err() {
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            lost();
        }
    }

    /// Waits until all that was put before is written, within a bound; whether it is.
    fn flush(&self) -> bool {
        let (tell, told) = mpsc::channel();
        let sent = self.queue.send(Said::Mark(tell)).is_ok();
        sent && (0..FLUSH_LOOKS).any(|_| told.recv_timeout(FLUSH_LOOK).is_ok())
    }
}

fn write_all(said: &Receiver<Said>, waiting: &AtomicUsize, mut out: impl Write) {
    for said in said {
        match said {
            Said::Line(line) => {
                if out.write_all(line.as_bytes()).is_err() {
                    lost();
                }
                waiting.fetch_sub(line.len(), Ordering::Relaxed);
            }
            Said::Mark(tell) => {
                // Whoever waited may have given up.
                let _ = tell.send(());
            }
        }
    }
}

/// Counts a line that nobody will read. To log it would be no use.
fn lost() {
    metrics::counter!(LOG_LINES_LOST).increment(1);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// A reader that takes a line whenever it is let.
    struct Reader {
        let_go: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error says that it is let go for good.
            let _ = self.let_go.recv();
            self.read.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_says_something_waits_for_no_reader_and_what_finds_no_room_is_counted() {
        let ((go, let_go), (read, taken)) = (mpsc::channel(), mpsc::channel());
        let lines = Lines::start(Reader { let_go, read }).expect("a thread");
        let recorder = PrometheusBuilder::new().build_recorder();
        let line = |number: usize| format!("{number:>1023}\n");
        let room = WAITING_BYTES_MAX / line(0).len();
        // Nobody reads a byte of this, and all of it is said.
        metrics::with_local_recorder(&recorder, || (0..room + 3).for_each(|number| lines.put(&line(number))));
        let counted = recorder.handle().render();
        assert!(counted.contains("muniment_log_lines_lost_total 3"), "{counted}");
        drop(go);
        assert!(lines.flush(), "everything is read");
        assert_eq!(taken.try_iter().collect::<Vec<_>>(), (0..room).map(line).collect::<Vec<_>>());
        lines.put("and on\n");
        assert!(lines.flush(), "there is room again");
        assert_eq!(taken.try_iter().collect::<Vec<_>>(), ["and on\n"]);
    }

    #[test]
    fn the_end_waits_no_longer_for_a_reader_that_stands_still() {
        let ((_held, let_go), (read, _taken)) = (mpsc::channel::<()>(), mpsc::channel());
        let lines = Lines::start(Reader { let_go, read }).expect("a thread");
        lines.put("nobody reads this\n");
        assert!(!lines.flush());
    }
}
