//! Accounts and sign-in (spec/accounts-and-offers.md section 2).

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::duration::{Cap, Span, life};
use super::environment::Environment;
use super::http::cores;
use super::reader::Reader;

/// Fewest characters of a key that signs cookies.
const COOKIE_KEY_CHARACTERS_MIN: usize = 32;
/// What stands between two keys.
const COOKIE_KEY_SEPARATOR: &str = "__";

/// Accounts.
#[derive(Debug, Clone)]
pub struct AccountsConfig {
    /// Whether a right e-mail code makes an account that does not exist.
    pub otp_signup: OtpSignup,
    /// Whether one of the most common passwords is refused where one is set. Default in production alone: what clients are
    /// promised is a length and nothing else (spec section 3.1), and their tests set what is easy to type.
    pub refuse_common_passwords: bool,
    /// Keys that sign cookies, the first one signs; empty where the program makes its own (development).
    pub cookie_keys: CookieKeys,
    /// Name of the cookie.
    pub cookie_name: String,
    /// Whether only HTTPS carries it.
    pub cookie_secure: bool,
    /// From which sites it is sent.
    pub cookie_same_site: SameSite,
    /// Whether scripts cannot read it.
    pub cookie_http_only: bool,
    /// How long a session lasts.
    pub session_max_age: Duration,
    /// Less than this left, a session that is used lasts longer; zero for never.
    pub refresh_threshold: Duration,
    /// Live sessions by cookie of one account; `None` for any number.
    pub max_sessions: Option<u32>,
    /// Live API tokens of one account; `None` for any number.
    pub max_tokens: Option<u32>,
    /// A failed sign-in, and a sign-up without an invitation, takes at least this long; zero for off.
    pub login_fail_floor: Duration,
    /// By how much that is varied up and down.
    pub login_fail_jitter: Duration,
    /// First characters of API tokens.
    pub api_token_prefix: String,
    /// Whether the first account can be made over the network.
    pub bootstrap: BootstrapMode,
    /// File with the token of the bootstrap.
    pub bootstrap_token_path: Option<PathBuf>,
    /// Whether there is a daemon token.
    pub daemon_token: bool,
    /// How often it is replaced.
    pub daemon_rotation: Duration,
    /// Passwords hashed at once.
    pub hashing_concurrency: usize,
    /// How many more may wait to be hashed; who comes then is answered 503.
    pub hashing_queue: usize,
}

/// Keys that cannot be printed.
#[derive(Clone, Default)]
pub struct CookieKeys(pub Vec<Zeroizing<String>>);

impl std::fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CookieKeys({})", self.0.len())
    }
}

/// `SameSite` of the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never sent from another site.
    Strict,
    /// Sent on links from another site.
    Lax,
    /// Always sent.
    None,
}

impl SameSite {
    /// The word in the header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// Whether a right e-mail code makes an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OtpSignup {
    /// For everyone.
    #[default]
    Always,
    /// Only for whom an invite is open.
    Invited,
}

/// Whether the first account can be made over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BootstrapMode {
    /// There is no such route.
    #[default]
    Disabled,
    /// The route is there and always refuses.
    SurfaceOnly,
    /// It works once.
    Live,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            otp_signup: OtpSignup::Always,
            refuse_common_passwords: false,
            cookie_keys: CookieKeys::default(),
            cookie_name: "muniment_session".to_owned(),
            cookie_secure: true,
            cookie_same_site: SameSite::Strict,
            cookie_http_only: true,
            session_max_age: Duration::from_secs(30 * 86_400),
            refresh_threshold: Duration::from_secs(86_400),
            max_sessions: Some(5),
            max_tokens: Some(10),
            login_fail_floor: Duration::from_millis(250),
            login_fail_jitter: Duration::from_millis(25),
            api_token_prefix: "secret_muniment_token_".to_owned(),
            bootstrap: BootstrapMode::Disabled,
            bootstrap_token_path: None,
            daemon_token: true,
            daemon_rotation: Duration::from_secs(30),
            hashing_concurrency: cores(),
            hashing_queue: 64,
        }
    }
}

