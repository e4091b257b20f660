//! ACC-160 through the real journal: random commands by four people, the operator's command line between them, an erasure
//! at the end; then the recorded events are read from the store and the invariants of section 5.1 hold at every position.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::equality::Dice;
use crate::harness::{Engine, Installation, Person, Program, eventually, torture};

/// How long an offer waits here, so that some lapse while the others are decided.
const TTL: &str = "2s";

/// The people of a history: two who offer, one account with two personas who is offered.
struct People {
    grantors: [Person; 2],
    ben: Person,
    personas: [String; 2],
    scopes: Vec<String>,
}

/// One random request; most are refused, some are not.
fn ask(house: &Installation, people: &People, dice: &mut Dice) -> bool {
    let (ben, persona) = (&people.ben, dice.pick(&people.personas).clone());
    let grantor = dice.pick(&people.grantors).clone();
    let history = json!({ "limit": 500, "acting": ben.actor });
    let offers = ben.client.rpc("role_grant_offer_history", &history).result()["offers"].as_array().unwrap().clone();
    let offer = if offers.is_empty() { Value::Null } else { dice.pick(&offers)["id"].clone() };
    let on = |more: Value| {
        let mut params = json!({ "offer_id": offer });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let scope = dice.pick(&people.scopes).clone();
    let reply = match dice.roll(20) {
        0..=7 => {
            let mut params = json!({ "to_account_id": ben.id, "role": dice.pick(&["teacher", "student"]) });
            if dice.roll(2) == 0 {
                params["to_actor_id"] = json!(persona);
            }
            if dice.roll(2) == 0 {
                (params["scope_kind"], params["scope_id"]) = (json!("class"), json!(scope));
            }
            grantor.client.rpc("role_grant_offer_create", &params)
        }
        8..=12 => ben.client.rpc("role_grant_offer_accept", &on(json!({ "acting": persona }))),
        13 => {
            let reason = if dice.roll(2) == 0 { json!("not now") } else { Value::Null };
            ben.client.rpc("role_grant_offer_decline", &on(json!({ "acting": persona, "reason": reason })))
        }
        14 => grantor.client.rpc("role_grant_offer_retract", &on(json!({}))),
        15..=16 => {
            let status = ben.client.get(&format!("/api/account/status?acting={persona}")).expect(200);
            let held = status["role_grants"].as_array().unwrap();
            let grant = if held.is_empty() { Value::Null } else { dice.pick(held)["id"].clone() };
            house.keeper.client.rpc("role_grant_revoke", &json!({ "actor_id": persona, "role_grant_id": grant }))
        }
        17..=18 => {
            let params = json!({ "role": "pal", "enabled": dice.roll(2) == 0, "acting": persona });
            ben.client.rpc("self_service_role_set", &params)
        }
        _ => house.keeper.client.rpc("scope_destroy", &json!({ "scope_kind": "class", "scope_id": scope })),
    };
    reply.0.status == 200
}

/// What a span needs to have in it, whatever the dice say and however slow the machine is: an offer that is made again and
/// accepted, and one that falls with the role.
fn begin(house: &Installation, people: &People) {
    let (ben, [_, boss]) = (&people.ben, &people.grantors);
    let at = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    house.offer(&house.keeper, ben, "student", &at);
    let grant = house.grant_at(ben, "student", &at);
    house.offer(boss, ben, "student", &at);
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": grant });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
}

/// Waits until the end of every offer has passed; there is one at least.
fn all_lapse(house: &Installation, people: &People) {
    house.offer(&house.keeper, &people.ben, "teacher", &json!({}));
    eventually("no offer waits", || {
        let listed = people.ben.client.rpc("role_grant_offer_list", &json!({ "acting": people.ben.actor })).result();
        (listed["offers"] == json!([])).then_some(())
    });
}

/// What whoever has the server's files does after a span.
fn operate(house: &Installation, engine: Engine, work: impl FnOnce(&Program)) {
    if engine == Engine::Sqlite {
        house.server.terminate();
    }
    work(&Program::operator_of(&house.server));
    if engine == Engine::Sqlite {
        house.server.restart();
    }
}

#[derive(Default)]
struct OfferSeen {
    slot: String,
    tuple: String,
    expires_at: DateTime<Utc>,
    noted: Option<DateTime<Utc>>,
    accepted_as: Option<String>,
    ended: bool,
}

struct GrantSeen {
    holder: String,
    tuple: String,
    source: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    revoked: bool,
}

/// The books of an installation as the section's rules read their events.
#[derive(Default)]
struct Reading {
    offers: BTreeMap<String, OfferSeen>,
    grants: BTreeMap<String, GrantSeen>,
    seen: BTreeMap<String, usize>,
    /// Where something was accepted or taken since the last append ended.
    settled: Vec<String>,
}

impl Reading {
    /// Reads one event of one account's book; it may follow certain states only.
    fn take(&mut self, account: &str, event: &Value) {
        let (kind, it) = event.as_object().unwrap().iter().next().unwrap();
        *self.seen.entry(kind.clone()).or_default() += 1;
        let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let time = |name: &str| it[name].as_str().map(|time| time.parse::<DateTime<Utc>>().unwrap());
        let at = time("at").unwrap();
        let tuple = format!("{account} {} {}", it["role"], it["scope"]);
        match kind.as_str() {
            "made" => {
                let slot = format!("{tuple} {}", it["grantor"]);
                let stands = self.offers.values().any(|offer| !offer.ended && offer.slot == slot);
                assert!(!stands, "one open offer a slot: {event}");
                let offer = OfferSeen { slot, tuple, expires_at: time("expires_at").unwrap(), ..OfferSeen::default() };
                assert!(self.offers.insert(text("offer"), offer).is_none(), "{event}");
            }
            "refreshed" => self.open(event, &text("offer")).expires_at = time("expires_at").unwrap(),
            "accepted" => {
                let offer = self.open(event, &text("offer"));
                assert!(at < offer.expires_at, "a lapsed offer is accepted: {event}");
                (offer.ended, offer.accepted_as) = (true, Some(text("grant")));
                let tuple = offer.tuple.clone();
                self.settled.push(tuple);
            }
            "declined" | "retracted" | "superseded" => {
                assert!(kind == "declined" || it["reason"].is_null() || it["cause"].is_string(), "{event}");
                self.open(event, &text("offer")).ended = true;
            }
            "lapsed" => {
                let offer = self.open(event, &text("offer"));
                let end = time("expires_at");
                assert!(end == Some(offer.expires_at) && end <= Some(at) && offer.noted != end, "{event}");
                offer.noted = end;
            }
            "grant_created" => {
                let holder = format!("{tuple} {}", it["persona"]);
                let is_held = |grant: &GrantSeen| {
                    grant.holder == holder && !grant.revoked && grant.expires_at.is_none_or(|end| at < end)
                };
                assert!(!self.grants.values().any(is_held), "a role that is held is given: {event}");
                let (source, expires_at) = (it["source_offer"].as_str().map(str::to_owned), time("expires_at"));
                assert!(source.is_none() || expires_at.is_none(), "a grant made by an offer has no end: {event}");
                let grant = GrantSeen { holder, tuple, source, expires_at, revoked: false };
                assert!(self.grants.insert(text("grant"), grant).is_none(), "{event}");
            }
            "grant_revoked" => {
                let grant = self.grants.get_mut(&text("grant")).unwrap_or_else(|| panic!("{event}"));
                assert!(!std::mem::replace(&mut grant.revoked, true), "revoked twice: {event}");
                self.settled.push(grant.tuple.clone());
            }
            other => panic!("an event of no known kind: {other}"),
        }
    }

    fn open(&mut self, event: &Value, id: &str) -> &mut OfferSeen {
        let offer = self.offers.get_mut(id).filter(|offer| !offer.ended);
        offer.unwrap_or_else(|| panic!("an offer that has ended, or is none: {event}"))
    }

    /// What holds where no append is half read, and of what this one settled.
    fn holds(&mut self, upto: &str) {
        for tuple in std::mem::take(&mut self.settled) {
            let is_open = |offer: &OfferSeen| !offer.ended && offer.tuple == tuple;
            assert!(!self.offers.values().any(is_open), "an offer of {tuple} is open still at {upto}");
        }
        for (id, offer) in &self.offers {
            let Some(grant) = &offer.accepted_as else { continue };
            let is_its = self.grants.get(grant).is_some_and(|grant| grant.tuple == offer.tuple);
            assert!(is_its, "{id} has no grant at {upto}");
        }
        for (id, grant) in &self.grants {
            let Some(source) = &grant.source else { continue };
            let accepted_as = self.offers.get(source).and_then(|offer| offer.accepted_as.as_deref());
            assert_eq!(accepted_as, Some(id.as_str()), "{id} has no accepted offer at {upto}");
        }
    }
}

/// Reads every event of the books of offers, an append after the other.
fn read(house: &Installation) -> Reading {
    let sql = "SELECT CAST(position AS TEXT) || ' ' || aggregate_id || ' ' || CAST(metadata AS TEXT) || ' ' || \
               CAST(payload AS TEXT) FROM events WHERE aggregate_type = 'offer' ORDER BY position";
    let (mut reading, mut request, mut upto) = (Reading::default(), Value::Null, String::new());
    for row in house.server.store.texts(sql) {
        let (position, rest) = row.split_once(' ').unwrap();
        let (account, documents) = rest.split_once(' ').unwrap();
        let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(documents).into_iter().collect();
        let [metadata, payload] = documents.unwrap().try_into().unwrap();
        // One request after the other is asked here, and each appends once.
        if metadata["correlation"] != request {
            reading.holds(&upto);
            request = metadata["correlation"].clone();
        }
        assert!(request.is_string(), "{metadata}");
        reading.take(account, &payload);
        position.clone_into(&mut upto);
    }
    reading.holds(&upto);
    reading
}

fn acc_160_the_invariants_hold_at_every_position_of_the_record(engine: Engine) {
    let (histories, asked) = if torture() { (20, 300) } else { (1, 90) };
    let (mut accepted, mut seen) = (0, BTreeMap::<String, usize>::new());
    for history in 0..histories {
        let house = Installation::with(engine, &[("OFFERS_TTL", TTL)]);
        let (boss, ben) = (house.admin("boss"), house.named("ben-b"));
        let second = ben.client.rpc("actor_create", &json!({ "name": "P2" })).result()["actor"]["id"].clone();
        let personas = [ben.actor.clone(), second.as_str().unwrap().to_owned()];
        let scopes = (0..3).map(|_| uuid::Uuid::new_v4().to_string()).collect();
        let people = People { grantors: [house.keeper.clone(), boss], ben, personas, scopes };
        let mut dice = Dice::new(history);
        for _ in 0..3 {
            begin(&house, &people);
            accepted += (0..asked / 3).filter(|_| ask(&house, &people, &mut dice)).count();
            all_lapse(&house, &people);
            operate(&house, engine, |operator| {
                operator.run(&["cleanup"]).ok();
                operator.grant_for(3, &["ben-b", "teacher"]);
            });
        }
        operate(&house, engine, |operator| {
            operator.run(&["erase", &people.ben.id, "--yes"]).ok();
        });
        let reading = read(&house);
        let left = |tuple: &String| tuple.starts_with(&people.ben.id);
        assert!(reading.offers.values().all(|offer| offer.ended || !left(&offer.tuple)), "an erasure leaves an offer");
        let now = Utc::now();
        let active = |grant: &&GrantSeen| !grant.revoked && grant.expires_at.is_none_or(|end| now < end);
        assert!(!reading.grants.values().filter(active).any(|grant| left(&grant.tuple)), "an erasure leaves a role");
        reading.seen.into_iter().for_each(|(kind, count)| *seen.entry(kind).or_default() += count);
    }
    println!(
        "acc_160 on {engine:?}: {histories} histories, {accepted} of {} requests done; {seen:?}",
        histories * asked
    );
    for kind in ["made", "refreshed", "accepted", "lapsed", "superseded", "grant_created", "grant_revoked"] {
        assert!(seen.contains_key(kind), "no {kind} in {seen:?}");
    }
}

both_engines![acc_160_the_invariants_hold_at_every_position_of_the_record];
