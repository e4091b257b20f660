//! Steps over more than a batch of the journal holds: the end of a large scope, the sweep of many lapsed offers, and the
//! erasure of whom they were made to (ACC-147, ACC-220).

use serde_json::{Value, json};

use super::socket::Socket;
use crate::harness::{Engine, Installation, Person, Program, eventually, in_parallel, text, torture};

/// Roles that are given by offer: `role_a` and so on.
const ROLES: usize = 26;
const PERSONAS: usize = 20;
/// People, so that 2,080 roles end, or 3,120 in the full form.
const PEOPLE: [usize; 2] = [4, 6];

fn role(number: usize) -> String {
    format!("role_{}", char::from(b'a' + u8::try_from(number).unwrap()))
}

/// The places of all rows of a type behind a position, ascending.
fn places(house: &Installation, event_type: &str, since: u64) -> Vec<u64> {
    let (mut places, mut offset) = (Vec::new(), 0);
    loop {
        let filter = json!({ "event_type": event_type, "since_seq": since, "limit": 200, "offset": offset });
        // So many rows may take longer to fold than a reader waits.
        let page = eventually("the rows are folded", || {
            let call = house.keeper.client.rpc("audit_log_list", &filter);
            (call.0.status == 200).then(|| call.result()["events"].as_array().unwrap().clone())
        });
        places.extend(page.iter().map(|row| row["seq"].as_u64().unwrap()));
        offset += page.len();
        if page.len() < 200 {
            places.sort_unstable();
            return places;
        }
    }
}

/// Gives a person's twenty personas every role at a scope; the grants.
fn grant_everything(house: &Installation, person: &Person, scope: &Value) -> Vec<String> {
    for number in 1..PERSONAS {
        person.client.rpc("actor_create", &json!({ "name": format!("Persona {number}") })).result();
    }
    let personas = person.client.rpc("actor_list", &Value::Null).result()["actors"].clone();
    let mut grants = Vec::new();
    for persona in personas.as_array().unwrap() {
        for number in 0..ROLES {
            let offer = house.offer(&house.keeper, person, &role(number), scope);
            let accept = json!({ "offer_id": offer["id"], "acting": persona["id"] });
            grants.push(text(&person.client.rpc("role_grant_offer_accept", &accept).result()["role_grant_id"]));
        }
    }
    grants
}

fn acc_147_a_scope_with_thousands_of_roles_ends_in_one_step(engine: Engine) {
    let roles: Vec<String> = (0..ROLES).map(|number| format!("{}:admin", role(number))).collect();
    let house = Installation::with(engine, &[("ROLES", &roles.join(","))]);
    let count = PEOPLE[usize::from(torture())];
    let each = PERSONAS * ROLES;
    let people: Vec<Person> = (0..count).map(|_| house.person("pupil")).collect();
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    let mut wanted = in_parallel(count, |index| grant_everything(&house, &people[index], &scope)).concat();
    let open: Vec<Value> = people.iter().map(|it| house.offer(&house.keeper, it, &role(0), &scope)).collect();
    let since = house.audit(&json!({ "limit": 1 }))[0]["seq"].as_u64().unwrap();
    let socket_of = |person: &Person| {
        let path = format!("/api/ws?acting={}", person.actor);
        Socket::open(&house.server, &path, &[("cookie", &person.cookie)]).unwrap()
    };
    let mut sockets: Vec<Socket> = people.iter().map(socket_of).collect();
    let mut to_keeper = Socket::of(&house.server, &house.keeper.cookie);

    let ended = house.keeper.client.rpc("scope_destroy", &scope).result();
    let mut revoked: Vec<String> = ended["revoked_role_grant_ids"].as_array().unwrap().iter().map(text).collect();
    wanted.sort();
    revoked.sort();
    assert_eq!((revoked.len(), revoked == wanted), (count * each, true));
    assert_eq!(ended["superseded_offer_ids"].as_array().unwrap().len(), open.len());

    let mut rows = places(&house, "role_grant_revoke", since);
    assert_eq!(rows.len(), count * each);
    rows.extend(places(&house, "role_grant_offer_supersede", since));
    rows.sort_unstable();
    assert_eq!(rows.len(), count * each + open.len());
    assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1), "nothing stands between them");
    let last = rows[rows.len() - 1].to_string();
    let traced = Program::operator_of(&house.server).run(&["audit", "trace", &last, "--json"]).json();
    let traced = traced["events"].as_array().unwrap();
    assert_eq!((&traced[0]["type"], traced.len()), (&json!("scope.destroyed"), rows.len() + 1), "{}", traced[0]);
    for socket in &mut sockets {
        let mut told: Vec<String> =
            (0..each).map(|_| text(&socket.notice("role_grant_revoke")["role_grant_id"])).collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), each, "each once");
        assert!(told.iter().all(|grant| wanted.binary_search(grant).is_ok()));
    }
    for _ in &open {
        let told = to_keeper.notice("role_grant_offer_supersede");
        assert_eq!((&told["reason"], &told["cause_id"]), (&json!("scope_destroyed"), &scope["scope_id"]));
    }
    for person in &people {
        let status = person.client.get(&format!("/api/account/status?acting={}", person.actor)).expect(200);
        assert_eq!(status["role_grants"], json!([]));
    }
    let mut offer = json!({ "to_account_id": people[0].id, "role": role(0) });
    offer.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    house.keeper.client.rpc("role_grant_offer_create", &offer).refused(400, -32_602, "scope_destroyed");
    assert_eq!(to_keeper.call("heartbeat", &Value::Null)["result"], json!({}), "the socket stands");
    if torture() {
        println!("{} roles of {count} people ended in one step", count * each);
    }
}

