//! JSON-RPC over HTTP (ACC-200 to ACC-205).

use serde_json::{Value, json};

use tokio_tungstenite::tungstenite::protocol::Message;

use super::socket::Socket;
use crate::harness::{Engine, Installation, Reply};

fn raw(house: &Installation, person: &crate::harness::Person, body: &str) -> Reply {
    assert!(!house.server.base.is_empty());
    person.client.header("content-type", "application/json").post_bytes("/api/rpc", body)
}

fn acc_200_bad_envelopes_are_told_and_nothing_of_them_runs(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let told = |body: &str| {
        let answer = raw(house, &person, body).expect(400);
        (answer["error"]["code"].as_i64().unwrap(), answer["id"].clone())
    };
    for body in ["", "{", "nonsense", "{\"a\":1,\"a\":2}"] {
        assert_eq!(told(body), (-32_700, Value::Null), "{body}");
    }
    for (body, id) in [
        (json!({ "id": 1, "method": "account_verify" }), json!(1)),
        (json!({ "jsonrpc": "1.0", "id": "x", "method": "account_verify" }), json!("x")),
        (json!({ "jsonrpc": "2.0", "id": 2 }), json!(2)),
        (json!({ "jsonrpc": "2.0", "method": "account_verify" }), Value::Null),
        (json!({ "jsonrpc": "2.0", "id": null, "method": "account_verify" }), Value::Null),
        (json!({ "jsonrpc": "2.0", "id": 3, "method": "account_verify", "params": null }), json!(3)),
        (json!({ "jsonrpc": "2.0", "id": 3, "method": "account_verify", "params": [] }), json!(3)),
        (json!({ "jsonrpc": "2.0", "id": 3, "method": "account_verify", "params": "x" }), json!(3)),
        (json!({ "jsonrpc": "2.0", "id": {}, "method": "account_verify" }), Value::Null),
    ] {
        assert_eq!(told(&body.to_string()), (-32_600, id), "{body}");
    }
    let batch = json!([{ "jsonrpc": "2.0", "id": 1, "method": "account_token_create" }]);
    assert_eq!(told(&batch.to_string()), (-32_600, Value::Null));
    assert_eq!(person.client.rpc("account_token_list", &Value::Null).result()["tokens"], json!([]));
}

fn acc_201_ids_come_back_as_they_were(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    for id in [json!("x"), json!(0), json!(-7), json!(9_007_199_254_740_991_i64), json!("")] {
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "account_verify", "more": 1 }).to_string();
        assert_eq!(raw(house, &person, &body).expect(200)["id"], id);
    }
    for id in ["1e2", "1.0", "-0", "1E+2", "18446744073709551617", "1.5"] {
        for (version, status) in [("2.0", 200), ("1.0", 400)] {
            let body = format!("{{\"jsonrpc\":\"{version}\",\"id\": {id} ,\"method\":\"account_verify\"}}");
            let reply = raw(house, &person, &body);
            assert_eq!(reply.status, status, "{reply}");
            let text = std::str::from_utf8(&reply.body).unwrap();
            assert!(text.contains(&format!("\"id\":{id},")), "{id}: {text}");
        }
    }
    let mut socket = Socket::of(&house.server, &person.cookie);
    for id in ["1e2", "-0"] {
        socket.send(Message::text(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"account_verify\"}}")));
        let answer = socket.text();
        assert!(answer.contains(&format!("\"id\":{id},")), "{id}: {answer}");
    }
    for (text, id) in [("42", json!(42)), ("042", json!("042")), ("-7", json!(-7)), ("a b", json!("a b"))] {
        let path = format!("/api/rpc?method=account_verify&id={}", text.replace(' ', "%20"));
        assert_eq!(person.client.get(&path).expect(200)["id"], id);
    }
}

fn acc_202_unknown_methods_and_void_ones(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    for client in [&person.client, &house.server.anonymous()] {
        client.rpc("unheard", &json!({})).refused(404, -32_601, "");
        client.rpc("heartbeat", &json!({})).refused(404, -32_601, "");
    }
    assert_eq!(person.client.rpc("account_verify", &json!({})).issues()[0].1, "invalid_type");
    person.client.rpc("role_grant_offer_list", &Value::Null).result();
}

