//! What must hold of the servers that most tests share, after everything that was done to them: the last test to end looks,
//! whichever that is, so that nothing is handed out behind its back. The order of tests plays no part in it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Engine, Installation, Program, Server, contains, secrets, server, text};

/// Tests of this process that have ended.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Runs a test of [`both_engines`](super), and looks at what is shared once it was the last one.
pub(crate) fn of_test(test: impl FnOnce()) {
    let outcome = catch_unwind(AssertUnwindSafe(test));
    let ended = ENDED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    server::check_shared_logs();
    if ended == chosen() {
        [Engine::Sqlite, Engine::Postgres].into_iter().for_each(look);
    }
}

/// How many such tests this process was asked to run. Under a runner with a process a test none is the last of all.
fn chosen() -> usize {
    static CHOSEN: OnceLock<usize> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        if std::env::var_os("NEXTEST").is_some() {
            return usize::MAX;
        }
        let arguments = std::env::args_os().skip(1);
        let listed = Command::new(std::env::current_exe().unwrap()).args(arguments).arg("--list").output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.lines().filter(|line| line.ends_with("::sqlite: test") || line.ends_with("::postgres: test")).count()
    })
}

fn look(engine: Engine) {
    let house = Installation::started(engine);
    if let Some(house) = house {
        personas_belong_to_their_accounts(house);
    }
    if let Some(house) = house {
        let (_, cookie) = house.keeper.cookie.split_once('=').unwrap();
        assert!(secrets::knows(cookie.split(':').next().unwrap()), "cookies are remembered");
    }
    let servers = [house.map(|house| &house.server), Server::started(engine)];
    for server in servers.into_iter().flatten() {
        nothing_secret_is_left(server);
    }
}

/// Every read model equals its rebuild, the record verifies, and no secret of the run stands anywhere in clear.
fn nothing_secret_is_left(server: &Server) {
    let operator = Program::operator_of(server);
    operator.run(&["projections", "verify", "--all"]).ok();
    operator.run(&["audit", "verify"]).ok();
    for file in ["run/daemon_token", "master.key"] {
        // Where a key comes from a setting there is no file.
        if let Ok(key) = std::fs::read_to_string(server.data.join(file)) {
            secrets::key(&key);
        }
    }
    let (tokens, codes) = secrets::seen();
    assert!(tokens > 0, "secrets are remembered");
    println!("the last look at {}: {tokens} secrets and {codes} codes are searched for", server.base);
    let search = secrets::Search::now();
    // Each with a word that stands there, if it is what it is taken for.
    for (place, word, bytes) in [
        ("store", "journal_head", server.store.bytes_without_keys()),
        ("log", "serving", server.log().into_bytes()),
        ("export", "", operator.run(&["audit", "export"]).ok().as_bytes().to_vec()),
        ("shown settings", "data_dir", operator.run(&["config", "show"]).ok().as_bytes().to_vec()),
        ("figures", "muniment_", server.anonymous().get("/metrics").body),
    ] {
        // In a run of a few tests a shared server may have recorded nothing, which is what it exports.
        assert!(word.is_empty() || contains(&bytes, word.as_bytes()), "{place} without {word}");
        search.check(&bytes);
        assert_eq!(search.find(&bytes), None, "in the {place}");
    }
    assert_eq!(search.find(&secrets::refusals()), None, "in a refusal");
}

/// Every item of a list that is asked for page by page.
fn all_of(house: &Installation, method: &str, list: &str) -> Vec<Value> {
    const PAGE: usize = 200;
    let mut all = Vec::new();
    loop {
        let params = json!({ "limit": PAGE, "offset": all.len() });
        let page = house.keeper.client.rpc(method, &params).result()[list].as_array().unwrap().clone();
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

/// ACC-168 over everything that was recorded.
fn personas_belong_to_their_accounts(house: &Installation) {
    let mut owner_of: BTreeMap<String, String> = BTreeMap::new();
    for entry in all_of(house, "admin_account_list", "accounts") {
        for actor in entry["actors"].as_array().unwrap() {
            owner_of.insert(text(&actor["id"]), text(&entry["account"]["id"]));
        }
    }
    let rows = all_of(house, "audit_log_list", "events");
    let mut pairs = 0;
    for row in &rows {
        for (actor, account) in [("actor_id", "account_id"), ("target_actor_id", "target_account_id")] {
            if let (Some(actor), Some(account)) = (row[actor].as_str(), row[account].as_str()) {
                assert_eq!(owner_of.get(actor).map(String::as_str), Some(account), "{row}");
                pairs += 1;
            }
        }
    }
    println!("the last look at {}: {pairs} pairs of ids in {} rows of the audit", house.server.base, rows.len());
}
