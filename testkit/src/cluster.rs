//! A private PostgreSQL: its own data folder, its own port, trusting only loopback, with durable commits on.

use std::cmp::Reverse;
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::{End, Guard, free_port};

/// The oldest major version that a record can be in.
const OLDEST_VERSION: u32 = 15;

/// How long a server may take to answer after its start.
const START_SECONDS_MAX: u64 = 60;

/// How often a dump is tried while tables come and go.
const DUMPS_MAX: usize = 10;

/// How many lines of the server's log a failure shows.
const LOG_LINES_SHOWN: usize = 30;

/// Many connections, and little disk: a log of writes that is worn out by a handful of databases. Shared memory lies in the
/// data folder, which goes with the server, and not in the system's, which may be small and keeps what a kill leaves.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "max_connections=300",
    "shared_buffers=64MB",
    "dynamic_shared_memory_type=mmap",
    "logging_collector=off",
    "max_wal_size=128MB",
    "min_wal_size=32MB",
];

/// One PostgreSQL server with its data folder.
#[derive(Debug)]
pub struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    port: u16,
    owner: Option<(u32, u32)>,
    running: Mutex<Option<(Child, Guard)>>,
}

impl Cluster {
    /// The server that all tests of this process share; started at the first call, gone with the process.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; the message says what to install.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own, for tests that kill it.
    ///
    /// # Panics
    /// As [`Cluster::shared`].
    #[must_use]
    pub fn start() -> Self {
        let binaries = installed();
        let folder =
            tempfile::Builder::new().prefix("muniment-postgres-").tempdir().expect("a temporary folder").keep();
        let owner = unprivileged_owner();
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).expect("root may give a folder away");
        }
        let cluster = Self { binaries, folder, port: free_port(), owner, running: Mutex::new(None) };
        let mut initdb = cluster.command("initdb");
        initdb.args(["--username=muniment", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        initdb.arg(cluster.data());
        let made = initdb.output().expect("initdb can be started");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        cluster.run();
        cluster
    }

    /// The address of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://muniment@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's files, for a search of its bytes.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A new empty database; its address.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn fresh_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// A new empty database that goes with its last handle: for processes that run hundreds of tests on one server.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn scratch_database(&self) -> ScratchDatabase {
        ScratchDatabase(Arc::new(Scratch { url: self.fresh_database(), server: self.url("postgres") }))
    }

    /// Runs SQL through `psql` on one of this server's databases; what it printed, fields separated by `|`.
    ///
    /// # Panics
    /// When the server refuses; with the end of its log, which tells more than the refusal when a backend died.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = client(&self.binaries, &self.url(database), sql).output().expect("psql can be started");
        let refusal = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql refused `{sql}`: {refusal}\n{}", self.log_tail());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs SQL through `psql` on the database at this address.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn psql_at(url: &str, sql: &str) -> String {
        let output = client(&installed(), url, sql).output().expect("psql can be started");
        assert!(output.status.success(), "psql refused `{sql}`: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A `pg_dump` of the database at this address, as plain SQL.
    ///
    /// # Panics
    /// When the dump fails.
    #[must_use]
    pub fn dump_of(url: &str) -> Vec<u8> {
        for _ in 0..DUMPS_MAX {
            let output = Command::new(installed().join("pg_dump")).arg(url).output().expect("pg_dump can be started");
            let refusal = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                return output.stdout;
            }
            // A table that a rebuild dropped between the listing and the lock.
            assert!(refusal.contains("does not exist"), "pg_dump failed: {refusal}");
        }
        panic!("{url} changes its tables faster than they can be dumped")
    }

    /// Reads a dump of [`Cluster::dump_of`] into an empty database.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn restore(url: &str, dump: &[u8]) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), dump).expect("a temporary file can be written");
        let mut command = Command::new(installed().join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]).arg(url).arg("--file").arg(file.path());
        let output = command.stdout(Stdio::null()).output().expect("psql can be started");
        assert!(output.status.success(), "the dump is refused: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `kill -9` of the server with every process that serves a client, as a power cut of them all: left to themselves these
    /// would first finish what they are at, and answer.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill9(&self) {
        let mut running = self.running.lock().expect("no test panics while it holds the server");
        let (mut server, guard) = running.take().expect("the server runs");
        kill(server.id(), &children_of(server.id()));
        server.kill().expect("our own child can be killed");
        server.wait().expect("our own child can be awaited");
        // The guard would remove the folder, which the next start needs.
        std::mem::forget(guard);
    }

    /// Starts the server again after [`Cluster::kill9`], on the same port and data.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&self) {
        self.run();
    }

    fn run(&self) {
        let begun = Instant::now();
        loop {
            let mut command = self.command("postgres");
            command.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string()).arg("-k").arg(&self.folder);
            for setting in SETTINGS {
                command.arg("-c").arg(setting);
            }
            let log = fs::File::options().create(true).append(true).open(self.folder.join("log")).expect("a log file");
            command.stdout(log.try_clone().expect("a second handle")).stderr(log).stdin(Stdio::null());
            let mut server = command.spawn().expect("postgres can be started");
            // After a kill the old backends hold the shared memory for a moment: the new server then ends by itself.
            while server.try_wait().expect("our own child can be asked").is_none() {
                if self.answers() {
                    let guard = Guard::new(server.id(), End::Quit, Some(&self.folder));
                    *self.running.lock().expect("no test panics while it holds the server") = Some((server, guard));
                    return;
                }
                assert!(begun.elapsed() < Duration::from_secs(START_SECONDS_MAX), "{}", self.log());
                pause();
            }
            assert!(begun.elapsed() < Duration::from_secs(START_SECONDS_MAX), "{}", self.log());
            pause();
        }
    }

    fn answers(&self) -> bool {
        client(&self.binaries, &self.url("postgres"), "SELECT 1")
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    }

    fn log(&self) -> String {
        format!("PostgreSQL did not start within {START_SECONDS_MAX} s:\n{}", self.log_tail())
    }

    /// The last lines that the server wrote.
    fn log_tail(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }

    /// A program of the server, as a user that it accepts: it refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir(&self.folder).env("LC_ALL", "C");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Ok(mut running) = self.running.lock()
            && let Some((mut server, guard)) = running.take()
        {
            // The guard tells it to end and waits until its process is gone, which it is when we have waited for it.
            let ended = std::thread::spawn(move || server.wait());
            drop(guard);
            if !matches!(ended.join(), Ok(Ok(_))) {
                eprintln!("testkit: PostgreSQL could not be awaited");
            }
        }
    }
}

