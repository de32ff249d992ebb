//! How dead letters are sent: again and again until the broker has them, or says that it never will.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::{
    headers::{self, Size},
    letter::Letter,
};
use crate::{
    broker::{BrokerError, BrokerErrorKind, Delivery, OutRecord, SendError},
    error::Cause,
    lane::{Shared, Waiting},
    observe::{Fate, GivenUp, Rare},
};

/// Why a dead letter can never be sent.
#[derive(Debug, thiserror::Error)]
#[error("its dead letter can't be sent to {topic:?}: {why}. It was to be one because of: {error}")]
struct Undeliverable {
    topic: Arc<str>,
    why: String,
    error: String,
}

/// Between two attempts to send.
fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100));
    pauses.with_max_delay(Duration::from_secs(10)).without_max_times().build()
}

/// Sends a letter. It is on its way when this returns, so that letters leave in the order of their records; the future ends
/// with the broker's acknowledgement, or with the reason why there will be none.
pub(super) fn deliver(
    shared: &Arc<Shared>,
    letter: Letter,
) -> impl Future<Output = Result<(), Cause>> + Send + use<> {
    let shared = Arc::clone(shared);
    let mut sent = send(&shared, &letter, Size::Full);
    async move {
        let (mut size, mut pauses) = (Size::Full, pauses());
        let mut waiting = Waiting::new(&shared, letter.node);
        loop {
            let error = match sent {
                None => {
                    return Err(letter.undeliverable(&"the record as it came in is not known here any more"));
                }
                Some(Ok(delivery)) => match waiting.watch(delivery, &letter.context).await {
                    Ok(()) => {
                        shared.counts.rare(letter.node, Rare::DeadLettered);
                        letter.tell_end(&shared);
                        return Ok(());
                    }
                    Err(error) => error,
                },
                Some(Err(error)) => error,
            };
            match (verdict(&error), size.smaller()) {
                (Next::Smaller, Some(smaller)) => size = smaller,
                (Next::Smaller | Next::Never, _) => return Err(letter.undeliverable(&error)),
                (Next::Again, _) => {
                    let pause = pauses.next().unwrap_or_default();
                    letter.tell(&error, pause);
                    shared.runtime.sleep(pause).await;
                }
            }
            sent = send(&shared, &letter, size);
        }
    }
}

/// `None` where the record was not kept.
fn send(shared: &Shared, letter: &Letter, size: Size) -> Option<Result<Delivery, SendError>> {
    let original = letter.original.as_deref()?;
    let record = OutRecord {
        topic: &letter.topic,
        key: original.key(),
        value: original.value(),
        headers: &headers::of(letter, size),
        // The time of sending: a topic may refuse an older or younger record, or delete it at once.
        timestamp: None,
    };
    Some(shared.producer().send(&record))
}

/// The next step for a letter that was not sent.
enum Next {
    Again,
    Smaller,
    Never,
}

fn verdict(error: &SendError) -> Next {
    match error {
        SendError::Full => Next::Again,
        SendError::Failed(BrokerError { kind, .. }) => match kind {
            // An outage: the record stays pending meanwhile.
            BrokerErrorKind::Transient | BrokerErrorKind::Unreachable => Next::Again,
            BrokerErrorKind::TooLarge => Next::Smaller,
            BrokerErrorKind::UnknownTopic
            | BrokerErrorKind::NotAuthorized
            | BrokerErrorKind::MissingCodec
            | BrokerErrorKind::Configuration
            | BrokerErrorKind::Rejected
            | BrokerErrorKind::Fatal => Next::Never,
        },
    }
}

impl Letter {
    fn undeliverable(self, why: &dyn fmt::Display) -> Cause {
        let error = Undeliverable { topic: self.topic, why: why.to_string(), error: self.error };
        Cause::DeadLetter(Box::new(error))
    }

    /// The broker has it.
    #[cold]
    fn tell_end(self, shared: &Shared) {
        let dead_letter_topic = Some(self.topic);
        let given_up = GivenUp { dead_letter_topic, ..self.context.given_up(self.called.path, self.error) };
        shared.given_up.tell(Fate::DeadLettered, self.node, given_up, shared.runtime.now());
    }

    fn tell(&self, error: &SendError, pause: Duration) {
        if matches!(error, SendError::Full) {
            return;
        }
        tracing::warn!(
            dead_letter_topic = &*self.topic,
            stage = &*self.called.path,
            emit_id = %self.context.identity(),
            topic = self.context.topic(),
            partition = self.context.partition(),
            offset = self.context.offset(),
            ?pause,
            %error,
            "a dead letter was not sent; its record stays pending, its partition rests, and it is sent again after the pause"
        );
    }
}
