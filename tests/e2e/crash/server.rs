//! The server dies; the record does not.

use serde_json::json;

use super::kills;
use super::ledger::{Ledger, company, contiguous, rounds, verifies};
use crate::harness::{Engine, Server, in_parallel, unique};

fn met_092_every_acknowledged_point_survives_a_kill_once(engine: Engine) {
    let server = Server::with(engine, &[]);
    let what = "met_092 kill -9 of the server,";
    let unanswered = kills::survives(&server, engine, what, || server.kill9(), |_| server.restart());
    assert!(unanswered > 0, "no request was under way at any kill");
}

fn met_050_an_application_is_whole_or_absent_after_a_kill(engine: Engine) {
    let server = Server::with(engine, &[]);
    let mut acknowledged = 0;
    for _ in 0..rounds() {
        let kept = std::sync::Mutex::new(Vec::new());
        in_parallel(17, |writer| {
            if writer == 16 {
                crate::harness::eventually("some applications", || (kept.lock().unwrap().len() > 20).then_some(()));
                server.kill9();
                return;
            }
            let form = json!({
                "company_name": unique("Acme"), "founder_name": "Ana", "founder_email": format!("{}@example.com", unique("a")),
                "primary_metric": { "key": "arr" },
            });
            while let Some(reply) = server.anonymous().try_post("/v1/applications", &form) {
                kept.lock().unwrap().push(reply.expect(201));
            }
        });
        server.restart();
        for made in kept.into_inner().unwrap() {
            let status = server.agent(made["token"].as_str().unwrap()).get("/v1/status").expect(200);
            assert_eq!(status["application"]["id"], made["application_id"]);
            assert_eq!(status["metrics"][0]["key"], "arr");
            acknowledged += 1;
        }
        let count = |event_type: &str| server.store.count(event_type);
        let whole = count("application.submitted");
        assert_eq!((count("agent_token.issued"), count("metric.defined")), (whole, whole), "no half application");
        assert!(whole >= acknowledged);
        contiguous(&server);
        verifies(&server);
    }
    println!("met_050 {engine:?}: {} kills, {acknowledged} applications whole", rounds());
}

fn a_terminated_server_finishes_what_it_accepted(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = company(&server);
    let ledger = Ledger::default();
    ledger.write_until(&company, 200, || assert!(server.terminate().success()));
    server.restart();
    ledger.resend(&company);
    ledger.check(&server, &company);
    verifies(&server);
}

both_engines![
    met_050_an_application_is_whole_or_absent_after_a_kill,
    met_092_every_acknowledged_point_survives_a_kill_once,
    a_terminated_server_finishes_what_it_accepted,
];
