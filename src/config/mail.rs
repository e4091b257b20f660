//! Outgoing mail, or what stands in for it (spec/metrics.md section 13.2).
//!
//! [`EchoPermit`] is what allows a one-time code in an answer. Making one takes the proof of a development
//! configuration, so production cannot hold one: a type, not an `if`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::environment::{Development, Environment};
use super::reader::Reader;

/// Mail.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// What the mail's texts call this service.
    pub product_name: String,
    mode: MailMode,
    folder: Option<MailFolder>,
}

/// Where mail is written on a developer's machine, a file each, while no mail server takes it.
#[derive(Debug, Clone)]
pub struct MailFolder {
    path: PathBuf,
    _proof: Development,
}

impl MailFolder {
    /// The folder; made when the first mail is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What becomes of a one-time code.
#[derive(Debug, Clone)]
pub enum MailMode {
    /// It is mailed.
    Smtp(SmtpConfig),
    /// It stands in the answer, on a developer's machine.
    Echo(EchoPermit),
    /// Neither: sign-in by code answers 503.
    Off,
}

/// The mail server and the sender.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Host name or address.
    pub host: String,
    /// Port. Default 465 for `smtps://`, 587 for `smtp://`.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password.
    pub credentials: Option<(String, SecretString)>,
    /// Sender's address.
    pub from_email: String,
    /// Sender's name.
    pub from_name: String,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps://`: TLS from the first byte.
    Tls,
    /// `smtp://`: STARTTLS, and nothing is sent where the server does not offer it.
    StartTls,
    /// `smtp://` to a loopback address.
    Plain,
}

/// Leave to put a one-time code into an answer.
#[derive(Debug, Clone)]
pub struct EchoPermit {
    peers: EchoPeers,
    _proof: Development,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EchoPeers {
    Loopback,
    Any,
}

impl EchoPermit {
    fn new(proof: &Development, peers: EchoPeers) -> Self {
        Self { peers, _proof: proof.clone() }
    }

    /// Whether this peer may be told the code. A peer that is not known may not.
    #[must_use]
    pub fn allows(&self, peer: Option<IpAddr>) -> bool {
        match self.peers {
            EchoPeers::Any => true,
            EchoPeers::Loopback => peer.is_some_and(|peer| peer.to_canonical().is_loopback()),
        }
    }

    /// Whether callers of other machines may be told as well.
    #[must_use]
    pub const fn is_for_anybody(&self) -> bool {
        matches!(self.peers, EchoPeers::Any)
    }
}

impl MailConfig {
    /// What becomes of a one-time code.
    #[must_use]
    pub fn mode(&self) -> MailMode {
        self.mode.clone()
    }

    /// Where mail is written while no mail server takes it; in development alone.
    #[must_use]
    pub const fn folder(&self) -> Option<&MailFolder> {
        self.folder.as_ref()
    }

    pub(super) fn development(environment: &Environment) -> Self {
        let mode = without_mail(environment, Some(EchoPeers::Loopback));
        Self { product_name: "Muniment".to_owned(), mode, folder: None }
    }

    pub(super) fn read(reader: &mut Reader, environment: &Environment) -> Self {
        let product_name = header_text(reader, "mail.product_name", "Muniment");
        let from_name = header_text(reader, "mail.from_name", "Muniment");
        let url: Option<SecretString> = reader.optional("mail.smtp_url");
        let from_email: Option<String> = reader.optional("mail.from_email");
        if from_email.as_ref().is_some_and(|address| !is_address(address)) {
            reader.refuse("mail.from_email", "must be an e-mail address");
        }
        let echo_is_set = reader.is_set("mail.dev_echo");
        let default = if environment.is_production() { "off" } else { "loopback" };
        let echo = match reader.one_of("mail.dev_echo", &["loopback", "any", "off"], default) {
            "any" => Some(EchoPeers::Any),
            "loopback" => Some(EchoPeers::Loopback),
            _ => None,
        };
        if environment.is_production() && echo_is_set && echo.is_some() {
            reader.refuse("mail.dev_echo", "must not be set in production: it would hand out one-time codes");
        }
        let mode = match (url, from_email) {
            (Some(url), Some(from_email)) => match SmtpConfig::parse(url.expose_secret(), from_email, from_name) {
                Ok(smtp) => MailMode::Smtp(smtp),
                Err(what) => {
                    reader.refuse("mail.smtp_url", what);
                    MailMode::Off
                }
            },
            (None, None) => without_mail(environment, echo),
            (Some(_), None) => {
                reader.refuse("mail.from_email", "is missing: mail.smtp_url is set, and mail needs both");
                MailMode::Off
            }
            (None, Some(_)) => {
                reader.refuse("mail.smtp_url", "is missing: mail.from_email is set, and mail needs both");
                MailMode::Off
            }
        };
        let folder = Self::read_folder(reader, environment, &mode);
        Self { product_name, mode, folder }
    }

    fn read_folder(reader: &mut Reader, environment: &Environment, mode: &MailMode) -> Option<MailFolder> {
        let path: PathBuf = reader.optional("mail.dev_folder")?;
        match (environment, mode) {
            (Environment::Production, _) => {
                reader
                    .refuse("mail.dev_folder", "must not be set in production: it would keep one-time codes in files");
                None
            }
            (Environment::Development(_), MailMode::Smtp(_)) => None,
            (Environment::Development(proof), MailMode::Echo(_) | MailMode::Off) => {
                Some(MailFolder { path, _proof: proof.clone() })
            }
        }
    }
}

fn without_mail(environment: &Environment, echo: Option<EchoPeers>) -> MailMode {
    match (environment, echo) {
        (Environment::Development(proof), Some(peers)) => MailMode::Echo(EchoPermit::new(proof, peers)),
        (Environment::Development(_), None) | (Environment::Production, _) => MailMode::Off,
    }
}

/// A text that stands in a header: no line end, no other control character.
fn header_text(reader: &mut Reader, name: &'static str, default: &str) -> String {
    let text = reader.get(name, default.to_owned());
    if text.chars().any(char::is_control) {
        reader.refuse(name, "must not contain line ends or other control characters");
    }
    text
}

/// Whether mail can be sent in its name: what the mailer refuses would start a server that sends none.
fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

impl SmtpConfig {
    fn parse(url: &str, from_email: String, from_name: String) -> Result<Self, String> {
        let url = reqwest::Url::parse(url).map_err(|_| "must be smtps://user:password@host:port".to_owned())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("must name a host")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (security, port) = match url.scheme() {
            "smtps" => (SmtpSecurity::Tls, 465),
            "smtp" if loopback => (SmtpSecurity::Plain, 25),
            "smtp" => (SmtpSecurity::StartTls, 587),
            _ => return Err("must begin with smtps:// or smtp://".to_owned()),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("must end after host and port".to_owned());
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                Some((percent_decoded(user)?, SecretString::from(percent_decoded(password)?)))
            }
            _ => return Err("must have both user and password, or neither".to_owned()),
        };
        Ok(Self { host: bare, port: url.port().unwrap_or(port), security, credentials, from_email, from_name })
    }
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let refused = || "has a bad %-escape in user or password".to_owned();
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next(), rest.next()) else { return Err(refused()) };
        let mut decoded = [0_u8];
        hex::decode_to_slice([high, low], &mut decoded).map_err(|_| refused())?;
        bytes.extend(decoded);
    }
    String::from_utf8(bytes).map_err(|_| refused())
}
