//! Letters, and what takes them: a mail server, or in development a folder. No line end from outside reaches a header, and
//! no address reaches the text of an error.

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::mail_folder::LetterFolder;
use crate::config::mail::SmtpSecurity;
use crate::config::{MailConfig, MailFolder, MailMode, SmtpConfig};

/// How long a one-time code can be used, as its letter says.
pub const LOGIN_CODE_MINUTES: i64 = 10;
/// How long one attempt may take.
const SEND_WITHIN: Duration = Duration::from_secs(20);

/// What a mail says. The surface seals its text as the body of an outbox entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// A one-time code to sign in with.
    LoginCode {
        /// Address.
        to: String,
        /// Six digits.
        code: String,
    },
    /// Proof that mail works.
    Trial {
        /// Address.
        to: String,
    },
}

impl Letter {
    /// The text to be sealed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "two texts with fixed keys: no serialising of them fails")]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a letter is plain data")
    }
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The mail server cannot be used as configured.
    #[error("the mail server cannot be used as configured")]
    Setup(#[source] lettre::transport::smtp::Error),
    /// The letter has no form that can be sent.
    #[error("the letter cannot be written: {0}")]
    Letter(String),
    /// The mail server refused it, or cannot be reached. The server's words stay out: they quote the address.
    #[error("{0}")]
    Smtp(String),
    /// The folder that takes mail in development cannot be written.
    #[error("the folder for mail cannot be written")]
    Folder(#[source] std::io::Error),
}

impl SendError {
    /// Whether another attempt is pointless. What a mail server refuses today, it may take in a minute, also where it
    /// calls that lasting: greylists, full mailboxes and passwords that are changed say so too.
    pub(super) const fn is_for_good(&self) -> bool {
        match self {
            Self::Setup(_) | Self::Smtp(_) | Self::Folder(_) => false,
            Self::Letter(_) => true,
        }
    }

    fn from_smtp(error: &lettre::transport::smtp::Error) -> Self {
        Self::Smtp(match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
            None if error.is_tls() => "the mail server's TLS was not accepted".to_owned(),
            None => "the mail server cannot be reached".to_owned(),
        })
    }
}

/// Where letters go.
enum Way {
    Server(AsyncSmtpTransport<Tokio1Executor>),
    Folder(LetterFolder),
}

/// Sender of what stands in a folder: there is no mail server whose users it could name.
const FOLDER_SENDER: (&str, &str) = ("muniment", "localhost");

/// Writes letters and takes them where they go.
pub struct Sender {
    way: Way,
    /// What takes the mail, for people.
    taker: String,
    from: Mailbox,
    domain: String,
    product_name: String,
}

