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
pub(super) const CLIENT_VARIABLES: [&str; 9] = [
    "MUNIMENT_URL",
    "MUNIMENT_CONTEXT",
    "MUNIMENT_TOKEN",
    "MUNIMENT_TOKEN_FILE",
    "MUNIMENT_SESSION_TOKEN",
    "MUNIMENT_SESSION_TOKEN_FILE",
    "MUNIMENT_SIGNUP_SECRET",
    "MUNIMENT_SIGNUP_SECRET_FILE",
    "MUNIMENT_TORTURE",
];

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
    plain(
        "database_wait_seconds",
        "2",
        "how long the database's answer is waited for before requests are answered 503",
    ),
    plain("keys_dir", "<data_dir>/keys", "folder of master.key, mode 0700"),
    secret("master_key", "the master key itself, 64 hexadecimal digits, instead of keys_dir"),
    plain("http.workers", "one a core", "threads that serve requests"),
    plain("http.max_body_size", "1048576", "longest request body, in bytes, or off"),
    plain("http.body_seconds", "30", "how long a request's body may take to arrive"),
    plain("http.trusted_proxies", "none", "addresses or networks whose X-Forwarded-For is believed"),
    plain("http.shutdown_seconds", "10", "how long requests may finish after a signal to stop"),
    also(secret("mail.smtp_url", "smtps://user:password@host, or smtp://host with STARTTLS"), "MUNIMENT_SMTP_URL"),
    plain("mail.from_email", "none", "sender of all mail; set together with mail.smtp_url"),
    plain("mail.from_name", "Muniment", "name of the sender"),
    plain("mail.product_name", "Muniment", "what the mail's texts call this service"),
    plain(
        "mail.dev_folder",
        "none",
        "development without a mail server: folder that each mail is written to; the newest 500 stay",
    ),
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
    plain("accounts.refuse_common_passwords", "true in production", "whether the most common passwords cannot be set"),
    also(secret("accounts.cookie_keys", "keys that sign cookies, __ between; the first signs"), "MUNIMENT_COOKIE_KEYS"),
    plain("accounts.cookie_name", "muniment_session", "name of the session's cookie"),
    plain("accounts.cookie_secure", "true", "whether only HTTPS carries the cookie"),
    plain("accounts.cookie_same_site", "strict", "strict, lax or none"),
    plain("accounts.cookie_http_only", "true", "whether scripts cannot read the cookie"),
    plain("accounts.session_max_age", "30d", "how long a session by cookie lasts"),
    plain("accounts.refresh_threshold", "1d", "less than this left, a session that is used lasts longer; 0 = never"),
    plain("accounts.max_sessions", "5", "live sessions by cookie of an account, or none for any number"),
    plain("accounts.max_tokens", "10", "live API tokens of an account, or none for any number"),
    plain(
        "accounts.login_fail_floor_ms",
        "250",
        "a failed sign-in, or a sign-up without an invitation, takes at least this long; 0 = off",
    ),
    plain("accounts.login_fail_jitter_ms", "25", "by how much that varies up and down"),
    plain("accounts.api_token_prefix", "secret_muniment_token_", "first characters of API tokens"),
    plain("accounts.bootstrap", "disabled", "the first account over the network: disabled, surface_only or live"),
    plain("accounts.bootstrap_token_path", "none", "file with the token of the bootstrap"),
    plain("accounts.daemon_token", "true", "whether <data_dir>/run/daemon_token proves access to the server's files"),
    plain("accounts.daemon_rotation", "30s", "how often the daemon token is replaced"),
    plain("accounts.hashing_concurrency", "one a core", "passwords hashed at once"),
    plain("accounts.hashing_queue", "64", "passwords that may wait to be hashed; beyond that, 503"),
    plain("offers.ttl", "30d", "how long an offer waits"),
    plain("offers.authorize", "holder", "who may offer a role: holder or admin_or_holder"),
    plain("offers.scoped_rules", "none", "tables of holder_role and may_offer: who may offer what in a scope"),
    plain("roles", "none", "tables of name, description, grant_paths and so on, beside keeper and admin"),
    plain("scope_kinds", "none", "kinds of scope that roles can be limited to"),
    plain("credential_types", "none", "types of credential beside session, api_token and daemon_token"),
    plain("grant_paths", "none", "ways to give a role beside admin, self_service, system and bootstrap"),
    plain("audit_events", "none", "types of audit event beside the built-in ones"),
    plain("self_service.eligible_roles", "all with the path self_service", "roles their holders take and leave"),
    also(
        plain("http.allowed_origins", "this machine in development", "sites from which browsers may call /api"),
        "MUNIMENT_ALLOWED_ORIGINS",
    ),
    plain("cleanup.interval", "10m", "how often what ran out is swept"),
    plain(
        "live.heartbeat",
        "25s",
        "between heartbeats of a socket of /v1/live, 1s to 5m; each is to be answered in 10s",
    ),
    plain("ws.heartbeat_timeout", "1m", "how long a socket of /api/ws may be silent, or off"),
    plain("limits.login_ip", "5/900", "failed sign-ins and password changes per address, together"),
    plain("limits.signup_ip", "5/900", "failed sign-ups per address"),
    plain("limits.bootstrap_ip", "5/900", "failed bootstraps per address"),
    plain("limits.bearer_ip", "5/900", "unknown and ended bearer tokens of /api per address"),
    plain("limits.login_account", "10/1800", "failed sign-ins and password changes per account, together"),
    plain("limits.signup_account", "10/1800", "failed sign-ups per username"),
    plain("limits.action_account", "1200/900", "calls of limited methods per account"),
    plain("limits.otp_starts", "5/600", "codes per e-mail address, as <count>/<seconds> or off"),
    plain("limits.otp_address", "20/600 starts, 30/600 guesses", "codes and guesses per address, each"),
    plain("limits.otp_guesses", "30/86400", "wrong guesses per e-mail address"),
    plain("limits.applications_address", "10/3600", "applications per address"),
    plain("limits.applications_email", "5/86400", "applications per e-mail address"),
    plain("limits.signup_secret", "10/900", "wrong signup secrets per address"),
    plain("limits.bad_tokens", "20/900", "unknown or wrong tokens per address"),
    plain("limits.metric_writes", "1200/60", "writing requests per token"),
    plain("limits.reads", "600/60", "reading requests per credential"),
    plain("telemetry.format", "auto", "log lines: pretty, json, or auto (pretty on a terminal)"),
    plain("telemetry.filter", "info", "which log lines, in the syntax of tracing's EnvFilter"),
    also(
        plain("telemetry.otlp_endpoint", "none", "http(s)://host:port of an OpenTelemetry collector; none = no traces"),
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ),
    plain("telemetry.sample_ratio", "1", "share of the traces that begin here and are exported, 0 to 1"),
    plain("runtime.actor_threads", "one a core", "threads that aggregates live on"),
    plain("runtime.max_live_actors", "50000", "aggregates of one type kept in memory; the longest unused leave first"),
    plain("runtime.idle_seconds", "300", "how long an aggregate that nobody asks stays in memory"),
    plain("runtime.read_wait_seconds", "2", "how long a query waits for its read models before it is answered 503"),
    plain("runtime.evaluator_pause_seconds", "0", "pause of the alert evaluator before each page of events"),
    plain("runtime.tick_seconds", "1800", "interval of the scheduler"),
];
