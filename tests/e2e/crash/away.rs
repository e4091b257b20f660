//! While PostgreSQL is away every route says so and when to come again; none takes it for a fault of its own.

use muniment_testkit::Cluster;
use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Reply, Setup, eventually};

#[test]
fn while_the_database_is_away_every_route_says_when_to_come_again() {
    let cluster = Cluster::start();
    let house = Installation::start(Setup::new(Engine::Postgres).with_accounts().on_cluster(&cluster));
    let company = house.server.company();
    company.metric("arr");
    let ann = house.person("ann");
    assert_eq!(house.daemon().get("/api/db/health").expect(200)["connected"], true);
    cluster.kill9();
    let anybody = house.server.anonymous();
    let signup = json!({ "username": "bob-the-late", "password": PASSWORD });
    let rest: [(&str, Reply); 9] = [
        ("status", company.agent.get("/v1/status")),
        ("points", company.agent.get("/v1/metrics/arr/points")),
        ("point", company.agent.post("/v1/metrics/arr/points", &json!({ "value": 1 }))),
        ("events", company.agent.get("/v1/events?after=start")),
        ("code", anybody.post("/v1/auth/otp/start", &json!({ "email": "eve@example.com" }))),
        ("right code?", anybody.post("/v1/auth/otp/verify", &json!({ "email": "eve@example.com", "code": "000000" }))),
        ("account", ann.client.get("/api/account/status")),
        ("login", house.login(&ann.username, PASSWORD)),
        ("signup", anybody.post("/api/account/signup", &signup)),
    ];
    for (what, reply) in rest {
        assert_eq!((reply.status, reply.code().as_str()), (503, "service_unavailable"), "{what}");
        assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{what}");
    }
    for method in ["account_session_list", "actor_list", "audit_log_list", "role_grant_offer_list"] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
        let reply = house.keeper.client.post("/api/rpc", &body);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (503, "service_unavailable"),
            "{method}: nobody can say who asks"
        );
    }
    // The file's token rotates, and the one before it holds for the same time again: what is read now holds.
    let told = house.daemon().get("/api/db/health").expect(503);
    let down = json!({ "connected": false, "type": "postgres", "error": "database_connection_failed" });
    assert_eq!(told, down, "whoever has the server's files is told");
    for client in [&anybody, &house.keeper.client, &house.server.anonymous().header("x-daemon-token", &"a".repeat(43))]
    {
        client.get("/api/db/health").refused(503, "service_unavailable");
    }
    assert_eq!(house.daemon().get("/api/account/status").status, 503, "nothing else is");
    assert_eq!(anybody.get("/health").status, 200, "the process lives");
    assert_eq!(anybody.get("/ready").status, 503, "and cannot serve");
    cluster.restart();
    eventually("the server serves again", || {
        company.agent.try_get("/v1/status").filter(|reply| reply.status == 200).map(drop)
    });
    assert_eq!(company.points("arr"), Vec::<Value>::new(), "what was refused is not there");
    house.login(&ann.username, PASSWORD).expect(200);
}
