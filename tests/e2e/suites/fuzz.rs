//! Fuzzers over the schemas that the listing shows: every method and every route with right, wrong and hostile values, by
//! every kind of credential, over HTTP and the socket. No answer is a fault, none has a reason that the listing does not
//! declare, and what is refused as malformed leaves nothing.

use serde_json::{Map, Value, json};

use super::input::{invalid, valid};
use super::listing::{Method, Route, methods, routes, surface};
use crate::accounts::socket::{Incoming, Socket, WAIT};
use crate::equality::Dice;
use crate::harness::{Client, Engine, Installation, PASSWORD, Person, cookie_of, text, torture, unique};

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

fn head(house: &Installation) -> u64 {
    let figures = house.server.anonymous().get("/metrics");
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    let head = figures.lines().find_map(|line| line.strip_prefix("muniment_journal_head "));
    head.unwrap().trim().parse().unwrap()
}

/// Asserts that nothing was recorded behind a position but what the scheduler does by itself.
#[track_caller]
fn nothing_behind(house: &Installation, position: u64, what: &str) {
    if head(house) != position {
        let left = house.server.store.texts(&format!(
            "SELECT event_type FROM events WHERE position > {position} AND aggregate_type <> 'scheduler'"
        ));
        assert_eq!(left, Vec::<String>::new(), "{what} was malformed and left something");
    }
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

/// Somebody whose credentials a call may end, with a session and a token.
struct OneOff {
    person: Person,
    by_token: Client,
    ids: Vec<String>,
}

impl OneOff {
    /// Invited by a host whom no call of the fuzzer means, so that there always is one.
    fn sign_up(house: &Installation, host: &Person, is_admin: bool) -> Person {
        let username = unique("leaves");
        host.client.rpc("invite_create", &json!({ "username": username })).result();
        let reply = house.sign_up(&json!({ "username": username, "password": PASSWORD }));
        reply.expect(200);
        let person = house.person_of(&username, &cookie_of(&reply));
        if is_admin {
            let offer = json!({ "offer_id": house.offer(host, &person, "admin", &json!({}))["id"] });
            person.client.rpc("role_grant_offer_accept", &offer).result();
        }
        person
    }

    fn of(house: &Installation, host: &Person, is_admin: bool) -> Self {
        let person = Self::sign_up(house, host, is_admin);
        let (by_token, token) = house.token_of(&person);
        let listed = person.client.rpc("account_session_list", &Value::Null).result();
        let sessions = listed["sessions"].as_array().unwrap().iter().map(|session| text(&session["id"]));
        let ids = sessions.chain([person.id.clone(), person.actor.clone(), token]).collect();
        Self { person, by_token, ids }
    }
}

/// What is fuzzed, and what came of it.
struct Fuzz<'h> {
    house: &'h Installation,
    host: Person,
    dice: Dice,
    sent: usize,
    malformed: usize,
}

impl Fuzz<'_> {
    /// Calls a method once.
    fn call(&mut self, method: &Method, known: &Known, client: &Client) {
        let params = known.params(&method.input, &mut self.dice);
        let before = head(self.house);
        let reply = client.rpc(&method.name, &params).0;
        assert!(reply.status < 500, "{} with {params}: {reply}", method.name);
        let answer = reply.json();
        check(method, &params, &answer);
        self.sent += 1;
        if answer["error"]["code"] == -32_602 && answer["error"]["data"].get("issues").is_some() {
            self.malformed += 1;
            nothing_behind(self.house, before, &format!("{} with {params}", method.name));
        }
    }

    /// Calls a method that ends credentials, by and against people who are there for nothing else.
    fn call_by_one_offs(&mut self, method: &Method) {
        let plain = OneOff::of(self.house, &self.host, false);
        let boss = OneOff::of(self.house, &self.host, true);
        let known = Known { ids: [&plain.ids[..], &boss.ids].concat(), words: vec![json!("0".repeat(64))] };
        let (nobody, daemon) = (self.house.server.anonymous(), self.house.daemon());
        let is_own = method.name.starts_with("account_");
        let callers: [&Client; 6] =
            [&nobody, &plain.by_token, &boss.by_token, &plain.person.client, &boss.person.client, &daemon];
        // By the daemon token that would be the keeper's own, on which the run stands.
        for client in &callers[..callers.len() - usize::from(is_own)] {
            self.call(method, &known, client);
        }
        let left = OneOff::sign_up(self.house, &self.host, true);
        let mut socket = Socket::of(&self.house.server, &left.cookie);
        let params = known.params(&method.input, &mut self.dice);
        let id = socket.ask(&method.name, &params);
        match socket.next_within(WAIT) {
            Some(Incoming::Frame(answer)) if answer["id"] == json!(id) => check(method, &params, &answer),
            // Its own credential ended before the answer was written.
            Some(Incoming::Closed(4001)) => {}
            other => panic!("{} with {params} by socket: {other:?}", method.name),
        }
        self.sent += 1;
    }
}

