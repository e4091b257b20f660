//! Founders of several companies: a command that looks at one says which there are, and takes the one that is meant.

use crate::harness::{Company, Engine, Founder, Program, Server};

/// A founder with two companies; the second one has a metric and an alert.
fn of_two_companies(server: &Server) -> (Founder, [Company; 2]) {
    let founder = server.founder("ana");
    let companies = [server.company_of(&founder), server.company_of(&founder)];
    companies[1].metric("arr");
    for (value, timestamp) in [(100, "2026-01-01"), (900, "2026-01-08")] {
        companies[1].point("arr", &serde_json::json!({ "value": value, "timestamp": timestamp }));
    }
    companies[1].wait_for_alerts(1);
    (founder, companies)
}

fn a_founder_of_several_companies_names_one(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, [empty, busy]) = of_two_companies(server);
    let program = Program::client_of(server).env("MUNIMENT_SESSION_TOKEN", &founder.token);
    let alert = busy.alerts()[0]["id"].as_str().unwrap().to_owned();
    for command in [
        &["metric", "list"][..],
        &["metric", "show", "arr"],
        &["rule", "list", "--metric", "arr"],
        &["alert", "list"],
        &["alert", "test", "--metric", "arr"],
        &["alert", "backtest", "--metric", "arr", "--threshold", "0.3"],
        &["token", "list"],
        &["token", "create", "--name", "nightly"],
        &["alert", "ack", &alert],
        &["alert", "resolve", &alert],
    ] {
        let unnamed = program.run(command);
        unnamed.ended(1);
        for part in ["next: the same command with --company-id", &empty.id, &busy.id] {
            assert!(unnamed.stderr.contains(part), "{command:?} does not say {part}: {}", unnamed.stderr);
        }
        program.run(&[command, &["--company-id", &busy.id]].concat()).ok();
    }
    let other = program.run(&["alert", "ack", &alert, "--company-id", &empty.id]);
    other.ended(3);
    assert!(other.stderr.contains("--company-id names another"), "{}", other.stderr);
    let metrics = |program: &Program, company: &Company| {
        let listed = program.run(&["metric", "list", "--company-id", &company.id, "--json"]).json();
        listed["metrics"].as_array().unwrap().len()
    };
    assert_eq!((metrics(&program, &empty), metrics(&program, &busy)), (0, 1));
    // A token knows its own company alone; the founder knows both.
    let program = program.env("MUNIMENT_TOKEN", &empty.token);
    assert_eq!((metrics(&program, &empty), metrics(&program, &busy)), (0, 1));
}

fn the_company_that_is_saved_is_that_of_the_session_that_is_saved(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, [first, _]) = of_two_companies(server);
    let program = Program::client_of(server);
    let code = server.code_for(&founder.email);
    program.run(&["login", "--email", &founder.email, "--code", &code]).ok();
    let flags = ["--company", "Acme", "--website", "", "--founder-name", "Ana", "--one-liner", "Anvils"];
    program.run(&[&["apply", "--founder-email", &founder.email], flags.as_slice()].concat()).ok();
    let tokens = |program: &Program, more: &[&str]| {
        let listed = program.run(&[&["token", "list", "--json"], more].concat()).json();
        listed["tokens"][0]["public_id"].as_str().unwrap().to_owned()
    };
    let own = tokens(&program, &[]);
    assert_ne!(own, tokens(&program, &["--company-id", &first.id]));
    let stranger = server.founder("bea");
    server.company_of(&stranger);
    let as_stranger = program.env("MUNIMENT_SESSION_TOKEN", &stranger.token);
    assert_ne!(own, tokens(&as_stranger, &[]));
}

/// As the advice says that comes after an `apply` without an answer: the company that is saved is an earlier one.
fn what_an_application_made_whose_answer_was_lost_is_listed_and_gets_a_token(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("ana");
    let program = Program::client_of(server);
    let code = server.code_for(&founder.email);
    program.run(&["login", "--email", &founder.email, "--code", &code]).ok();
    assert_eq!(program.run(&["apply", "--list", "--json"]).json(), serde_json::json!({ "applications": [] }));
    let flags = ["--company", "Acme", "--website", "", "--founder-name", "Ana", "--one-liner", "Anvils"];
    program.run(&[&["apply", "--founder-email", &founder.email], flags.as_slice()].concat()).ok();
    let saved = program.run(&["whoami", "--json"]).json()["company_id"].as_str().unwrap().to_owned();

    let lost = server.company_of(&founder).id;
    let listed = program.run(&["apply", "--list", "--json"]).json();
    let companies: Vec<&str> =
        listed["applications"].as_array().unwrap().iter().map(|it| it["company_id"].as_str().unwrap()).collect();
    assert_eq!(companies, [&lost, &saved], "newest first");
    let table = program.run(&["apply", "--list"]);
    assert!(table.ok().contains("Acme") && table.stdout.contains(&lost), "{}", table.stdout);
    let made = program.run(&["token", "create", "--name", "agent", "--company-id", &lost, "--json"]).json();
    let as_agent = program.env("MUNIMENT_TOKEN", made["token"].as_str().unwrap());
    let tokens = as_agent.run(&["token", "list", "--company-id", &lost, "--json"]).json();
    assert!(tokens["tokens"].as_array().unwrap().iter().any(|it| it["name"] == "agent"), "{tokens}");
    as_agent.run(&["apply", "--list", "--company", "Acme"]).ended(2);
}

both_engines![
    what_an_application_made_whose_answer_was_lost_is_listed_and_gets_a_token,
    a_founder_of_several_companies_names_one,
    the_company_that_is_saved_is_that_of_the_session_that_is_saved,
];
