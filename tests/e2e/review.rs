//! Who may not review (MET-130, without the admin: that account comes with passwords and cookies).

use serde_json::json;

use crate::harness::{Engine, Server};

fn met_130_only_reviewers_review(engine: Engine) {
    let server = Server::shared(engine);
    let founder = server.founder("curious");
    let company = server.company_of(&founder);
    let one = format!("/v1/review/applications/{}", company.application);
    let decide = format!("{one}/status");
    for path in ["/v1/review/applications", &one] {
        assert_eq!(server.anonymous().get(path).status, 401);
        company.agent.get(path).refused(403, "credential_type_required");
        founder.client.get(path).refused(403, "credential_type_required");
    }
    assert_eq!(server.anonymous().post_bytes(&decide, "{").status, 401);
    company.agent.post_bytes(&decide, "{").refused(403, "credential_type_required");
    founder.client.post(&decide, &json!({ "status": "accepted" })).refused(403, "credential_type_required");
    assert_eq!(company.status()["application"]["status"], "submitted");
}

both_engines![met_130_only_reviewers_review];
