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

both_engines![a_founder_of_several_companies_names_one, the_company_that_is_saved_is_that_of_the_session_that_is_saved,];
