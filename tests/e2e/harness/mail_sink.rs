//! A mail server that accepts everything, perhaps not at once, and keeps it: plain SMTP on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muniment_testkit::free_port;

use super::pause;

/// How a sink answers for recipients.
#[derive(Default)]
struct Manners {
    refusals: AtomicUsize,
    slow_for: Option<&'static str>,
}

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
        Self::serving(port, Manners::default())
    }

    /// One that answers so many attempts with a refusal it calls lasting, and takes every one after them.
    pub(crate) fn refusing_first(attempts: usize) -> Self {
        Self::serving(free_port(), Manners { refusals: AtomicUsize::new(attempts), ..Manners::default() })
    }

    /// One that answers for recipients of this domain only once it has a mail of somebody else.
    pub(crate) fn slow_for(domain: &'static str) -> Self {
        Self::serving(free_port(), Manners { slow_for: Some(domain), ..Manners::default() })
    }

    fn serving(port: u16, manners: Manners) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (kept, manners) = (Arc::clone(&mails), Arc::new(manners));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, kept, manners) = (connection.unwrap(), Arc::clone(&kept), Arc::clone(&manners));
                // A client that hangs up in the middle has sent no mail.
                std::thread::spawn(move || drop(serve(&connection, &kept, &manners)));
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

fn serve(connection: &TcpStream, kept: &Mutex<Vec<String>>, manners: &Manners) -> std::io::Result<()> {
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
        let is_recipient = command.starts_with("RCPT");
        if is_recipient && manners.slow_for.is_some_and(|domain| line.contains(domain)) {
            while kept.lock().unwrap().is_empty() {
                pause(Duration::from_millis(20));
            }
        }
        let one_less = |left: usize| left.checked_sub(1);
        let is_refused =
            is_recipient && manners.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
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
