//! Commands that end in the middle: what is served meanwhile, and how the next run goes on.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Company, Engine, OpenTransaction, Program, Server, Store, eventually, pause};

/// Six pages of a rebuild.
const POINTS: usize = 30_000;
const BATCH: usize = 1_000;

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

fn a_tail_that_is_interrupted_says_where_it_goes_on(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    let program = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let tail = ["events", "tail", "--filter", "type=metric.point_recorded", "--output", "ndjson"];
    for value in [1, 2] {
        company.point("arr", &json!({ "value": value }));
    }
    let mut following = program.start(&[&tail[..], &["--follow"]].concat());
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let values = |lines: &[String]| -> Vec<f64> {
        let event = |line: &String| serde_json::from_str::<Value>(line).unwrap()["data"]["value"].as_f64().unwrap();
        lines.iter().map(event).collect()
    };
    let seen: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
    assert_eq!(values(&seen), [1.0, 2.0]);
    interrupt(&following);
    let status = eventually("it ends after Ctrl-C", || following.try_wait().unwrap());
    let said = std::io::read_to_string(following.stderr.take().unwrap()).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    let after = said.split_once("--after ").unwrap_or_else(|| panic!("no --after in {said}")).1;
    let after = after.split_whitespace().next().unwrap();

    company.point("arr", &json!({ "value": 3 }));
    let rest = program.run(&[&tail[..], &["--after", after]].concat());
    let rest: Vec<String> = rest.ok().lines().map(str::to_owned).collect();
    assert_eq!(values(&rest), [3.0], "nothing twice and nothing left out");

    // As a person writes it: the position that stands before every event.
    let position = serde_json::from_str::<Value>(&seen[0]).unwrap()["p"].as_str().unwrap().to_owned();
    let rest = program.run(&[&tail[..], &["--after", &position]].concat());
    let rest: Vec<String> = rest.ok().lines().map(str::to_owned).collect();
    assert_eq!(values(&rest), [2.0, 3.0]);
    let beyond = program.run(&[&tail[..], &["--after", "999999999"]].concat());
    assert!(beyond.stderr.contains("beyond the head") && !beyond.stderr.contains("next:"), "{}", beyond.stderr);
    beyond.ended(1);
}

fn a_tail_outlives_a_restart_and_says_by_its_exit_code_why_it_ends(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    company.metric("arr");
    let tail = ["events", "tail", "--filter", "type=metric.point_recorded", "--output", "ndjson", "--follow"];
    let follow = |token: &str, timeout: &str| {
        let program = Program::client_of(&server).env("MUNIMENT_TOKEN", token);
        let mut child = program.start(&[&tail[..], &["--after", "head", "--timeout", timeout]].concat());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (program, child, lines)
    };
    let value = |line: Option<std::io::Result<String>>| {
        serde_json::from_str::<Value>(&line.unwrap().unwrap()).unwrap()["data"]["value"].as_f64()
    };
    // What is recorded before it asks for the first time is not what it follows.
    let point_until = |lines: &mut dyn Iterator<Item = std::io::Result<String>>| {
        let seen = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                while !seen.load(Ordering::Relaxed) {
                    company.point("arr", &json!({ "value": 1 }));
                    pause(Duration::from_millis(100));
                }
            });
            let line = lines.next();
            seen.store(true, Ordering::Relaxed);
            assert_eq!(value(line), Some(1.0));
        });
    };
    let ends = |mut child: Child, code: i32| {
        let status = eventually("it ends", || child.try_wait().unwrap());
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("--after "), "where it goes on: {said}");
    };

    let made =
        founder.client.post("/v1/tokens", &json!({ "name": "tail", "scopes": ["application:read"] })).expect(201);
    let (_home, child, mut lines) = follow(made["token"].as_str().unwrap(), "15s");
    point_until(&mut lines);
    server.kill9();
    server.restart();
    company.point("arr", &json!({ "value": 2 }));
    while value(lines.next()) == Some(1.0) {}
    let public = made["public_id"].as_str().unwrap();
    founder.client.post(&format!("/v1/tokens/{public}/revoke"), &json!({})).expect(200);
    ends(child, 4);

    let (_home, child, mut lines) = follow(&company.token, "1s");
    point_until(&mut lines);
    server.kill9();
    ends(child, 6);
    server.restart();
}

