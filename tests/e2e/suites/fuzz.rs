//! A fuzzer over the methods' own schemas: every method with right, wrong and hostile values, by every kind of credential,
//! over HTTP and the socket. No answer is a fault, none has a reason that the listing does not declare, and what is refused
//! as malformed leaves nothing.

use serde_json::{Map, Value, json};

use super::input::{invalid, valid};
use super::listing::{Method, methods, surface};
use crate::accounts::socket::Socket;
use crate::equality::Dice;
use crate::harness::{Client, Engine, Installation, Person, text, torture};

/// Reasons of the gates that every method passes; spec/accounts-and-offers.md section 8.5.
const GATES: [&str; 5] = [
    "authentication_required",
    "credential_type_required",
    "insufficient_permissions",
    "actor_required",
    "actor_not_on_account",
];

/// Ids that mean something, so that not every call misses.
struct Known {
    ids: Vec<String>,
    words: Vec<Value>,
}

impl Known {
    fn of(house: &Installation, people: &[&Person]) -> Self {
        let mut ids: Vec<String> = people.iter().flat_map(|person| [person.id.clone(), person.actor.clone()]).collect();
        let grant = house.grant(people[0], "teacher");
        let offer = house.offer(&house.keeper, people[1], "teacher", &json!({}));
        let invite = house.invite(&json!({ "username": "somebody-new" }));
        ids.extend([grant, text(&offer["id"]), text(&invite["id"])]);
        let words = ["teacher", "admin", "keeper", "pal", "class", "ann-a", "keep"].map(Value::from).to_vec();
        Self { ids, words }
    }

    /// A value for a field: one it takes, one that means something, or one it must refuse.
    fn value(&self, schema: &Value, dice: &mut Dice) -> Value {
        match dice.roll(10) {
            0..4 => json!(dice.pick(&self.ids)),
            4 | 5 => dice.pick(&self.words).clone(),
            6 | 7 => valid(schema),
            _ => dice.pick(&invalid(schema)).clone(),
        }
    }

    fn params(&self, schema: &Value, dice: &mut Dice) -> Value {
        let Some(fields) = schema["properties"].as_object() else {
            return if dice.roll(4) == 0 { json!({ "x": 1 }) } else { Value::Null };
        };
        let mut params = Map::new();
        for (name, field) in fields {
            let is_required = schema["required"].as_array().is_some_and(|it| it.iter().any(|it| it == name));
            if is_required && dice.roll(8) > 0 || dice.roll(3) == 0 {
                params.insert(name.clone(), self.value(field, dice));
            }
        }
        if dice.roll(12) == 0 {
            params.insert("unheard_of".to_owned(), json!(1));
        }
        Value::Object(params)
    }
}

fn head(house: &Installation) -> String {
    let figures = house.server.anonymous().get("/metrics");
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    figures.lines().find(|line| line.starts_with("muniment_journal_head ")).unwrap().to_owned()
}

fn check(method: &Method, params: &Value, answer: &Value) {
    let Some(error) = answer.get("error") else { return };
    let (code, data) = (error["code"].as_i64().unwrap(), &error["data"]);
    let what = || format!("{} with {params}: {answer}", method.name);
    assert!(![-32_603, -32_000].contains(&code), "a fault: {}", what());
    let Some(reason) = data["reason"].as_str() else { return };
    assert!(
        GATES.contains(&reason) || method.reasons.iter().any(|declared| declared == reason),
        "the reason {reason} is not declared: {}",
        what()
    );
}

fn fuzzed_methods_answer_only_what_the_listing_declares(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, ben, boss) = (house.named("ann-a"), house.named("ben-b"), house.admin("boss"));
    let known = Known::of(&house, &[&ann, &ben, &boss, &house.keeper]);
    // Methods that end the caller's own credential would leave the rest of the run with nobody.
    let listed: Vec<Method> = methods(&surface(&house))
        .into_iter()
        .filter(|method| !method.name.ends_with("_revoke_all") && method.name != "account_session_revoke")
        .collect();
    let (by_token, _) = house.token_of(&boss);
    let (plain_token, _) = house.token_of(&ann);
    let keeper = &house.keeper.client;
    let seed = std::env::var("MUNIMENT_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_711);
    let rounds = if torture() { 150 } else { 4 };
    let mut dice = Dice::new(seed);
    let mut socket = Socket::of(&house.server, &boss.cookie);
    let (mut sent, mut malformed) = (0, 0);
    println!("fuzz of the methods on {engine:?}: seed {seed}; MUNIMENT_FUZZ_SEED replays another");
    for _ in 0..rounds {
        for method in &listed {
            // The daemon token is replaced as time goes by.
            let daemon = house.daemon();
            let nobody = house.server.anonymous();
            let callers: [&Client; 7] = [&nobody, &ann.client, &plain_token, &boss.client, &by_token, keeper, &daemon];
            for client in callers {
                let params = known.params(&method.input, &mut dice);
                let before = head(&house);
                let reply = client.rpc(&method.name, &params).0;
                assert!(reply.status < 500, "{} with {params}: {reply}", method.name);
                let answer = reply.json();
                check(method, &params, &answer);
                sent += 1;
                if answer["error"]["code"] == -32_602 && answer["error"]["data"].get("issues").is_some() {
                    malformed += 1;
                    assert_eq!(head(&house), before, "{} with {params} was malformed and left something", method.name);
                }
            }
            let params = known.params(&method.input, &mut dice);
            check(method, &params, &socket.call(&method.name, &params));
            sent += 1;
        }
    }
    crate::crash::verifies(&house.server);
    println!(
        "fuzz of the methods on {engine:?}: {} methods, {sent} calls, {malformed} malformed, no fault, no reason undeclared",
        listed.len()
    );
}

both_engines![fuzzed_methods_answer_only_what_the_listing_declares];
