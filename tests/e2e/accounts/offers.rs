//! Making and settling offers (ACC-110 to ACC-135).

use std::time::Duration;

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, Person, Program, eventually, milliseconds_until, text};

pub(super) const CLASS: &str = "33333333-3333-4333-8333-333333333333";
pub(super) const NOBODY: &str = "22222222-2222-4222-8222-222222222222";

pub(super) fn at_class(id: &str) -> Value {
    json!({ "scope_kind": "class", "scope_id": id })
}

fn create(from: &Person, params: &Value) -> crate::harness::Rpc {
    from.client.rpc("role_grant_offer_create", params)
}

fn on(offer: &Value) -> Value {
    json!({ "offer_id": offer["id"] })
}

fn seconds(from: &Value, to: &Value) -> i64 {
    let time = |value: &Value| text(value).parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    (time(to) - time(from)).num_seconds()
}

fn acc_110_an_offer_waits_and_gives_nothing_yet(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let offer = house.offer(&house.keeper, &ben, "admin", &json!({ "message": "m".repeat(500) }));
    let keys: Vec<&String> = offer.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "accepted_at",
            "created_at",
            "decline_reason",
            "declined_at",
            "expires_at",
            "from_actor_id",
            "id",
            "message",
            "resulting_role_grant_id",
            "retracted_at",
            "role",
            "scope_id",
            "scope_kind",
            "superseded_at",
            "to_account_id",
            "to_actor_id",
        ]
    );
    assert_eq!(seconds(&offer["created_at"], &offer["expires_at"]), 30 * 86_400);
    ben.client.rpc("invite_list", &json!({})).refused(403, -32_002, "insufficient_permissions");
    assert!(!crate::harness::contains(&house.server.store.bytes(), "m".repeat(500).as_bytes()), "sealed");
}

fn acc_111_keeper_and_unknown_roles_are_not_offered(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    for role in ["keeper", "unheard", "pal"] {
        let call = create(&house.keeper, &json!({ "to_account_id": ben.id, "role": role }));
        call.refused(403, -32_002, "role_grant_offer_role_not_grantable");
        let row = house.row("role_grant_offer_create", &ben.id);
        assert_eq!(row["outcome"], "failure");
        let metadata = json!({ "role": role, "scope_id": null, "to_account_id": ben.id });
        assert_eq!((&row["metadata"], &row["actor_id"]), (&metadata, &json!(house.keeper.actor)));
        assert_eq!((&row["target_account_id"], &row["target_actor_id"]), (&json!(ben.id), &Value::Null));
    }
}

fn acc_112_who_may_offer_holds_the_role_everywhere(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_AUTHORIZE", "holder")]);
    let (ann, ben) = (house.named("ann-a"), house.named("ben-b"));
    let offer = json!({ "to_account_id": ben.id, "role": "teacher" });
    create(&house.keeper, &offer).refused(403, -32_002, "role_grant_offer_not_authorized");
    create(&ann, &offer).refused(403, -32_002, "role_grant_offer_not_authorized");
    create(&house.keeper, &json!({ "to_account_id": ben.id, "role": "admin" })).result();

    let house = Installation::shared(engine);
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    let offer = json!({ "to_account_id": ben.id, "role": "teacher" });
    create(&house.keeper, &offer).result();
    house.grant_at(&ann, "teacher", &at_class(CLASS));
    create(&ann, &offer).refused(403, -32_002, "role_grant_offer_not_authorized");
    house.grant_at(&ann, "admin", &at_class(CLASS));
    create(&ann, &offer).refused(403, -32_002, "role_grant_offer_not_authorized");
    house.grant(&ann, "teacher");
    create(&ann, &offer).result();
}

