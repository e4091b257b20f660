//! Bytes on a socket: what no well-behaved client sends.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Server, pause};

/// How long an answer may take to begin: a busy machine is no fault.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long nothing comes once one has.
const SILENCE: Duration = Duration::from_secs(3);

/// Sends bytes and returns all that comes back until the server closes or falls silent.
pub(super) fn send(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    // The server may refuse early and close while we still write.
    if stream.write_all(bytes).is_err() {
        return read(&mut stream);
    }
    read(&mut stream)
}

/// Like [`send`], after which we will send no more.
pub(super) fn send_and_finish(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    read(&mut stream)
}

/// A request all of which has come but the last byte of its body.
pub(super) struct Held {
    stream: TcpStream,
    last: u8,
}

impl Held {
    /// A POST with these header lines. It is on its way for so long that the server has looked at who sends it.
    pub(super) fn post(server: &Server, path: &str, headers: &str, body: &Value) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let body = body.to_string();
        let length = body.len();
        let (start, last) = body.as_bytes().split_at(length - 1);
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\n{headers}\r\ncontent-type: application/json\r\n");
        stream.write_all(format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(start).unwrap();
        pause(Duration::from_millis(500));
        Self { stream, last: last[0] }
    }

    /// Sends the last byte; what came back.
    pub(super) fn finish(mut self) -> String {
        self.stream.write_all(&[self.last]).unwrap();
        read(&mut self.stream)
    }
}

/// Sends bytes and resets the connection after a while, so that nobody waits for an answer.
pub(super) fn cut_off(server: &Server, bytes: &[u8], after: Duration) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(bytes).unwrap();
    pause(after);
    // Closed without lingering, a connection is reset.
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4_096];
    stream.set_read_timeout(Some(ANSWER_TIME_MAX)).unwrap();
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        stream.set_read_timeout(Some(SILENCE)).unwrap();
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// How many answers the text holds.
pub(super) fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

/// The status of the first answer; 0 when the connection was just closed.
pub(super) fn status(text: &str) -> u16 {
    text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}
