//! Some letters on their way: those that can go go once, the others are kept, and no letter pays for another one.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::{runtime::Handle, time::timeout};

use super::{DeadLetter, Redriven, Why, run::Part};
use crate::{
    broker::{AtomicCommit, BrokerError, BrokerErrorKind, Delivery, OutRecord, RecordRef, SendError},
    record::Headers,
};

/// How long letters may be on their way before the unit is asked whether all is well.
const LOOK: Duration = Duration::from_secs(1);

/// Before letters are tried again that failed for no fault of theirs.
const PAUSES: [Duration; 3] = [Duration::from_millis(10), Duration::from_millis(100), Duration::from_secs(1)];

/// How long to rest while the producer's queue is full.
const FULL: Duration = Duration::from_millis(5);

/// A letter and its fate.
pub(super) struct Post<'r> {
    pub(super) record: &'r RecordRef<'r>,
    /// As they are.
    pub(super) headers: Headers,
    pub(super) fate: Fate,
    /// The broker has it.
    pub(super) is_there: bool,
}

pub(super) enum Fate {
    /// To its topic, with these headers.
    Back { topic: String, headers: Headers },
    /// To the end of the dead-letter topic, as it is.
    Kept { why: Why, text: String },
    /// Nowhere: its record was sent back already.
    Repeated,
}

impl Post<'_> {
    pub(super) fn letter(&self) -> DeadLetter<'_> {
        DeadLetter { key: self.record.key, value: self.record.value, headers: &self.headers }
    }

    fn is_kept(&self) -> bool {
        matches!(self.fate, Fate::Kept { .. })
    }

    fn goes_to(&self, topic: &str) -> bool {
        matches!(&self.fate, Fate::Back { topic: to, .. } if to == topic)
    }
}

/// The sending end of a run.
pub(super) struct Courier<'u, U> {
    dead_letter_topic: Arc<str>,
    pub(super) unit: &'u mut U,
    wait: Duration,
    /// Topics that were asked for, and why they take nothing.
    topics: BTreeMap<String, Option<String>>,
    pub(super) done: Redriven,
}

/// The outcome of sending some letters.
#[derive(Default)]
struct Tried {
    /// Those that failed, by number.
    failed: Vec<(usize, BrokerError)>,
    /// Why no more was sent, or can be committed.
    stopped: Option<BrokerError>,
}

impl Tried {
    fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.stopped.is_none()
    }
}

/// Whether a record may have failed for another one that was sent with it: brokers refuse whole batches.
fn may_be_anothers(kind: BrokerErrorKind) -> bool {
    !is_of_topic(kind) && !is_of_moment(kind) && kind != BrokerErrorKind::Fatal
}

/// Whether it says nothing about the record.
fn is_of_moment(kind: BrokerErrorKind) -> bool {
    matches!(kind, BrokerErrorKind::Unreachable | BrokerErrorKind::Transient)
}

/// Whether the topic would take no other record either.
fn is_of_topic(kind: BrokerErrorKind) -> bool {
    matches!(kind, BrokerErrorKind::UnknownTopic | BrokerErrorKind::NotAuthorized)
}

impl<'u, U: AtomicCommit> Courier<'u, U> {
    pub(super) fn new(dead_letter_topic: Arc<str>, unit: &'u mut U, wait: Duration) -> Self {
        Self { dead_letter_topic, unit, wait, topics: BTreeMap::new(), done: Redriven::default() }
    }

    /// Why a topic takes nothing, if it is known to.
    pub(super) fn is_closed(&mut self, topic: &str) -> Result<Option<String>, BrokerError> {
        if let Some(known) = self.topics.get(topic) {
            return Ok(known.clone());
        }
        let why = match self.unit.check_topic(topic, self.wait) {
            Ok(()) => None,
            Err(error) if is_of_topic(error.kind) || error.kind == BrokerErrorKind::Configuration => {
                Some(error.text)
            }
            Err(error) => return Err(error),
        };
        self.topics.insert(topic.to_owned(), why.clone());
        Ok(why)
    }

