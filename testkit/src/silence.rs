//! A way to a server that can fall silent: connections made before stay open and carry nothing any more, as when the
//! machine behind them loses its power. New ones reach the server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One such way, from a port of its own. Its threads end with the process.
#[derive(Debug)]
pub struct SilentWay {
    url: String,
    /// How often it fell silent; a connection carries as long as this is what it was.
    silences: Arc<AtomicU64>,
    /// New connections carry nothing either.
    is_cut: Arc<AtomicBool>,
}

impl SilentWay {
    /// A way to this database, on a server of this machine.
    ///
    /// # Panics
    /// When the address names none, or there is no free port.
    #[must_use]
    pub fn to(database: &str) -> Self {
        let (user, rest) = database.split_once("@127.0.0.1:").expect("a server of this machine");
        let (server, name) = rest.split_once('/').expect("a database");
        let server: u16 = server.parse().expect("a port");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let silences = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&silences);
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        std::thread::spawn(move || {
            let mut unheard = Vec::new();
            for client in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    unheard.push(client);
                    continue;
                }
                let Ok(behind) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let began_in = seen.load(Ordering::SeqCst);
                for (from, into) in [(&client, &behind), (&behind, &client)] {
                    let (Ok(from), Ok(into)) = (from.try_clone(), into.try_clone()) else { continue };
                    let seen = Arc::clone(&seen);
                    std::thread::spawn(move || carry(from, into, || seen.load(Ordering::SeqCst) == began_in));
                }
            }
        });
        Self { url: format!("{user}@127.0.0.1:{port}/{name}"), silences, is_cut }
    }

    /// The address of the database by this way.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// From now on nothing passes on the connections that are open.
    pub fn fall_silent(&self) {
        self.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on nothing passes on any connection, new ones too, or new ones reach the server again.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
        self.fall_silent();
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, is_open: impl Fn() -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        if !is_open() {
            // Both ends stay as they are: nobody is told.
            loop {
                std::thread::park();
            }
        }
        let carried = buffer.get(..read).filter(|read| !read.is_empty()).map(|read| into.write_all(read));
        if !matches!(carried, Some(Ok(()))) {
            drop(into.shutdown(Shutdown::Both));
            return;
        }
    }
}