impl AccountsConfig {
    pub(super) fn read(reader: &mut Reader, environment: &Environment) -> Self {
        let default = Self::default();
        let otp = reader.one_of("accounts.otp_signup", &["always", "invited"], "always");
        let same_site = reader.one_of("accounts.cookie_same_site", &["strict", "lax", "none"], "strict");
        let bootstrap = reader.one_of("accounts.bootstrap", &["disabled", "surface_only", "live"], "disabled");
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            otp_signup: if otp == "invited" { OtpSignup::Invited } else { OtpSignup::Always },
            refuse_common_passwords: reader.get("accounts.refuse_common_passwords", environment.is_production()),
            cookie_keys: cookie_keys(reader),
            cookie_name: cookie_name(reader, default.cookie_name),
            cookie_secure: reader.get("accounts.cookie_secure", default.cookie_secure),
            cookie_same_site: match same_site {
                "lax" => SameSite::Lax,
                "none" => SameSite::None,
                _ => SameSite::Strict,
            },
            cookie_http_only: reader.get("accounts.cookie_http_only", default.cookie_http_only),
            session_max_age: life(reader, "accounts.session_max_age", default.session_max_age),
            refresh_threshold: reader.get("accounts.refresh_threshold", Span(default.refresh_threshold)).0,
            max_sessions: reader.get("accounts.max_sessions", Cap(default.max_sessions)).0,
            max_tokens: reader.get("accounts.max_tokens", Cap(default.max_tokens)).0,
            login_fail_floor: Duration::from_millis(
                reader.get("accounts.login_fail_floor_ms", milliseconds(default.login_fail_floor)),
            ),
            login_fail_jitter: Duration::from_millis(
                reader.get("accounts.login_fail_jitter_ms", milliseconds(default.login_fail_jitter)),
            ),
            api_token_prefix: reader.get("accounts.api_token_prefix", default.api_token_prefix),
            bootstrap: match bootstrap {
                "surface_only" => BootstrapMode::SurfaceOnly,
                "live" => BootstrapMode::Live,
                _ => BootstrapMode::Disabled,
            },
            bootstrap_token_path: reader.optional("accounts.bootstrap_token_path"),
            daemon_token: reader.get("accounts.daemon_token", default.daemon_token),
            daemon_rotation: reader.get("accounts.daemon_rotation", Span(default.daemon_rotation)).0,
            hashing_concurrency: reader.at_least("accounts.hashing_concurrency", 1, default.hashing_concurrency),
            hashing_queue: reader.at_least("accounts.hashing_queue", 0, default.hashing_queue),
        }
    }

    /// Marks of the cookie that are weaker than their default.
    #[must_use]
    pub fn weakened(&self) -> Vec<&'static str> {
        let weak = [
            ("accounts.cookie_secure", !self.cookie_secure),
            ("accounts.cookie_http_only", !self.cookie_http_only),
            ("accounts.cookie_same_site", self.cookie_same_site != SameSite::Strict),
        ];
        weak.into_iter().filter(|(_, is_weak)| *is_weak).map(|(name, _)| name).collect()
    }
}

/// The cookie's name, which browsers send back only where it is a token of RFC 6265.
fn cookie_name(reader: &mut Reader, default: String) -> String {
    const NAME: &str = "accounts.cookie_name";
    let name = reader.get(NAME, default);
    let is_of_tokens = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_of_tokens) {
        reader.refuse(NAME, "must be letters of ASCII, digits and !#$%&'*+-.^_`|~, one at least");
    }
    name
}

/// Splits the keys and judges each; no error says what a key is.
fn cookie_keys(reader: &mut Reader) -> CookieKeys {
    const NAME: &str = "accounts.cookie_keys";
    let Some(given) = reader.optional::<SecretString>(NAME) else { return CookieKeys::default() };
    let pieces = given.expose_secret().split(COOKIE_KEY_SEPARATOR).filter(|piece| !piece.is_empty());
    let keys: Vec<Zeroizing<String>> = pieces.map(|piece| Zeroizing::new(piece.to_owned())).collect();
    if keys.is_empty() {
        reader.refuse(NAME, "holds no key, only separators");
    }
    for (number, key) in (1..).zip(&keys) {
        let count = key.chars().count();
        if count < COOKIE_KEY_CHARACTERS_MIN {
            let what = format!("key {number} has {count} characters; {COOKIE_KEY_CHARACTERS_MIN} is the least");
            reader.refuse(NAME, what);
        }
    }
    CookieKeys(keys)
}
