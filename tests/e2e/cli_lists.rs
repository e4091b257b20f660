//! Lists of the command line that show a part: they say so, and how the rest is seen.

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Program, Server, eventually, text};
use crate::interrupted::answered;

/// What a list prints as one document; whether it says on stderr that there is more must be what the document says.
#[track_caller]
fn listed(program: &Program, arguments: &[&str], name: &str) -> (Vec<Value>, bool) {
    let output = program.run(&[arguments, &["--json"]].concat());
    let document = output.json();
    let more = document["more"].as_bool().unwrap_or_else(|| panic!("{arguments:?} says nothing of more: {document}"));
    assert_eq!(output.stderr.contains("left out; --limit"), more, "{arguments:?}: {}", output.stderr);
    assert!(program.run(&[arguments, &["--quiet"]].concat()).stderr.is_empty(), "{arguments:?}");
    (document[name].as_array().unwrap().clone(), more)
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["id"])).collect()
}

fn alerts_and_points_are_listed_past_one_page_and_a_cut_is_told(engine: Engine) {
    let server = Server::shared(engine);
    let company = server.company();
    company.metric("arr");
    // Every other point is a jump: more alerts than a page of the server has.
    let points: Vec<Value> = (0..412)
        .map(|number| {
            let day = chrono::DateTime::UNIX_EPOCH + chrono::Duration::days(number);
            json!({ "value": if number % 2 == 0 { 100 } else { 200 }, "timestamp": day.format("%F").to_string() })
        })
        .collect();
    company.agent.post("/v1/metrics/arr/points/batch", &json!({ "points": points })).expect(200);
    eventually("every jump raises an alert", || (company.alerts().len() == 206).then_some(()));
    let client = Program::client_of(server).env("MUNIMENT_TOKEN", &company.token);
    let list = |limit: &str| listed(&client, &["alert", "list", "--limit", limit], "alerts");
    let (first, more) = listed(&client, &["alert", "list"], "alerts");
    assert_eq!((first.len(), more), (50, true));
    let (most, more) = list("205");
    assert_eq!((most.len(), more), (205, true));
    let (all, more) = list("206");
    assert_eq!((ids(&all).len(), more), (206, false));
    assert_eq!(ids(&all), ids(&company.alerts()));
    let shown = |limit: &str| listed(&client, &["metric", "show", "arr", "--limit", limit], "points");
    assert_eq!((shown("411").0.len(), shown("411").1), (411, true));
    assert_eq!((shown("5000").0.len(), shown("5000").1), (412, false));
    client.run(&["alert", "list", "--limit", "0"]).ended(2);
}