fn acc_113_a_scoped_rule_lets_a_holder_offer_in_that_scope_alone(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_SCOPED_RULES", "teacher:student")]);
    let (ann, ben) = (house.named("ann-a"), house.named("ben-b"));
    house.grant_at(&ann, "teacher", &at_class(CLASS));
    house.offer(&ann, &ben, "student", &at_class(CLASS));
    for elsewhere in [at_class("44444444-4444-4444-8444-444444444444"), json!({})] {
        let mut offer = json!({ "to_account_id": ben.id, "role": "student" });
        offer.as_object_mut().unwrap().extend(elsewhere.as_object().unwrap().clone());
        create(&ann, &offer).refused(403, -32_002, "role_grant_offer_not_authorized");
    }
}

fn acc_116_malformed_offers_are_told_and_leave_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let before = house.rows(&ben.id);
    for (more, path) in [
        (json!({ "scope_id": CLASS }), "scope_kind"),
        (json!({ "scope_kind": "class" }), "scope_id"),
        (json!({ "scope_kind": "house", "scope_id": CLASS }), "scope_kind"),
        (json!({ "role": "Bad" }), "role"),
        (json!({ "message": "m".repeat(501) }), "message"),
        (json!({ "to_account_id": "x" }), "to_account_id"),
    ] {
        let mut params = json!({ "to_account_id": ben.id, "role": "teacher" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(create(&house.keeper, &params).issues()[0].0, path, "{params}");
    }
    assert_eq!(house.rows(&ben.id), before);
    let history = ben.client.rpc("role_grant_offer_history", &json!({})).result();
    assert_eq!(history["offers"], json!([]));
    house.offer(&house.keeper, &ben, "teacher", &json!({ "message": "m".repeat(500) }));
}

fn acc_117_the_same_offer_again_keeps_its_place(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let mut to_ben = Socket::of(&house.server, &ben.cookie);
    let first = house.offer(&house.keeper, &ben, "teacher", &json!({ "message": "one" }));
    eventually("a millisecond passes", || (milliseconds_until(&first["created_at"]) < 0).then_some(()));
    let narrowed = house.offer(&house.keeper, &ben, "teacher", &json!({ "to_actor_id": ben.actor, "message": "two" }));
    assert_eq!((&narrowed["id"], &narrowed["created_at"]), (&first["id"], &first["created_at"]));
    assert_eq!((&narrowed["message"], &narrowed["to_actor_id"]), (&json!("two"), &json!(ben.actor)));
    assert!(narrowed["expires_at"].as_str() > first["expires_at"].as_str(), "{first} {narrowed}");
    let widened = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    assert_eq!((&widened["id"], &widened["created_at"]), (&first["id"], &first["created_at"]));
    assert_eq!((&widened["message"], &widened["to_actor_id"]), (&Value::Null, &Value::Null));
    for made in [first, narrowed, widened] {
        let told = to_ben.notice("role_grant_offer_received")["offer"].clone();
        assert_eq!((&told["id"], &told["role"]), (&made["id"], &made["role"]));
    }
    assert!(to_ben.is_quiet(Duration::from_millis(200)));
}

fn acc_118_other_slots_are_other_offers(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "3s")]);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let one = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let scoped = house.offer(&house.keeper, &ben, "teacher", &at_class(CLASS));
    let by_other = house.offer(&boss, &ben, "teacher", &json!({}));
    assert!(one["id"] != scoped["id"] && one["id"] != by_other["id"]);
    let listed = || ben.client.rpc("role_grant_offer_list", &json!({})).result()["offers"].clone();
    eventually("the offers lapse", || (listed() == json!([])).then_some(()));
    let again = eventually("it waits again", || {
        let again = house.offer(&house.keeper, &ben, "teacher", &json!({}));
        assert_eq!(again["id"], one["id"]);
        (listed() == json!([again])).then_some(again)
    });
    ben.client.rpc("role_grant_offer_decline", &on(&again)).result();
    let fresh = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    assert_ne!(fresh["id"], one["id"]);
}

