//! Ports that nobody uses, from below the range out of which the system picks the ports of outgoing connections.

use std::fs::File;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback port that could be bound a moment ago, and that no other test process is given before this one ends:
/// otherwise a test could meet another's server where it has just started its own.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let stretch = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap_or_default();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + stretch.wrapping_add(step) % COUNT;
        if is_ours(port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Takes a port for this process: a lock on a file of that name, held until the process ends.
fn is_ours(port: u16) -> bool {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("muniment-test-ports");
    let file = std::fs::create_dir_all(&folder).and_then(|()| File::create(folder.join(port.to_string())));
    // Another user's folder: then there is no telling, and the port is tried as it is.
    let Ok(file) = file else { return true };
    let taken = file.try_lock().is_ok();
    if taken {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let (first, second) = (free_port(), free_port());
        assert_ne!(first, second);
        assert!(!is_ours(first), "a second lock on the same file is refused, as it is to another process");
    }
}
