//! The user's handle of a running pipeline.

use std::{
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, future::BoxFuture};
use healer_store::StoreError;
use serde::Serialize;
use tokio::sync::{
    broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    oneshot, watch,
};

use super::{
    Health, SeekError, SeekTo,
    control::{Control, Ended},
    seek::Sought,
};
use crate::{
    broker::{Remote, TopicPartition},
    engine::{PartitionStatus, Report, core::Rest},
    error::Error,
    journal::{Checkpoint, Journal, Scope},
};

/// An offset that the broker has acknowledged: all records below it are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CommittedOffset {
    /// The topic.
    #[serde(serialize_with = "crate::json::text")]
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The next offset that a restart would begin with.
    pub offset: i64,
}

/// A running pipeline. Clones are the same pipeline; it runs on when all of them are dropped (a pipeline of
/// [`App::run`](crate::App::run) stops instead, since nobody could stop it any more).
///
/// A handle reads checkpoints, so it keeps the store open also after the end: drop it before the same store is opened again.
///
/// A log subscriber and a metrics recorder must not ask a handle: the engine calls both while it holds the lock that the answer needs, so
/// the pipeline would wait for itself.
#[derive(Clone)]
pub struct Handle {
    control: Arc<Control>,
    journal: Arc<Journal>,
    remote: Arc<dyn Remote>,
}

impl Handle {
    pub(super) fn new(control: Arc<Control>, journal: Arc<Journal>, remote: Arc<dyn Remote>) -> Self {
        Self { control, journal, remote }
    }

    /// Asks the pipeline to end: it takes no more records, finishes those in flight within the drain budget, commits and
    /// leaves the group. Returns at once; [`join`](Handle::join) waits.
    pub fn stop(&self) {
        self.control.ask_to_stop();
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.control.name
    }

    /// Lets the pipeline rest: no record begins until [`resume`](Handle::resume), also of partitions that come later. Records in
    /// flight go on and are committed, and the group keeps its members, since the broker is polled meanwhile. A record that
    /// waits for `resume` is no stall.
    pub fn pause(&self) {
        self.control.core().pause(Rest::Everything);
    }

    /// Ends all pauses, also those of topics and partitions.
    pub fn resume(&self) {
        self.go_on(&Rest::Everything);
    }

    /// Lets the partitions of a topic rest, as [`pause`](Handle::pause) does all.
    pub fn pause_topic(&self, topic: &str) {
        self.control.core().pause(Rest::Topic(topic.to_owned()));
    }

    /// Ends the pause of a topic and of its partitions. It goes on resting while the whole pipeline rests.
    pub fn resume_topic(&self, topic: &str) {
        self.go_on(&Rest::Topic(topic.to_owned()));
    }

    /// Lets a partition rest, as [`pause`](Handle::pause) does all.
    pub fn pause_partition(&self, topic: &str, partition: i32) {
        self.control.core().pause(Rest::Partition(TopicPartition { topic: Arc::from(topic), partition }));
    }

    /// Ends the pause of a partition. It goes on resting while its topic or the whole pipeline rests.
    pub fn resume_partition(&self, topic: &str, partition: i32) {
        self.go_on(&Rest::Partition(TopicPartition { topic: Arc::from(topic), partition }));
    }

    fn go_on(&self, rest: &Rest) {
        self.control.core().resume(rest);
        self.control.desk.nudge();
    }

