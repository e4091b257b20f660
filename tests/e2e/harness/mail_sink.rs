//! A mail server that accepts everything, perhaps not at once, and keeps it: plain SMTP on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use muniment_testkit::free_port;

/// One running sink.
pub(crate) struct MailSink {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailSink {
    pub(crate) fn start() -> Self {
        Self::start_on(free_port())
    }

    /// On a port that was given out before.
    pub(crate) fn start_on(port: u16) -> Self {
        Self::serving(port, 0)
    }

    /// One that answers so many attempts with a refusal it calls lasting, and takes every one after them.
    pub(crate) fn refusing_first(attempts: usize) -> Self {
        Self::serving(free_port(), attempts)
    }

    fn serving(port: u16, refusals: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (kept, refusals) = (Arc::clone(&mails), Arc::new(AtomicUsize::new(refusals)));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, kept, refusals) = (connection.unwrap(), Arc::clone(&kept), Arc::clone(&refusals));
                // A client that hangs up in the middle has sent no mail.
                std::thread::spawn(move || drop(serve(&connection, &kept, &refusals)));
            }
        });
        Self { port, mails }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The mails so far, headers and body, soft line breaks taken out.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|mail| mail.replace("=\r\n", "")).collect()
    }
}

fn serve(connection: &TcpStream, kept: &Mutex<Vec<String>>, refusals: &AtomicUsize) -> std::io::Result<()> {
    let mut out = connection;
    let mut lines = BufReader::new(connection);
    out.write_all(b"220 sink\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim().to_ascii_uppercase();
        if command == "DATA" {
            out.write_all(b"354 go on\r\n")?;
            let mut mail = String::new();
            loop {
                line.clear();
                if lines.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
                mail.push_str(&line);
            }
            kept.lock().unwrap().push(mail);
        }
        let one_less = |left: usize| left.checked_sub(1);
        let is_refused = command.starts_with("RCPT")
            && refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        let answer: &[u8] = if is_refused {
            b"550 no such mailbox\r\n"
        } else if command.starts_with("QUIT") {
            b"221 bye\r\n"
        } else {
            b"250 ok\r\n"
        };
        out.write_all(answer)?;
    }
}
