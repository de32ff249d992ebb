//! Requests to the broker that block, from any thread, for as long as the client is open.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
    error::KafkaError,
};

use super::{
    context::Consumer,
    errors,
    lists::{self, list, plain},
    metadata::{self, bounded},
    raw,
};
use crate::broker::{
    BrokerError, BrokerErrorKind, Commit, CommitError, CommitErrorKind, Committed, MetadataNotText, Outage,
    Pattern, Remote, TopicPartition, Topics, Watermarks,
};

/// How many queued words of the client are heard at once.
const WORDS: usize = 64;

/// The way to the client for all threads but the one that polls.
pub(super) struct Link {
    /// Empty once the client is closing: a request that came late must not keep it alive.
    consumer: RwLock<Option<Arc<Consumer>>>,
    subscribed: AtomicBool,
    /// A topic to ask for where any will do.
    topic: OnceLock<Arc<str>>,
    /// A thread waits for brokers to come back.
    pub(super) watched: AtomicBool,
}

impl Link {
    pub(super) fn new(consumer: Arc<Consumer>) -> Self {
        Self {
            consumer: RwLock::new(Some(consumer)),
            subscribed: AtomicBool::new(false),
            topic: OnceLock::new(),
            watched: AtomicBool::new(false),
        }
    }

    /// From now on only the poll thread may poll.
    pub(super) fn subscribed(&self, topics: &[Topics]) {
        self.subscribed.store(true, Ordering::Release);
        let mut names = topics.iter().filter_map(|topics| match topics {
            Topics::Named(names) => names.first(),
            Topics::Pattern(_) => None,
        });
        if let Some(name) = names.next() {
            self.topic.get_or_init(|| Arc::clone(name));
        }
    }

    /// Any topic that is read, if one was named.
    pub(super) fn topic(&self) -> Option<&str> {
        self.topic.get().map(|topic| &**topic)
    }

    pub(super) fn is_out(&self) -> bool {
        self.consumer().is_ok_and(|consumer| consumer.context().client_errors.is_out())
    }

    pub(super) fn cut(&self) {
        self.consumer.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(super) fn consumer(&self) -> Result<Arc<Consumer>, BrokerError> {
        self.consumer.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| BrokerError {
            kind: BrokerErrorKind::Fatal,
            text: "the client is closed: nothing can be asked of the broker any more".into(),
        })
    }

    /// Polls the client for its errors and log lines, as long as nobody else polls it and no record can come.
    fn listen(&self, consumer: &Consumer) {
        for _ in 0..WORDS {
            if self.subscribed.load(Ordering::Acquire) {
                return;
            }
            // `None` also stands for a log line that was dealt with: more may follow.
            if let Some(Err(error)) = consumer.poll(Duration::ZERO) {
                consumer.context().failed(&error, || None);
            }
        }
    }

    /// An error of a request, with the client's own words about it.
    fn failed(&self, consumer: &Consumer, what: &str, error: &KafkaError) -> BrokerError {
        self.listen(consumer);
        errors::failed(what, error, &consumer.context().client_errors)
    }

    fn metadata(
        &self,
        consumer: &Consumer,
        topic: Option<&str>,
        end: Instant,
    ) -> Result<rdkafka::metadata::Metadata, BrokerError> {
        let left = end.saturating_duration_since(Instant::now());
        let client_errors = &consumer.context().client_errors;
        metadata::fetch(consumer.client(), topic, left, client_errors, || self.listen(consumer))
    }
}

