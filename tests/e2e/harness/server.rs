//! The built program as a server: started in a temporary folder on a free port, killed, restarted, its log kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use muniment_testkit::{Cluster, End, Guard, free_port};
use tempfile::TempDir;

use super::store::Store;
use super::{Client, Engine, Program, eventually};

/// Limits that all tests of one machine would share, because they come from one address. Tests of limits set them.
const SHARED_ADDRESS_LIMITS: [&str; 7] = [
    "LIMITS_OTP_ADDRESS",
    "LIMITS_APPLICATIONS_ADDRESS",
    "LIMITS_APPLICATIONS_EMAIL",
    "LIMITS_SIGNUP_SECRET",
    "LIMITS_BAD_TOKENS",
    "LIMITS_METRIC_WRITES",
    "LIMITS_READS",
];

/// Setting of a server whose read models a test holds up, to see what queries that wait for them are answered.
pub(crate) const SHORT_READ_WAIT: (&str, &str) = ("RUNTIME_READ_WAIT_SECONDS", "5");

/// How a server is to be started.
pub(crate) struct Setup {
    engine: Engine,
    listen: String,
    settings: Vec<(String, String)>,
    store: Option<Store>,
    data: Option<PathBuf>,
    way: Option<String>,
    shared: bool,
    log: Option<PathBuf>,
    on_little_disk: bool,
}

impl Setup {
    pub(crate) fn new(engine: Engine) -> Self {
        // A test that does something else for a minute, on a busy machine, finds its sockets open all the same; and its
        // queries wait for as long for read models that have much to fold, and for a database that stands still.
        let mut settings: Vec<(String, String)> = [
            ("MUNIMENT_ENV", "development"),
            ("MUNIMENT_LIVE_HEARTBEAT", "5m"),
            ("MUNIMENT_WS_HEARTBEAT_TIMEOUT", "10m"),
            ("MUNIMENT_RUNTIME_READ_WAIT_SECONDS", "60"),
            ("MUNIMENT_DATABASE_WAIT_SECONDS", "60"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        settings.extend(SHARED_ADDRESS_LIMITS.iter().map(|name| (format!("MUNIMENT_{name}"), "off".to_owned())));
        Self {
            engine,
            listen: "127.0.0.1".to_owned(),
            settings,
            store: None,
            data: None,
            way: None,
            shared: false,
            log: None,
            on_little_disk: false,
        }
    }

    /// Its standard error is this file, which must be there.
    pub(crate) fn logs_to(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// What [`Server::limit_files`] refuses is an error of the write, as on a full disk, and not a signal that kills.
    pub(crate) fn on_little_disk(mut self) -> Self {
        self.on_little_disk = true;
        self
    }

    /// Sets `MUNIMENT_<name>`; the empty value takes the setting away.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let name = format!("MUNIMENT_{name}");
        self.settings.retain(|(have, _)| *have != name);
        if !value.is_empty() {
            self.settings.push((name, value.to_owned()));
        }
        self
    }

    /// With the limits that a server has where nobody says otherwise, though all tests come from one address.
    pub(crate) fn with_its_limits(mut self) -> Self {
        self.settings.retain(|(name, _)| !name.starts_with("MUNIMENT_LIMITS_"));
        self
    }

    /// Production's rules, with what they demand: mail to this server and a key.
    pub(crate) fn production(self, smtp_url: &str) -> Self {
        let setup = self.set("ENV", "production").set("MASTER_KEY", &"4a".repeat(32)).with_mail(smtp_url);
        setup.set("COOKIE_KEYS", super::COOKIE_KEY).set("ALLOWED_ORIGINS", super::ORIGIN)
    }

    /// Mail through this server.
    pub(crate) fn with_mail(self, smtp_url: &str) -> Self {
        self.set("SMTP_URL", smtp_url).set("MAIL_FROM_EMAIL", "codes@muniment.example")
    }

    /// On a database of this cluster, which the test may kill.
    pub(crate) fn on_cluster(mut self, cluster: &Cluster) -> Self {
        self.store = Some(Store::Postgres { url: cluster.scratch_database() });
        self
    }

    /// Over a record that exists, with the keys in this folder.
    pub(crate) fn over(mut self, store: Store, data: &Path) -> Self {
        (self.store, self.data) = (Some(store), Some(data.to_path_buf()));
        self
    }

    /// Reaches its database, on PostgreSQL, by this address.
    pub(crate) fn by_way_of(mut self, address: String) -> Self {
        self.way = Some(address);
        self
    }

    /// For the whole run: its folder goes with the process.
    pub(crate) fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Listens on every address of the machine.
    pub(crate) fn listen_everywhere(mut self) -> Self {
        "0.0.0.0".clone_into(&mut self.listen);
        self
    }

    /// Starts and waits until the server answers.
    pub(crate) fn start(self) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err(refused) => panic!("the server did not start ({:?}):\n{}", refused.status, refused.log),
        }
    }