impl Sender {
    /// The sender that the settings ask for; `None` where mail is off.
    ///
    /// # Errors
    /// When it cannot be made as configured.
    #[must_use]
    pub fn of(config: &MailConfig) -> Option<Result<Self, SendError>> {
        match config.mode() {
            MailMode::Smtp(smtp) => Some(Self::new(&smtp, &config.product_name)),
            MailMode::Echo(_) | MailMode::Off => {
                config.folder().map(|folder| Self::to_folder(folder, &config.product_name))
            }
        }
    }

    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the sender's address or the host name cannot be used.
    pub fn new(smtp: &SmtpConfig, product_name: &str) -> Result<Self, SendError> {
        let address: Address = smtp
            .from_email
            .parse()
            .map_err(|_| SendError::Letter("mail.from_email is no address that mail can carry".to_owned()))?;
        let builder = match smtp.security {
            SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&smtp.host),
            SmtpSecurity::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.host),
            SmtpSecurity::Plain => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)),
        };
        let mut builder = builder.map_err(SendError::Setup)?.port(smtp.port).timeout(Some(SEND_WITHIN));
        if let Some((user, password)) = &smtp.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        let from = Mailbox::new(Some(smtp.from_name.clone()), address);
        Ok(Self::by(Way::Server(builder.build()), smtp.host.clone(), from, product_name))
    }

    /// A sender that writes a file a letter into a folder that is its owner's alone and keeps the newest ones.
    ///
    /// # Errors
    /// When there is no such folder and it cannot be made.
    pub fn to_folder(folder: &MailFolder, product_name: &str) -> Result<Self, SendError> {
        let letters = LetterFolder::at(folder.path()).map_err(SendError::Folder)?;
        let (user, domain) = FOLDER_SENDER;
        let address = Address::new(user, domain).map_err(|error| SendError::Letter(error.to_string()))?;
        let from = Mailbox::new(Some(product_name.to_owned()), address);
        Ok(Self::by(Way::Folder(letters), folder.path().display().to_string(), from, product_name))
    }

    fn by(way: Way, taker: String, from: Mailbox, product_name: &str) -> Self {
        Self { way, taker, domain: from.email.domain().to_owned(), from, product_name: product_name.to_owned() }
    }

    /// What takes the mail, for people: the mail server's host, or the folder.
    #[must_use]
    pub fn taker(&self) -> &str {
        &self.taker
    }

    /// Sends one letter. `id` becomes the message id, so that a mail sent twice can be recognised.
    ///
    /// # Errors
    /// When it cannot be written or the mail server does not take it.
    pub async fn send(&self, id: &str, letter: &Letter) -> Result<(), SendError> {
        let message = self.write(id, letter)?;
        let transport = match &self.way {
            Way::Server(transport) => transport,
            Way::Folder(letters) => return letters.take(message).await.map_err(SendError::Folder),
        };
        // The bound of a whole attempt: lettre's own bounds each of its steps.
        match tokio::time::timeout(SEND_WITHIN, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(SendError::from_smtp(&error)),
            Err(_) => Err(SendError::Smtp("the mail server did not answer in time".to_owned())),
        }
    }

    fn write(&self, id: &str, letter: &Letter) -> Result<Message, SendError> {
        let product = &self.product_name;
        let (to, subject, text, html) = match letter {
            Letter::LoginCode { to, code } => (
                to,
                format!("Your {product} login code"),
                format!("Your {product} login code is {code}. It expires in {LOGIN_CODE_MINUTES} minutes."),
                format!(
                    "<p>Your {} login code is <strong>{}</strong>. It expires in {LOGIN_CODE_MINUTES} minutes.</p>",
                    escaped(product),
                    escaped(code)
                ),
            ),
            Letter::Trial { to } => (
                to,
                format!("{product}: mail works"),
                format!("This mail was sent by `muniment mail test`. {product} can send mail."),
                format!(
                    "<p>This mail was sent by <code>muniment mail test</code>. {} can send mail.</p>",
                    escaped(product)
                ),
            ),
        };
        if [to, &subject].iter().any(|text| text.chars().any(char::is_control)) {
            return Err(SendError::Letter("a header would contain a control character".to_owned()));
        }
        let to: Address = to.parse().map_err(|_| SendError::Letter("the address is none".to_owned()))?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", self.domain)))
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|error| SendError::Letter(error.to_string()))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(product: &str) -> Sender {
        let smtp = SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: SmtpSecurity::Plain,
            credentials: None,
            from_email: "codes@muniment.example".to_owned(),
            from_name: "Muniment, Inc.".to_owned(),
        };
        Sender::new(&smtp, product).unwrap()
    }

    fn written(letter: &Letter) -> String {
        let message = sender("A & B").write("otp_1", letter).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[tokio::test]
    async fn met_035_the_mail_says_what_the_specification_says() {
        let mail = written(&Letter::LoginCode { to: "ana@example.com".to_owned(), code: "012345".to_owned() });
        for part in [
            "To: ana@example.com\r\n",
            "Subject: Your A & B login code\r\n",
            "Your A & B login code is 012345. It expires in 10 minutes.",
            "<strong>012345</strong>",
            "A &amp; B",
            "codes@muniment.example",
            "Message-ID: <otp_1@muniment.example>\r\n",
        ] {
            assert!(mail.contains(part), "{part} is missing in:\n{mail}");
        }
    }

    #[tokio::test]
    async fn no_line_end_reaches_a_header() {
        for to in ["ana@example.com\r\nBcc: eve@example.com", "ana@example.com\n", "\rana@example.com"] {
            let letter = Letter::LoginCode { to: to.to_owned(), code: "012345".to_owned() };
            assert!(matches!(sender("M").write("otp_1", &letter), Err(SendError::Letter(_))), "{to:?}");
        }
        let letter = Letter::Trial { to: "ana@example.com".to_owned() };
        assert!(sender("M\r\nBcc: eve@example.com").write("otp_1", &letter).is_err());
    }

    #[test]
    fn a_letter_survives_its_text() {
        let letter = Letter::LoginCode { to: "ana@example.com".to_owned(), code: "000000".to_owned() };
        assert_eq!(serde_json::from_str::<Letter>(&letter.to_text()).unwrap(), letter);
    }
}
