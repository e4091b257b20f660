//! What an investigator sees of personal values, and of texts that only have the look of one; and what can be proved of lines that
//! were handed on.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::harness::{Engine, Installation, Program, Server};

/// A text of the form of a sealed value, under a key that nobody has.
const LOOKS_SEALED: &str = "v1|subject_AAAAAAAAAAAAAAAAAAAAAA|account/x/email|AAAA";

fn a_text_that_looks_sealed_is_shown_as_it_was_written(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let server = &house.server;
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let metric = company.metric("arr");
    let point = company.point("arr", &json!({ "value": 1 }));
    let operator = Program::operator_of(server);
    let exported = operator.run(&["audit", "export"]);
    let lines: Vec<Value> = exported.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event_of = |event_type: &str| lines.iter().find(|line| line["type"] == event_type).unwrap().clone();
    let submitted = event_of("application.submitted");
    let opens_elsewhere =
        submitted["payload"].pointer("/submitted/founder_email").unwrap_or_else(|| panic!("{submitted}"));
    let opens_elsewhere = opens_elsewhere.as_str().unwrap().to_owned();
    let of_this_metric = format!("v1|subject_AAAAAAAAAAAAAAAAAAAAAA|metric/{metric}/reason|AAAA");
    let path = format!("/v1/metrics/arr/points/{point}/correct");
    let written = [LOOKS_SEALED, &of_this_metric, &opens_elsewhere];
    for (value, reason) in (2..).zip(written) {
        company.agent.post(&path, &json!({ "value": value, "reason": reason })).expect(200);
    }
    house.keeper.client.rpc("account_token_create", &json!({ "name": LOOKS_SEALED })).result();
    server.terminate();

    let reasons = |action: &str, key: &str| -> Vec<String> {
        let shown = operator.run(&["audit", "log", "--action", action, "--json"]).json();
        let rows = shown["events"].as_array().unwrap();
        rows.iter().rev().filter_map(|row| Some(row["metadata"][key].as_str()?.to_owned())).collect()
    };
    assert_eq!(reasons("metric_point.corrected", "reason"), written);
    let rows = operator.run(&["audit", "accounts", "--event-type", "token_create", "--json"]).json();
    assert_eq!(rows["events"][0]["metadata"]["name"], LOOKS_SEALED, "{rows}");

    let exported = operator.run(&["audit", "export"]);
    let of_corrections: Vec<String> = exported
        .ok()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "metric.point_corrected")
        .map(|line| line["position"].as_str().unwrap().to_owned())
        .collect();
    let revealed = |position: &str| operator.run(&["audit", "show", position, "--reveal"]).ok().to_owned();
    for (position, text) in of_corrections.iter().zip(written) {
        let shown = revealed(position);
        assert!(shown.contains(text) && !shown.contains("[erased]") && !shown.contains(&founder.email), "{shown}");
        // The address of the client is the request's own.
        assert!(!shown.contains("|metadata/"), "{shown}");
    }
    let state = operator.run(&["audit", "state", &format!("metric/{metric}"), "--reveal"]).ok().to_owned();
    assert!(!state.contains("[erased]") && !state.contains(&founder.email), "{state}");

    // What is sealed for the event itself opens, until its key is destroyed.
    let position = submitted["position"].as_str().unwrap();
    let application = submitted["stream"].as_str().unwrap();
    let state = || operator.run(&["audit", "state", application, "--reveal"]).ok().to_owned();
    assert!(revealed(position).contains(&founder.email) && state().contains(&founder.email));
    operator.run(&["erase", &founder.email, "--yes"]).ok();
    for shown in [revealed(position), state()] {
        assert!(shown.contains("[erased]") && !shown.contains(&founder.email), "{shown}");
    }
    server.restart();
}

/// A line of an export, its documents as they came.
#[derive(Deserialize)]
struct Line<'a> {
    position: String,
    stream: String,
    sequence: u64,
    #[serde(rename = "type")]
    event_type: String,
    version: String,
    recorded_at: chrono::DateTime<chrono::Utc>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow)]
    metadata: &'a RawValue,
    dedupe_key: Option<String>,
    store: String,
    hash: String,
}

/// The bytes that docs/investigate/README.md says are hashed.
fn hashed(previous: &[u8], line: &Line<'_>) -> Vec<u8> {
    let (installation, epoch) = line.store.rsplit_once('-').unwrap();
    let (kind, id) = line.stream.split_once('/').unwrap();
    let mut bytes = [previous, b"\x01muniment/event/v1"].concat();
    bytes.extend(hex::decode(installation.replace('-', "")).unwrap());
    for number in [epoch.parse().unwrap(), line.position.parse().unwrap(), line.sequence] {
        bytes.extend(u64::to_le_bytes(number));
    }
    bytes.extend(line.recorded_at.timestamp_micros().to_le_bytes());
    for text in [kind, id, &line.event_type, &line.version, line.payload.get(), line.metadata.get()] {
        bytes.extend(u64::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    match &line.dedupe_key {
        None => bytes.push(0),
        Some(key) => bytes.extend([vec![1], hex::decode(key).unwrap()].concat()),
    }
    bytes
}

fn lines_that_were_handed_on_prove_themselves(engine: Engine) {
    let server = Server::with(engine, &[]);
    let company = server.company();
    company.metric("arr");
    for value in 0..20 {
        let timestamp = format!("2026-01-01T00:00:{value:02}Z");
        company
            .point("arr", &json!({ "value": value, "timestamp": timestamp, "idempotency_key": format!("k{value}") }));
    }
    let operator = Program::operator_of(&server);
    let exported = operator.run(&["audit", "export"]);
    let (mut previous, mut keys) = (vec![0; 32], 0);
    for text in exported.ok().lines() {
        let line: Line<'_> = serde_json::from_str(text).unwrap();
        let hash = blake3::hash(&hashed(&previous, &line)).to_hex().to_string();
        assert_eq!(hash, line.hash, "{text}");
        previous = hex::decode(&line.hash).unwrap();
        keys += usize::from(line.dedupe_key.is_some());
    }
    assert!(keys >= 20, "{keys}");
}

both_engines![a_text_that_looks_sealed_is_shown_as_it_was_written, lines_that_were_handed_on_prove_themselves];
