//! Sends records to a topic and passes them on when the broker has acknowledged them.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesOrdered,
};

use super::boundary::{self, Envelope, Needs, Queue, Step};
use crate::{
    broker::{OutRecord, Producer, SendError},
    codec::{Codec, CodecError, Encode},
    context::{Context, Headers},
    dead_letter,
    engine::Host,
    envelope::Visit,
    error::{Cause, Failure, catch},
    observe,
    stream::{Accepts, Consumer, Operator},
    topology::{Node, NodeDraft, NodeKind},
};

/// How many records of a partition a sink has on their way to the broker at most.
const ON_THE_WAY: usize = 1_024;

/// How long a sink waits when the producer's queue is full and it has nothing on its own way.
const FULL_WAIT: Duration = Duration::from_millis(5);

type KeyOf<T> = Arc<dyn Fn(&T, &Context) -> Option<Vec<u8>> + Send + Sync>;
type HeadersOf<T> = Arc<dyn Fn(&T, &Context) -> Headers + Send + Sync>;
type TopicOf<T> = Arc<dyn Fn(&T) -> String + Send + Sync>;

/// The functions that make sinks ask for `Encode` and keep the proof, so that a fault is said once.
type EncodeValue<T, C> = fn(&C, &T, &mut Vec<u8>) -> Result<(), CodecError>;

/// A sink: a topic and a codec. Made by [`kafka`](crate::kafka)'s functions; give it to `then`.
///
/// The record's key and headers go along unless changed here. What flowed in flows on after the acknowledgement.
#[must_use = "a sink does nothing until a stream flows into it"]
pub struct Sink<T, C> {
    topic: Option<Arc<str>>,
    codec: C,
    encode: EncodeValue<T, C>,
    topic_of: Option<TopicOf<T>>,
    key_of: Option<KeyOf<T>>,
    headers_of: Option<HeadersOf<T>>,
}

impl<T: Send + 'static, C: Codec> Sink<T, C> {
    pub(crate) fn new(topic: Arc<str>, codec: C) -> Self
    where
        C: Encode<T>,
    {
        Self { topic: Some(topic), codec, encode: C::encode, topic_of: None, key_of: None, headers_of: None }
    }

    /// Sends each record to a topic of its own. Such topics are not looked up at the start.
    pub fn topic(mut self, topic: impl Fn(&T) -> String + Send + Sync + 'static) -> Self {
        self.topic = None;
        self.topic_of = Some(Arc::new(topic));
        self
    }

    /// The key of each record, instead of the source record's.
    pub fn key(mut self, key: impl Fn(&T, &Context) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.key_of = Some(Arc::new(key));
        self
    }

    /// The headers of each record, instead of the source record's.
    pub fn headers(mut self, headers: impl Fn(&T, &Context) -> Headers + Send + Sync + 'static) -> Self {
        self.headers_of = Some(Arc::new(headers));
        self
    }
}

impl<T: Send + 'static, C: Codec> Accepts<T> for Sink<T, C> {}

impl<T: Send + 'static, C: Codec> Operator for Sink<T, C> {
    type In = T;
    type Out = T;
    type Node<D: Consumer<T>> = SinkNode<T, C, D>;

    fn draft(&self) -> NodeDraft {
        let name = self.topic.as_deref().unwrap_or("sink").to_owned();
        NodeDraft::new(name, NodeKind::Sink { topic: self.topic.clone(), codec: self.codec.format() })
    }

    fn attach<D: Consumer<T>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        SinkNode(Arc::new(Work { sink: self, node, next, item: PhantomData }))
    }
}

/// A sink and what follows.
pub struct SinkNode<T, C, D>(Arc<Work<T, C, D>>);

struct Work<T, C, D> {
    sink: Sink<T, C>,
    node: Arc<Node>,
    next: D,
    item: PhantomData<fn(T)>,
}

impl<T: Send + 'static, C: Codec, D: Consumer<T>> Consumer<T> for SinkNode<T, C, D> {
    type Lane = Queue<T>;
    const READS: bool = true;
    const BOUNDED: bool = true;

    fn open(&self, host: &Host) -> Self::Lane {
        let needs = Needs::new(true, host, self.0.node.id);
        let (queue, mut inbox) = boundary::queue(needs);
        let task = Task {
            work: Arc::clone(&self.0),
            lane: self.0.next.open(host),
            host: host.clone(),
            producer: host.producer(),
            on_the_way: FuturesOrdered::new(),
            buffer: Vec::new(),
        };
        let mut task = task;
        host.spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    Some((item, result)) = task.on_the_way.next() => task.delivered(item, result).await,
                    item = inbox.next(), if task.on_the_way.len() < ON_THE_WAY => match item {
                        Some(item) => task.send(item).await,
                        None => break,
                    },
                }
            }
            while let Some((item, result)) = task.on_the_way.next().await {
                task.delivered(item, result).await;
            }
        });
        queue
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        visit.enter(self.0.node.id);
        lane.take(visit, self.0.node.id, item);
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        lane.room().await;
    }
}