/// One more than a scope may know without any of them having to leave before its end.
const CAME: usize = 201;

fn acc_147_a_scope_that_many_have_left_ends_over_those_who_are_there(engine: Engine) {
    const BY: usize = 4;
    let house = Installation::with(engine, &[]);
    let scope = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
    let held = house.person("pupil");
    let grant = house.grant_at(&held, "student", &scope);
    let waiting = house.person("pupil");
    let pending = house.offer(&house.keeper, &waiting, "student", &scope);
    let gone = in_parallel(BY, |which| {
        let left: Vec<Person> = (which..CAME - 2).step_by(BY).map(|_| house.person("pupil")).collect();
        for person in &left {
            let offer = house.offer(&house.keeper, person, "student", &scope);
            house.keeper.client.rpc("role_grant_offer_retract", &json!({ "offer_id": offer["id"] })).result();
        }
        left
    })
    .concat();
    assert_eq!(gone.len() + 2, CAME);

    let ended = house.keeper.client.rpc("scope_destroy", &scope).result();
    assert_eq!(ended["revoked_role_grant_ids"], json!([grant]));
    assert_eq!(ended["superseded_offer_ids"], json!([pending["id"]]));
    let stream = format!("scope/class:{}", text(&scope["scope_id"]));
    let state = Program::operator_of(&house.server).run(&["audit", "state", &stream, "--json"]).json();
    let known = state["state"]["books"].as_array().unwrap();
    assert!(known.len() == 2 && [&held, &waiting].iter().all(|it| known.contains(&json!(it.id))), "{state}");
    let mut offer = json!({ "to_account_id": gone[0].id, "role": "student" });
    offer.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    house.keeper.client.rpc("role_grant_offer_create", &offer).refused(400, -32_602, "scope_destroyed");
}

fn acc_220_many_lapsed_offers_are_swept_and_keep_nobody_from_being_erased(engine: Engine) {
    const BY: usize = 5;
    let offers: usize = if torture() { 2_500 } else { 2_100 };
    let house = Installation::with(engine, &[("OFFERS_TTL", "2s"), ("CLEANUP_INTERVAL", "12h")]);
    let ann = house.person("ann");
    in_parallel(BY, |_| {
        for _ in 0..offers / BY {
            let class = json!({ "scope_kind": "class", "scope_id": uuid::Uuid::new_v4().to_string() });
            house.offer(&house.keeper, &ann, "teacher", &class);
        }
    });
    eventually("all have lapsed", || {
        let listed = ann.client.rpc("role_grant_offer_list", &json!({})).result();
        listed["offers"].as_array().unwrap().is_empty().then_some(())
    });
    let since = house.audit(&json!({ "limit": 1 }))[0]["seq"].as_u64().unwrap();
    house.server.terminate();

    let operator = Program::operator_of(&house.server);
    let swept = |offers: usize| json!({ "expired_sessions": 0, "expired_offers": offers });
    assert_eq!(operator.run(&["cleanup", "--json"]).json(), swept(offers));
    assert_eq!(operator.run(&["cleanup", "--json"]).json(), swept(0));
    // A lapsed offer is open still: all of them end with the account, in its one step.
    let erased = operator.run(&["erase", &ann.id, "--yes", "--json"]).json();
    assert_eq!(erased["sessions_ended"], json!(1), "{erased}");
    house.server.restart();

    assert_eq!(places(&house, "role_grant_offer_expire", since).len(), offers);
    let declined = places(&house, "role_grant_offer_decline", since);
    assert_eq!(declined.len(), offers);
    assert!(declined.windows(2).all(|pair| pair[1] == pair[0] + 1), "nothing stands between them");
    ann.client.get("/api/account/verify").expect(401);
    if torture() {
        println!("{offers} lapsed offers to one account swept, and the account erased in one step");
    }
}

both_engines![
    acc_147_a_scope_with_thousands_of_roles_ends_in_one_step,
    acc_147_a_scope_that_many_have_left_ends_over_those_who_are_there,
    acc_220_many_lapsed_offers_are_swept_and_keep_nobody_from_being_erased,
];