impl Remote for Link {
    fn commit(&self, offsets: &[Commit]) -> Result<(), CommitError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let fatal = |error: BrokerError| CommitError { kind: CommitErrorKind::Fatal, text: error.text };
        let consumer = self.consumer().map_err(fatal)?;
        // Thrown out of the group the client would commit without a generation, which a group without members takes from anybody.
        if consumer.assignment_lost() {
            let text =
                "committing failed: the assignment was lost; the group has gone on without this member"
                    .to_owned();
            return Err(CommitError { kind: CommitErrorKind::Fenced, text });
        }
        let mut request = TopicPartitionList::with_capacity(offsets.len());
        for Commit { partition, offset, metadata } in offsets {
            lists::check_name(&partition.topic).map_err(fatal)?;
            let mut entry = request.add_partition(&partition.topic, partition.partition);
            entry.set_offset(Offset::Offset(*offset)).map_err(|_| CommitError {
                kind: CommitErrorKind::Fatal,
                text: format!("{offset} is no offset that could be committed for {partition}"),
            })?;
            if !metadata.is_empty() {
                entry.set_metadata(metadata);
            }
        }
        let began = Instant::now();
        let committed = consumer.commit(&request, CommitMode::Sync);
        let client_errors = &consumer.context().client_errors;
        committed.inspect(|()| client_errors.answered(began)).map_err(|error| {
            let what = match offsets {
                [one] => format!("committing offset {} of {}", one.offset, one.partition),
                // The answer does not tell which of them, and the others may be committed.
                _ => format!("committing one or more of {}", names(offsets)),
            };
            errors::commit_failed(&what, &error, client_errors)
        })
    }

    fn committed(
        &self,
        partitions: &[TopicPartition],
        wait: Duration,
    ) -> Result<Vec<Option<Committed>>, BrokerError> {
        let consumer = self.consumer()?;
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let what = "reading the committed offsets";
        let began = Instant::now();
        let answer = consumer
            .committed_offsets(plain(partitions)?, bounded(wait))
            .map_err(|error| self.failed(&consumer, what, &error))?;
        consumer.context().client_errors.answered(began);
        partitions
            .iter()
            .map(|partition| {
                let Some(entry) = answer.find_partition(&partition.topic, partition.partition) else {
                    return Ok(None);
                };
                entry
                    .error()
                    .map_err(|error| self.failed(&consumer, &format!("{what} of {partition}"), &error))?;
                Ok(match entry.offset() {
                    Offset::Offset(offset) => {
                        let metadata = raw::metadata(&answer, partition).unwrap_or_default();
                        let metadata = String::from_utf8(metadata.to_vec()).map_err(|_| MetadataNotText);
                        Some(Committed { offset, metadata })
                    }
                    _ => None,
                })
            })
            .collect()
    }

    /// One request a broker for each of the three: to ask for each partition would take as many.
    fn watermarks(
        &self,
        partitions: &[TopicPartition],
        wait: Duration,
    ) -> Result<Vec<Watermarks>, BrokerError> {
        let consumer = self.consumer()?;
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let end = Instant::now() + bounded(wait);
        let left = || bounded(end.saturating_duration_since(Instant::now()));
        let what = || match partitions {
            [one] => format!("reading the watermarks of {one}"),
            [one, ..] => format!("reading the watermarks of {one} and {} more", partitions.len() - 1),
            [] => String::new(),
        };
        let failed = |error: KafkaError| self.failed(&consumer, &what(), &error);
        let ask = |spec: Offset| {
            let mut question = plain(partitions)?;
            question.set_all_offsets(spec).map_err(failed)?;
            consumer.offsets_for_times(question, left()).map_err(failed)
        };
        let first = ask(Offset::Beginning)?;
        // As `isolation.level` says: the last stable offset for a reader of committed records.
        let stable = ask(Offset::End)?;
        // Last, so that it is behind all that was committed or could be read by then.
        let ends = raw::ends(&consumer, plain(partitions)?, left()).map_err(failed)?;
        let marks = |partition: &TopicPartition| {
            let unknown = || BrokerError {
                kind: BrokerErrorKind::Transient,
                text: format!("the broker does not say where {partition} begins and ends"),
            };
            let failed =
                |error| self.failed(&consumer, &format!("reading the watermarks of {partition}"), &error);
            let of = |list: &TopicPartitionList| {
                let entry = list.find_partition(&partition.topic, partition.partition).ok_or_else(unknown)?;
                entry.error().map_err(failed)?;
                entry.offset().to_raw().filter(|offset| *offset >= 0).ok_or_else(unknown)
            };
            let end = ends.get(&(partition.topic.to_string(), partition.partition)).ok_or_else(unknown)?;
            let end = end.map_err(|code| failed(KafkaError::OffsetFetch(code)))?;
            let (first, stable) = (of(&first)?, of(&stable)?);
            Ok(Watermarks { first, stable, end: end.max(stable) })
        };
        partitions.iter().map(marks).collect()
    }

    fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        millis: i64,
        wait: Duration,
    ) -> Result<Vec<i64>, BrokerError> {
        let consumer = self.consumer()?;
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let end = Instant::now() + bounded(wait);
        let what = "looking offsets up by time";
        // Nothing was written before 1970, and negative numbers mean something else here.
        let question = list(partitions.iter().map(|partition| (partition, Some(millis.max(0)))))?;
        let answer = consumer
            .offsets_for_times(question, bounded(wait))
            .map_err(|error| self.failed(&consumer, what, &error))?;
        partitions
            .iter()
            .map(|partition| {
                if let Some(entry) = answer.find_partition(&partition.topic, partition.partition) {
                    entry
                        .error()
                        .map_err(|error| self.failed(&consumer, &format!("{what} of {partition}"), &error))?;
                    if let Offset::Offset(offset) = entry.offset() {
                        return Ok(offset);
                    }
                }
                // No record is as young as that.
                let left = end.saturating_duration_since(Instant::now());
                self.watermarks_of(partition, left).map(|marks| marks.stable)
            })
            .collect()
    }

    fn partitions(&self, topics: &[Topics], wait: Duration) -> Result<Vec<TopicPartition>, BrokerError> {
        let consumer = self.consumer()?;
        let client_errors = &consumer.context().client_errors;
        let end = Instant::now() + bounded(wait);
        let mut found: BTreeSet<TopicPartition> = BTreeSet::new();
        let mut all = None;
        for topics in topics {
            match topics {
                Topics::Named(names) => {
                    for name in names {
                        let answer = self.metadata(&consumer, Some(name), end)?;
                        let ids = metadata::partitions(&answer, name, client_errors)?;
                        found.extend(
                            ids.into_iter()
                                .map(|partition| TopicPartition { topic: Arc::clone(name), partition }),
                        );
                    }
                }
                Topics::Pattern(pattern) => {
                    let pattern = Pattern::new(pattern)?;
                    if all.is_none() {
                        all = Some(self.metadata(&consumer, None, end)?);
                    }
                    let names = all.iter().flat_map(rdkafka::metadata::Metadata::topics);
                    for topic in names.filter(|topic| topic.error().is_none() && pattern.is(topic.name())) {
                        let name: Arc<str> = topic.name().into();
                        found.extend(
                            topic
                                .partitions()
                                .iter()
                                .map(|p| TopicPartition { topic: Arc::clone(&name), partition: p.id() }),
                        );
                    }
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    fn cluster_id(&self, wait: Duration) -> Option<String> {
        self.consumer().ok()?.client().fetch_cluster_id(bounded(wait)).filter(|id| !id.is_empty())
    }

    fn outage(&self) -> Option<Outage> {
        self.consumer().ok()?.context().client_errors.outage()
    }
}

/// The first few partitions of a request, for error texts.
fn names(offsets: &[Commit]) -> String {
    const FEW: usize = 8;
    let mut names: Vec<String> =
        offsets.iter().take(FEW).map(|commit| commit.partition.to_string()).collect();
    if offsets.len() > FEW {
        names.push(format!("{} more", offsets.len() - FEW));
    }
    names.join(", ")
}
