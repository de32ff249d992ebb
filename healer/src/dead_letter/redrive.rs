//! Sending dead letters back to where their records came from.

use std::{fmt, sync::Arc};

use super::{DeadLetter, Redriven, destinations::Destinations, run};
use crate::{
    app::App,
    broker::kafka::{KafkaBroker, KafkaProducer},
    config::Config,
    error::Error,
};

type Filter = Box<dyn Fn(&DeadLetter<'_>) -> bool + Send>;

/// Sends the letters of a dead-letter topic back to the topics that their records came from.
///
/// ```no_run
/// use healer::{dead_letter::Redrive, prelude::*};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let redrive = Redrive::new("orders.dead").to(["orders"]);
/// let redrive = redrive.filter(|letter| letter.stage() == Some("charge"));
/// let done = redrive.run(&Config::from_env()?).await?;
/// println!("{} sent back, {} kept", done.sent, done.kept());
/// done.reasons.iter().for_each(|kept| println!("{kept}"));
/// # Ok(())
/// # }
/// ```
///
/// It takes the letters that are in the topic when it begins, and ends; it waits for letters behind a producer's open
/// transaction, with a warning. Its progress is committed for a group of its own, so the next run takes the letters that have
/// come since. A letter that is not sent back is *kept*: it is written once more, with its key, value and headers and with the
/// time of now, to the end of the dead-letter topic, where the next run finds it.
///
/// # Where letters go
/// A letter goes to the topic that it names only if that topic is [listed](Redrive::to), or if the stage that the letter names
/// reads it in a [pipeline](Redrive::of): every writer of the dead-letter topic can put any name into a header. Any other letter
/// is *foreign* and kept. A letter that was shortened until it names no stage needs `to`.
///
/// # Guarantees
/// - No letter is lost: an offset is committed when the broker has acknowledged everything that was sent for the letters below
///   it. A run that ends early leaves the rest to the next one.
/// - A letter that its topic does not take is kept, and [`Redriven::reasons`] says why: the topic is gone, a right is missing, the
///   record is too large or refused. The others go, each once, also those that were sent together with it.
/// - A run that ends with an error or is killed may have sent letters that it has not committed, up to 512: the next run sends them
///   again. The same is true of a letter that is kept since no broker acknowledged it in time. With
///   [`transactional`](Redrive::transactional) nothing is sent twice.
/// - A record goes back with its key, value and headers, with [`REDRIVES`](super::REDRIVES) counted up, with
///   [`ORIGIN`](super::ORIGIN) and [`TIMESTAMP`](super::TIMESTAMP) of its first life, and the time of now as its timestamp: a topic
///   may delete old records. The record's key decides its partition. Letters of a partition go back in their order, except
///   those that are kept.
/// - [`limit`](Redrive::limit) ends loops: a record that was sent back so often and failed again is kept.
///
/// A record that has several letters is sent back once. Every group that reads the topic gets it again, also those that never failed:
/// see [`Context::origin`](crate::Context::origin). A record that is no letter is kept as well. Headers whose names are not UTF-8
/// cannot be written again: they are left out, and the log says so.
///
/// Dropping the future of `run` (`select!`, a time-out, an abort) ends the run: letters that are being sent arrive and are committed,
/// in the background, and no others are sent. One run at a time: two at once would send letters twice (with
/// [`transactional`](Redrive::transactional) the older one ends with an error).
#[must_use = "nothing is sent until `run`"]
pub struct Redrive {
    pub(super) topic: Arc<str>,
    pub(super) filter: Filter,
    pub(super) limit: u32,
    pub(super) destinations: Destinations,
    group: Option<String>,
    transactional: Option<String>,
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
            destinations: Destinations::default(),
            group: None,
            transactional: None,
        }
    }

    /// Letters may go back to where the stages of this pipeline read: of a letter that names a stage whose records become dead
    /// letters in this topic, the topics that the stage gets records from. Call it once for each pipeline.
    ///
    /// ```
    /// use healer::{dead_letter::Redrive, prelude::*};
    ///
    /// let orders = kafka::text("orders").on_error(OnError::dead_letter("orders.dead")).stream("orders");
    /// let app = App::new("payments").chain(orders.heal());
    /// let redrive = Redrive::new("orders.dead").of(&app);
    /// ```
    pub fn of(mut self, app: &App) -> Self {
        self.destinations.add(app);
        self
    }

    /// Letters may go back to these topics, whichever stage they name.
    pub fn to<T: Into<Arc<str>>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        for topic in topics {
            self.destinations.list(topic.into());
        }
        self
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
    /// member of does not do, nor one in which a pipeline reads this topic, also while it rests: its offsets are its own.
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

    /// Does it. Of the configuration the client properties count, and the topics of dead letters, which are to be those of the pipeline.
    ///
    /// # Errors
    /// [`Error::Redrive`] before the first letter where neither [`of`](Redrive::of) nor [`to`](Redrive::to) says where letters may
    /// go. An error of the broker: no broker is reached, the dead-letter topic does not exist, or rights on it or on the group are
    /// missing. The next run takes the letters that were not done by then.
    ///
    /// # Panics
    /// Where the filter panics, and if it is not called within a tokio runtime.
    pub async fn run(mut self, config: &Config) -> Result<Redriven, Error> {
        if self.destinations.is_empty() {
            return Err(Error::Redrive(format!(
                "nothing was sent: letters of {:?} may go nowhere, since a letter can claim any topic; say `.of(&app)` with the \
                 pipeline that they are of, or name topics with `.to([\"…\"])` (`--to`)",
                self.topic
            )));
        }
        self.destinations.settle(config, &self.topic);
        let group = self.group.clone().unwrap_or_else(|| format!("redrive-{}", self.topic));
        let mut consumer = config.consumer_properties();
        consumer.insert("group.id".to_owned(), group);
        consumer.remove("group.instance.id");
        let mut producer = config.producer_properties();
        if let Some(id) = &self.transactional {
            producer.insert("transactional.id".to_owned(), id.clone());
        }
        let wait = config.connect_timeout();
        let held = Arc::new(());
        let wanted = run::Wanted::by(&held);
        // It blocks throughout; nothing else runs beside it.
        let work = move || {
            let broker = KafkaBroker::connect(&consumer)?;
            let producer = KafkaProducer::connect(&producer)?;
            if self.transactional.is_some() {
                let mut unit = producer.transactions(&broker, wait)?;
                run::run(&self, broker, &mut unit, wait, &wanted)
            } else {
                let mut unit = run::Acknowledged::new(producer, &broker);
                run::run(&self, broker, &mut unit, wait, &wanted)
            }
        };
        let done = tokio::task::spawn_blocking(work).await;
        drop(held);
        match done {
            Ok(result) => result.map_err(Error::from),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Error::Engine(error.to_string())),
            },
        }
    }
}
