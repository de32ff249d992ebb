//! Sending dead letters back to where their records came from.

use std::{fmt, sync::Arc};

use super::{DeadLetter, run};
use crate::{
    app::Error,
    broker::kafka::{KafkaBroker, KafkaProducer},
    config::Config,
};

type Filter = Box<dyn Fn(&DeadLetter<'_>) -> bool + Send>;

/// Sends the letters of a dead-letter topic back to the topics that their records came from.
///
/// ```no_run
/// use healer::{dead_letter::Redrive, prelude::*};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let redrive = Redrive::new("orders.dead").filter(|letter| letter.stage() == Some("orders.charge"));
/// let done = redrive.run(&Config::from_env()?).await?;
/// println!("{} sent back, {} kept", done.sent, done.kept());
/// # Ok(())
/// # }
/// ```
///
/// It takes what is in the topic when it begins, and ends. How far it got is committed for a group of its own, so the next run
/// takes what has come since. A letter that is not sent back is *kept*: it is written once more, unchanged, to the end of the
/// dead-letter topic, where the next run finds it.
///
/// # What holds
/// - No letter is lost: an offset is committed when the broker has acknowledged everything that was sent for the letters below
///   it. A run that ends early leaves the rest to the next one.
/// - After a crash a letter may be sent twice; with [`transactional`](Redrive::transactional) it is not.
/// - A record goes back with its key, value and headers, with [`REDRIVES`](super::REDRIVES) counted up and with
///   [`TIMESTAMP`](super::TIMESTAMP), and the time of now as its timestamp: a topic may delete what is old. Which partition it
///   goes to its key decides. Letters of a partition go back in their order.
/// - [`limit`](Redrive::limit) ends loops: what failed again so often is kept.
///
/// A record that has several letters is sent back once. What is no letter is kept as well, but for a record whose header names are
/// no text: it cannot be written again, is logged and passed.
///
/// Dropping the future of `run` does not end the run. One run at a time: two at once would send letters twice (with [`transactional`](Redrive::transactional) the older one
/// ends with an error).
#[must_use = "nothing is sent until `run`"]
pub struct Redrive {
    pub(super) topic: Arc<str>,
    pub(super) filter: Filter,
    pub(super) limit: u32,
    group: Option<String>,
    transactional: Option<String>,
}

/// What a [`Redrive`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redriven {
    /// Letters that were sent back.
    pub sent: u64,
    /// Letters that the filter kept.
    pub filtered: u64,
    /// Letters that had been sent back too often already.
    pub exhausted: u64,
    /// Letters of records that had been sent back in this run already: a record may have several, and after a crash one twice.
    pub repeated: u64,
    /// Records of the topic that do not say where they come from.
    pub foreign: u64,
}

impl Redriven {
    /// Letters that are at the end of the dead-letter topic again.
    pub fn kept(&self) -> u64 {
        self.filtered + self.exhausted + self.foreign
    }
}

impl fmt::Debug for Redrive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Redrive");
        f.field("topic", &self.topic).field("limit", &self.limit).field("group", &self.group);
        f.field("transactional", &self.transactional).finish_non_exhaustive()
    }
}

impl Redrive {
    /// Of a topic of dead letters: all of them, each three times at most.
    pub fn new(dead_letter_topic: impl Into<Arc<str>>) -> Self {
        Self {
            topic: dead_letter_topic.into(),
            filter: Box::new(|_| true),
            limit: 3,
            group: None,
            transactional: None,
        }
    }

    /// Which letters are sent back; the others are kept.
    pub fn filter(mut self, wanted: impl Fn(&DeadLetter<'_>) -> bool + Send + 'static) -> Self {
        self.filter = Box::new(wanted);
        self
    }

    /// How often a record may be sent back; 3 by default.
    pub fn limit(mut self, times: u32) -> Self {
        self.limit = times;
        self
    }

    /// The consumer group whose offsets say how far it got; `redrive-` and the topic by default. A group that anybody is a
    /// member of does not do.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sends and commits in transactions of this `transactional.id`: also after a crash each letter is sent once, for readers
    /// with `isolation.level=read_committed`, which healer's sources are by default.
    pub fn transactional(mut self, id: impl Into<String>) -> Self {
        self.transactional = Some(id.into());
        self
    }

    /// Does it. Of the configuration the client properties count.
    ///
    /// # Errors
    /// What only a broker knows: no broker, unknown topics, missing rights, letters that are too large for a topic. What was not
    /// done by then the next run does.
    ///
    /// # Panics
    /// Where the filter panics, and if it is not called within a tokio runtime.
    pub async fn run(self, config: &Config) -> Result<Redriven, Error> {
        let group = self.group.clone().unwrap_or_else(|| format!("redrive-{}", self.topic));
        let mut consumer = config.consumer_properties();
        consumer.insert("group.id".to_owned(), group);
        consumer.remove("group.instance.id");
        let mut producer = config.producer_properties();
        if let Some(id) = &self.transactional {
            producer.insert("transactional.id".to_owned(), id.clone());
        }
        let wait = config.connect_timeout();
        // It blocks throughout; nothing else runs beside it.
        let work = move || {
            let broker = KafkaBroker::connect(&consumer)?;
            let producer = KafkaProducer::connect(&producer)?;
            if self.transactional.is_some() {
                let unit = producer.transactions(&broker, wait)?;
                run::run(&self, broker, unit, wait)
            } else {
                let unit = run::Acknowledged::new(Arc::new(producer), &broker, wait);
                run::run(&self, broker, unit, wait)
            }
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result.map_err(Error::from),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Error::Engine(error.to_string())),
            },
        }
    }
}