fn acc_203_what_reads_may_be_got_and_what_writes_may_not(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let get = |query: &str| person.client.get(&format!("/api/rpc?{query}"));
    let by_post = person.client.rpc("account_verify", &Value::Null).result();
    assert_eq!(get("method=account_verify&id=1").expect(200)["result"], by_post);
    let params = "%7B%22query%22%3A%22a%22%2C%22scope_ids%22%3A%5B%22";
    let scope = "22222222-2222-4222-8222-222222222222%22%5D%7D";
    assert_eq!(
        get(&format!("method=actor_search&id=1&params={params}{scope}")).expect(200)["result"]["actors"],
        json!([])
    );
    assert_eq!(get("method=account_token_create&id=1").expect(400)["error"]["code"], -32_600);
    assert_eq!(person.client.rpc("account_token_list", &Value::Null).result()["tokens"], json!([]));
    for query in ["id=1", "method=account_verify", ""] {
        let answer = get(query).expect(400);
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32_600), &Value::Null), "{query}");
    }
    for params in ["x", "%5B%5D", "1"] {
        let answer = get(&format!("method=actor_lookup&id=1&params={params}")).expect(400);
        assert_eq!(answer["error"]["code"], -32_602, "{params}");
    }
    house.server.anonymous().get("/api/rpc?method=account_verify&id=1").expect(401);
}

fn acc_205_unknown_fields_are_told_for_every_method(engine: Engine) {
    let house = Installation::shared(engine);
    let surface = house.keeper.client.get("/api/surface").expect(200);
    for method in surface["rpc_endpoints"][0]["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        let reply = house.keeper.client.rpc(name, &json!({ "unheard_of": 1 }));
        let codes: Vec<String> = reply.issues().into_iter().map(|(_, code)| code).collect();
        if method["input_schema"]["type"] != "null" {
            assert!(codes.contains(&"unrecognized_keys".to_owned()), "{name}: {codes:?}");
        }
    }
}

fn acc_204_codes_statuses_and_reasons_are_those_of_the_table(engine: Engine) {
    let house = Installation::shared(engine);
    let surface = house.keeper.client.get("/api/surface").expect(200);
    let person = house.person("ann");
    let pairs = [
        (-32_700, 400),
        (-32_600, 400),
        (-32_601, 404),
        (-32_602, 400),
        (-32_603, 500),
        (-32_001, 401),
        (-32_002, 403),
        (-32_003, 404),
        (-32_004, 409),
        (-32_006, 429),
        (-32_007, 503),
        (-32_010, 499),
    ];
    let gates = ["insufficient_permissions", "credential_type_required", "actor_required", "actor_not_on_account"];
    let mut seen = 0;
    for method in surface["rpc_endpoints"][0]["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        let id = "22222222-2222-4222-8222-222222222222";
        let mut params = json!({});
        for (field, schema) in method["input_schema"]["properties"].as_object().into_iter().flatten() {
            let required = method["input_schema"]["required"].to_string().contains(&format!("\"{field}\""));
            if required {
                params[field] = match schema["type"].as_str() {
                    Some("boolean") => json!(true),
                    Some("array") => json!([id]),
                    _ if schema["format"] == "uuid" => json!(id),
                    _ if field == "session_id" => json!("a".repeat(64)),
                    _ if field == "token_id" => json!("tok_aaaaaaaaaaaa"),
                    _ => json!("teacher"),
                };
            }
        }
        let params = if method["input_schema"]["type"] == "null" { Value::Null } else { params };
        if name.ends_with("revoke_all") || name == "account_session_revoke_all" {
            continue;
        }
        for client in [&person.client, &house.server.anonymous(), &house.person("eve").client] {
            let reply = client.rpc(name, &params).0;
            if reply.status == 200 {
                continue;
            }
            seen += 1;
            let error = reply.json()["error"].clone();
            let code = error["code"].as_i64().unwrap();
            assert!(pairs.contains(&(code, i64::from(reply.status))), "{reply}");
            if let Some(reason) = error["data"]["reason"].as_str() {
                let declared = method["reasons"].as_array().unwrap().iter().any(|known| known == reason);
                assert!(declared || gates.contains(&reason), "{name} does not declare {reason}");
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

both_engines![
    acc_200_bad_envelopes_are_told_and_nothing_of_them_runs,
    acc_201_ids_come_back_as_they_were,
    acc_202_unknown_methods_and_void_ones,
    acc_203_what_reads_may_be_got_and_what_writes_may_not,
    acc_204_codes_statuses_and_reasons_are_those_of_the_table,
    acc_205_unknown_fields_are_told_for_every_method,
];