fn acc_125_accepting_gives_the_role_at_once(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let offer = house.offer(&house.keeper, &ben, "admin", &json!({}));
    let accepted = ben.client.rpc("role_grant_offer_accept", &on(&offer)).result();
    assert_eq!(accepted["superseded_offer_ids"], json!([]));
    assert_eq!(accepted["offer"]["resulting_role_grant_id"], accepted["role_grant_id"]);
    assert!(accepted["offer"]["accepted_at"].is_string());
    ben.client.rpc("invite_list", &json!({})).result();
    let status = ben.client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"][0]["id"], accepted["role_grant_id"]);
    let row = house.row("role_grant_create", &ben.id);
    assert_eq!(row["metadata"]["source_offer_id"], offer["id"]);
    assert_eq!((&row["actor_id"], &row["target_actor_id"]), (&json!(ben.actor), &json!(ben.actor)));
}

fn acc_126_siblings_fall_away_with_the_accept(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let (a, b) =
        (house.offer(&house.keeper, &ben, "teacher", &json!({})), house.offer(&boss, &ben, "teacher", &json!({})));
    let other = house.offer(&boss, &ben, "student", &json!({}));
    let scoped = house.offer(&boss, &ben, "teacher", &at_class(CLASS));
    let accepted = ben.client.rpc("role_grant_offer_accept", &on(&a)).result();
    assert_eq!(accepted["superseded_offer_ids"], json!([b["id"]]));
    for (client, method) in [
        (&ben.client, "role_grant_offer_accept"),
        (&ben.client, "role_grant_offer_decline"),
        (&boss.client, "role_grant_offer_retract"),
    ] {
        client.rpc(method, &on(&b)).refused(400, -32_600, "role_grant_offer_terminal");
    }
    let pending = ben.client.rpc("role_grant_offer_list", &json!({})).result();
    let mut ids: Vec<_> = pending["offers"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
    let mut wanted = vec![text(&other["id"]), text(&scoped["id"])];
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted);
    let history = ben.client.rpc("role_grant_offer_history", &json!({})).result()["offers"].clone();
    let shown = |id: &Value| history.as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap().clone();
    assert!(shown(&b["id"])["superseded_at"].is_string(), "{history}");
    for untouched in [&a, &other, &scoped] {
        assert_eq!(shown(&untouched["id"])["superseded_at"], Value::Null, "{history}");
    }
    let row = house.row("role_grant_offer_supersede", &ben.id);
    assert_eq!(row["metadata"]["reason"], "sibling_accepted");
    assert_eq!(row["metadata"]["cause_id"], a["id"]);
}

fn acc_127_accepting_again_answers_the_same_and_brings_nothing_back(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "4s")]);
    let ben = house.person("ben");
    let mut to_keeper = Socket::of(&house.server, &house.keeper.cookie);
    let (offer, first) = house.accepted(&ben, "teacher", &json!({}));
    let rows = house.rows(&ben.id);
    let again = || ben.client.rpc("role_grant_offer_accept", &on(&offer));
    let reply = again();
    assert_eq!(reply.0.header("muniment-position"), "");
    assert_eq!(reply.result()["role_grant_id"], first["role_grant_id"]);
    assert_eq!(reply.result()["superseded_offer_ids"], json!([]));
    eventually("the offer's end passes", || (milliseconds_until(&offer["expires_at"]) < 0).then_some(()));
    assert_eq!(again().result()["role_grant_id"], first["role_grant_id"]);
    assert_eq!(house.rows(&ben.id), rows);
    to_keeper.notice("role_grant_offer_accepted");
    assert!(to_keeper.is_quiet(Duration::from_millis(300)));
    let revoke = json!({ "actor_id": ben.actor, "role_grant_id": first["role_grant_id"] });
    house.keeper.client.rpc("role_grant_revoke", &revoke).result();
    assert_eq!(again().result()["role_grant_id"], first["role_grant_id"]);
    let status = ben.client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"], json!([]));
}