    /// Starts, or tells how the program ended instead.
    pub(crate) fn try_start(self) -> Result<Server, Refused> {
        let folder = tempfile::Builder::new().prefix("muniment-e2e-").tempdir().unwrap();
        let owns_data = self.data.is_none() && self.store.is_none();
        let data = self.data.unwrap_or_else(|| folder.path().join("data"));
        fs::create_dir_all(&data).unwrap();
        let store = self.store.unwrap_or_else(|| Store::new(self.engine, &data));
        let mut settings = self.settings;
        settings.push(("MUNIMENT_DATA_DIR".to_owned(), data.display().to_string()));
        if let Store::Postgres { url } = &store {
            let address = self.way.unwrap_or_else(|| url.to_string());
            settings.push(("MUNIMENT_DATABASE_URL".to_owned(), address));
        }
        super::secrets::heed_settings(&settings);
        let port = free_port();
        settings.push(("MUNIMENT_LISTEN".to_owned(), format!("{}:{port}", self.listen)));
        let server = Server {
            engine: self.engine,
            base: format!("http://127.0.0.1:{port}"),
            port,
            settings,
            store,
            data,
            folder,
            shared: self.shared,
            log: self.log,
            on_little_disk: self.on_little_disk,
            owns_data,
            has_run: AtomicBool::new(false),
            running: Mutex::new(None),
        };
        server.run()?;
        if server.shared {
            SHARED_LOGS.lock().unwrap().push(server.log_path());
        }
        Ok(server)
    }
}

/// How a program that was to serve ended.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The environment that it was started with.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

/// The logs of the shared servers, which are never dropped.
static SHARED_LOGS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What must hold at the end of every test of the shared servers, too.
pub(super) fn check_shared_logs() {
    let logs = SHARED_LOGS.lock().unwrap().clone();
    logs.iter().for_each(|log| check_log(&fs::read_to_string(log).unwrap()));
}

fn check_log(log: &str) {
    assert!(!log.contains("panicked at"), "a handler panicked:\n{log}");
    assert!(!log.contains("an answer is not as declared"), "an answer is not as the table declares it:\n{log}");
}

/// A running server.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) base: String,
    pub(crate) port: u16,
    pub(crate) store: Store,
    pub(crate) data: PathBuf,
    settings: Vec<(String, String)>,
    folder: TempDir,
    shared: bool,
    log: Option<PathBuf>,
    on_little_disk: bool,
    owns_data: bool,
    has_run: AtomicBool,
    running: Mutex<Option<(Child, Guard)>>,
}