fn what_an_operator_lists_says_when_it_is_a_part(engine: Engine) {
    let installation = Installation::with(engine, &[("ROLES", "teacher:admin")]);
    let people = [installation.person("ana"), installation.person("ben")];
    let operator = Program::operator_of(&installation.server);
    let (accounts, more) = listed(&operator, &["account", "list"], "accounts");
    assert_eq!((accounts.len(), more), (3, false));
    assert_eq!(listed(&operator, &["account", "list", "--limit", "2"], "accounts"), (accounts[..2].to_vec(), true));
    let behind = operator.run(&["account", "list", "--limit", "1", "--offset", "1"]);
    assert!(behind.stderr.contains("--offset 2 goes on"), "{}", behind.stderr);
    let last = listed(&operator, &["account", "list", "--limit", "2", "--offset", "2"], "accounts");
    assert_eq!(last, (accounts[2..].to_vec(), false));

    let (rows, more) = listed(&operator, &["audit", "accounts", "--limit", "5000"], "events");
    assert!(rows.len() > 4 && !more, "{rows:?}");
    assert_eq!(listed(&operator, &["audit", "accounts", "--limit", "3"], "events"), (rows[..3].to_vec(), true));

    let company = installation.server.company();
    company.metric("arr");
    // Of the company alone: the server's own rows may come at any time.
    let log = ["audit", "log", "--company", &company.id];
    let (rows, more) = listed(&operator, &[&log, &["--limit", "5000"][..]].concat(), "events");
    assert!(rows.len() > 2 && !more, "{rows:?}");
    assert_eq!(listed(&operator, &[&log, &["--limit", "1"][..]].concat(), "events"), (rows[..1].to_vec(), true));
    let told = operator.run(&[&log, &["--limit", "1"][..]].concat());
    let before = told.stderr.split("--before ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(listed(&operator, &[&log, &["--before", before][..]].concat(), "events"), (rows[1..].to_vec(), false));
    assert_eq!(listed(&operator, &["mail", "outbox"], "mails"), (Vec::new(), false));

    let keeper = installation.server.data.join("run/daemon_token").display().to_string();
    let anyone = Program::client_of(&installation.server);
    let by_keeper = |arguments: &[&'static str]| {
        let account = ["--account", people[0].id.as_str(), "--daemon-token-file", &keeper];
        listed(&anyone, &[&["offer", "list", "--all"], arguments, &account].concat(), "offers")
    };
    let waiting = |arguments: &[&'static str]| {
        let account = ["--account", people[1].id.as_str(), "--daemon-token-file", &keeper];
        listed(&anyone, &[&["offer", "list"], arguments, &account].concat(), "offers")
    };
    for role in ["admin", "teacher"] {
        installation.offer(&installation.keeper, &people[1], role, &json!({}));
    }
    let (offers, more) = waiting(&[]);
    assert_eq!((offers.len(), more), (2, false));
    assert_eq!(waiting(&["--limit", "1"]), (offers[..1].to_vec(), true));
    assert_eq!(waiting(&["--limit", "1", "--offset", "1"]), (offers[1..].to_vec(), false));
    for _ in 0..3 {
        let offer = installation.offer(&installation.keeper, &people[0], "admin", &json!({}));
        people[0].client.rpc("role_grant_offer_decline", &json!({ "offer_id": offer["id"] })).result();
    }
    let (offers, more) = by_keeper(&[]);
    assert_eq!((offers.len(), more), (3, false));
    assert_eq!(by_keeper(&["--limit", "2"]), (offers[..2].to_vec(), true));
    assert_eq!(by_keeper(&["--limit", "2", "--offset", "2"]), (offers[2..].to_vec(), false));
    let account = ["--account", people[0].id.as_str(), "--daemon-token-file", &keeper];
    let table = anyone.run(&[&["offer", "list", "--all"][..], &account].concat()).ok().to_lowercase();
    let declined = offers[0]["declined_at"].as_str().unwrap().to_lowercase();
    assert!(table.contains("declined at") && table.contains(&declined), "{table}");
}

/// So many rows more than are there, by a statement that selects them from `numbers (n)`.
fn fill(server: &Server, count: usize, rows: &str) {
    let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n <";
    server.store.execute_on_read_models(&format!("{numbers} {count}) INSERT INTO {rows}"));
}

fn what_an_operator_lists_over_several_pages_has_each_row_once(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let operator = Program::operator_of(&house.server);
    // Whoever lists waits for the read model, which may not know the keeper yet.
    assert_eq!(listed(&operator, &["account", "list"], "accounts").0.len(), 1);
    let accounts = "accounts_v2_g0 SELECT 'more-' || n, 'more-' || n, NULL, 0, subject, personas, created_at + n / 2, \
                    updated_at, NULL, position + n FROM accounts_v2_g0, numbers";
    fill(&house.server, 2_100, accounts);
    let (all, more) = listed(&operator, &["account", "list", "--limit", "5000"], "accounts");
    let numbered: Vec<String> = (1..=2_100).map(|n| format!("more-{n}")).collect();
    assert_eq!((&ids(&all)[1..], more), (&numbered[..], false));
    let (behind, more) = listed(&operator, &["account", "list", "--offset", "3", "--limit", "2000"], "accounts");
    assert_eq!((&behind[..], more), (&all[3..2_003], true));

    let rows = "audit_log_v3_g0 (seq, id, event_type, outcome, created_at, metadata) \
                SELECT 1000000 + n, 'more-' || n, 'role_grant_revoke', 'success', n, '{}' FROM numbers";
    fill(&house.server, 2_100, rows);
    let revoked = ["audit", "accounts", "--event-type", "role_grant_revoke"];
    let (all, more) = listed(&operator, &[&revoked[..], &["--limit", "5000"]].concat(), "events");
    let numbered: Vec<String> = (1..=2_100).rev().map(|n| format!("more-{n}")).collect();
    assert_eq!((ids(&all), more), (numbered, false));
    let (behind, more) = listed(&operator, &[&revoked[..], &["--offset", "3", "--limit", "2000"]].concat(), "events");
    assert_eq!((&behind[..], more), (&all[3..2_003], true));
}

/// The last offer of the first page is the first of the second once another was made.
#[test]
fn an_offer_that_moved_to_the_next_page_is_listed_once() {
    let page = |offers: std::ops::Range<usize>| {
        let offers: Vec<Value> = offers.map(|number| json!({ "id": format!("offer-{number}") })).collect();
        (200, json!({ "jsonrpc": "2.0", "id": 1, "result": { "offers": offers } }))
    };
    let program = answered(vec![page(0..500), page(499..510)]);
    let output = program.run(&["offer", "list", "--all", "--limit", "600", "--json"]).json();
    let numbered: Vec<String> = (0..510).map(|number| format!("offer-{number}")).collect();
    assert_eq!(ids(output["offers"].as_array().unwrap()), numbered);
}

both_engines![
    alerts_and_points_are_listed_past_one_page_and_a_cut_is_told,
    what_an_operator_lists_says_when_it_is_a_part,
    what_an_operator_lists_over_several_pages_has_each_row_once
];
