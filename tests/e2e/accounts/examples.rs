//! The blocks of docs/integrate/accounts.md, run in their order as they stand, and the program in TypeScript beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, Setup};

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

/// The example with its packages, compiled, in a folder that nobody else uses.
fn compiled(engine: Engine) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/integrate/typescript");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("typescript-{engine:?}"));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "tsconfig.json", "offers.ts"] {
        std::fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder));
    run(Command::new("npx").args(["--no-install", "tsc"]).current_dir(&folder));
    folder
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; Node and npm are needed"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}\n{complained}");
    said.into_owned()
}

fn the_program_in_typescript_is_told_of_an_offer_and_accepts_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let (boss, ben) = (house.admin("boss"), house.person("ben"));
    let mut node = Command::new("node");
    node.arg(compiled(engine).join("build/offers.js")).env("MUNIMENT_URL", &house.server.base).env("ROLE", "teacher");
    node.env("ADMIN", &boss.username).env("ADMIN_PASSWORD", PASSWORD);
    node.env("MEMBER", &ben.username).env("MEMBER_PASSWORD", PASSWORD);
    let told: Value = serde_json::from_str(&run(&mut node)).unwrap();
    assert_eq!((&told["role"], &told["holds"]), (&json!("teacher"), &json!(true)), "{told}");
    let status = ben.client.get("/api/account/status").expect(200);
    assert_eq!(status["role_grants"][0]["id"], told["role_grant_id"]);
}

both_engines![
    the_page_on_accounts_runs_from_the_first_block_to_the_last,
    the_program_in_typescript_is_told_of_an_offer_and_accepts_it,
];
