//! The view of a pipeline that the guard and the health server need; with it their tests need no pipeline.

use futures_util::future::BoxFuture;

use crate::{
    engine::{Handle, Health},
    error::Error,
};

/// A pipeline from the outside.
pub(crate) trait Watched: Send + Sync {
    fn name(&self) -> &str;
    fn health(&self) -> Health;
    fn stop(&self);
    /// Waits for the end, and gives its result.
    fn ended(&self) -> BoxFuture<'_, Result<(), Error>>;
}

impl Watched for Handle {
    fn name(&self) -> &str {
        Self::name(self)
    }

    fn health(&self) -> Health {
        Self::health(self)
    }

    fn stop(&self) {
        Self::stop(self);
    }

    fn ended(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.join().await.map(drop) })
    }
}
