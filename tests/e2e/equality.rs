//! Random histories: the two engines give the same answers, and what was built live equals a rebuild from zero.

mod consent;

use serde_json::{Value, json};

use self::consent::{Deed, People, deed};
use crate::crash::verifies;
use crate::harness::{Company, Engine, Founder, Installation, Reply, torture};

/// A small generator with a seed, so that a failing history can be played again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below `sides` (SplitMix64).
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A place in a list of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(length).unwrap())).unwrap()
    }
}

/// One installation under test, with what it answered so far in a form without ids and times of its own.
struct Side {
    house: Installation,
    founder: Founder,
    company: Company,
    people: People,
}

impl Side {
    fn start(engine: Engine) -> Self {
        let house = Installation::with(engine, &[]);
        let founder = house.server.sign_in("same@example.com");
        let company = house.server.apply(&founder.client, &founder.email, &json!({ "company_name": "Same" }));
        let people = People::of(&house);
        Self { house, founder, company, people }
    }

    fn act(&self, step: &Step) -> Reply {
        match step {
            Step::Agent(path, body) => self.company.agent.post(path, body),
            Step::Founder(path, body) => self.founder.client.post(path, body),
            Step::People(deed) => self.people.act(deed),
            Step::OfAlert(verb, nth) => {
                let newest = self.company.alerts();
                let id = newest.get(*nth).map_or("alert_AAAAAAAAAAAAAAAA".into(), |alert| alert["id"].clone());
                let path = format!("/v1/alerts/{}/{verb}", id.as_str().unwrap());
                self.founder.client.post(&path, &json!({ "note": verb }))
            }
            Step::OfToken(verb, nth) => {
                let tokens = self.founder.client.get("/v1/tokens").expect(200);
                // Not the one by which all this is done.
                let made = tokens["tokens"].as_array().unwrap().iter().filter(|token| self.is_of_the_dice(token));
                let made: Vec<&Value> = made.collect();
                let id = made.get(*nth).map_or("000000000000000000", |token| token["public_id"].as_str().unwrap());
                self.founder.client.post(&format!("/v1/tokens/{id}/{verb}"), &json!({}))
            }
            Step::CorrectNewest(metric, value) => {
                let page = self.company.agent.get(&format!("/v1/metrics/{metric}/points?limit=1"));
                let newest: Value = serde_json::from_slice(&page.body).unwrap();
                let id = newest["points"][0]["id"].as_str().unwrap_or("point_AAAAAAAAAAAAAAAA").to_owned();
                self.company
                    .agent
                    .post(&format!("/v1/metrics/{metric}/points/{id}/correct"), &json!({ "value": value }))
            }
        }
    }

    /// Whether a token was made by a step: those have names of a letter and a digit.
    fn is_of_the_dice(&self, token: &Value) -> bool {
        let public = token["public_id"].as_str().unwrap();
        !self.company.token.contains(public) && token["name"].as_str().is_some_and(|name| name.len() == 2)
    }

    /// Everything that can be asked about the company, without ids and times of recording.
    fn picture(&self) -> Value {
        let mut metrics = self.company.agent.get("/v1/metrics").expect(200);
        let mut points = Vec::new();
        for metric in KEYS {
            let path = format!("/v1/metrics/{metric}/points?order=asc&limit=1000");
            let reply = self.company.agent.get(&path);
            if reply.status == 200 {
                points.push(json!([metric, reply.json()["points"], self.rules(metric)]));
            }
        }
        let mut status = self.company.status();
        let mut tokens = self.founder.client.get("/v1/tokens").expect(200);
        let mut alerts = json!(self.company.alerts());
        let mut points = json!(points);
        for part in [&mut metrics, &mut points, &mut status, &mut tokens, &mut alerts] {
            forget_own(part);
        }
        let picture = json!([metrics, points, status, tokens, alerts]);
        // A point's default key begins with the company's id.
        serde_json::from_str(&picture.to_string().replace(&self.company.id, "co_same")).unwrap()
    }

    fn rules(&self, metric: &str) -> Value {
        self.company.agent.get(&format!("/v1/metrics/{metric}/rules")).expect(200)
    }
}

/// Takes out what two installations may not share.
fn forget_own(value: &mut Value) {
    const OWN: [&str; 16] = [
        "id",
        "public_id",
        "company_id",
        "application_id",
        "created_at",
        "submitted_at",
        "point_id",
        "previous_point_id",
        "set_at",
        "set_by",
        "acknowledged_at",
        "acknowledged_by",
        "revoked_at",
        "last_used_at",
        "created_by",
        "corrected_at",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OWN.contains(&name.as_str()));
            fields.values_mut().for_each(forget_own);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_own),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

