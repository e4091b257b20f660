//! Everything that answers requests over one store: the node and the surfaces before it.

use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::web;
use muniment_aggregates::record::Position;

use super::{Node, StartError};
use crate::auth::daemon_token::DaemonToken;
use crate::config::Config;
use crate::http::detached::DetachedRequests;
use crate::http::{self, Edge};
use crate::live::api::ApiRegistry;
use crate::live::{self, Hub};
use crate::surface::Surface;

/// A node with its surfaces, running.
pub struct Server {
    node: Node,
    handlers: Handlers,
}

/// What answers requests, and what it looks up. Cheap to clone.
#[derive(Clone)]
pub struct Handlers {
    /// Every method, who may call it and how it is refused.
    pub surface: Arc<Surface>,
    hub: Arc<Hub>,
    sockets: Arc<ApiRegistry>,
    edge: Edge,
}

impl Server {
    /// Opens the store and begins what runs on it. Needs a running actix system.
    ///
    /// # Errors
    /// What stands in the way, by kind.
    pub async fn open(config: &Config, daemon_token: Option<Arc<DaemonToken>>) -> Result<Self, StartError> {
        let node = Node::start(config).await?;
        let surface = Surface::new(Arc::clone(&node.runtime), config, daemon_token)?;
        surface.open_bootstrap().await.map_err(|fail| StartError::Bootstrap(fail.message))?;
        let (journal, clock) = (node.runtime.journal.clone(), node.runtime.clock.clone());
        let hub = Hub::start(journal, Arc::<Surface>::clone(&surface), clock, config.live.heartbeat);
        let sockets = live::api::start(&surface);
        let edge = Edge {
            body_bytes_max: config.http.body_bytes_max,
            body_time_max: config.http.body_time_max,
            detached: DetachedRequests::default(),
            is_production: config.environment.is_production(),
        };
        Ok(Self { node, handlers: Handlers { surface, hub, sockets, edge } })
    }

    /// What answers requests.
    #[must_use]
    pub fn handlers(&self) -> Handlers {
        self.handlers.clone()
    }

    /// The last position it has seen.
    #[must_use]
    pub fn head(&self) -> Position {
        self.node.head()
    }

    /// Resolves, with the reason, when the database no longer has the record that is served.
    pub async fn departed(&self) -> String {
        self.node.runtime.journal.departed().await
    }

    /// Closes every socket and stream; whoever was connected may come back.
    pub fn send_away(&self) {
        self.handlers.hub.shutdown();
        self.handlers.sockets.shutdown();
    }

    /// Ends what runs, writes what the journal has taken, closes. No request is answered any more.
    pub async fn close(self) {
        self.node.stop().await;
    }
}

impl Handlers {
    /// Mounts every route, answered by these. The figures must be in the application's data.
    pub fn mount(&self, services: &mut web::ServiceConfig) {
        services
            .app_data(web::Data::from(Arc::clone(&self.hub)))
            .app_data(web::Data::from(Arc::clone(&self.sockets)))
            .configure(live::configure)
            .configure(live::api::configure)
            .configure(|services| http::configure(services, &self.surface, &self.edge));
    }

    /// Has one request answered by these instead of those that were mounted, whose data it replaces.
    pub fn replace_in(&self, to: &mut Extensions) {
        to.insert(web::Data::from(Arc::clone(&self.surface)));
        to.insert(web::Data::from(Arc::clone(&self.hub)));
        to.insert(web::Data::from(Arc::clone(&self.sockets)));
        to.insert(web::Data::new(self.edge.clone()));
    }
}
