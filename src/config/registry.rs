//! The list of the settings: name, variables, whether the value is a secret, and what it is for. `config show`, the
//! file that `init` writes, the check for unknown names and the environment's layer all read this one table.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name in the file, `a.b` = key `b` of table `a`.
    pub name: &'static str,
    /// A variable that a specification names besides `MUNIMENT_A_B`.
    pub variable: Option<&'static str>,
    /// Whether the value is masked wherever it is shown, and may come from a file named by `…_FILE`.
    pub secret: bool,
    /// Default, as a person reads it.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
}

impl Setting {
    /// The variables that set it, the named one first.
    pub fn variables(&self) -> impl Iterator<Item = String> + use<> {
        let derived = format!("MUNIMENT_{}", self.name.replace('.', "_").to_uppercase());
        let named = self.variable.filter(|name| *name != derived).map(str::to_owned);
        named.into_iter().chain(std::iter::once(derived))
    }
}

/// Variables of the command line as a client, and of the tests: no settings of the server.
pub(super) const CLIENT_VARIABLES: [&str; 5] =
    ["MUNIMENT_URL", "MUNIMENT_TOKEN", "MUNIMENT_SESSION_TOKEN", "MUNIMENT_SIGNUP_SECRET", "MUNIMENT_TORTURE"];

const fn plain(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, variable: None, secret: false, default, about }
}

const fn secret(name: &'static str, about: &'static str) -> Setting {
    Setting { name, variable: None, secret: true, default: "none", about }
}

const fn also(mut setting: Setting, variable: &'static str) -> Setting {
    setting.variable = Some(variable);
    setting
}

/// All settings, by concern.
pub const SETTINGS: &[Setting] = &[
    plain("env", "development on a loopback address, else production", "development or production"),
    plain("listen", "127.0.0.1:8080", "address and port to listen on; port 0 takes a free one"),
    plain("data_dir", "./data", "folder of the keys and, with the embedded default, of journal.db and read.db"),
    secret("database_url", "postgres://…, or sqlite:<folder>; none = SQLite in data_dir"),
    plain("keys_dir", "<data_dir>/keys", "folder of master.key, mode 0700"),
    secret("master_key", "the master key itself, 64 hexadecimal digits, instead of keys_dir"),
    plain("http.workers", "one a core", "threads that serve requests"),
    plain("http.max_body_size", "1048576", "longest request body, in bytes"),
    plain("http.trusted_proxies", "none", "addresses or networks whose X-Forwarded-For is believed"),
    plain("http.shutdown_seconds", "10", "how long requests may finish after a signal to stop"),
    also(secret("mail.smtp_url", "smtps://user:password@host, or smtp://host with STARTTLS"), "MUNIMENT_SMTP_URL"),
    plain("mail.from_email", "none", "sender of all mail; set together with mail.smtp_url"),
    plain("mail.from_name", "Muniment", "name of the sender"),
    plain("mail.product_name", "Muniment", "what the mail's texts call this service"),
    plain("mail.dev_echo", "loopback", "development without mail: codes in the answer, for loopback, any or off"),
    plain("metrics.token_prefix", "alif", "first word of agent tokens and founder sessions"),
    plain("metrics.reviewer_roles", "admin", "roles that may look at all applications"),
    plain("metrics.max_per_company", "10000", "metrics of one company"),
    plain("metrics.late_check_seconds", "60", "how often metrics are asked whether a point is late"),
    also(
        secret("applications.signup_secret", "applications must carry it in x-alif-signup-secret"),
        "MUNIMENT_SIGNUP_SECRET",
    ),
    also(
        plain(
            "applications.require_email_otp",
            "true in production without a signup secret, else false",
            "applications need a founder session",
        ),
        "MUNIMENT_REQUIRE_EMAIL_OTP",
    ),
    also(
        plain("applications.require_invite", "false", "applications need an invite for the e-mail"),
        "MUNIMENT_REQUIRE_INVITE",
    ),
    plain("accounts.otp_signup", "always", "whether a right code makes an account: always or invited"),
    plain("limits.otp_starts", "5/600", "codes an e-mail, as <count>/<seconds> or off"),
    plain("limits.otp_address", "20/600 starts, 30/600 guesses", "codes and guesses an address, each"),
    plain("limits.otp_guesses", "30/86400", "wrong guesses an e-mail"),
    plain("limits.applications_address", "10/3600", "applications an address"),
    plain("limits.applications_email", "5/86400", "applications an e-mail"),
    plain("limits.signup_secret", "10/900", "wrong signup secrets an address"),
    plain("limits.bad_tokens", "20/900", "unknown or wrong tokens an address"),
    plain("limits.metric_writes", "1200/60", "writing requests a token"),
    plain("limits.reads", "600/60", "reading requests a credential"),
    plain("telemetry.format", "auto", "log lines: pretty, json, or auto (pretty on a terminal)"),
    plain("telemetry.filter", "info", "which log lines, in the syntax of tracing's EnvFilter"),
    plain("runtime.actor_threads", "one a core", "threads that aggregates live on"),
    plain("runtime.evaluator_pause_seconds", "0", "rest of the alert evaluator before each page of events"),
    plain("runtime.tick_seconds", "1800", "interval of the scheduler"),
];