enum Step {
    Agent(String, Value),
    Founder(String, Value),
    People(Deed),
    OfAlert(&'static str, usize),
    OfToken(&'static str, usize),
    CorrectNewest(String, u64),
}

const KEYS: [&str; 4] = ["arr", "mrr", "churn", "users"];

fn step(dice: &mut Dice) -> Step {
    let metric = (*dice.pick(&KEYS)).to_owned();
    let day = |dice: &mut Dice| format!("2026-{:02}-{:02}", 1 + dice.roll(12), 1 + dice.roll(28));
    let point = |dice: &mut Dice| match dice.roll(3) {
        0 => json!({ "value": dice.roll(500), "timestamp": day(dice) }),
        1 => {
            json!({ "value": dice.roll(500), "timestamp": day(dice), "idempotency_key": format!("k{}", dice.roll(40)) })
        }
        _ => json!({ "value": dice.roll(9) * 1_000, "timestamp": day(dice), "source": "dice", "confidence": 0.25 }),
    };
    match dice.roll(34) {
        20..=31 => Step::People(deed(dice)),
        32 => Step::OfToken("revoke", dice.index(6)),
        33 => Step::OfToken("rotate", dice.index(6)),
        0..=1 => Step::Agent("/v1/metrics".to_owned(), json!({ "key": metric, "unit": "usd" })),
        2 => Step::Agent(
            format!("/v1/metrics/{metric}/settings"),
            json!({ "display_name": format!("N{}", dice.roll(5)) }),
        ),
        3 => Step::Agent(
            format!("/v1/metrics/{metric}/rules"),
            json!({ "type": "growth_spike", "threshold": 1 + dice.roll(3), "enabled": dice.roll(3) > 0 }),
        ),
        4 => Step::CorrectNewest(metric, dice.roll(900)),
        5 => Step::Founder(
            "/v1/tokens".to_owned(),
            json!({ "name": format!("t{}", dice.roll(6)), "scopes": ["metrics:write"], "allowed_metrics": [metric] }),
        ),
        6..=8 => {
            let points: Vec<Value> = (0..1 + dice.roll(8)).map(|_| point(dice)).collect();
            Step::Agent(format!("/v1/metrics/{metric}/points/batch"), json!({ "points": points }))
        }
        _ => Step::Agent(format!("/v1/metrics/{metric}/points"), point(dice)),
    }
}

#[test]
fn both_engines_answer_alike_and_a_rebuild_equals_what_was_live() {
    let (seeds, steps) = if torture() { (20, 400) } else { (1, 150) };
    for seed in 0..seeds {
        let sides = [Side::start(Engine::Sqlite), Side::start(Engine::Postgres)];
        let mut dice = Dice::new(seed);
        for number in 0..steps {
            let step = step(&mut dice);
            let [one, other] = sides.each_ref().map(|side| side.act(&step));
            assert_eq!(one.status, other.status, "seed {seed}, step {number}: {one} / {other}");
            assert_eq!(one.code(), other.code(), "seed {seed}, step {number}");
            let [one, other] = [one, other].map(|reply| reply.json()["error"]["data"].clone());
            assert_eq!(one, other, "seed {seed}, step {number}");
        }
        let due = crate::harness::eventually("both have raised the same alerts", || {
            let [one, other] = sides.each_ref().map(|side| side.company.alerts().len());
            (one == other).then_some(one)
        });
        // Which alerts there are while they are still being raised is no matter of the engine.
        for step in [("ack", 0), ("ack", 0), ("resolve", 1), ("ack", 2), ("ack", 99)] {
            let [one, other] = sides.each_ref().map(|side| side.act(&Step::OfAlert(step.0, step.1)));
            assert_eq!((one.status, one.code()), (other.status, other.code()), "seed {seed}: {one} / {other}");
        }
        let [one, other] = sides.each_ref().map(Side::picture);
        assert_eq!(one, other, "seed {seed}: the engines differ");
        let [one, other] = sides.each_ref().map(|side| side.people.picture());
        assert_eq!(one, other, "seed {seed}: the engines differ about accounts");
        sides.iter().for_each(|side| verifies(&side.house.server));
        println!("equality seed {seed}: {steps} steps, {due} alerts, alike");
    }
}