fn two_personas(house: &Installation) -> (Person, String) {
    let person = house.person("two");
    let made = person.client.rpc("actor_create", &json!({ "name": "P2" })).result();
    (person, text(&made["actor"]["id"]))
}

fn acc_128_an_offer_to_the_account_is_the_first_personas_who_accepts(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, second) = two_personas(house);
    let offer = house.offer(&house.keeper, &person, "teacher", &json!({}));
    let accept = |acting: &str| {
        let params = json!({ "offer_id": offer["id"], "acting": acting });
        person.client.rpc("role_grant_offer_accept", &params)
    };
    accept(&person.actor).result();
    accept(&second).refused(400, -32_600, "role_grant_offer_terminal");
}

fn acc_129_an_offer_to_a_persona_is_not_its_siblings(engine: Engine) {
    let house = Installation::shared(engine);
    let (person, second) = two_personas(house);
    let offer = house.offer(&house.keeper, &person, "teacher", &json!({ "to_actor_id": person.actor }));
    let accept = |acting: &str| {
        let params = json!({ "offer_id": offer["id"], "acting": acting });
        person.client.rpc("role_grant_offer_accept", &params)
    };
    accept(&second).refused(403, -32_002, "role_grant_offer_actor_mismatch");
    let pending = person.client.rpc("role_grant_offer_list", &json!({ "acting": second })).result();
    assert_eq!(pending["offers"], json!([offer]), "it still waits");
    accept(&person.actor).result();
}

fn acc_130_what_is_not_ones_own_is_not_there_and_what_is_settled_is_told(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "2s")]);
    let (ben, eve) = (house.named("ben-b"), house.named("eve-e"));
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accept = |person: &Person, id: &Value| person.client.rpc("role_grant_offer_accept", &json!({ "offer_id": id }));
    let foreign = accept(&eve, &offer["id"]);
    foreign.refused(404, -32_003, "role_grant_offer_not_found");
    let unknown = accept(&eve, &json!(NOBODY));
    assert_eq!(foreign.0.body, unknown.0.body);
    ben.client.rpc("role_grant_offer_decline", &on(&offer)).result();
    accept(&ben, &offer["id"]).refused(400, -32_600, "role_grant_offer_terminal");
    let lapsing = house.offer(&house.keeper, &ben, "student", &json!({}));
    crate::harness::eventually("the offer lapses", || {
        let listed = ben.client.rpc("role_grant_offer_list", &json!({})).result();
        listed["offers"].as_array().unwrap().is_empty().then_some(())
    });
    accept(&ben, &lapsing["id"]).refused(400, -32_600, "role_grant_offer_expired");
    house.keeper.client.rpc("role_grant_offer_retract", &on(&lapsing)).result();
    accept(&ben, &lapsing["id"]).refused(400, -32_600, "role_grant_offer_terminal");

    let swept = Installation::with(engine, &[("OFFERS_TTL", "1s"), ("CLEANUP_INTERVAL", "1s")]);
    let ben = swept.named("ben-b");
    let lapsed = swept.offer(&swept.keeper, &ben, "teacher", &json!({}));
    let expired = json!({ "event_type": "role_grant_offer_expire" });
    let row = eventually("the sweep notes it", || swept.audit(&expired).into_iter().next());
    assert_eq!((&row["metadata"]["offer_id"], &row["ip"]), (&lapsed["id"], &Value::Null));
    accept(&ben, &lapsed["id"]).refused(400, -32_600, "role_grant_offer_expired");
}

fn acc_131_accepting_a_role_one_holds_uses_the_grant_there_is(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let grant = house.grant(&ben, "teacher");
    let created = || house.audit(&json!({ "event_type": "role_grant_create", "account_id": ben.id })).len();
    let before = created();
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let accepted = ben.client.rpc("role_grant_offer_accept", &on(&offer)).result();
    assert_eq!(accepted["role_grant_id"], json!(grant));
    assert!(accepted["offer"]["accepted_at"].is_string());
    assert_eq!(created(), before);
}

