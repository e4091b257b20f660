//! What the layers, the checks and the refusals do with whole configurations.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::mail::SmtpSecurity;
use super::registry::SETTINGS;
use super::value::FromValue as _;
use super::*;

fn variables(pairs: &[(&str, &str)]) -> Surroundings {
    let variables: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings { variables, ..Surroundings::default() }
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muniment.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn names(errors: &[ConfigError]) -> Vec<&str> {
    errors.iter().map(|error| error.setting.as_str()).collect()
}

#[test]
fn every_setting_of_the_registry_is_read_and_shown_once() {
    let loaded = Config::load(&Surroundings::default()).unwrap();
    let shown: Vec<&str> = loaded.effective.iter().map(|effective| effective.name).collect();
    let listed: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(shown, listed);
    assert!(loaded.effective.iter().all(|effective| effective.origin == "default"));
}

/// Settings whose default is no one value: another setting, the machine or the surroundings decide.
const DEFAULT_IN_WORDS: [&str; 10] = [
    "env",
    "keys_dir",
    "http.workers",
    "applications.require_email_otp",
    "accounts.refuse_common_passwords",
    "accounts.hashing_concurrency",
    "self_service.eligible_roles",
    "http.allowed_origins",
    "limits.otp_address",
    "runtime.actor_threads",
];

#[test]
fn the_default_that_the_registry_tells_is_the_one_that_holds() {
    let loaded = Config::load(&Surroundings::default()).unwrap();
    for (setting, effective) in SETTINGS.iter().zip(&loaded.effective) {
        let holds = effective.value.as_deref().filter(|value| !value.is_empty()).unwrap_or("none");
        let is_in_words = DEFAULT_IN_WORDS.contains(&setting.name);
        assert_eq!(setting.default == holds, !is_in_words, "{}: told {}, holds {holds}", setting.name, setting.default);
    }
    let limits = LimitsConfig::default();
    let (starts, guesses) = (limits.otp_address_starts.shown(), limits.otp_address_guesses.shown());
    let told = SETTINGS.iter().find(|setting| setting.name == "limits.otp_address").unwrap().default;
    assert_eq!(told, format!("{starts} starts, {guesses} guesses"));
}

#[test]
fn a_later_layer_beats_an_earlier_one_and_the_source_is_named() {
    let (_user, weak) = file("listen = \"127.0.0.1:1001\"\ndata_dir = \"weak\"\n[limits]\nreads = \"1/1\"\n");
    let (_project, strong) = file("listen = \"127.0.0.1:1002\"\ndata_dir = \"strong\"\n");
    let mut surroundings = variables(&[("MUNIMENT_LISTEN", "127.0.0.1:1003")]);
    surroundings.files = vec![weak.clone(), strong, PathBuf::from("/nonexistent/muniment.toml")];
    let loaded = Config::load(&surroundings).unwrap();
    assert_eq!(loaded.config.http.listen.port(), 1003);
    assert_eq!(loaded.config.store.data_dir, PathBuf::from("strong"));
    assert_eq!(loaded.config.limits.reads, Some(Limit::new(1, 1)));
    let origin = |name: &str| loaded.effective.iter().find(|one| one.name == name).unwrap().origin.clone();
    assert_eq!(origin("listen"), "variable MUNIMENT_LISTEN");
    assert_eq!(origin("limits.reads"), format!("file {}", weak.display()));
    let flagged = surroundings.flag("listen", "--listen", Some("127.0.0.1:1004".to_owned()));
    let loaded = Config::load(&flagged).unwrap();
    assert_eq!(loaded.config.http.listen.port(), 1004);
    assert_eq!(loaded.effective[1].origin, "flag --listen");
}

#[test]
fn what_is_a_number_may_stand_in_a_file_as_one() {
    let numbers: Vec<(&str, &str)> = SETTINGS
        .iter()
        .filter(|setting| !setting.default.is_empty() && setting.default.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|setting| (setting.name, setting.default))
        .collect();
    assert!(numbers.len() > 10, "{numbers:?}");
    for (name, default) in numbers {
        // What stands above the first table has no dot.
        let of = |value: &str| match name.split_once('.') {
            Some((table, key)) => format!("[{table}]\n{key} = {value}\n"),
            None => format!("{name} = {value}\n"),
        };
        let (_folder, path) = file(&of(default));
        let surroundings = Surroundings { files: vec![path.clone()], ..Surroundings::default() };
        let loaded = Config::load(&surroundings).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let shown = loaded.effective.iter().find(|one| one.name == name).unwrap();
        assert_eq!(shown.origin, format!("file {}", path.display()), "{name}");
        let (_folder, path) = file(&of("-5"));
        let surroundings = Surroundings { files: vec![path], ..Surroundings::default() };
        assert_eq!(names(&Config::load(&surroundings).unwrap_err().0), [name]);
    }
}

#[test]
fn a_name_that_is_no_setting_is_told_with_what_was_meant() {
    for (text, said) in [
        ("[htp]\nworkers = 1\n", "htp: is no setting (file {}); did you mean [http]?"),
        ("lisen = \"x\"\n", "lisen: is no setting (file {}); did you mean listen?"),
        ("[telemetry]\naudit_events = []\n", "audit_events is one, and stands above the first [table] of the file"),
        ("abc = 1\n", "abc: is no setting (file {})"),
    ] {
        let (_folder, path) = file(text);
        let surroundings = Surroundings { files: vec![path.clone()], ..Surroundings::default() };
        let errors = Config::load(&surroundings).unwrap_err().to_string();
        assert!(errors.ends_with(&said.replace("{}", &path.display().to_string())), "{errors}");
    }
}

#[test]
fn what_kubernetes_says_of_a_service_called_muniment_is_no_setting() {
    let of_services = [
        ("MUNIMENT_SERVICE_HOST", "10.0.0.7"),
        ("MUNIMENT_SERVICE_PORT", "8080"),
        ("MUNIMENT_SERVICE_PORT_HTTP", "8080"),
        ("MUNIMENT_PORT", "tcp://10.0.0.7:8080"),
        ("MUNIMENT_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("MUNIMENT_PORT_8080_TCP_PROTO", "tcp"),
        ("MUNIMENT_PORT_8080_TCP_PORT", "8080"),
        ("MUNIMENT_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("MUNIMENT_POSTGRES_PORT_5432_UDP", "udp://10.0.0.8:5432"),
        ("MUNIMENT_POSTGRES_SERVICE_HOST", "10.0.0.8"),
    ];
    let loaded = Config::load(&variables(&of_services)).unwrap();
    assert_eq!(loaded.config.http.listen.port(), 8080, "the default, which no variable of a Service changed");
    for (name, value) in [
        ("MUNIMENT_PORT", "8080"),
        ("MUNIMENT_LISTEN_PORT", "8080"),
        ("MUNIMENT_PORT_8080", "tcp://10.0.0.7:8080"),
        ("MUNIMENT_PORT_X_TCP", "tcp://10.0.0.7:8080"),
        ("MUNIMENT_PORT_8080_TCP_MORE", "8080"),
        ("MUNIMENT_SERVICE", "10.0.0.7"),
    ] {
        assert_eq!(names(&Config::load(&variables(&[(name, value)])).unwrap_err().0), [name]);
    }
}

#[test]
fn all_errors_come_at_once_and_each_names_its_setting() {
    let (_folder, path) = file("listn = \"x\"\n[mail]\nfrom_emial = \"a@b\"\n[nonsense]\na = 1\n");
    let mut surroundings = variables(&[
        ("MUNIMENT_LISTEN", "nowhere"),
        ("MUNIMENT_LIMITS_READS", "10 per minute"),
        ("MUNIMENT_LIMTS_READS", "off"),
        ("MUNIMENT_HTTP_WORKERS", "0"),
        ("MUNIMENT_URL_FILE", "url"),
        ("MUNIMENT_TOKEN_FILE", "token"),
    ]);
    surroundings.files = vec![path];
    let errors = Config::load(&surroundings).unwrap_err();
    let mut found = names(&errors.0);
    found.sort_unstable();
    let wanted = [
        "MUNIMENT_LIMTS_READS",
        "MUNIMENT_URL_FILE",
        "http.workers",
        "limits.reads",
        "listen",
        "listn",
        "mail.from_emial",
        "nonsense",
    ];
    assert_eq!(found, wanted);
    let text = errors.to_string();
    assert!(text.contains("did you mean listen?") && text.contains("did you mean mail.from_email?"), "{text}");
}

#[test]
fn heartbeats_have_bounds() {
    let heartbeat = |text: &str| {
        Config::load(&variables(&[("MUNIMENT_LIVE_HEARTBEAT", text)]))
            .map(|loaded| loaded.config.live.heartbeat.as_secs())
    };
    assert_eq!((heartbeat("1s").unwrap(), heartbeat("5m").unwrap()), (1, 300));
    for refused in ["0", "999ms", "301s", "often"] {
        assert_eq!(names(&heartbeat(refused).unwrap_err().0), ["live.heartbeat"], "{refused}");
    }
}

#[test]
fn the_sweep_has_a_pause() {
    let every = |text: &str| {
        Config::load(&variables(&[("MUNIMENT_CLEANUP_INTERVAL", text)]))
            .map(|loaded| loaded.config.offers.cleanup_interval)
    };
    assert_eq!(every("1s").unwrap().as_secs(), 1);
    for refused in ["0", "0s", "999ms"] {
        assert_eq!(names(&every(refused).unwrap_err().0), ["cleanup.interval"], "{refused}");
    }
}

#[test]
fn what_ends_lives_and_its_end_is_an_instant() {
    let loaded = |name: &str, value: &str| Config::load(&variables(&[(name, value)])).map(|_| ());
    for (variable, name) in
        [("MUNIMENT_ACCOUNTS_SESSION_MAX_AGE", "accounts.session_max_age"), ("MUNIMENT_OFFERS_TTL", "offers.ttl")]
    {
        for good in ["1ms", "36500d"] {
            loaded(variable, good).unwrap();
        }
        for refused in ["0", "0d", "36501d", "99999999d"] {
            assert_eq!(names(&loaded(variable, refused).unwrap_err().0), [name], "{refused}");
        }
    }
    let timeout = "MUNIMENT_WS_HEARTBEAT_TIMEOUT";
    loaded(timeout, "off").unwrap();
    assert_eq!(names(&loaded(timeout, "0").unwrap_err().0), ["ws.heartbeat_timeout"]);
}

#[test]
fn a_broken_file_is_named() {
    let (_folder, path) = file("listen = \n");
    let surroundings = Surroundings { files: vec![path.clone()], ..Surroundings::default() };
    assert_eq!(names(&Config::load(&surroundings).unwrap_err().0), [path.display().to_string()]);
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let (_folder, path) = file("smtps://ana:geheim@mail.example:4650\n");
    let surroundings = variables(&[
        ("MUNIMENT_SMTP_URL_FILE", path.to_str().unwrap()),
        ("MUNIMENT_MAIL_FROM_EMAIL", "post@example.com"),
        ("MUNIMENT_DATABASE_URL", "postgres://ana:geheim@localhost/x"),
        ("MUNIMENT_SIGNUP_SECRET", "geheim"),
    ]);
    let loaded = Config::load(&surroundings).unwrap();
    let MailMode::Smtp(smtp) = loaded.config.mail.mode() else { panic!("mail is on") };
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.security), ("mail.example", 4650, SmtpSecurity::Tls));
    let printed = format!("{:?}{:?}", loaded.config, loaded.effective);
    assert!(!printed.contains("geheim"), "{printed}");
}

#[test]
fn a_secret_set_twice_is_refused() {
    let surroundings = variables(&[("MUNIMENT_SIGNUP_SECRET", "a"), ("MUNIMENT_APPLICATIONS_SIGNUP_SECRET", "b")]);
    assert_eq!(names(&Config::load(&surroundings).unwrap_err().0), ["applications.signup_secret"]);
}

#[test]
fn one_of_the_two_mail_settings_alone_is_refused() {
    let url = variables(&[("MUNIMENT_SMTP_URL", "smtp://localhost:2525")]);
    assert_eq!(names(&Config::load(&url).unwrap_err().0), ["mail.from_email"]);
    let sender = variables(&[("MUNIMENT_MAIL_FROM_EMAIL", "post@example.com")]);
    assert_eq!(names(&Config::load(&sender).unwrap_err().0), ["mail.smtp_url"]);
}

#[test]
fn a_sender_that_mail_cannot_carry_is_refused() {
    let refused = |address: &str| {
        let surroundings =
            variables(&[("MUNIMENT_SMTP_URL", "smtp://localhost:2525"), ("MUNIMENT_MAIL_FROM_EMAIL", address)]);
        Config::load(&surroundings).err().map(|errors| names(&errors.0).join(" "))
    };
    for address in [
        "post",
        "post@",
        "@example.com",
        "mailto:post@example.com",
        "post@example.com,",
        "post@example.com>",
        "Ana <post@example.com>",
        "a@b@c.d",
        "post@example..com",
        "post@example.com\r\nBcc: eve@example.com",
        " post@example.com",
    ] {
        assert_eq!(refused(address).as_deref(), Some("mail.from_email"), "{address:?}");
    }
    for address in ["post@example.com", "no-reply+codes@mail.example.com", "muniment@localhost"] {
        assert_eq!(refused(address), None, "{address}");
    }
}

#[test]
fn plain_mail_goes_to_loopback_only() {
    let security = |url: &str| {
        let surroundings = variables(&[("MUNIMENT_SMTP_URL", url), ("MUNIMENT_MAIL_FROM_EMAIL", "post@example.com")]);
        let Ok(loaded) = Config::load(&surroundings) else { return None };
        let MailMode::Smtp(smtp) = loaded.config.mail.mode() else { return None };
        Some(smtp.security)
    };
    assert_eq!(security("smtp://127.0.0.1:2525"), Some(SmtpSecurity::Plain));
    assert_eq!(security("smtp://[::1]:2525"), Some(SmtpSecurity::Plain));
    assert_eq!(security("smtp://mail.example"), Some(SmtpSecurity::StartTls));
    assert_eq!(security("smtps://mail.example"), Some(SmtpSecurity::Tls));
    assert_eq!(security("http://mail.example"), None);
}

#[test]
fn no_line_end_reaches_a_header() {
    let surroundings = variables(&[
        ("MUNIMENT_MAIL_FROM_NAME", "Ana\r\nBcc: eve@example.com"),
        ("MUNIMENT_MAIL_PRODUCT_NAME", "A\nB"),
    ]);
    let errors = Config::load(&surroundings).unwrap_err();
    assert_eq!(names(&errors.0), ["mail.product_name", "mail.from_name"]);
}

#[test]
fn production_refuses_the_echo_missing_mail_and_a_missing_key() {
    let echo = variables(&[("MUNIMENT_ENV", "production"), ("MUNIMENT_MAIL_DEV_ECHO", "loopback")]);
    assert_eq!(names(&Config::load(&echo).unwrap_err().0), ["mail.dev_echo"]);
    let bare = variables(&[("MUNIMENT_ENV", "production"), ("MUNIMENT_DATA_DIR", "/nonexistent")]);
    let config = Config::load(&bare).unwrap().config;
    assert!(matches!(config.mail.mode(), MailMode::Off));
    let wanted = ["mail.smtp_url", "accounts.cookie_keys", "http.allowed_origins", "keys_dir"];
    assert_eq!(names(&config.refusals()), wanted);
    assert!(config.applications.require_email_otp);
    let development = Config::load(&Surroundings::default()).unwrap().config;
    assert!(matches!(development.mail.mode(), MailMode::Echo(_)));
    assert!(development.refusals().is_empty() && !development.applications.require_email_otp);
}

/// A production that may serve, but for what is added.
fn refused_in_production(pairs: &[(&str, &str)]) -> Vec<String> {
    let master = "4a".repeat(32);
    let keys = "k".repeat(32);
    let mut all = vec![
        ("MUNIMENT_ENV", "production"),
        ("MUNIMENT_MASTER_KEY", master.as_str()),
        ("MUNIMENT_COOKIE_KEYS", keys.as_str()),
        ("MUNIMENT_SMTP_URL", "smtps://mail.example.com"),
        ("MUNIMENT_MAIL_FROM_EMAIL", "codes@example.com"),
        ("MUNIMENT_HTTP_ALLOWED_ORIGINS", "https://app.example.com"),
    ];
    all.retain(|(name, _)| pairs.iter().all(|(given, _)| given != name));
    all.extend(pairs);
    let refused = Config::load(&variables(&all)).unwrap().config.refusals();
    names(&refused).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_cookie_has_a_name_that_browsers_send_back() {
    let named = |name: &str| Config::load(&variables(&[("MUNIMENT_ACCOUNTS_COOKIE_NAME", name)]));
    for good in ["sid", "__Host-sid", "!#$%&'*+-.^_`|~"] {
        assert_eq!(named(good).unwrap().config.accounts.cookie_name, good);
    }
    for bad in ["sitzung_\u{e4}", "a b", "a ", "a;b", "a; Domain=.x; b", "a=b", "a,b", "\"a\"", "a\r\nb"] {
        assert_eq!(names(&named(bad).unwrap_err().0), ["accounts.cookie_name"], "{bad:?}");
    }
    let (_folder, path) = file("[accounts]\ncookie_name = \"\"\n");
    let surroundings = Surroundings { files: vec![path], ..Surroundings::default() };
    assert_eq!(names(&Config::load(&surroundings).unwrap_err().0), ["accounts.cookie_name"], "none at all");
}

#[test]
fn production_refuses_weakened_cookies() {
    assert_eq!(refused_in_production(&[]), [""; 0]);
    for (variable, value, setting) in [
        ("MUNIMENT_ACCOUNTS_COOKIE_SECURE", "false", "accounts.cookie_secure"),
        ("MUNIMENT_ACCOUNTS_COOKIE_HTTP_ONLY", "false", "accounts.cookie_http_only"),
        ("MUNIMENT_ACCOUNTS_COOKIE_SAME_SITE", "lax", "accounts.cookie_same_site"),
        ("MUNIMENT_ACCOUNTS_COOKIE_SAME_SITE", "none", "accounts.cookie_same_site"),
    ] {
        assert_eq!(refused_in_production(&[(variable, value)]), [setting], "{variable}={value}");
    }
}

#[test]
fn production_refuses_origins_of_whole_domains_and_those_that_no_secure_cookie_reaches() {
    let refused = |origins: &str| refused_in_production(&[("MUNIMENT_HTTP_ALLOWED_ORIGINS", origins)]);
    for unsafe_origin in [
        "https://*",
        "https://*:8443",
        "https://*.com",
        "https://*.*",
        "https://app.*",
        "https://app.*.com",
        "http://app.example.com",
        "http://*.example.com",
        "http://10.0.0.7:3000",
        "http://localhost.example.com",
        "https://app.example.com, http://app.example.com",
    ] {
        assert_eq!(refused(unsafe_origin), ["http.allowed_origins"], "{unsafe_origin}");
    }
    for safe in [
        "https://*.example.com",
        "https://app.*.example.com:*",
        "https://intranet",
        "https://[2001:db8::1]:8443",
        "http://localhost:*",
        "http://app.localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ] {
        assert_eq!(refused(safe), [""; 0], "{safe}");
    }
    let development = variables(&[("MUNIMENT_HTTP_ALLOWED_ORIGINS", "https://*.com, http://app.example.com")]);
    assert!(Config::load(&development).unwrap().config.refusals().is_empty());
}

#[test]
fn an_address_that_others_reach_makes_it_production_unless_said_otherwise() {
    let open = variables(&[("MUNIMENT_LISTEN", "0.0.0.0:80")]);
    assert!(Config::load(&open).unwrap().config.environment.is_production());
    let said = variables(&[("MUNIMENT_LISTEN", "0.0.0.0:80"), ("MUNIMENT_ENV", "development")]);
    let loaded = Config::load(&said).unwrap();
    assert!(!loaded.config.environment.is_production());
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn the_echo_is_for_loopback_peers_unless_lifted() {
    let permit = |value: &str| {
        let surroundings = variables(&[("MUNIMENT_MAIL_DEV_ECHO", value)]);
        match Config::load(&surroundings).unwrap().config.mail.mode() {
            MailMode::Echo(permit) => Some(permit),
            MailMode::Smtp(_) | MailMode::Off => None,
        }
    };
    let (near, far) = (Some("::ffff:127.0.0.1".parse().unwrap()), Some("192.0.2.1".parse().unwrap()));
    let loopback = permit("loopback").unwrap();
    assert!(loopback.allows(near) && !loopback.allows(far) && !loopback.allows(None));
    assert!(permit("any").unwrap().allows(far));
    assert!(permit("off").is_none());
}

#[test]
fn limits_are_a_count_and_seconds_or_off() {
    let reads = |value: &str| {
        Config::load(&variables(&[("MUNIMENT_LIMITS_READS", value)])).map(|loaded| loaded.config.limits.reads).ok()
    };
    assert_eq!(reads("7/60"), Some(Some(Limit::new(7, 60))));
    assert_eq!(reads("off"), Some(None));
    for bad in ["7", "7/", "/60", "0/60", "7/0", "+7/60", "7/60s", "-1/60", "7/60/1", "99999999999/60"] {
        assert_eq!(reads(bad), None, "{bad}");
    }
    let both = Config::load(&variables(&[("MUNIMENT_LIMITS_OTP_ADDRESS", "off")])).unwrap().config.limits;
    assert_eq!((both.otp_address_starts, both.otp_address_guesses), (None, None));
}

#[test]
fn acc_192_proxies_are_addresses_and_networks_in_strict_form() {
    let accepted = |value: &str| Config::load(&variables(&[("MUNIMENT_HTTP_TRUSTED_PROXIES", value)])).is_ok();
    for good in ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8, 192.0.2.1", "0.0.0.0/0"] {
        assert!(accepted(good), "{good}");
    }
    for bad in ["10.0.0.1/8", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/33", "10.0.0.0/8.0", "proxy", "1.2.3.4:80"] {
        assert!(!accepted(bad), "{bad}");
    }
    let pairs = [("MUNIMENT_HTTP_TRUSTED_PROXIES", "::ffff:10.0.0.1, ::ffff:a00:0/104, fd00::/8, ::/0")];
    let networks = Config::load(&variables(&pairs)).unwrap().config.http.trusted_proxies;
    let told: Vec<String> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["10.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::/0"], "as those who call are compared");
}

#[cfg(feature = "otel")]
#[test]
fn traces_go_where_either_name_says_and_the_address_holds_no_credential() {
    for name in ["MUNIMENT_TELEMETRY_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        let pairs = [(name, "https://collector.example:4318"), ("MUNIMENT_TELEMETRY_SAMPLE_RATIO", "0.25")];
        let traces = Config::load(&variables(&pairs)).unwrap().config.telemetry.traces.unwrap();
        assert_eq!(traces.endpoint.as_str(), "https://collector.example:4318/");
        assert!((traces.sample_ratio - 0.25).abs() < f64::EPSILON);
    }
    let bad = ["collector:4318", "ftp://a", "http://user:sentinel@a", "http://a/?key=sentinel", "http://"];
    for endpoint in bad {
        let errors = Config::load(&variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)])).unwrap_err();
        assert_eq!(names(&errors.0), ["telemetry.otlp_endpoint"], "{endpoint}");
        assert!(!errors.to_string().contains("sentinel"), "{errors}");
    }
    for ratio in ["-0.1", "1.1", "NaN", "half"] {
        let errors = Config::load(&variables(&[("MUNIMENT_TELEMETRY_SAMPLE_RATIO", ratio)])).unwrap_err();
        assert_eq!(names(&errors.0), ["telemetry.sample_ratio"], "{ratio}");
    }
}
