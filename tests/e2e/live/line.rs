//! A line between one client and the server that a test can break: cut after a number of bytes, or gone dead, so that
//! both ends stay open and neither hears of the other any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::harness::{Server, runtime};

/// A line for one connection.
pub(super) struct Line {
    /// Where the client connects to.
    pub(super) port: u16,
    state: Arc<State>,
    ended_by_server: Option<oneshot::Receiver<Instant>>,
}

struct State {
    is_dead: AtomicBool,
    /// Bytes that still pass to the client.
    left: AtomicU64,
}

impl Line {
    /// A whole line.
    pub(super) fn to(server: &Server) -> Self {
        let state = Arc::new(State { is_dead: AtomicBool::new(false), left: AtomicU64::new(u64::MAX) });
        let (tell, ended_by_server) = oneshot::channel();
        let (to, carried) = (server.port, Arc::clone(&state));
        let port = runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                if carry(client, server, &carried).await == By::Server {
                    // The test may have ended before.
                    let _told = tell.send(Instant::now()).is_ok();
                }
            });
            port
        });
        Self { port, state, ended_by_server: Some(ended_by_server) }
    }

    /// From now on nothing passes, in neither direction, and neither end is told.
    pub(super) fn go_dead(&self) {
        self.state.is_dead.store(true, Ordering::Relaxed);
    }

    /// Cuts both ends off once this many more bytes have passed to the client, in the middle of a frame or not.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.state.left.store(bytes, Ordering::Relaxed);
    }

    /// When the server ended the connection.
    pub(super) fn ended_by_server(&mut self, within: Duration) -> Instant {
        let ended = self.ended_by_server.take().expect("asked once");
        runtime().block_on(async {
            let ended = tokio::time::timeout(within, ended).await;
            ended.unwrap_or_else(|_| panic!("the server keeps a dead connection for {within:?}")).unwrap()
        })
    }
}

#[derive(Debug, PartialEq)]
enum By {
    Client,
    Server,
    Knife,
}

async fn carry(mut client: TcpStream, mut server: TcpStream, state: &State) -> By {
    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
    let mut has_client = true;
    loop {
        tokio::select! {
            read = client.read(&mut up), if has_client => match read {
                Ok(count @ 1..) => {
                    if !state.is_dead.load(Ordering::Relaxed) && server.write_all(&up[..count]).await.is_err() {
                        return By::Server;
                    }
                }
                // A dead line tells the server nothing.
                Ok(_) | Err(_) if state.is_dead.load(Ordering::Relaxed) => has_client = false,
                Ok(_) | Err(_) => return By::Client,
            },
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return By::Server };
                if state.is_dead.load(Ordering::Relaxed) {
                    continue;
                }
                let left = state.left.load(Ordering::Relaxed);
                let passes = usize::try_from(left).unwrap_or(usize::MAX).min(count);
                if client.write_all(&down[..passes]).await.is_err() {
                    return By::Client;
                }
                if passes < count {
                    return By::Knife;
                }
                // Lowered by the test meanwhile, it counts from there.
                let after = left - u64::try_from(passes).unwrap();
                let _lowered = state.left.compare_exchange(left, after, Ordering::Relaxed, Ordering::Relaxed).is_err();
            }
        }
    }
}
