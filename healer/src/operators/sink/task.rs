//! The task of a lane: sends its records and passes them on in their order.

use std::{collections::VecDeque, future::ready, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesOrdered};

use super::{SinkTask, outgoing::Outgoing};
use crate::{
    broker::{BrokerError, BrokerErrorKind, Delivery, Producer, SendError},
    chain::Consumer,
    codec::Codec,
    error::{Cause, catch},
    lane::{Host, Waiting},
    observe,
    operators::boundary::{self, Envelope, Inbox, Step},
};

/// How many records of a partition a sink has on their way to the broker at most.
const ON_THE_WAY: usize = 1_024;

/// How long a sink waits when the producer's queue is full and it has nothing on its own way.
const FULL_WAIT: Duration = Duration::from_millis(5);

/// The fault of a value that has no key to be written under.
const NO_KEY: &str = "it was made of several records by `reduce` and has no key: say which key it has with `.key(|value, ctx| …)` at the sink, \
                      or that it has none with `.keyless()`";

/// The work of a sink's task.
pub(super) struct Sending<'s, T, C, D: Consumer<T>> {
    task: &'s SinkTask<T, C, D>,
    lane: &'s mut D::Lane,
    host: &'s Host,
    producer: Arc<dyn Producer>,
    /// In the order of the records, so that they go on in it.
    on_the_way: FuturesOrdered<Delivery>,
    /// The records that are on the way, one for each delivery. They stay where they are while futures are moved.
    sent: VecDeque<Envelope<T>>,
    waiting: Waiting,
    buffer: Vec<u8>,
    /// Whether `None` is written as a record without a value.
    tombstones: bool,
}

impl<'s, T: Send + 'static, C: Codec, D: Consumer<T>> Sending<'s, T, C, D> {
    pub(super) fn new(task: &'s SinkTask<T, C, D>, lane: &'s mut D::Lane, host: &'s Host) -> Self {
        Self {
            task,
            lane,
            host,
            producer: host.producer(),
            on_the_way: FuturesOrdered::new(),
            sent: VecDeque::new(),
            waiting: Waiting::new(host.shared(), task.node.id),
            buffer: Vec::new(),
            tombstones: host.nodes().sends_tombstones(task.node.id),
        }
    }

    pub(super) async fn run(mut self, inbox: &mut Inbox<T>) {
        let mut open = true;
        while open || !self.on_the_way.is_empty() {
            tokio::select! {
                biased;
                Some(result) = self.on_the_way.next(), if !self.on_the_way.is_empty() => {
                    self.delivered(result).await;
                }
                item = inbox.next(), if open && self.on_the_way.len() < ON_THE_WAY => match item {
                    Some(item) => self.send(item).await,
                    None => open = false,
                },
                () = self.waiting.look(self.sent.front().map(|first| &first.context)), if !self.on_the_way.is_empty() => {}
            }
        }
    }

    async fn send(&mut self, item: Envelope<T>) {
        if item.receipt.is_halted() {
            return;
        }
        // `build` knows of values made of a batch, but not of rows that a stage reduced before they went on one by one.
        if self.task.node.copies_key && item.context.is_of_many() {
            return self.pass(item, |_| Step::Failed(Cause::Refused(NO_KEY.into()))).await;
        }
        // The user's encoder and closures: a panic of theirs is a failure of the record.
        let SinkTask { sink, node, .. } = self.task;
        let inside = observe::enter(item.context.here(), node.id);
        let mut span = item.context.sends(&node.path);
        span.begin();
        let call = || Outgoing::new(sink, &item, std::mem::take(&mut self.buffer), self.tombstones);
        let mut outgoing = match catch(call) {
            Ok(Ok(outgoing)) => {
                drop(inside);
                outgoing
            }
            Ok(Err(error)) => {
                span.end(Err(&error));
                return self.pass(item, |_| Step::Failed(Cause::Encode(error.into()))).await;
            }
            Err(panicked) => {
                let cause = Cause::Panic(panicked);
                span.end(Err(&cause));
                return self.pass(item, |_| Step::Failed(cause)).await;
            }
        };
        if let Some(headers) = span.sends_to(&outgoing.topic, outgoing.headers(&item)) {
            outgoing.headers = Some(headers);
        }
        if item.context.watch().is_measured() {
            self.host.measures().output(node.id, outgoing.buffer.len());
        }
        let delivery = loop {
            match self.producer.send(&outgoing.record(&item)) {
                Ok(delivery) => break span.ends_with(delivery),
                // Back-pressure, never a failure: others of this pipeline use the same queue.
                Err(SendError::Full) if self.on_the_way.is_empty() => self.host.sleep(FULL_WAIT).await,
                Err(SendError::Full) => tokio::select! {
                    biased;
                    Some(result) = self.on_the_way.next() => self.delivered(result).await,
                    () = self.waiting.look(self.sent.front().map(|first| &first.context)) => {}
                },
                Err(error @ SendError::Failed(_)) => {
                    span.end(Err(&error));
                    break Box::pin(ready(Err(error)));
                }
            }
        };
        self.buffer = outgoing.buffer;
        self.on_the_way.push_back(delivery);
        self.sent.push_back(item);
    }

    /// How the oldest record on its way ended.
    async fn delivered(&mut self, result: Result<(), SendError>) {
        self.waiting.ended();
        let Some(item) = self.sent.pop_front() else { return };
        let chosen = self.task.sink.topic_of.is_some();
        let step = |value| match result {
            Ok(()) => Step::Next(value),
            Err(error) if is_of_record(&error, chosen) => Step::Failed(Cause::Refused(error.into())),
            Err(error) => Step::Failed(Cause::Send(error.into())),
        };
        self.pass(item, step).await;
    }

    async fn pass(&mut self, item: Envelope<T>, step: impl FnOnce(T) -> Step<T>) {
        let Envelope { value, receipt, mut context } = item;
        let SinkTask { node, next, .. } = self.task;
        boundary::pass_on(self.host, next, self.lane, node.id, receipt, &mut context, step(value)).await;
    }
}

/// Whether the record is at fault; a topic is where its name came from the record.
fn is_of_record(error: &SendError, chosen: bool) -> bool {
    let SendError::Failed(BrokerError { kind, .. }) = error else { return false };
    match kind {
        BrokerErrorKind::TooLarge | BrokerErrorKind::Rejected => true,
        BrokerErrorKind::UnknownTopic => chosen,
        _ => false,
    }
}
