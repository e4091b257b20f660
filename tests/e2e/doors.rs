//! What stands beside an event, by whichever door its command came: who, in which request, from where, as which command, and
//! what it answered. Whoever investigates reads nothing else of how it came to pass.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::accounts::socket::Socket;
use crate::harness::{Company, Engine, Founder, Installation, Person, Program, Reply, Server, split_token, text};

/// One command that was given.
struct Came {
    position: u64,
    /// What must stand beside its event; where nobody was told the request's id, without it.
    beside: Value,
}

/// Everything that was done, each through another door.
struct Doors<'a> {
    house: &'a Installation,
    came: Vec<Came>,
}

fn newest(server: &Server, event_type: &str) -> u64 {
    let newest = format!("SELECT CAST(MAX(position) AS TEXT) FROM events WHERE event_type = '{event_type}'");
    server.store.texts(&newest)[0].parse().unwrap_or_else(|error| panic!("{event_type}: {error}"))
}

/// The address that a door is used from, behind the proxy that these servers trust.
fn address(door: usize) -> String {
    format!("203.0.113.{door}")
}

fn account(of: &str, credential: &str, id: &str) -> Value {
    json!({ "kind": "account", "account": of, "credential": credential, "credential_id": id })
}

fn public_id(token: &str) -> String {
    split_token(token).0.rsplit('_').next().unwrap().to_owned()
}

/// The id of the session that somebody's cookie opens.
fn session(of: &Person) -> String {
    let sessions = of.client.rpc("account_session_list", &Value::Null).result()["sessions"].clone();
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    text(&sessions[0]["id"])
}

impl Doors<'_> {
    /// Notes what the newest event of a type was recorded by.
    fn by(&mut self, event_type: &str, reply: Option<&Reply>, who: Value, surface: &str, command: &str) {
        let mut beside = json!({ "who": who, "surface": surface, "command": command });
        if surface == "http" || surface == "ws" {
            beside["client"] = json!(address(self.came.len()));
        }
        if let Some(reply) = reply {
            assert!(reply.status < 300, "{reply}");
            beside["correlation"] = json!(reply.header("x-request-id"));
        }
        self.came.push(Came { position: newest(&self.house.server, event_type), beside });
    }

    /// The address that the next door is used from.
    fn next(&self) -> (&'static str, String) {
        ("x-forwarded-for", address(self.came.len()))
    }

    /// The last door is open to this machine alone, not to whoever comes by a proxy.
    fn note_this_machine(&mut self) {
        self.came.last_mut().unwrap().beside["client"] = json!("127.0.0.1");
    }

    /// The routes of `/v1`.
    fn by_v1(&mut self, founder: &Founder, company: &Company) {
        let server = &self.house.server;
        let asked = server.anonymous().post("/v1/auth/otp/start", &json!({ "email": founder.email }));
        self.by("challenge.issued", Some(&asked), json!({ "kind": "anonymous" }), "http", "issue_challenge");
        self.note_this_machine();

        let own = founder.client.get("/v1/auth/session").expect(200);
        let (name, from) = self.next();
        let new = json!({ "name": "second", "scopes": ["application:read"], "company_id": company.id });
        let made = founder.client.header(name, &from).post("/v1/tokens", &new);
        let who = account(&text(&own["account_id"]), "founder_session", &public_id(&founder.token));
        self.by("agent_token.issued", Some(&made), who, "http", "issue_token");

        let (name, from) = self.next();
        let agent = company.agent.header(name, &from);
        let point = |value: u64| agent.post("/v1/metrics/arr/points", &json!({ "value": value }));
        point(1).expect(201);
        let fires = point(10);
        let who = json!({
            "kind": "agent", "company": company.id, "application": company.application,
            "token": public_id(&company.token), "name": "default-agent-token",
        });
        self.by("metric.point_recorded", Some(&fires), who, "http", "record_points");

        company.wait_for_alerts(1);
        let who = json!({ "kind": "system", "component": "alert-evaluator" });
        let cause = self.came.last().map(|came| came.position);
        // A policy goes on with the request that it answers.
        self.by("metric.alert_raised", Some(&fires), who, "policy", "raise_due");
        self.came.last_mut().unwrap().beside["causation"] = json!(cause);
    }

    /// The routes and methods of `/api`.
    fn by_api(&mut self, ann: &Person) {
        let house = self.house;
        let create = json!({ "name": "Another" });
        let own = session(ann);
        let (by_token, token) = house.token_of(ann);

        // A socket asks which persona acts where there are several.
        let (name, from) = self.next();
        let mut socket = Socket::open(&house.server, "/api/ws", &[("cookie", &ann.cookie), (name, &from)]).unwrap();
        assert!(socket.call("actor_create", &create)["error"].is_null());
        self.by("account.persona_added", None, account(&ann.id, "session", &own), "ws", "actor_create");

        let (name, from) = self.next();
        let created = ann.client.header(name, &from).rpc("actor_create", &create).0;
        self.by("account.persona_added", Some(&created), account(&ann.id, "session", &own), "http", "actor_create");

        let (name, from) = self.next();
        let role = json!({ "role": "pal", "enabled": true, "acting": ann.actor });
        let taken = by_token.header(name, &from).rpc("self_service_role_set", &role).0;
        let mut who = account(&ann.id, "api_token", &token);
        who["persona"] = json!(ann.actor);
        self.by("grant.created", Some(&taken), who, "http", "self_service_role_set");

        let invited = house.daemon().rpc("invite_create", &json!({ "username": "somebody" })).0;
        let who = account(&house.keeper.id, "daemon_token", "daemon");
        self.by("invite.created", Some(&invited), who, "http", "invite_create");
        self.note_this_machine();

        let (name, from) = self.next();
        let offer = json!({ "to_account_id": ann.id, "role": "teacher" });
        let offered = house.keeper.client.header(name, &from).rpc("role_grant_offer_create", &offer).0;
        let mut who = account(&house.keeper.id, "session", &session(&house.keeper));
        who["persona"] = json!(house.keeper.actor);
        self.by("offer.made", Some(&offered), who, "http", "role_grant_offer_create");

        let (name, from) = self.next();
        let left = ann.client.header(name, &from).post("/api/account/logout", &json!({}));
        self.by("account.session_closed", Some(&left), account(&ann.id, "session", &own), "http", "logout");
    }
}

fn every_door_leaves_who_came_from_where_and_in_which_request(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (ann, founder) = (house.person("ann"), house.server.founder("ana"));
    let company = house.server.company_of(&founder);
    company.metric("arr");
    let mut doors = Doors { house: &house, came: Vec::new() };
    doors.by_v1(&founder, &company);
    doors.by_api(&ann);
    house.server.terminate();
    let operator = Program::operator_of(&house.server);
    operator.run(&["role", "grant", &ann.username, "student", "--yes"]).ok();
    doors.by("grant.created", None, json!({ "kind": "operator" }), "cli", "role_grant");

    let mut requests = BTreeSet::new();
    for Came { position, mut beside } in doors.came {
        let shown = operator.run(&["audit", "show", &position.to_string(), "--reveal", "--json"]).json();
        let found = shown["metadata"].clone();
        let request = text(&found["correlation"]);
        assert!(uuid::Uuid::parse_str(&request).is_ok(), "{shown}");
        if beside["correlation"].is_null() {
            beside["correlation"] = json!(request);
        }
        assert_eq!(found, beside, "{shown}");
        assert!(requests.insert(request) || found["causation"].is_u64(), "of another request: {shown}");
    }
}

both_engines![every_door_leaves_who_came_from_where_and_in_which_request];