fn acc_132_a_grant_that_ran_out_is_followed_by_a_new_one(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let ben = house.named("ben-b");
    let operator = Program::operator_of(&house.server);
    let may = || ben.client.rpc("invite_list", &json!({}));
    let mut seconds = 5;
    let (end, granted) = eventually("he is asked while he holds the role", || {
        house.server.terminate();
        let end = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
        seconds *= 2;
        let end_text = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let granted = operator.run(&["role", "grant", "ben-b", "admin", "--expires", &end_text, "--json"]);
        house.server.restart();
        let asked = may();
        (chrono::Utc::now() < end).then(|| {
            asked.result();
            (end, granted.json())
        })
    });
    eventually("the grant runs out", || (chrono::Utc::now() > end).then_some(()));
    may().refused(403, -32_002, "insufficient_permissions");
    assert_eq!(ben.client.get("/api/account/status").expect(200)["role_grants"], json!([]));
    let offer = house.offer(&house.keeper, &ben, "admin", &json!({}));
    let accepted = ben.client.rpc("role_grant_offer_accept", &on(&offer)).result();
    assert_ne!(accepted["role_grant_id"], granted["role_grant_id"]);
    assert_eq!(accepted["offer"]["resulting_role_grant_id"], accepted["role_grant_id"]);
    may().result();
}

fn acc_133_declining_tells_the_grantor_why(engine: Engine) {
    let house = Installation::shared(engine);
    let ben = house.person("ben");
    let offer = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    let decline = |person: &Person, reason: Value| {
        let params = json!({ "offer_id": offer["id"], "reason": reason });
        person.client.rpc("role_grant_offer_decline", &params)
    };
    assert_eq!(decline(&ben, json!("r".repeat(501))).issues()[0].0, "reason");
    decline(&house.keeper, json!("x")).refused(404, -32_003, "role_grant_offer_not_found");
    decline(&house.person("eve"), json!("x")).refused(404, -32_003, "role_grant_offer_not_found");
    decline(&ben, json!("too busy")).result();
    let history = house.keeper.client.rpc("role_grant_offer_history", &json!({ "limit": 500 })).result();
    let shown = history["offers"].as_array().unwrap().iter().find(|it| it["id"] == offer["id"]).unwrap().clone();
    assert_eq!(shown["decline_reason"], "too busy");
    let row = house.row("role_grant_offer_decline", &ben.id);
    assert_eq!(row["metadata"]["reason"], "too busy");
    assert_eq!(
        (&row["target_account_id"], &row["target_actor_id"]),
        (&json!(house.keeper.id), &json!(house.keeper.actor))
    );

    let boss = house.admin("boss");
    let mut to_boss = Socket::of(&house.server, &boss.cookie);
    let silent = house.offer(&boss, &ben, "teacher", &json!({}));
    ben.client.rpc("role_grant_offer_decline", &on(&silent)).result();
    let told = to_boss.notice("role_grant_offer_declined")["offer"].clone();
    assert!(told["declined_at"].is_string() && told["decline_reason"].is_null(), "{told}");
    let history = boss.client.rpc("role_grant_offer_history", &json!({})).result();
    assert_eq!((&history["offers"][0]["id"], &history["offers"][0]["decline_reason"]), (&silent["id"], &Value::Null));
}

fn acc_134_only_the_persona_that_made_an_offer_takes_it_back(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let sibling = text(&boss.client.rpc("actor_create", &json!({ "name": "Other" })).result()["actor"]["id"]);
    let params = json!({ "to_account_id": ben.id, "role": "teacher", "acting": boss.actor });
    let offer = create(&boss, &params).result()["offer"].clone();
    let retract = |person: &Person, acting: &str| {
        let params = json!({ "offer_id": offer["id"], "acting": acting });
        person.client.rpc("role_grant_offer_retract", &params)
    };
    retract(&boss, &sibling).refused(404, -32_003, "role_grant_offer_not_found");
    retract(&ben, &ben.actor).refused(404, -32_003, "role_grant_offer_not_found");
    retract(&boss, &boss.actor).result();
    retract(&boss, &boss.actor).refused(400, -32_600, "role_grant_offer_terminal");
}

