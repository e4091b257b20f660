//! The server with three more methods, for the conformance suites of other projects (docs/integrate/conformance.md):
//! `_testing_reset` begins a fresh installation, `_testing_drain_effects` waits until everything recorded can be read,
//! `_testing_mint_session` makes a session of any life. It stops after a second, whatever is under way. Everything else is
//! `muniment serve`.
//!
//! Reading order: [`generations`] replaces the installation behind one address; [`store`] empties what it is in; [`methods`]
//! is the three; [`seed`] makes the accounts.

mod generations;
mod methods;
mod release;
mod seed;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::{App, HttpServer, middleware, web};
use anyhow::{Context as _, Result};
use clap::Parser;
use muniment::auth::daemon_token::DaemonToken;
use muniment::config::accounts::BootstrapMode;
use muniment::config::store::DatabaseConfig;
use muniment::config::{Config, Surroundings};
use muniment::telemetry::Figures;
use muniment::telemetry::lines::{self, UntilRead};
use muniment::{http, telemetry};

use generations::ResetLoop;

/// Serve an installation that whoever has the daemon token may wipe and seed, for tests
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  muniment-testing --listen 127.0.0.1:8090 --data-dir /tmp/conformance\n  \
curl -H \"x-daemon-token: $(cat /tmp/conformance/run/daemon_token)\" http://127.0.0.1:8090/api/rpc \\\n    \
-d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"_testing_reset\"}'\n\
Settings are those of muniment, from muniment.toml and MUNIMENT_*, but where files lie: the store of SQLite and\n\
the keys are in --data-dir. On PostgreSQL the whole database of MUNIMENT_DATABASE_URL is wiped: give it one\n\
of its own. A store that holds something else is refused."
)]
struct Arguments {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: String,
    /// Folder of store, keys and daemon token [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// The keys of another server.
const OF_ANOTHER: [&str; 2] = ["keys_dir", "master_key"];

fn main() -> ExitCode {
    let _said = UntilRead;
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody listens any more the code tells.
            let _unheard = lines::write(&format!("error: {error:#}\n"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let data_dir = arguments.data_dir.unwrap_or_else(|| folder.path().to_path_buf());
    let surroundings = Surroundings::of_process()
        .without(&OF_ANOTHER)
        .flag("listen", "--listen", Some(arguments.listen))
        .flag("data_dir", "--data-dir", Some(data_dir.display().to_string()));
    let mut config = Config::load(&surroundings)?.config;
    if config.environment.is_production() {
        anyhow::bail!("MUNIMENT_ENV is production: this program is for tests");
    }
    // What is emptied is the folder that was named, whatever folder the settings of another server name.
    if let DatabaseConfig::Sqlite { directory } = &mut config.store.database {
        directory.clone_from(&config.store.data_dir);
    }
    let telemetry = telemetry::start(&config.telemetry, std::io::IsTerminal::is_terminal(&std::io::stderr()))?;
    telemetry::panics::install();
    // Every installation begins with the real bootstrap, so the window must be open at its start.
    config.accounts.bootstrap = BootstrapMode::Live;
    config.accounts.bootstrap_token_path = Some(data_dir.join("bootstrap_token"));
    config.accounts.daemon_token = true;
    let ended = actix::System::new().block_on(serve(config));
    drop(telemetry);
    ended
}

async fn serve(config: Config) -> Result<()> {
    let figures = web::Data::new(Figures::start()?);
    let listener = std::net::TcpListener::bind(config.http.listen)
        .with_context(|| format!("{} cannot be listened on", config.http.listen))?;
    let address: SocketAddr = listener.local_addr()?;
    muniment::app::make_folders(&config.store)?;
    let daemon_token = Arc::new(DaemonToken::prepare(config.store.data_dir.join("run/daemon_token"))?);
    let workers = config.http.workers;
    let (resets, first) = ResetLoop::begin(config, Arc::clone(&daemon_token)).await?;
    daemon_token.publish()?;
    let shared = web::Data::from(resets.generations());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(figures.clone())
            .app_data(shared.clone())
            .wrap(middleware::from_fn(generations::of_the_present))
            .wrap(middleware::from_fn(http::headers::wrap))
            .configure(|services| first.mount(services))
    })
    .workers(workers)
    .keep_alive(muniment::app::KEEP_ALIVE)
    .on_connect(muniment::app::on_connect)
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    println!("muniment-testing listens on http://{address}");
    resets.run(server).await
}
