//! The built program as a command line: own home, no terminal, output captured.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::Value;
use std::io::Write as _;
use tempfile::TempDir;

use super::Server;

/// A person's shell: a fresh home and an environment.
pub(crate) struct Program {
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// How one invocation ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// A client of the server, with nothing saved yet.
    pub(crate) fn client_of(server: &Server) -> Self {
        let environment = vec![("MUNIMENT_URL".to_owned(), server.base.clone())];
        Self { home: tempfile::tempdir().unwrap(), environment }
    }

    /// Without any server.
    pub(crate) fn alone() -> Self {
        Self { home: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// On the server's own machine: the same store and settings.
    pub(crate) fn operator_of(server: &Server) -> Self {
        let mut program = Self::client_of(server);
        program.environment.extend(server.settings().iter().cloned());
        program
    }

    /// With one more variable, whole name.
    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        let mut program = self.without(name);
        program.environment.push((name.to_owned(), value.to_owned()));
        program
    }

    /// Without this variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(have, _)| have != name);
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path inside the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// Gives a role that ends so many seconds from now, or later where a busy machine took all of that; when it ends.
    pub(crate) fn grant_for(&self, seconds: i64, role: &[&str]) -> DateTime<Utc> {
        let mut span = TimeDelta::seconds(seconds);
        loop {
            let end = (Utc::now() + span).trunc_subsecs(3);
            let granted = self.run(&[&["role", "grant"], role, &["--expires", &end.to_rfc3339()]].concat());
            if granted.code == 0 || Utc::now() < end {
                granted.ok();
                return end;
            }
            span = span * 2;
        }
    }

    /// Runs a script of the shell in the repository's folder, with the program in its path, and gives what it printed.
    pub(crate) fn shell(&self, script: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_muniment")).parent().unwrap().display().to_string();
        let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear();
        command.env("PATH", path).env("HOME", self.home.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Starts it, all three streams piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muniment"));
        command.args(arguments);
        self.spawn(command)
    }

    /// Starts it on a terminal of its own. What it says is in the standard output, and what is typed goes into the input.
    pub(crate) fn start_on_terminal(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new("script");
        let line = format!("'{}' {}", env!("CARGO_BIN_EXE_muniment"), arguments.join(" "));
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Child {
        command.current_dir(self.home.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path().join(".config"));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read its input may close it first; that is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        if arguments.contains(&"--password-stdin") && output.status.success() {
            super::secrets::password(input.trim_end());
        }
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Output {
    /// What it printed, when it must have ended well.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        self.ended(0)
    }

    /// What it printed, when it must have ended with this code.
    #[track_caller]
    pub(crate) fn ended(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        &self.stdout
    }

    /// The one JSON object that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.ok()).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}
