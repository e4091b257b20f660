//! Types of audit event that an operator adds, and rows that are not as registered (ACC-173).

use serde_json::{Value, json};

use super::socket::Stream;
use crate::harness::{Engine, Installation, Program, Setup, eventually};

/// Both counters of `/metrics`: metadata not as registered, and types nobody registered.
fn counters(house: &Installation) -> (u64, u64) {
    let page = house.server.anonymous().get("/metrics");
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let figure = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    (figure("audit_metadata_validation_failures"), figure("audit_unknown_event_type_failures"))
}

fn acc_173_bad_registrations_stop_the_start(engine: Engine) {
    for (bad, named) in [
        ("login", "login"),
        ("9bad", "9bad"),
        ("lesson.held,lesson.held", "lesson.held"),
        ("lesson.held:pupils=many", "pupils"),
        ("lesson.held:pupils", "key=kind"),
    ] {
        let started = Setup::new(engine).with_accounts().set("AUDIT_EVENTS", bad).try_start();
        let Err(refused) = started else { panic!("{bad} is taken") };
        assert!(refused.log.contains(named) && refused.status.code() == Some(2), "{bad}: {}", refused.log);
    }
}

fn acc_173_types_of_the_operator_join_and_what_drifts_is_counted(engine: Engine) {
    let types = "lesson.held:pupils=integer+room=string?,lesson.planned";
    let house = Installation::with(engine, &[("AUDIT_EVENTS", types)]);
    let ben = house.named("ben");
    let surface = house.keeper.client.get("/api/surface").expect(200);
    assert!(surface["events"].as_array().unwrap().iter().any(|event| event["method"] == "lesson.held"));
    let last = house.row("signup", &ben.id)["seq"].as_u64().unwrap();
    assert_eq!(counters(&house), (0, 0));

    // Only with PostgreSQL may somebody else write while the server runs.
    let is_embedded = engine == Engine::Sqlite;
    let mut live = (!is_embedded).then(|| {
        let mut stream = Stream::open(&house.server, "/api/audit/stream", &[("cookie", &house.keeper.cookie)]);
        assert_eq!(stream.line().as_deref(), Some(": connected"));
        stream
    });
    if is_embedded {
        house.server.terminate();
    }
    let operator = Program::operator_of(&house.server);
    let record = |more: &[&str]| operator.run(&[&["audit", "record"], more, &["--json"]].concat());
    for (arguments, code, why) in [
        (vec!["login"], 2, "built-in"),
        (vec!["9bad"], 2, "begins with a letter"),
        (vec!["lesson.held", "--metadata", "[1]"], 2, "JSON object"),
        (vec!["lesson.held", "--account", "nobody"], 3, "nobody"),
    ] {
        let refused = record(&arguments);
        refused.ended(code);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    let good = record(&["lesson.held", "--account", "ben", "--metadata", r#"{"pupils": 12, "more": [1]}"#]).json();
    assert_eq!(good["warning"], Value::Null);
    // As every list has it, by which the two are joined.
    let listed = operator.run(&["audit", "accounts", "--event-type", "lesson.held", "--json"]).json();
    assert!(good["seq"].is_string() && listed["events"][0]["seq"] == good["seq"], "{good} {listed}");
    let bad = record(&["lesson.held", "--metadata", r#"{"pupils": "many"}"#]).json();
    assert!(bad["warning"].as_str().unwrap().contains("pupils"));
    let failed = record(&["lesson.held", "--failure", "--target", "ben"]).json();
    assert_eq!(failed["warning"], Value::Null, "what a failure did not come to know is not missing");
    let unknown = record(&["lesson.lost", "--account", "ben"]).json();
    assert!(unknown["warning"].as_str().unwrap().contains("audit_events"));
    assert_eq!(record(&["lesson.planned"]).json()["warning"], Value::Null);
    if is_embedded {
        house.server.restart();
    }

    eventually("both counters have moved", || (counters(&house) == (1, 1)).then_some(()));
    let drifted = || house.server.log().lines().filter(|line| line.contains("not as registered")).count();
    eventually("a line each", || (drifted() == 2).then_some(()));
    let doctor = operator.run(&["doctor", "--json"]);
    let said = doctor.ended(7);
    assert!(said.contains("audit_metadata_validation_failures 1, audit_unknown_event_type_failures 1"), "{said}");

    let listed = house.audit(&json!({ "since_seq": last }));
    let kinds = listed.iter().rev();
    let kinds = kinds.map(|row| (row["event_type"].as_str().unwrap(), row["outcome"].as_str().unwrap()));
    let kinds: Vec<_> = kinds.filter(|(kind, _)| kind.starts_with("lesson")).collect();
    let wanted = [
        ("lesson.held", "success"),
        ("lesson.held", "success"),
        ("lesson.held", "failure"),
        ("lesson.lost", "success"),
        ("lesson.planned", "success"),
    ];
    assert_eq!(kinds, wanted);
    let of_ben = house.audit(&json!({ "event_type": "lesson.held", "account_id": ben.id }));
    let metadata: Vec<&Value> = of_ben.iter().map(|row| &row["metadata"]).collect();
    assert_eq!(metadata, [&Value::Null, &json!({ "pupils": 12, "more": [1] })]);
    assert_eq!((&of_ben[0]["target_account_id"], &of_ben[1]["account_id"]), (&json!(ben.id), &json!(ben.id)));
    assert_eq!((&of_ben[1]["username"], &of_ben[1]["ip"]), (&json!("ben"), &Value::Null));

    let resume = last.to_string();
    let headers = [("cookie", house.keeper.cookie.as_str()), ("last-event-id", resume.as_str())];
    let mut resumed = Stream::open(&house.server, "/api/audit/stream", &headers);
    for stream in live.iter_mut().chain([&mut resumed]) {
        let mut seen = Vec::new();
        while seen.len() < wanted.len() {
            let (_, row) = stream.row().expect("the stream goes on");
            if row["method"].as_str().unwrap().starts_with("lesson") {
                seen.push((row["method"].clone(), row["params"]["outcome"].clone()));
            }
        }
        assert_eq!(seen, wanted.map(|(kind, outcome)| (json!(kind), json!(outcome))));
    }
}

both_engines![acc_173_bad_registrations_stop_the_start, acc_173_types_of_the_operator_join_and_what_drifts_is_counted,];