/// Where the tables that a rebuild fills are; nothing while none does.
fn rebuilt_upto(server: &Server) -> Option<u64> {
    let sql = "SELECT CAST(position AS TEXT) FROM read_checkpoints_v1 WHERE name = 'points' AND purpose = 'rebuild'";
    server.store.texts_of_read_models(sql).first().map(|position| position.parse().unwrap())
}

/// Kills a rebuild that has filled a part of its tables; `false` when it had ended by then.
fn killed_in_the_middle(server: &Server, operator: &Program) -> bool {
    let left = rebuilt_upto(server).unwrap_or(0);
    let mut child = operator.start(&["projections", "rebuild", "points"]);
    let filled = eventually("a page is in the new tables", || {
        let filled = rebuilt_upto(server).is_some_and(|position| position > left);
        let ended = child.try_wait().unwrap().is_some();
        (filled || ended).then_some(filled)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    filled && rebuilt_upto(server).is_some_and(|position| position > left)
}

/// The points are a second apart.
fn point(second: usize) -> Value {
    let (hours, minutes, seconds) = (second / 3_600, second / 60 % 60, second % 60);
    json!({ "value": second, "timestamp": format!("2026-01-01T{hours:02}:{minutes:02}:{seconds:02}Z") })
}

/// The newest points, as the read model has them.
fn served(company: &Company) -> Value {
    let page = company.agent.get("/v1/metrics/arr/points?order=desc&limit=1000").expect(200);
    assert_eq!(page["points"].as_array().unwrap().len(), 1_000);
    page["points"].clone()
}

fn a_rebuild_that_is_killed_leaves_the_old_tables_and_is_gone_on_with(engine: Engine) {
    let server = Server::with(engine, &[("LIMITS_METRIC_WRITES", "off"), ("LIMITS_READS", "off")]);
    let company = server.company();
    company.metric("arr");
    for first in (0..POINTS).step_by(BATCH) {
        let points: Vec<Value> = (first..first + BATCH).map(point).collect();
        company.agent.post("/v1/metrics/arr/points/batch", &json!({ "points": points })).expect(200);
    }
    let live = server.anonymous();
    let folded = || {
        let ready = live.get("/ready").json();
        let models = ready["projections"].as_array().cloned().unwrap_or_default();
        models.iter().all(|model| model["position"] == ready["head"]).then_some(())
    };
    eventually("every point is folded", folded);
    let (operator, newest) = (Program::operator_of(&server), served(&company));
    let rounds = if crate::harness::torture() { 20 } else { 1 };
    let (mut kills, mut resumed) = (0, 0);
    for _ in 0..rounds {
        eventually("a rebuild dies in the middle", || killed_in_the_middle(&server, &operator).then_some(()));
        kills += 1;
        let left = rebuilt_upto(&server).unwrap();
        assert!((1..=u64::try_from(POINTS).unwrap()).contains(&left), "{left}");
        assert!(served(&company) == newest, "the old tables serve");
        company.point("arr", &json!({ "value": 0.5, "timestamp": format!("2020-01-{kills:02}T00:00:00Z") }));
        // Now and then a second one dies where it went on.
        if kills % 2 == 0 && killed_in_the_middle(&server, &operator) {
            assert!(rebuilt_upto(&server).unwrap() > left, "it went on where the first one was");
            resumed += 1;
        }
        let done = operator.run(&["projections", "rebuild", "points", "--json"]).json();
        assert_eq!(done["rebuilt"][0]["name"], "points");
        assert_eq!(rebuilt_upto(&server), None);
        assert!(served(&company) == newest, "the new tables serve");
        operator.run(&["projections", "verify", "points"]).ok();
    }
    if crate::harness::torture() {
        println!("{engine:?}: {kills} rebuilds killed in the middle, {resumed} more where they had gone on");
    }
    assert_eq!(company.points("arr").len(), POINTS + kills);
}

fn a_second_verification_at_once_is_refused(engine: Engine) {
    let server = Server::with(engine, &[]);
    server.company();
    let operator = Program::operator_of(&server);
    operator.run(&["projections", "verify", "--resume"]).ended(2);
    let refused = || {
        let second = operator.run(&["projections", "verify"]);
        assert!(second.ended(6).is_empty() && second.stderr.contains("is at work"), "{}", second.stderr);
    };
    match &server.store {
        Store::Sqlite { folder } => {
            let first = File::create(folder.join("verify.lock")).unwrap();
            first.lock().unwrap();
            refused();
            // What cannot be locked, as another user's file, is done without.
            std::fs::remove_file(folder.join("verify.lock")).unwrap();
            std::fs::create_dir(folder.join("verify.lock")).unwrap();
        }
        Store::Postgres { url } => {
            let lock = |record: &str| {
                let lock = format!("pg_advisory_xact_lock(hashtextextended('verify/' || {record}, 0))");
                OpenTransaction::begin(
                    url,
                    &format!("SELECT {lock} FROM (SELECT DISTINCT record FROM read_checkpoints_v1) AS all_models"),
                )
            };
            let first = lock("record");
            refused();
            first.end("COMMIT");
            // Another record in a schema of its own.
            let another = lock("'another'");
            operator.run(&["projections", "verify"]).ok();
            another.end("COMMIT");
        }
    }
    operator.run(&["projections", "verify"]).ok();
}

fn a_rebuild_of_all_that_fails_in_the_middle_is_gone_on_with_behind_what_is_done(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    company.point("arr", &json!({ "value": 1 }));
    let operator = Program::operator_of(&server);
    let rebuilt = |more: &[&str]| -> (Vec<String>, String) {
        let output = operator.run(&[&["projections", "rebuild", "--all", "--json"], more].concat());
        let models = output.json()["rebuilt"].as_array().unwrap().clone();
        (models.iter().map(|model| model["name"].as_str().unwrap().to_owned()).collect(), output.stderr)
    };
    // Its new tables are filled, and cannot take the place of the old ones.
    let held = "NEW.name = 'alerts' AND NEW.purpose = 'live' AND NEW.generation > 0";
    server.store.hold("read_checkpoints_v1", held);
    let cut = operator.run(&["projections", "rebuild", "--all"]);
    cut.ended(1);
    for part in ["alerts was not rebuilt", "next: `muniment projections rebuild --all --resume` goes on"] {
        assert!(cut.stderr.contains(part), "{}", cut.stderr);
    }
    server.store.let_go("read_checkpoints_v1");
    let (rest, told) = rebuilt(&["--resume"]);
    assert!(told.contains("goes on with what an interrupted run left: alerts, "), "{told}");
    let (all, _) = rebuilt(&["--resume"]);
    let done = all.iter().position(|name| name == "alerts").unwrap();
    assert!(done > 0 && rest == all[done..], "{rest:?} of {all:?}");
    let (again, told) = rebuilt(&[]);
    assert!(again == all && !told.contains("interrupted"), "{again:?}: {told}");
    operator.run(&["projections", "verify", "--all"]).ok();
    assert_eq!(company.points("arr").len(), 1);
}

/// A program, and a server that gives it one answer after the other: status and body. Where there is none left it closes
/// the connection without one.
pub(crate) fn answered(answers: Vec<(u16, Value)>) -> Program {
    let mut answers = answers.into_iter();
    answered_by(move |_| answers.next())
}

/// The same for a server that looks at the request's first line.
fn answered_by(answer: impl FnMut(&str) -> Option<(u16, Value)> + Send + 'static) -> Program {
    answered_with("", answer)
}

/// The same, with more headers in each answer.
fn answered_with(
    headers: &'static str,
    mut answer: impl FnMut(&str) -> Option<(u16, Value)> + Send + 'static,
) -> Program {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        loop {
            let mut reader = BufReader::new(listener.accept().unwrap().0);
            let head: Vec<String> =
                reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            let length =
                head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            reader.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            let Some((status, body)) = answer(&head[0]) else { continue };
            let limited = if status == 429 { "\r\nretry-after: 11" } else { "" };
            let more = format!("content-type: application/json\r\nconnection: close{limited}{headers}");
            let body = body.to_string();
            let answer = format!("HTTP/1.1 {status} x\r\n{more}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    Program::alone().env("MUNIMENT_URL", &url).env("MUNIMENT_TOKEN", "x")
}

/// What was printed is gone on behind: of one document that is nothing, however much of it was there.
#[test]
fn a_tail_that_is_refused_in_the_middle_leaves_nothing_out() {
    let event = json!({ "p": "1", "at": "2026-01-01T00:00:00.000Z", "type": "x", "data": {} });
    let page = json!({ "store": "s", "events": [event], "next": "s:1", "upto": "1", "head": "2" });
    let refused = json!({ "error": "invalid_token", "message": "The token does not hold." });
    for (form, after) in [("json", "start"), ("ndjson", "s:1")] {
        let tail = ["events", "tail", "--output", form];
        let ended = answered(vec![(200, page.clone()), (401, refused.clone())]).run(&tail);
        assert_eq!(ended.ended(4).is_empty(), form == "json", "{}", ended.stdout);
        assert!(ended.stderr.contains(&format!("--after {after} goes on")), "{form}: {}", ended.stderr);
    }
}

/// A server that was away and is back has nothing to tell for as long as nothing happens: it is asked whether it is there,
/// and not first to wait for longer than `--timeout` allows.
#[test]
fn a_tail_goes_on_where_nothing_happened_since_the_server_is_back() {
    let event = json!({ "p": "1", "at": "2026-01-01T00:00:00.000Z", "type": "x", "data": {} });
    let page = |events: &[&Value], at: &str| {
        (200, json!({ "store": "s", "events": events, "next": format!("s:{at}"), "upto": at, "head": at }))
    };
    let mut is_back = false;
    let program = answered_by(move |request| match (request.contains("wait=0"), is_back) {
        (true, _) => {
            is_back = true;
            Some(page(&[], "0"))
        }
        // Longer than the client listens.
        (false, false) => None,
        (false, true) => Some(page(&[&event], "1")),
    });
    let mut tail = program.start(&["events", "tail", "--follow", "--output", "ndjson", "--timeout", "10s"]);
    let line = BufReader::new(tail.stdout.take().unwrap()).lines().next();
    tail.kill().unwrap();
    let said = std::io::read_to_string(tail.stderr.take().unwrap()).unwrap();
    tail.wait().unwrap();
    assert!(line.is_some_and(|line| line.unwrap().contains("\"p\":\"1\"")), "{said}");
}

/// Begun anew it would meet the limit at the same place.
#[test]
fn a_history_is_read_on_where_a_limit_of_the_server_ends() {
    let metric = json!({ "id": "m", "key": "arr" });
    let page = |at: &str| json!({ "store": "s", "events": [], "next": format!("s:{at}"), "upto": at, "head": "2" });
    let limited = json!({ "error": "rate_limited", "message": "Too many reads." });
    let program = answered(vec![(200, metric), (200, page("1")), (429, limited), (200, page("2"))]);
    let tried = program.run(&["alert", "backtest", "--metric", "arr", "--timeout", "10s"]);
    assert!(tried.stderr.contains("Too many reads. It goes on in 11 s."), "{}", tried.stderr);
    // To its end, where there was nothing.
    tried.ended(4);
}

/// What makes something anew each time is not to be sent again by whoever follows the advice.
#[test]
fn what_may_be_done_already_is_looked_for_before_it_is_sent_again() {
    let unknown = json!({ "error": "service_unavailable", "message": "It is not known whether this was recorded." });
    let apply = [
        &["apply", "--founder-email", "ana@example.com", "--company", "Acme", "--website", ""][..],
        &["--founder-name", "Ana", "--one-liner", "We count"],
    ]
    .concat();
    for (command, look) in [
        (
            &apply[..],
            "next: `muniment apply --list` shows whether the company is there: `muniment token create --company-id",
        ),
        (&["token", "create", "--name", "nightly"], "next: `muniment token list` shows whether it is there"),
        (&["token", "rotate", "x"], "shows whether a newer one has its name: rotate that one"),
        (&["metric", "create", "arr"], "next: `muniment metric list` shows"),
        (&["rule", "set", "--metric", "arr", "--threshold", "0.5"], "next: `muniment rule list --metric arr` shows"),
        (&["offer", "accept", "x"], "next: `muniment offer list --all` shows"),
        (&["invite", "create", "--username", "ana"], "next: `muniment invite list` shows"),
        (
            &["login", "--email", "ana@example.com", "--code", "1"],
            "next: `muniment login --email ana@example.com` sends",
        ),
    ] {
        for answers in [vec![(503, unknown.clone())], vec![(502, Value::Null)], vec![]] {
            let is_lost = answers.is_empty();
            let ended = answered(answers).env("MUNIMENT_SESSION_TOKEN", "x").run(command);
            ended.ended(6);
            assert!(ended.stderr.contains(look), "{command:?}: {}", ended.stderr);
            let tells = ended.stderr.contains("it is not known whether this was done");
            assert!(tells == is_lost && !ended.stderr.contains("muniment serve"), "{command:?}: {}", ended.stderr);
        }
    }
    // What stands between says 503 without a code, and may say when to come back; it cannot know what was done.
    let between = answered_with("\r\nretry-after: 1", |_| Some((503, Value::Null)));
    let busy = between.run(&["metric", "create", "arr"]);
    assert!(busy.ended(6).is_empty() && busy.stderr.contains("next: `muniment metric list`"), "{}", busy.stderr);
    // A question, and what was not done, or is done but once.
    let asked = answered(vec![(503, unknown.clone())]).run(&["status"]);
    assert!(asked.ended(6).is_empty() && asked.stderr.contains("next: the same command again"), "{}", asked.stderr);
    let late = json!({ "error": "request_timeout", "message": "The body did not arrive in time; send it again." });
    for (command, answers) in
        [(&["metric", "create", "arr"][..], vec![(408, late)]), (&["alert", "ack", "x"], vec![(503, unknown)])]
    {
        let ended = answered(answers).run(command);
        assert!(ended.ended(6).is_empty() && ended.stderr.contains("next: the same command again"), "{}", ended.stderr);
    }
}

/// A command that asks another server, or as somebody else, would not find it there.
#[test]
fn what_is_looked_for_is_looked_for_where_it_was_sent() {
    let program = answered_by(|_| Some((502, Value::Null)));
    let token = program.path("the token").display().to_string();
    std::fs::write(&token, "x").unwrap();
    program.run(&["context", "add", "prod", "--token-file", &token]).ok();
    let persona = "0190f0c4-7f1e-7cc3-98c4-dc0c0c07398f";
    let apply = ["--founder-email", "ana@example.com", "--company", "Acme", "--website", "", "--founder-name", "Ana"];
    let apply = [&["apply", "--session-token-file", &token][..], &apply, &["--one-liner", "We count"]].concat();
    // It answers nothing to the code dialogue, so the session is given, and with the secret alone none is needed.
    let by_secret = [&["apply", "--no-input", "--signup-secret-file", &token][..], &apply[3..]].concat();
    for (command, look) in [
        (&apply[..], format!("`muniment apply --list --context prod --session-token-file '{token}'` shows")),
        (
            &by_secret,
            "`muniment apply --list --context prod`, after `muniment login --context prod --email ana@ex".to_owned(),
        ),
        (
            &["token", "create", "--name", "n", "--company-id", "b", "--session-token-file", &token],
            format!("`muniment token list --company-id b --context prod --session-token-file '{token}'` shows"),
        ),
        (
            &["offer", "accept", "x", "--acting", persona, "--daemon-token-file", &token],
            format!(
                "`muniment offer list --all --context prod --acting {persona} --daemon-token-file '{token}'` shows"
            ),
        ),
        (&["invite", "create", "--username", "ana"], "`muniment invite list --context prod` shows".to_owned()),
        (&["metric", "create", "arr"], "`muniment metric list --context prod` shows".to_owned()),
        (
            &["login", "--email", "ana@example.com", "--code", "1"],
            "`muniment login --context prod --email ana@".to_owned(),
        ),
    ] {
        let ended = program.run(&[command, &["--context", "prod"]].concat());
        ended.ended(6);
        assert!(ended.stderr.contains(&format!("next: {look}")), "{command:?}: {}", ended.stderr);
    }
    let elsewhere = program.env("MUNIMENT_URL", "http://127.0.0.1:1");
    let list = elsewhere.run(&["context", "list", "--json"]).json();
    let url = list["contexts"].as_array().unwrap().iter().find(|it| it["name"] == "prod").unwrap()["url"].clone();
    let url = url.as_str().unwrap();
    let ended = elsewhere.run(&["metric", "create", "arr", "--url", url]);
    assert!(ended.stderr.contains(&format!("next: `muniment metric list --url {url}` shows")), "{}", ended.stderr);
}

#[test]
fn an_import_whose_batch_came_too_late_is_sent_again() {
    let late = json!({ "error": "request_timeout", "message": "The body did not arrive in time; send it again." });
    let recorded = json!({ "created": 1, "duplicates": 0, "results": [] });
    let program = answered(vec![(408, late), (200, recorded)]);
    let imported = program.run_with_input(&["metric", "import", "arr"], "timestamp,value\n2026-01-01,1\n");
    assert!(imported.ok().starts_with("1 recorded"), "{}", imported.stdout);
}

both_engines![
    a_tail_that_is_interrupted_says_where_it_goes_on,
    a_tail_outlives_a_restart_and_says_by_its_exit_code_why_it_ends,
    a_rebuild_that_is_killed_leaves_the_old_tables_and_is_gone_on_with,
    a_rebuild_of_all_that_fails_in_the_middle_is_gone_on_with_behind_what_is_done,
    a_second_verification_at_once_is_refused,
];