/// The address of a database that is dropped with the last of its handles.
#[derive(Debug, Clone)]
pub struct ScratchDatabase(Arc<Scratch>);

#[derive(Debug)]
struct Scratch {
    url: String,
    server: String,
}

impl Deref for ScratchDatabase {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.url
    }
}

impl fmt::Display for ScratchDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Drop for Scratch {
    /// A server that is gone takes the database with it: a failure is nobody's.
    fn drop(&mut self) {
        let Some((_, name)) = self.url.rsplit_once('/') else { return };
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        let _gone = client(&installed(), &self.server, &sql).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn client(binaries: &Path, url: &str, sql: &str) -> Command {
    let mut command = Command::new(binaries.join("psql"));
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
    command.arg(url).arg("--command").arg(sql);
    command
}

fn installed() -> PathBuf {
    binaries().expect("PostgreSQL is missing: install the package `postgresql`, or run `cargo xtask test`")
}

/// The folder with the server's programs: where Debian keeps one a major version, of the newest, or in `PATH`.
fn binaries() -> Option<PathBuf> {
    let has = |folder: &Path| folder.join("initdb").is_file() && folder.join("psql").is_file();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let version_of = |entry: fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")));
    let mut versions: Vec<(u32, PathBuf)> = debian.filter_map(|entry| version_of(entry.ok()?)).collect();
    // A server of an older one would be refused.
    versions.retain(|(version, _)| *version >= OLDEST_VERSION);
    versions.sort_by_key(|(version, _)| Reverse(*version));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = versions.into_iter().map(|(_, folder)| folder);
    versions.chain(std::env::split_paths(&path)).find(|folder| has(folder))
}

/// User and group `postgres` when we are root, else nothing.
fn unprivileged_owner() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"])? != 0 {
        return None;
    }
    let owner = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
    Some(owner.expect("as root the tests need the user `postgres`, which the package `postgresql` makes"))
}

/// The processes that a process has begun and that are there.
fn children_of(process: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("every Unix has `ps`");
    let listed = String::from_utf8_lossy(&listed.stdout);
    let ids = |line: &str| -> Option<(u32, u32)> {
        let (id, parent) = line.trim().split_once(char::is_whitespace)?;
        Some((id.parse().ok()?, parent.trim().parse().ok()?))
    };
    listed.lines().filter_map(ids).filter(|(_, parent)| *parent == process).map(|(id, _)| id).collect()
}

/// Kills a process and its children at once, the parent first: it would start anew what is missing.
fn kill(process: u32, children: &[u32]) {
    let ids = std::iter::once(&process).chain(children).map(u32::to_string);
    // Children that have ended meanwhile are named as a failure, and the others are killed all the same.
    let _named =
        Command::new("kill").arg("-9").args(ids).stderr(Stdio::null()).status().expect("every Unix has `kill`");
}

/// A short pause between two looks.
fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

#[cfg(test)]
mod tests {
    use super::Cluster;

    #[test]
    fn a_killed_server_comes_back_with_what_was_committed() {
        let cluster = Cluster::start();
        cluster.psql("postgres", "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (7)");
        cluster.kill9();
        cluster.restart();
        assert_eq!(cluster.psql("postgres", "SELECT n FROM kept").trim(), "7");
        assert!(cluster.fresh_database().contains("/t_"));
    }
}