    /// Reads a partition of this member from elsewhere, and says from which offset. That is committed at once, also where it is lower than
    /// the offset committed before; records in flight are given up, and their outcomes change nothing. Records from there on are
    /// processed again, even if a member's store knows them to be done.
    ///
    /// # Errors
    /// A [`SeekError`]: the partition is not this member's, has no such offset, or the broker does not say which offsets there are.
    pub async fn seek(&self, topic: &str, partition: i32, to: SeekTo) -> Result<i64, SeekError> {
        let (answer, answered) = oneshot::channel();
        let partition = TopicPartition { topic: Arc::from(topic), partition };
        self.control.ask_to_seek(Sought { partition, to, answer });
        let mut ended = self.control.ended.subscribe();
        tokio::select! {
            biased;
            answer = answered => answer.unwrap_or(Err(SeekError::Ended)),
            () = until_ended(&mut ended) => Err(SeekError::Ended),
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The error that ended the pipeline; [`stop`](Handle::stop) and the end that it was run to are none.
    pub async fn join(&self) -> Result<Report, Error> {
        let mut ended = self.control.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or_else(|| Err(Error::Engine("it ended twice".to_owned()))),
            Err(_) => Err(Error::Engine("its thread is gone".to_owned())),
        }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.control.ended.borrow().is_some()
    }

    /// The commits that the broker acknowledges from now on.
    pub fn commits(&self) -> Commits {
        let (commits, ended) = (self.control.commits.subscribe(), self.control.ended.subscribe());
        Commits { state: receive(Ear { commits, ended }) }
    }

    /// Whether it is well: running, in touch with a broker, committing. Answers at once, from facts at hand.
    pub fn health(&self) -> Health {
        self.control.health(&*self.remote)
    }

    /// The cluster's id, the group and the pipeline that the progress belongs to. The store's entries are for this scope alone.
    pub fn scope(&self) -> &Scope {
        self.journal.scope()
    }

    /// The partitions of this member: how far they are, and which record or transaction holds them.
    pub fn partitions(&self) -> Vec<PartitionStatus> {
        let now = self.control.now();
        self.control.core().status(now)
    }

    /// The last values that passed a node with a checkpoint, one a partition, the newest there are. They are there to look at: after a seek
    /// back an old value stands until a record passes again, so read on from the committed offsets and not from them.
    ///
    /// # Errors
    /// A [`StoreError`] if older values cannot be read from the store.
    pub fn checkpoints(&self, node: &str) -> Result<Vec<Checkpoint>, StoreError> {
        let mut all = self.journal.checkpoints(node)?;
        for ((node, topic, partition), cell) in self.control.checkpoints.of_node(node) {
            all.retain(|old| (&*old.topic, old.partition) != (&*topic, partition));
            all.push(Checkpoint {
                node: node.to_string(),
                topic: topic.to_string(),
                partition,
                offset: cell.offset,
                type_name: cell.type_name.to_owned(),
                json: cell.json,
            });
        }
        all.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(all)
    }
}

/// A running pipeline that stops when nobody waits for it any more.
pub(crate) struct Leash(Option<Handle>);

impl Leash {
    pub(super) fn new(handle: Handle) -> Self {
        Self(Some(handle))
    }

    /// From now on it runs on when its handles are dropped.
    pub(crate) fn let_go(mut self) -> Handle {
        self.0.take().unwrap_or_else(|| unreachable!("only this takes it, once"))
    }
}

impl Deref for Leash {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        self.0.as_ref().unwrap_or_else(|| unreachable!("only `let_go` takes it, and ends the leash"))
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.stop();
        }
    }
}

/// The channels that a [`Commits`] listens to.
struct Ear {
    commits: Receiver<CommittedOffset>,
    ended: watch::Receiver<Ended>,
}

type Received = (Option<CommittedOffset>, Ear);

/// Acknowledged commits, as a [`Stream`]; it ends with the pipeline.
///
/// A reader that falls far behind misses some: later ones say all that the missed ones said.
pub struct Commits {
    state: BoxFuture<'static, Received>,
}

fn receive(mut ear: Ear) -> BoxFuture<'static, Received> {
    Box::pin(async move {
        loop {
            // Handles keep the sender alive beyond the end, so that it alone does not say when that is.
            let told = tokio::select! {
                biased;
                told = ear.commits.recv() => told,
                () = until_ended(&mut ear.ended) => match ear.commits.try_recv() {
                    Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                    told => told.map_err(|_| RecvError::Closed),
                },
            };
            match told {
                Ok(offset) => return (Some(offset), ear),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return (None, ear),
            }
        }
    })
}

async fn until_ended(ended: &mut watch::Receiver<Ended>) {
    // An error says that the pipeline is gone altogether.
    drop(ended.wait_for(Option::is_some).await);
}

impl Commits {
    /// The next commit; `None` when the pipeline has ended.
    pub async fn next(&mut self) -> Option<CommittedOffset> {
        StreamExt::next(self).await
    }
}

impl Stream for Commits {
    type Item = CommittedOffset;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<CommittedOffset>> {
        self.state.as_mut().poll(cx).map(|(offset, ear)| {
            self.state = receive(ear);
            offset
        })
    }
}