/// Whether a method ends credentials, and with them callers that the rest of the run needs.
fn ends_credentials(method: &Method) -> bool {
    method.name.ends_with("_revoke_all") || method.name == "account_session_revoke"
}

fn fuzzed_methods_answer_only_what_the_listing_declares(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, ben, boss) = (house.named("ann-a"), house.named("ben-b"), house.admin("boss"));
    let known = Known::of(&house, &[&ann, &ben, &boss, &house.keeper]);
    let listed: Vec<Method> = methods(&surface(&house));
    let (by_token, _) = house.token_of(&boss);
    let (plain_token, _) = house.token_of(&ann);
    let keeper = &house.keeper.client;
    let seed = seed();
    let rounds = if torture() { 150 } else { 4 };
    let mut socket = Socket::of(&house.server, &boss.cookie);
    let mut fuzz = Fuzz { house: &house, host: house.admin("host"), dice: Dice::new(seed), sent: 0, malformed: 0 };
    println!("fuzz of the methods on {engine:?}: seed {seed}; MUNIMENT_FUZZ_SEED replays another");
    for _ in 0..rounds {
        for method in &listed {
            if ends_credentials(method) {
                fuzz.call_by_one_offs(method);
                continue;
            }
            // The daemon token is replaced as time goes by.
            let daemon = house.daemon();
            let nobody = house.server.anonymous();
            let callers: [&Client; 7] = [&nobody, &ann.client, &plain_token, &boss.client, &by_token, keeper, &daemon];
            for client in callers {
                fuzz.call(method, &known, client);
            }
            let params = known.params(&method.input, &mut fuzz.dice);
            check(method, &params, &socket.call(&method.name, &params));
            fuzz.sent += 1;
        }
    }
    crate::crash::verifies(&house.server);
    println!(
        "fuzz of the methods on {engine:?}: {} methods, {} calls, {} malformed, no fault, no reason undeclared",
        listed.len(),
        fuzz.sent,
        fuzz.malformed
    );
}

/// The body of a route: by its own form, or one that is no JSON object.
fn body(route: &Route, known: &Known, dice: &mut Dice) -> Vec<u8> {
    let broken: [&[u8]; 7] = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{\"a\":1,\"a\":2}"];
    match dice.roll(6) {
        0 => dice.pick(&broken).to_vec(),
        _ if route.input.is_object() => known.params(&route.input, dice).to_string().into_bytes(),
        _ => b"{}".to_vec(),
    }
}

fn fuzzed_routes_answer_only_what_the_listing_declares(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, boss) = (house.named("ann-a"), house.admin("boss"));
    let mut known = Known::of(&house, &[&ann, &boss, &house.keeper]);
    known.words.extend([json!(PASSWORD), json!("ann-a"), json!("somebody-new")]);
    let (by_token, _) = house.token_of(&boss);
    let listed = routes(&surface(&house));
    let seed = seed();
    let rounds = if torture() { 300 } else { 10 };
    let mut dice = Dice::new(seed);
    let (mut sent, mut malformed) = (0, 0);
    println!("fuzz of the routes on {engine:?}: seed {seed}; MUNIMENT_FUZZ_SEED replays another");
    for _ in 0..rounds {
        for route in &listed {
            let (daemon, nobody) = (house.daemon(), house.server.anonymous());
            let ends_sessions = route.path.ends_with("/logout") || route.path.ends_with("/password");
            let one_off = ends_sessions.then(|| house.person("leaves").client);
            let callers: Vec<&Client> = match &one_off {
                Some(leaves) => vec![&nobody, leaves, &by_token, &daemon],
                None => vec![&nobody, &ann.client, &by_token, &boss.client, &house.keeper.client, &daemon],
            };
            for client in callers {
                let query = if dice.roll(6) == 0 { "?unheard_of=1" } else { "" };
                let path = format!("{}{query}", route.path);
                let before = head(&house);
                let reply = if route.verb == "GET" {
                    client.get(&path)
                } else {
                    let typed = client.header("content-type", "application/json");
                    typed.post_bytes(&path, body(route, &known, &mut dice))
                };
                sent += 1;
                assert_ne!(reply.status, 503, "nothing is away: {reply}");
                if reply.status == 400 {
                    malformed += 1;
                    nothing_behind(&house, before, &reply.to_string());
                }
                if reply.status >= 400 {
                    let codes = &route.errors[reply.status.to_string()]["properties"]["error"]["enum"];
                    let is_listed = codes.as_array().is_some_and(|codes| codes.contains(&json!(reply.code())));
                    assert!(is_listed, "{} {path} lists {codes}: {reply}", route.verb);
                }
            }
        }
    }
    crate::crash::verifies(&house.server);
    println!(
        "fuzz of the routes on {engine:?}: {} routes, {sent} requests, {malformed} malformed, no fault, no code unlisted",
        listed.len()
    );
}

/// Which throws of the dice: always the same, or those that the environment asks for.
fn seed() -> u64 {
    std::env::var("MUNIMENT_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_711)
}

both_engines![
    fuzzed_methods_answer_only_what_the_listing_declares,
    fuzzed_routes_answer_only_what_the_listing_declares,
];
