//! What the command line sends where nothing more is said, and by whose leave (MET-140, 141; spec/metrics.md section 14).

use std::fs;

use serde_json::{Value, json};

use crate::cli::{apply, applying, sign_in};
use crate::harness::{Engine, Program, Server, eventually, milliseconds_until, text, unique};

/// What follows these words in a line.
#[track_caller]
fn told<'a>(said: &'a str, words: &str) -> &'a str {
    said.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("no {words} in:\n{said}"))
}

fn met_140_what_is_sent_where_nothing_more_is_said(engine: Engine) {
    let server = Server::shared(engine);
    let program = Program::client_of(server);
    let email = format!("{}@example.com", unique("ana"));
    sign_in(&program, &email);
    let said = apply(&program, &email);
    assert!(said.contains("muniment metric update weekly_revenue"), "{said}");
    let (application, company) = (told(&said, "Application: "), told(&said, "Company: "));
    let token = told(&said, "export MUNIMENT_TOKEN='").trim_end_matches('\'');
    let applied = server.sign_in(&email).client.get(&format!("/v1/applications/{application}")).expect(200);
    assert_eq!(applied["application"]["narrative"], json!({ "one_liner": "Anvils" }));
    assert_eq!(
        (&applied["application"]["company_name"], &applied["application"]["website"]),
        (&json!("Acme"), &json!(null))
    );
    let agent = server.agent(token);
    let shown = |key: &str, field: &str| agent.get(&format!("/v1/metrics/{key}")).expect(200)[field].clone();
    let settings = ["display_name", "unit", "cadence", "direction", "source_type"];
    let settings_of = |key: &str| settings.map(|field| text(&shown(key, field)));
    assert_eq!(settings_of("weekly_revenue"), ["Weekly Revenue", "usd", "weekly", "up", "self_reported"]);

    let create = |flags: &[&str]| program.run(&[&["metric", "create"], flags].concat());
    let created = create(&["arr"]);
    assert_eq!(created.ok(), format!("Metric created: arr ({})\n", text(&shown("arr", "id"))));
    assert_eq!(settings_of("arr"), ["Arr", "count", "weekly", "up", "self_reported"]);
    let flags = ["--name", "Lost", "--unit", "%", "--cadence", "monthly", "--direction", "down", "--source", "stripe"];
    create(&[&["churn"], flags.as_slice()].concat()).ok();
    assert_eq!(settings_of("churn"), ["Lost", "%", "monthly", "down", "stripe"]);

    let update = |program: &Program, flags: &[&str]| {
        program.run(&[&["metric", "update", "weekly_revenue"], flags].concat()).ok();
        agent.get("/v1/metrics/weekly_revenue/points?limit=1").expect(200)["points"][0].clone()
    };
    let of_point = |point: &Value| {
        ["value", "timestamp", "source", "confidence", "raw_event_id", "idempotency_key"]
            .map(|field| point[field].clone())
    };
    let plain = update(&program, &["12000", "--timestamp", "2026-06-01"]);
    let key = format!("{company}:weekly_revenue:2026-06-01");
    let expected = [json!(12_000), json!("2026-06-01"), json!("muniment-cli"), json!(0.5), json!(null), json!(key)];
    assert_eq!(of_point(&plain), expected);
    let bare = Program::client_of(server).env("MUNIMENT_TOKEN", token);
    let unsaved = update(&bare, &["18000", "--timestamp", "2026-06-02"]);
    assert_eq!(unsaved["idempotency_key"], "company:weekly_revenue:2026-06-02");
    let flags = ["--source", "ledger", "--confidence", "0.9", "--raw-event-id", "e-1", "--idempotency-key", "k"];
    let given = update(&program, &[&["18001", "--timestamp", "2026-06-03"], flags.as_slice()].concat());
    let expected = [json!(18_001), json!("2026-06-03"), json!("ledger"), json!(0.9), json!("e-1"), json!("k")];
    assert_eq!(of_point(&given), expected);
    let now = update(&program, &["18002"]);
    assert!(milliseconds_until(&now["timestamp"]).abs() < 60_000, "{now}");
    assert_eq!(now["idempotency_key"], json!(format!("{company}:weekly_revenue:{}", text(&now["timestamp"]))));

    let alert = "Recent alerts:\n[high] Weekly Revenue increased 50% from 12000 to 18000.\n";
    eventually("the status tells the alert", || program.run(&["status"]).ok().contains(alert).then_some(()));
}

fn met_141_a_job_has_the_signup_secret_from_its_environment(engine: Engine) {
    let (right, wrong) = ("right-secret-4711", "wrong-secret-4711");
    let server = Server::with(engine, &[("SIGNUP_SECRET", right)]);
    let apply = |program: &Program, flags: &[&str]| {
        let email = format!("{}@example.com", unique("ana"));
        program.run(&[applying(&email).as_slice(), flags].concat())
    };
    let theirs = Program::client_of(&server).env("ALIF_SIGNUP_SECRET", right);
    apply(&theirs, &[]).ok();
    let both = theirs.env("MUNIMENT_SIGNUP_SECRET", wrong);
    apply(&both, &[]).ended(4);
    let swapped = both.env("MUNIMENT_SIGNUP_SECRET", right).env("ALIF_SIGNUP_SECRET", wrong);
    apply(&swapped, &[]).ok();
    let neither = swapped.env("MUNIMENT_SIGNUP_SECRET", wrong);
    apply(&neither, &[]).ended(4);
    let file = neither.path("secret");
    fs::write(&file, format!("{right}\n")).unwrap();
    let path = file.display().to_string();
    apply(&neither, &["--signup-secret-file", &path]).ok();
    let named = neither.env("MUNIMENT_SIGNUP_SECRET_FILE", &path);
    apply(&named, &[]).ok();
    fs::write(&file, wrong).unwrap();
    let other = named.env("MUNIMENT_SIGNUP_SECRET", right);
    apply(&other, &[]).ended(4);
}

fn met_141_a_session_comes_by_either_variable_and_ours_counts(engine: Engine) {
    let server = Server::shared(engine);
    let [ana, bea] = ["ana", "bea"].map(|name| server.founder(name));
    let both =
        Program::client_of(server).env("ALIF_SESSION_TOKEN", &ana.token).env("MUNIMENT_SESSION_TOKEN", &bea.token);
    both.run(&["logout"]).ok();
    bea.client.get("/v1/auth/session").refused(401, "invalid_session");
    ana.client.get("/v1/auth/session").expect(200);
    both.without("MUNIMENT_SESSION_TOKEN").run(&["logout"]).ok();
    ana.client.get("/v1/auth/session").refused(401, "invalid_session");
}

both_engines![
    met_140_what_is_sent_where_nothing_more_is_said,
    met_141_a_job_has_the_signup_secret_from_its_environment,
    met_141_a_session_comes_by_either_variable_and_ours_counts,
];