    /// Sends letters and commits behind them. Those that fail are told from those that failed with them, and kept.
    pub(super) fn settle(&mut self, posts: &mut [Post<'_>], parts: &mut [Part]) -> Result<(), BrokerError> {
        let Tried { failed, stopped } = self.persist(posts)?;
        // Letters that are tried again by themselves.
        let mut alone = BTreeSet::new();
        match stopped {
            None if failed.is_empty() => return self.commit(posts, parts),
            Some(error) if failed.is_empty() => {
                if posts.len() > 1 {
                    // One of them is at fault, and nobody says which.
                    let (first, second) = posts.split_at_mut(posts.len() / 2);
                    self.settle(first, parts)?;
                    return self.settle(second, parts);
                }
                self.refuse(posts, 0, error)?;
            }
            _ => {
                let were_kept: Vec<_> = posts.iter().map(Post::is_kept).collect();
                for (at, error) in failed {
                    if posts.len() > 1 && may_be_anothers(error.kind) {
                        alone.insert(at);
                    } else if were_kept[at] || !posts[at].is_kept() {
                        self.refuse(posts, at, error)?;
                    }
                }
            }
        }
        // In order, for offsets are committed in order.
        let (mut rest, mut at) = (posts, 0);
        while !rest.is_empty() {
            let together = (at..at + rest.len()).take_while(|at| !alone.contains(at)).count();
            let (now, later) = mem::take(&mut rest).split_at_mut(together.max(1));
            self.settle(now, parts)?;
            at += now.len();
            rest = later;
        }
        Ok(())
    }

    /// Tries again where no letter is at fault.
    fn persist(&mut self, posts: &mut [Post<'_>]) -> Result<Tried, BrokerError> {
        let mut tried = self.attempt(posts)?;
        for pause in PAUSES {
            let is_passing =
                tried.stopped.as_ref().is_some_and(|error| error.kind == BrokerErrorKind::Transient);
            if !is_passing || !tried.failed.is_empty() {
                break;
            }
            std::thread::sleep(pause);
            tried = self.attempt(posts)?;
        }
        Ok(tried)
    }

    /// Sends the letters that are not there yet. Where one failed, all are taken back if the unit can.
    fn attempt(&mut self, posts: &mut [Post<'_>]) -> Result<Tried, BrokerError> {
        let mut tried = Tried::default();
        let mut on_the_way = FuturesUnordered::new();
        for (at, post) in posts.iter().enumerate().filter(|(_, post)| !post.is_there) {
            match self.send(post) {
                Ok(None) => {}
                Ok(Some(delivery)) => on_the_way.push(delivery.map(move |result| (at, result))),
                Err(error) if error.kind == BrokerErrorKind::Fatal => return Err(error),
                Err(error) if is_of_moment(error.kind) => {
                    tried.stopped = Some(error);
                    break;
                }
                Err(error) => tried.failed.push((at, error)),
            }
        }
        let mut are_there = Vec::new();
        let mut told = |tried: &mut Tried, (at, result): (usize, Result<(), SendError>)| match result {
            Ok(()) => are_there.push(at),
            Err(error) => tried.failed.push((at, failed_send(error))),
        };
        let runtime = Handle::current();
        // The rest is taken back once one has failed, and so not waited for.
        while tried.is_whole() {
            match runtime.block_on(async { timeout(LOOK, on_the_way.next()).await }) {
                Ok(Some(ended)) => told(&mut tried, ended),
                Ok(None) => break,
                Err(_) => tried.stopped = self.unit.fault(),
            }
        }
        while let Some(Some(ended)) = on_the_way.next().now_or_never() {
            told(&mut tried, ended);
        }
        let undone = !tried.is_whole() && self.unit.undo()?;
        while let Some(ended) = runtime.block_on(on_the_way.next()) {
            told(&mut tried, ended);
        }
        if undone {
            // Records that are taken back fail, and sometimes the next one after them, which the client takes for one of them.
            let (taken_back, failed) =
                tried.failed.into_iter().partition(|(_, error)| error.kind == BrokerErrorKind::Transient);
            let taken_back: Vec<_> = taken_back;
            tried.failed = failed;
            tried.stopped = tried.stopped.or_else(|| taken_back.into_iter().next().map(|(_, error)| error));
        } else {
            for at in are_there {
                posts[at].is_there = true;
            }
        }
        Ok(tried)
    }

    /// Puts a letter on its way; `None` where it goes nowhere.
    fn send(&mut self, post: &Post<'_>) -> Result<Option<Delivery>, BrokerError> {
        let (topic, headers) = match &post.fate {
            Fate::Back { topic, headers } => (&**topic, headers),
            Fate::Kept { .. } => (&*self.dead_letter_topic, &post.headers),
            Fate::Repeated => return Ok(None),
        };
        let (key, value) = (post.record.key, post.record.value);
        // The time of now: a topic may refuse an older or younger letter, or delete it at once.
        let record = OutRecord { topic, key, value, headers, timestamp: None };
        let until = Instant::now() + self.wait;
        loop {
            match self.unit.send(&record) {
                Ok(delivery) => return Ok(Some(delivery)),
                Err(SendError::Full) if Instant::now() < until => std::thread::sleep(FULL),
                Err(error) => return Err(failed_send(error)),
            }
        }
    }

    /// A letter is kept that its topic did not take.
    fn refuse(&mut self, posts: &mut [Post<'_>], at: usize, error: BrokerError) -> Result<(), BrokerError> {
        let Fate::Back { topic, .. } = &posts[at].fate else {
            let text = format!("a letter can't be kept, and the run ends before it: {}", error.text);
            return Err(BrokerError { text, ..error });
        };
        match error.kind {
            BrokerErrorKind::Fatal => return Err(error),
            // Is anybody there at all?
            kind if is_of_moment(kind) => {
                let there = self.unit.check_topic(&self.dead_letter_topic, self.wait);
                there.map_err(|_| error.clone())?;
            }
            _ => {}
        }
        let topic = topic.clone();
        let why = || Fate::Kept { why: Why::Refused, text: error.text.clone() };
        if is_of_topic(error.kind) {
            self.topics.insert(topic.clone(), Some(error.text.clone()));
            let same = posts.iter_mut().filter(|post| !post.is_there && post.goes_to(&topic));
            same.for_each(|post| post.fate = why());
        } else {
            posts[at].fate = why();
        }
        Ok(())
    }

    /// Commits behind letters that are all there.
    fn commit(&mut self, posts: &[Post<'_>], parts: &mut [Part]) -> Result<(), BrokerError> {
        for post in posts {
            let part = &mut parts[post.record.slot as usize];
            part.next = part.next.max(post.record.offset + 1);
        }
        super::run::commit(parts, self.unit)?;
        for post in posts {
            match &post.fate {
                Fate::Back { .. } => self.done.sent += 1,
                Fate::Repeated => self.done.repeated += 1,
                Fate::Kept { why, text } => {
                    let at = &parts[post.record.slot as usize].partition;
                    self.done.keep(*why, text, &post.letter(), at, post.record.offset);
                }
            }
        }
        Ok(())
    }
}

fn failed_send(error: SendError) -> BrokerError {
    match error {
        SendError::Failed(error) => error,
        SendError::Full => {
            BrokerError { kind: BrokerErrorKind::Unreachable, text: "the producer's queue stays full".into() }
        }
    }
}
