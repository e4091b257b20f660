//! The server dies; the record does not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::kills;
use super::ledger::{Ledger, company, contiguous, rounds, verifies};
use crate::harness::{Engine, Server, Setup, eventually, in_parallel, pause, unique};

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
                kept.lock().unwrap().push((form["founder_email"].clone(), reply.expect(201)));
            }
        });
        server.restart();
        let kept = kept.into_inner().unwrap();
        // The founder is a part of it: one of them finds what he applied for.
        let email = &kept[0].0;
        let own = server.sign_in(email.as_str().unwrap()).client.get("/v1/applications").expect(200);
        let own: Vec<&Value> = own["applications"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
        for (_, made) in kept.iter().filter(|(of, _)| of == email) {
            assert!(own.contains(&&made["application_id"]), "{made} is not in {own:?}");
        }
        for (_, made) in kept {
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
    let (_, found) = ledger.resend(&company);
    assert_eq!(found, 0, "recorded, and nobody was told");
    ledger.check(&server, &company);
    verifies(&server);
}

/// It has as long as is set, which is longer here than where nothing is.
fn a_terminated_server_waits_for_a_request_that_is_still_coming(engine: Engine) {
    let setup = Setup::new(engine).set("HTTP_SHUTDOWN_SECONDS", "60").set("HTTP_BODY_SECONDS", "60");
    let server = setup.start();
    let company = server.company();
    company.metric("arr");
    let body = json!({ "value": 1 }).to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let head = format!(
        "POST /v1/metrics/arr/points HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        company.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).unwrap();
    let mut answer = String::new();
    std::thread::scope(|threads| {
        let ended = threads.spawn(|| server.terminate());
        eventually("the server is told to end", || server.log().contains("\"stopping\"").then_some(()));
        pause(Duration::from_secs(12));
        stream.write_all(body.as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
        assert!(ended.join().unwrap().success());
    });
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    server.restart();
    assert_eq!(company.points("arr").len(), 1);
}

both_engines![
    met_050_an_application_is_whole_or_absent_after_a_kill,
    met_092_every_acknowledged_point_survives_a_kill_once,
    a_terminated_server_finishes_what_it_accepted,
    a_terminated_server_waits_for_a_request_that_is_still_coming,
];
