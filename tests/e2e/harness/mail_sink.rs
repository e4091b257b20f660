//! A mail server that accepts everything and keeps it: plain SMTP on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
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
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, kept) = (connection.unwrap(), Arc::clone(&kept));
                // A client that hangs up in the middle has sent no mail.
                std::thread::spawn(move || drop(serve(&connection, &kept)));
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

fn serve(connection: &TcpStream, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
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
        out.write_all(if command.starts_with("QUIT") { b"221 bye\r\n" } else { b"250 ok\r\n" })?;
    }
}
