//! The blocks of docs/integrate/accounts.md, run in their order as they stand.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Engine, Setup};

fn the_page_on_accounts_runs_from_the_first_block_to_the_last(engine: Engine) {
    let page = include_str!("../../../docs/integrate/accounts.md");
    let blocks: Vec<&str> = page.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4);
    let (setup, folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let token = std::fs::read_to_string(folder.path().join("token")).unwrap();
    let server = setup.start();
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &blocks.concat()]).env("MUNIMENT_URL", &server.base).env("BOOTSTRAP_TOKEN", token.trim());
    let output = shell.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(!said.contains("\"error\""), "{said}");
    // The last answer is the proof of the role that was offered and accepted on the way.
    let last = said[said.rfind("{\"id\"").unwrap()..].trim();
    let why: Value = serde_json::from_str(last).unwrap();
    assert_eq!(why["result"]["holds"], true, "{last}");
    assert!(why["result"]["proof"].as_array().unwrap().len() >= 4, "{last}");
}

both_engines![the_page_on_accounts_runs_from_the_first_block_to_the_last];
