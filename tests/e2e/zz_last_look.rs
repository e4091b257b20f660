//! What must hold of the installations that most tests share, after everything that was done to them. Tests begin in the
//! order of their names, so this comes when all others have begun.

use crate::harness::{Engine, Installation, PASSWORD, Program, Server, secrets};

/// The shared servers, each used at least once.
fn shared(engine: Engine) -> [&'static Server; 2] {
    let house = Installation::shared(engine);
    house.login("keeper", PASSWORD).expect(200);
    let server = Server::shared(engine);
    server.founder("last");
    [&house.server, server]
}

/// One test, because a verification makes and drops tables, and a dump of the database would meet them half.
fn models_equal_their_rebuild_and_no_secret_of_the_run_is_in_a_store_or_a_log(engine: Engine) {
    for server in shared(engine) {
        let operator = Program::operator_of(server);
        operator.run(&["projections", "verify", "--all"]).ok();
        operator.run(&["audit", "verify"]).ok();
        assert!(secrets::seen() > 0, "tokens are remembered");
        for (place, bytes) in [("store", server.store.bytes()), ("log", server.log().into_bytes())] {
            assert!(!bytes.is_empty());
            assert_eq!(secrets::found_in(&bytes), None, "in the {place}");
        }
    }
}

both_engines![models_equal_their_rebuild_and_no_secret_of_the_run_is_in_a_store_or_a_log];
