//! A pipeline that is as a test says.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::Watched;
use crate::{
    engine::{CommitHealth, Health, Phase, SaveHealth},
    error::Error,
};

/// A pipeline that runs and has partitions, and has committed all that it could.
pub(crate) fn well() -> Health {
    Health {
        phase: Phase::Running,
        outage: None,
        unreachable_after: Duration::from_mins(1),
        commits: CommitHealth::default(),
        saves: SaveHealth::default(),
        sends: None,
        missing_topic: None,
        held_back: Vec::new(),
        polled: Duration::ZERO,
        assigned: 1,
        waiting: None,
        open_circuits: Vec::new(),
        uncommitted: None,
        stalled: Vec::new(),
        error: None,
    }
}

/// An error that can end a pipeline.
pub(crate) fn broken() -> Error {
    Error::Broker("the broker gave up".to_owned())
}

/// A pipeline without any engine.
pub(crate) struct Fake {
    name: String,
    health: Mutex<Health>,
    /// Whether it ends when it is asked to.
    obeys: bool,
    stopped: AtomicBool,
    ended: watch::Sender<Option<Result<(), Error>>>,
}

impl Fake {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Self::make(name, true)
    }

    /// A pipeline that does not end when it is asked to stop.
    pub(crate) fn hanging(name: &str) -> Arc<Self> {
        Self::make(name, false)
    }

    fn make(name: &str, obeys: bool) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            health: Mutex::new(well()),
            obeys,
            stopped: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        })
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn end(&self, result: Result<(), Error>) {
        self.set(|health| {
            health.phase = Phase::Ended;
            health.assigned = 0;
            health.error = result.as_ref().err().cloned();
        });
        self.ended.send_replace(Some(result));
    }

    pub(crate) fn was_asked_to_stop(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Watched for Fake {
    fn name(&self) -> &str {
        &self.name
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if self.obeys {
            self.end(Ok(()));
        }
    }

    fn ended(&self) -> BoxFuture<'_, Result<(), Error>> {
        let mut ended = self.ended.subscribe();
        Box::pin(async move {
            match ended.wait_for(Option::is_some).await {
                Ok(end) => end.clone().unwrap_or(Ok(())),
                Err(_) => Ok(()),
            }
        })
    }
}