fn acc_134_an_offer_that_lapsed_is_still_declined_or_taken_back(engine: Engine) {
    let house = Installation::with(engine, &[("OFFERS_TTL", "1s")]);
    let ben = house.named("ben-b");
    let offers = ["teacher", "student"].map(|role| house.offer(&house.keeper, &ben, role, &json!({})));
    eventually("both lapse", || (milliseconds_until(&offers[1]["expires_at"]) < 0).then_some(()));
    let lapsed = ben.client.rpc("role_grant_offer_history", &json!({})).result()["offers"].clone();
    for offer in &offers {
        let shown = lapsed.as_array().unwrap().iter().find(|it| it["id"] == offer["id"]).unwrap();
        let ends = ["accepted_at", "declined_at", "retracted_at", "superseded_at"];
        assert!(ends.iter().all(|end| shown[*end].is_null()), "nothing ended it: {shown}");
        assert_eq!(shown["expires_at"], offer["expires_at"]);
    }
    ben.client.rpc("role_grant_offer_decline", &on(&offers[0])).result();
    house.keeper.client.rpc("role_grant_offer_retract", &on(&offers[1])).result();
    let history = ben.client.rpc("role_grant_offer_history", &json!({})).result();
    let stands = |offer: &Value, at: &str| {
        history["offers"].as_array().unwrap().iter().any(|it| it["id"] == offer["id"] && it[at].is_string())
    };
    assert!(stands(&offers[0], "declined_at") && stands(&offers[1], "retracted_at"), "{history}");
}

fn acc_135_settling_one_offer_leaves_its_sibling(engine: Engine) {
    let house = Installation::shared(engine);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let (a, b) =
        (house.offer(&house.keeper, &ben, "teacher", &json!({})), house.offer(&boss, &ben, "teacher", &json!({})));
    ben.client.rpc("role_grant_offer_decline", &on(&a)).result();
    let pending = ben.client.rpc("role_grant_offer_list", &json!({})).result();
    assert_eq!(pending["offers"][0]["id"], b["id"]);
    let c = house.offer(&house.keeper, &ben, "teacher", &json!({}));
    house.keeper.client.rpc("role_grant_offer_retract", &on(&c)).result();
    let pending = ben.client.rpc("role_grant_offer_list", &json!({})).result();
    assert_eq!(pending["offers"], json!([b]));
}

both_engines![
    acc_110_an_offer_waits_and_gives_nothing_yet,
    acc_111_keeper_and_unknown_roles_are_not_offered,
    acc_112_who_may_offer_holds_the_role_everywhere,
    acc_113_a_scoped_rule_lets_a_holder_offer_in_that_scope_alone,
    acc_116_malformed_offers_are_told_and_leave_nothing,
    acc_117_the_same_offer_again_keeps_its_place,
    acc_118_other_slots_are_other_offers,
    acc_125_accepting_gives_the_role_at_once,
    acc_126_siblings_fall_away_with_the_accept,
    acc_127_accepting_again_answers_the_same_and_brings_nothing_back,
    acc_128_an_offer_to_the_account_is_the_first_personas_who_accepts,
    acc_129_an_offer_to_a_persona_is_not_its_siblings,
    acc_130_what_is_not_ones_own_is_not_there_and_what_is_settled_is_told,
    acc_131_accepting_a_role_one_holds_uses_the_grant_there_is,
    acc_132_a_grant_that_ran_out_is_followed_by_a_new_one,
    acc_133_declining_tells_the_grantor_why,
    acc_134_an_offer_that_lapsed_is_still_declined_or_taken_back,
    acc_134_only_the_persona_that_made_an_offer_takes_it_back,
    acc_135_settling_one_offer_leaves_its_sibling,
];
