//! Installations one after the other behind one address. A reset closes the present one, wipes its store and opens the
//! next; requests that come meanwhile wait for it.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use anyhow::{Context as _, Result};
use muniment::app::{Handlers, Server};
use muniment::auth::daemon_token::DaemonToken;
use muniment::config::Config;
use muniment::config::registries::Registries;
use tokio::sync::{mpsc, oneshot, watch};

use crate::methods::TestingMethods;
use crate::seed::{self, Seeded, Wanted};
use crate::store;

/// What the handlers see: the installation of the present, and a way to ask for the next.
pub(crate) struct Generations {
    /// Roles and scopes, to judge a wish before anything is wiped.
    pub(crate) registries: Registries,
    present: watch::Sender<Option<Handlers>>,
    asks: mpsc::Sender<Ask>,
}

struct Ask {
    wanted: Wanted,
    reply: oneshot::Sender<Result<Seeded>>,
}

/// Opens and closes installations, on the thread that lasts as long as the program: the threads that serve do not.
pub(crate) struct ResetLoop {
    config: Config,
    daemon_token: Arc<DaemonToken>,
    server: Option<Server>,
    generations: Arc<Generations>,
    asked: mpsc::Receiver<Ask>,
}

impl Generations {
    /// Wipes the store and seeds a fresh installation.
    pub(crate) async fn reset(&self, wanted: Wanted) -> Result<Seeded> {
        let (reply, seeded) = oneshot::channel();
        self.asks.send(Ask { wanted, reply }).await.ok().context("the program ends")?;
        seeded.await.context("the program ends")?
    }

    /// What answers requests of the present installation; waits for the end of a reset.
    async fn handlers(&self) -> Option<Handlers> {
        let mut present = self.present.subscribe();
        present.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl ResetLoop {
    /// Begins with a fresh installation that has a keeper, in a store that is empty or was emptied before by this program.
    pub(crate) async fn begin(config: Config, daemon_token: Arc<DaemonToken>) -> Result<(Self, Handlers)> {
        store::refuse_of_another(&config.store.database).await?;
        let (asks, asked) = mpsc::channel(16);
        let registries = config.registries.clone();
        let generations = Arc::new(Generations { registries, present: watch::Sender::new(None), asks });
        let mut resets = Self { config, daemon_token, server: None, generations, asked };
        resets.reset(&Wanted::default()).await?;
        let first = resets.generations.present.borrow().clone().context("a reset leaves an installation")?;
        Ok((resets, first))
    }

    /// What the handlers see.
    pub(crate) fn generations(&self) -> Arc<Generations> {
        Arc::clone(&self.generations)
    }

    /// Does what is asked for until the server ends, then closes the installation of the present.
    pub(crate) async fn run(mut self, server: impl Future<Output = std::io::Result<()>>) -> Result<()> {
        let mut server = std::pin::pin!(server);
        let mut rotations = tokio::time::interval(self.config.accounts.daemon_rotation);
        // The first comes at once, and the first token is written already.
        rotations.tick().await;
        let ended = loop {
            tokio::select! {
                ended = &mut server => break ended,
                Some(Ask { wanted, reply }) = self.asked.recv() => {
                    let seeded = self.reset(&wanted).await;
                    // Whoever asked may have hung up; the installation is there all the same.
                    drop(reply.send(seeded));
                    if self.server.is_none() {
                        break Err(std::io::Error::other("the next installation could not be opened"));
                    }
                }
                _ = rotations.tick() => if let Err(error) = self.daemon_token.rotate() {
                    tracing::error!(%error, "the daemon token could not be replaced");
                },
            }
        };
        if let Some(server) = self.server.take() {
            server.close().await;
        }
        self.daemon_token.remove();
        Ok(ended?)
    }

    async fn reset(&mut self, wanted: &Wanted) -> Result<Seeded> {
        self.generations.present.send_replace(None);
        if let Some(old) = self.server.take() {
            old.send_away();
            old.close().await;
        }
        store::empty(&self.config.store.database).await?;
        let token = seed::write_bootstrap_token(&self.config)?;
        let fresh = Server::open(&self.config, Some(Arc::clone(&self.daemon_token))).await?;
        let handlers = fresh.handlers();
        handlers.surface.mount_methods(Arc::new(TestingMethods::new(Arc::downgrade(&self.generations))));
        self.server = Some(fresh);
        let seeded = seed::seed(&handlers.surface, &self.config, &token, wanted).await;
        let drained = seed::drain(&handlers.surface).await;
        // Also where something could not be made: requests wait for an installation, and the next reset is one of them.
        self.generations.present.send_replace(Some(handlers));
        drained?;
        seeded
    }
}

/// Answers a request from the installation of the present.
pub(crate) async fn of_the_present<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let generations = request.app_data::<web::Data<Generations>>().cloned();
    if let Some(handlers) = async { generations?.handlers().await }.await {
        let mut replaced = Extensions::new();
        handlers.replace_in(&mut replaced);
        request.add_data_container(Rc::new(replaced));
    }
    next.call(request).await
}
