//! Where records come in: bytes become values.

use std::sync::Arc;

use crate::{
    broker::Topics,
    chain::{Below, Consumer, Link, Operator, Raw, Sealed, Stream, Then, Whole},
    codec::{Codec, CodecContext, CodecError, Decode},
    envelope::Reason,
    error::{Cause, Failure},
    lane::{Host, Visit},
    operators::failing,
    topology::{Node, NodeDraft, NodeKind, OnError, Plan},
};

/// How a record becomes a value: `None` is a tombstone to skip. The functions that make sources ask for `Decode` and keep the
/// proof, so that a fault is said once.
type DecodeRecord<T, C> = fn(&C, Option<&[u8]>, &CodecContext<'_>) -> Option<Result<T, CodecError>>;

/// A source: topics and a codec. Made by [`kafka`](crate::kafka)'s functions.
#[must_use = "a source does nothing until `.stream(name)`"]
pub struct Source<T, C> {
    topics: Topics,
    codec: C,
    decode: DecodeRecord<T, C>,
    tombstones: bool,
    on_error: Option<OnError>,
}

impl<T: Send + 'static, C: Codec> Source<T, C> {
    pub(crate) fn new(topics: Topics, codec: C) -> Self
    where
        C: Decode<T>,
    {
        let decode: DecodeRecord<T, C> = |codec, value, of| value.map(|bytes| codec.decode(bytes, of));
        Self { topics, codec, decode, tombstones: false, on_error: None }
    }

    /// Gives tombstones as `None` instead of skipping them (counted, reason `tombstone`). Sinks below write a `None` as a tombstone again
    /// ([`Sink::tombstones`](super::Sink::tombstones)).
    pub fn tombstones(self) -> Source<Option<T>, C>
    where
        C: Decode<T>,
    {
        let Self { topics, codec, on_error, .. } = self;
        let decode: DecodeRecord<Option<T>, C> =
            |codec, value, of| Some(value.map(|bytes| codec.decode(bytes, of)).transpose());
        Source { topics, codec, decode, tombstones: true, on_error }
    }

    /// Decides about undecodable records, instead of the [pipeline's policy](crate::App::on_error).
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = Some(on_error);
        self
    }

    /// The source's records as a stream of that name, the first part of its nodes' paths.
    pub fn stream(self, name: impl Into<String>) -> Stream<SourceLink<T, C>> {
        let Self { topics, codec, tombstones, .. } = &self;
        let kind =
            NodeKind::Source { topics: topics.clone(), codec: codec.format(), tombstones: *tombstones };
        let mut node = NodeDraft::new(name, kind);
        node.on_error.clone_from(&self.on_error);
        Stream::new(SourceLink { source: self }, node)
    }

    /// As [`stream`](Source::stream), named after the topic. A source of several topics must be named.
    pub fn unnamed(self) -> Stream<SourceLink<T, C>> {
        match &self.topics {
            Topics::Named(names) if names.len() == 1 => {
                let name = names[0].to_string();
                self.stream(name)
            }
            _ => {
                let mut stream = self.stream("source");
                if let Some(node) = stream.draft.last() {
                    let fault = "a source of several topics has no name of its own: bind it, as in \
                                 `flights = kafka::json::<Flight>(\"^flights-.*\") => …;`";
                    node.faults.push(fault.to_owned());
                }
                stream
            }
        }
    }
}

/// The start of a chain.
pub struct SourceLink<T, C> {
    source: Source<T, C>,
}

impl<T, C> Sealed for SourceLink<T, C> {}

impl<T: Send + 'static, C: Codec> Link for SourceLink<T, C> {
    type In = Raw;
    type Out = T;
    type Last = ();
    type Reach = Whole;
    type Then<O: Operator> = Then<Self, O>;
    type Into<D: Consumer<T>> = SourceNode<T, C, D>;

    fn then<O: Operator>(self, operator: O, at: usize) -> Then<Self, O> {
        Then { before: self, operator, at }
    }

    fn attach<D: Consumer<T>>(self, plan: &Plan, next: D) -> Self::Into<D> {
        let Source { codec, decode, .. } = self.source;
        SourceNode { codec, decode, node: plan.node(0), tombstone: Reason::new("tombstone"), next }
    }
}

/// A source and the nodes below it.
pub struct SourceNode<T, C, D> {
    codec: C,
    decode: DecodeRecord<T, C>,
    node: Arc<Node>,
    tombstone: Reason,
    next: D,
}

impl<T: Send + 'static, C: Codec, D: Consumer<T>> Consumer<Raw> for SourceNode<T, C, D> {
    type Lane = D::Lane;

    #[inline]
    fn below(&self) -> Below {
        self.next.below().holding::<(T, T)>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    #[inline]
    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, _: Raw) -> Result<(), Failure> {
        visit.enter(self.node.id);
        let Some(record) = visit.record() else {
            return Ok(());
        };
        if visit.context.watch().is_measured()
            && let (Some(host), Some(value)) = (visit.host, record.value)
        {
            host.measures().input(self.node.id, value.len());
        }
        if self.next.below().reads {
            visit.context.refill_rest(record);
        }
        match (self.decode)(&self.codec, record.value, &CodecContext::unread(visit.context, record)) {
            Some(Ok(value)) => {
                visit.give();
                self.next.push(lane, visit, value)
            }
            None => {
                visit.skip(self.tombstone);
                Ok(())
            }
            Some(Err(error)) => {
                let error = error.looking(record.value.unwrap_or_default(), &self.codec);
                failing::fail(visit, self.node.id, Cause::Decode(error.into()))
            }
        }
    }

    async fn room(&self, lane: &mut Self::Lane) {
        self.next.room(lane).await;
    }
}