type Sent<T> = (Envelope<T>, Result<(), SendError>);

struct Task<T, C, D: Consumer<T>> {
    work: Arc<Work<T, C, D>>,
    lane: D::Lane,
    host: Host,
    producer: Arc<dyn Producer>,
    /// In the order of the records, so that they go on in it.
    on_the_way: FuturesOrdered<BoxFuture<'static, Sent<T>>>,
    buffer: Vec<u8>,
}

impl<T: Send + 'static, C: Codec, D: Consumer<T>> Task<T, C, D> {
    async fn send(&mut self, item: Envelope<T>) {
        if item.receipt.is_halted() {
            return;
        }
        // The user's encoder and closures: a panic of theirs is a failure of the record.
        let Work { sink, node, .. } = &*self.work;
        let inside = observe::enter(item.context.here(), node.id);
        let mut span = item.context.sends(&node.path);
        span.begin();
        let call = || Outgoing::new(sink, &item, std::mem::take(&mut self.buffer));
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
            self.host.measures().output(node.id, outgoing.value.len());
        }
        loop {
            match self.producer.send(&outgoing.record(&item)) {
                Ok(delivery) => {
                    let delivered = delivery.map(move |result| {
                        span.end(result.as_ref().map(|()| true).map_err(|error: &SendError| error as _));
                        (item, result)
                    });
                    self.on_the_way.push_back(delivered.boxed());
                    break;
                }
                // Back-pressure, never a failure: others of this pipeline use the same queue.
                Err(SendError::Full) => match self.on_the_way.next().await {
                    Some((sent, result)) => self.delivered(sent, result).await,
                    None => self.host.sleep(FULL_WAIT).await,
                },
                Err(error @ SendError::Failed(_)) => {
                    span.end(Err(&error));
                    self.on_the_way.push_back(async move { (item, Err(error)) }.boxed());
                    break;
                }
            }
        }
        self.buffer = outgoing.value;
    }

    async fn delivered(&mut self, item: Envelope<T>, result: Result<(), SendError>) {
        let step = |value| match result {
            Ok(()) => Step::Next(value),
            Err(error) => Step::Failed(Cause::Send(error.into())),
        };
        self.pass(item, step).await;
    }

    async fn pass(&mut self, item: Envelope<T>, step: impl FnOnce(T) -> Step<T>) {
        let Envelope { value, receipt, mut context } = item;
        let Work { node, next, .. } = &*self.work;
        boundary::carry_on(&self.host, next, &mut self.lane, node.id, receipt, &mut context, step(value));
        next.room(&mut self.lane).await;
    }
}

/// What a record becomes, before it is sent.
struct Outgoing {
    topic: Arc<str>,
    value: Vec<u8>,
    key: Key,
    headers: Option<Headers>,
}

enum Key {
    OfRecord,
    Chosen(Option<Vec<u8>>),
}

impl Outgoing {
    /// Encodes into `buffer`, whose capacity is used again and again.
    fn new<T, C: Codec>(
        sink: &Sink<T, C>,
        item: &Envelope<T>,
        mut buffer: Vec<u8>,
    ) -> Result<Self, CodecError> {
        let Envelope { value, context, .. } = item;
        buffer.clear();
        (sink.encode)(&sink.codec, value, &mut buffer)?;
        let chosen = sink.topic_of.as_ref().map(|topic_of| Arc::from(topic_of(value)));
        Ok(Self {
            topic: chosen.or_else(|| sink.topic.clone()).unwrap_or_else(|| Arc::from("")),
            value: buffer,
            key: sink.key_of.as_ref().map_or(Key::OfRecord, |key_of| Key::Chosen(key_of(value, context))),
            // What is said of a record that was a dead letter is not true of what it becomes.
            headers: sink.headers_of.as_ref().map(|headers_of| headers_of(value, context)).or_else(|| {
                let (headers, ours) = (context.headers(), &dead_letter::OF_REDRIVEN);
                headers.has_any(ours).then(|| headers.without(ours))
            }),
        })
    }

    fn headers<'a, T>(&'a self, item: &'a Envelope<T>) -> &'a Headers {
        self.headers.as_ref().unwrap_or(item.context.headers())
    }

    fn record<'a, T>(&'a self, item: &'a Envelope<T>) -> OutRecord<'a> {
        OutRecord {
            topic: &self.topic,
            key: match &self.key {
                Key::OfRecord => item.context.key(),
                Key::Chosen(key) => key.as_deref(),
            },
            value: Some(&self.value),
            headers: self.headers(item),
            timestamp: None,
        }
    }
}
