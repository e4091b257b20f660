//! An erasure whose last steps fail says what stands, and goes on without the address.

use crate::harness::{Engine, Program, Server};

/// Once it is recorded it is erased, whatever fails behind it: the command says so, and how it goes on without the address.
#[test]
fn an_erasure_that_is_cut_short_says_what_stands_and_goes_on_by_the_id() {
    let server = Server::with(Engine::Sqlite, &[]);
    let founder = server.founder("ana");
    let company = server.company_of(&founder);
    let account = founder.client.get("/v1/auth/session").expect(200)["account_id"].as_str().unwrap().to_owned();
    assert_eq!(erased_in_two(&server, &founder.email), account);
    company.agent.get("/v1/status").expect(401);
}

/// Who only applied has no account to be named by.
#[test]
fn an_erasure_of_a_founder_without_an_account_goes_on_by_the_subject() {
    let server = Server::with(Engine::Sqlite, &[]);
    let applicant = server.company();
    let subject = erased_in_two(&server, &applicant.email);
    assert!(subject.starts_with("subject_"), "{subject}");
    applicant.agent.get("/v1/status").expect(401);
}

/// Erases while the read models cannot be written, so that it is cut short, then as the command said; by what name.
fn erased_in_two(server: &Server, email: &str) -> String {
    server.terminate();
    let head = server.store.texts("SELECT CAST(position AS TEXT) FROM journal_head")[0].clone();
    server.store.execute_on_read_models(&format!(
        "CREATE TRIGGER cut_short BEFORE UPDATE ON read_checkpoints_v1 WHEN NEW.position > {head} \
         BEGIN SELECT RAISE(ABORT, 'cut short'); END"
    ));
    let operator = Program::operator_of(server);
    let said = operator.run(&["erase", email, "--yes"]);
    said.ended(6);
    assert!(said.stderr.contains("erased at position"), "{}", said.stderr);
    let (_, named) = said.stderr.split_once("`muniment erase ").unwrap_or_else(|| panic!("{}", said.stderr));
    let (name, _) = named.split_once("` again").unwrap_or_else(|| panic!("{}", said.stderr));
    server.store.execute_on_read_models("DROP TRIGGER cut_short");
    operator.run(&["erase", name, "--yes"]).ok();
    server.restart();
    name.to_owned()
}
