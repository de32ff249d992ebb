//! Waits for acknowledgements without an asynchronous runtime, so that it works inside of one too.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, config::RDKafkaLogLevel, error::KafkaError, message::DeliveryResult,
    producer::ProducerContext, types::RDKafkaErrorCode,
};

use super::super::client_errors::{ClientErrors, lock};

/// The acknowledgements that one `send` waits for.
#[derive(Default)]
pub(crate) struct Open {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    count: usize,
    failed: Option<KafkaError>,
}

impl Open {
    /// One more is under way.
    pub(super) fn sent(&self) {
        lock(&self.state).count += 1;
    }

    /// One less is under way.
    pub(super) fn done(&self, error: Option<KafkaError>) {
        let mut state = lock(&self.state);
        state.count -= 1;
        state.failed = error.or(state.failed.take());
        if state.count == 0 {
            self.changed.notify_all();
        }
    }

    /// Waits until none is under way; the last failure, if one failed.
    pub(super) fn wait(&self, patience: Duration) -> Result<(), KafkaError> {
        let state = lock(&self.state);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, patience, |state| state.count > 0)
            .unwrap_or_else(PoisonError::into_inner);
        match state.failed.take() {
            Some(error) => Err(error),
            None if state.count > 0 => {
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::OperationTimedOut))
            }
            None => Ok(()),
        }
    }
}

/// The callbacks of the client that owns the cluster.
pub(crate) struct Context {
    pub(super) client_errors: ClientErrors,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.client_errors.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client_errors.error(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Open>;

    fn delivery(&self, result: &DeliveryResult<'_>, open: Arc<Open>) {
        open.done(result.as_ref().err().map(|(error, _)| error.clone()));
    }
}
