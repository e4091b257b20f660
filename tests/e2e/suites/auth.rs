//! Every method and route × every credential: who is nobody gets 401, who may not 403, and the right one neither.

use serde_json::{Value, json};

use super::input::valid;
use super::listing::{methods, routes, surface};
use crate::harness::{Client, Engine, Installation};

/// Somebody who calls, with what the gates know of him.
struct Caller {
    what: &'static str,
    client: Client,
    credential: &'static str,
    roles: &'static [&'static str],
}

fn callers(house: &Installation) -> Vec<Caller> {
    let (plain, teacher, admin) = (house.person("ann"), house.person("ted"), house.admin("boss"));
    house.grant(&teacher, "teacher");
    let of = |what, person: &crate::harness::Person, roles| {
        let (by_token, _) = house.token_of(person);
        [
            Caller { what, client: person.client.clone(), credential: "session", roles },
            Caller { what, client: by_token, credential: "api_token", roles },
        ]
    };
    let mut callers = Vec::new();
    callers.extend(of("plain", &plain, &[]));
    callers.extend(of("teacher", &teacher, &["teacher"]));
    callers.extend(of("admin", &admin, &["admin"]));
    callers.extend(of("keeper", &house.keeper, &["admin", "keeper"]));
    let roles: &[&str] = &["admin", "keeper"];
    callers.push(Caller { what: "keeper", client: house.daemon(), credential: "daemon_token", roles });
    callers
}

/// 403 or a pass, by the declared axes.
fn is_open(caller: &Caller, roles: &[String], credentials: &[String]) -> bool {
    let by_credential = credentials.is_empty() || credentials.iter().any(|wanted| wanted == caller.credential);
    by_credential && (roles.is_empty() || roles.iter().any(|wanted| caller.roles.contains(&wanted.as_str())))
}

/// Refusals of the gates themselves; what a method refuses for reasons of its own is none.
const GATES: [&str; 3] = ["authentication_required", "credential_type_required", "insufficient_permissions"];

fn every_method_opens_to_whom_it_declares_and_to_nobody_else(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let callers = callers(&house);
    let mut methods = methods(&surface(&house));
    // It ends the sessions that the others are tried with.
    methods.sort_by_key(|method| method.name == "account_session_revoke_all");
    for method in methods {
        let name = &method.name;
        house.server.anonymous().rpc(name, &json!({ "unheard_of": true })).refused(401, -32_001, "");
        let by_get = house.server.anonymous().get(&format!("/api/rpc?method={name}&id=1"));
        assert_eq!(by_get.status, if method.has_side_effects { 400 } else { 401 }, "{name}: {by_get}");
        let mut params = valid(&method.input);
        if name == "invite_create" {
            // Of its two fields one must be there.
            params["username"] = json!("somebody");
        }
        if params.get("scope_kind").is_some() {
            params["scope_kind"] = json!("class");
        }
        for caller in &callers {
            let reply = caller.client.rpc(name, &params).0;
            let reason = text_of(&reply.json()["error"]["data"]["reason"]);
            let what = format!("{name} by {} with {}: {reply}", caller.what, caller.credential);
            if is_open(caller, &method.roles, &method.credentials) {
                assert!(reply.status != 401 && !GATES.contains(&reason.as_str()), "{what}");
            } else {
                assert!(reply.status == 403 && GATES[1..].contains(&reason.as_str()), "{what}");
            }
        }
    }
}

fn every_route_opens_to_whom_it_declares_and_to_nobody_else(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let callers = callers(&house);
    for route in routes(&surface(&house)).iter().filter(|route| route.needs_account) {
        let what = format!("{} {}", route.verb, route.path);
        let call = |client: &Client| match route.verb.as_str() {
            "GET" => client.get(&route.path),
            _ => client.post(&route.path, &valid(&route.input)),
        };
        call(&house.server.anonymous()).refused(401, "authentication_required");
        // Signing out would end the sessions that the others are tried with.
        for caller in callers.iter().filter(|_| route.path != "/api/account/logout") {
            let reply = call(&caller.client);
            let code = if reply.status < 400 { String::new() } else { reply.code() };
            let what = format!("{what} by {} with {}: {reply}", caller.what, caller.credential);
            if is_open(caller, &route.roles, &route.credentials) {
                assert!(!GATES.contains(&code.as_str()), "{what}");
            } else {
                assert!(reply.status == 403 && GATES[1..].contains(&code.as_str()), "{what}");
            }
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

both_engines![
    every_method_opens_to_whom_it_declares_and_to_nobody_else,
    every_route_opens_to_whom_it_declares_and_to_nobody_else,
];
