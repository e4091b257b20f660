//! Rules of the whole surface: health, CORS, unknown paths, bodies, the shape of errors (MET-001 to 008).

use serde_json::json;

use crate::harness::{Engine, Server};

fn met_001_health_answers_without_a_credential(engine: Engine) {
    let server = Server::shared(engine);
    let reply = server.anonymous().get("/health");
    assert_eq!(reply.expect(200), json!({ "ok": true, "status": "ok", "env": "development" }));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
}

both_engines![met_001_health_answers_without_a_credential];
