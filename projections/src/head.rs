//! How a read store learns how far the journal is.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use muniment_aggregates::record::Position;
use muniment_sql::SqlError;

type Asked = Pin<Box<dyn Future<Output = Result<Position, SqlError>> + Send>>;

/// Asks the journal for its head when it is called. A position taken earlier would not do: beside a running node the
/// read models pass it while they are being opened, and would look as if they came from another past.
#[derive(Clone)]
pub struct AskHead(Arc<dyn Fn() -> Asked + Send + Sync>);

impl AskHead {
    /// Asks by `ask`, each time anew.
    pub fn by<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Position, SqlError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    /// A head that does not move.
    #[must_use]
    pub fn at(head: Position) -> Self {
        Self::by(move || std::future::ready(Ok(head)))
    }

    pub(crate) async fn now(&self) -> Result<Position, SqlError> {
        (self.0)().await
    }
}

impl fmt::Debug for AskHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AskHead")
    }
}