impl Server {
    /// The one server an engine that tests with unique names share.
    pub(crate) fn shared(engine: Engine) -> &'static Self {
        Self::place(engine).get_or_init(|| Setup::new(engine).shared().start())
    }

    /// The same, if a test needed it.
    pub(super) fn started(engine: Engine) -> Option<&'static Self> {
        Self::place(engine).get()
    }

    fn place(engine: Engine) -> &'static OnceLock<Self> {
        static SQLITE: OnceLock<Server> = OnceLock::new();
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        match engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres => &POSTGRES,
        }
    }

    /// A server of one's own with these settings (`MUNIMENT_` is put in front).
    pub(crate) fn with(engine: Engine, settings: &[(&str, &str)]) -> Self {
        settings.iter().fold(Setup::new(engine), |setup, (name, value)| setup.set(name, value)).start()
    }

    /// Another node over the same database and keys.
    pub(crate) fn second_node(&self) -> Self {
        let mut setup = Setup::new(self.engine);
        setup.settings = self.settings.clone();
        setup.settings.retain(|(name, _)| {
            !["MUNIMENT_LISTEN", "MUNIMENT_DATABASE_URL", "MUNIMENT_DATA_DIR"].contains(&name.as_str())
        });
        (setup.store, setup.data) = (Some(self.store.clone()), Some(self.data.clone()));
        setup.start()
    }

    /// A caller without a credential.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.base)
    }

    /// A caller with an agent token.
    pub(crate) fn agent(&self, token: &str) -> Client {
        self.anonymous().bearer(token)
    }

    /// The environment that this server was started with.
    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// A figure of `/metrics`, with its labels in its name; NaN where the server does not know it.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        let figures = String::from_utf8(self.anonymous().get("/metrics").body).unwrap();
        let told = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        Some(told.parse().unwrap())
    }

    /// Process id of the running server.
    pub(crate) fn pid(&self) -> u32 {
        self.running.lock().unwrap().as_ref().unwrap().0.id()
    }

    /// From now on no file of the server can grow beyond so many bytes; `None` lifts it.
    pub(crate) fn limit_files(&self, bytes: Option<u32>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        command.args(["--pid", &self.pid().to_string(), &format!("--fsize={soft}:")]);
        assert!(command.status().unwrap().success());
    }

    /// All that the server wrote so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    /// The same, once it says this: a line comes out a moment after what it tells of.
    pub(crate) fn log_with(&self, told: &str) -> String {
        eventually(&format!("the log says: {told}"), || Some(self.log()).filter(|log| log.contains(told)))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// `kill -9`.
    pub(crate) fn kill9(&self) {
        let (mut child, _guard) = self.running.lock().unwrap().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the server to end and waits until it has.
    pub(crate) fn terminate(&self) -> ExitStatus {
        let (mut child, _guard) = self.running.lock().unwrap().take().unwrap();
        let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success());
        eventually("the server ends after SIGTERM", || child.try_wait().unwrap())
    }

    /// Stops the process where it stands, as a frozen container is, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").arg(signal).arg(self.pid().to_string()).status().unwrap().success());
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn ends_by_itself(&self) -> ExitStatus {
        let (mut child, _guard) = self.running.lock().unwrap().take().unwrap();
        eventually("the server ends by itself", || child.try_wait().unwrap())
    }

    /// Starts it again, on the same port and store.
    pub(crate) fn restart(&self) {
        if let Err(refused) = self.run() {
            panic!("the server did not come back ({:?}):\n{}", refused.status, refused.log);
        }
    }

    /// Starts it again, or tells how the program ended instead.
    pub(crate) fn try_restart(&self) -> Result<(), Refused> {
        self.run()
    }

    fn run(&self) -> Result<(), Refused> {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let program = env!("CARGO_BIN_EXE_muniment");
        let mut command = if self.on_little_disk {
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; exec \"$0\" serve", program]);
            shell
        } else {
            let mut command = Command::new(program);
            command.arg("serve");
            command
        };
        command.current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap());
        command.stderr(self.log.as_ref().map_or(log, |file| File::options().write(true).open(file).unwrap()));
        let mut child = command.spawn().unwrap();
        // A shared server is never dropped, so its guard also removes its folder.
        let guard = Guard::new(child.id(), End::Kill, self.shared.then(|| self.folder.path()));
        let client = self.anonymous();
        let ended = eventually("the server answers /health", || {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(Some(status));
            }
            client.try_get("/health").filter(|reply| reply.status == 200).map(|_| None)
        });
        if let Some(status) = ended {
            return Err(Refused { settings: self.settings.clone(), status, log: self.log() });
        }
        *self.running.lock().unwrap() = Some((child, guard));
        self.has_run.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Server {
    /// What must hold at the end of every test: no handler panicked, every answer was as declared, no row of the audit
    /// drifted, no secret of the run stands in the log or the embedded store, and every read model equals its rebuild.
    fn last_look(&self) {
        let log = self.log();
        check_log(&log);
        assert_eq!(super::secrets::found_in(log.as_bytes()), None, "in the log");
        if self.engine == Engine::Sqlite && self.owns_data {
            assert_eq!(super::secrets::found_in(&self.store.bytes_without_keys()), None, "in the store");
        }
        let has_own_types = self.settings.iter().any(|(name, _)| name == "MUNIMENT_AUDIT_EVENTS");
        assert!(
            has_own_types || !log.contains("an audit row is not as registered"),
            "a row of the audit drifted:\n{log}"
        );
        // A guest's keys went with the server whose folder they were in; one that never ran has no record.
        if self.owns_data && self.has_run.load(Ordering::Relaxed) && !self.store.is_touched() {
            Program::operator_of(self).run(&["projections", "verify", "--all"]).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut running) = self.running.lock()
            && let Some((mut child, _guard)) = running.take()
            && let Err(error) = child.kill().and_then(|()| child.wait())
        {
            eprintln!("the server could not be ended: {error}");
        }
        if !std::thread::panicking() {
            self.last_look();
        } else if let Ok(log) = fs::read_to_string(self.log_path()) {
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the server's last lines, newest first:\n{}", tail.join("\n"));
        }
    }
}
