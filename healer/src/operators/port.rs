//! Ports: where several streams become one.
//!
//! `union` gives a port and the stream behind it. Streams before it know the port only; its chain
//! is erased. All that flow in share one lane a port and partition of a topic, so records of a partition stay in one line also in
//! a diamond.

use std::sync::{Arc, OnceLock};

use super::boundary::{self, Envelope, Inbox, Queue, Serve, ServeOne, Step};
use crate::{
    chain::{Below, Consumer, Link, Operator, Raw, Sealed, Stream, Then, Whole},
    error::Failure,
    lane::{Host, LaneScope, Visit},
    topology::{Node, NodeDraft, NodeKind, Plan},
};

/// Makes a stream that others can flow into, with the port that they end in.
///
/// ```
/// use healer::prelude::*;
///
/// let (into, both) = union("both");
/// let east = kafka::text("east").stream("east").to(&into);
/// let west = kafka::text("west").stream("west").to(&into);
/// let both = both.map(|line: String| line.len()).heal();
/// let app = App::new("union").chain(east).chain(west).chain(both);
/// ```
pub fn union<T: Send + 'static>(name: impl Into<String>) -> (Port<T>, Stream<PortLink<T>>) {
    let draft = NodeDraft::new(name, NodeKind::Port);
    let port = Port { id: draft.id, chain: Arc::new(OnceLock::new()) };
    let link = PortLink { port: port.clone() };
    (port, Stream::new(link, draft))
}

/// An entrance to a stream that was made with [`union`]; any number of streams may end in it.
pub struct Port<T> {
    id: u32,
    chain: Arc<OnceLock<Box<dyn PortChain<T>>>>,
}

impl<T> Port<T> {
    pub(crate) fn id(&self) -> u32 {
        self.id
    }
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self { id: self.id, chain: Arc::clone(&self.chain) }
    }
}

/// The chain behind a port, erased: the streams before it need not know its type.
trait PortChain<T>: Send + Sync {
    fn start(&self, host: &Host) -> Queue<T>;
}

/// The task of a port, and the nodes below it.
struct PortTask<D> {
    node: Arc<Node>,
    next: D,
}

impl<T: Send + 'static, D: Consumer<T>> PortChain<T> for Arc<PortTask<D>> {
    fn start(&self, host: &Host) -> Queue<T> {
        boundary::start(self, host, self.node.id)
    }
}

impl<T: Send + 'static, D: Consumer<T>> Serve<T> for PortTask<D> {
    type Lane = D::Lane;

    fn below(&self) -> Below {
        self.next.below().holding::<T>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<T>) {
        boundary::one_by_one(self, lane, host, inbox).await;
    }
}

impl<T: Send + 'static, D: Consumer<T>> ServeOne<T> for PortTask<D> {
    async fn serve(&self, lane: &mut Self::Lane, host: &Host, item: Envelope<T>) {
        let Envelope { value, receipt, mut context } = item;
        let step = Step::Next(value);
        boundary::pass_on(host, &self.next, lane, self.node.id, receipt, &mut context, step).await;
    }
}

/// The start of the stream behind a port.
pub struct PortLink<T> {
    port: Port<T>,
}

impl<T> Sealed for PortLink<T> {}

impl<T: Send + 'static> Link for PortLink<T> {
    type In = Raw;
    type Out = T;
    type Last = ();
    type Reach = Whole;
    type Then<O: Operator> = Then<Self, O>;
    type Into<D: Consumer<T>> = Joined;

    fn then<O: Operator>(self, operator: O, at: usize) -> Then<Self, O> {
        Then { before: self, operator, at }
    }

    fn attach<D: Consumer<T>>(self, plan: &Plan, next: D) -> Joined {
        let task = Arc::new(PortTask { node: plan.node(0), next });
        // The stream is made once, by `union`, and ended once, since ending takes it.
        drop(self.port.chain.set(Box::new(task)));
        Joined
    }
}

/// Stands for a chain behind a port: that chain is reached through the port, never from a source.
pub struct Joined;

impl Consumer<Raw> for Joined {
    type Lane = ();

    fn below(&self) -> Below {
        Below::END
    }

    fn open(&self, _: &Host) -> Self::Lane {}

    fn push(&self, (): &mut Self::Lane, _: &mut Visit<'_>, _: Raw) -> Result<(), Failure> {
        Ok(())
    }

    async fn room(&self, (): &mut Self::Lane) {}
}

/// The end of a stream that flows into a port.
pub struct ToPort<T> {
    port: Port<T>,
}

impl<T> ToPort<T> {
    pub(crate) fn new(port: &Port<T>) -> Self {
        Self { port: port.clone() }
    }
}

impl<T: Send + 'static> Consumer<T> for ToPort<T> {
    /// `None` where the stream behind the port was never healed, which `App::build` refuses.
    type Lane = Option<Queue<T>>;

    fn below(&self) -> Below {
        // The nodes behind a port may read key and headers.
        Below::queue::<T>(true)
    }

    fn open(&self, host: &Host) -> Self::Lane {
        let chain = self.port.chain.get()?;
        // Shared by all streams that end here: records of a partition stay in one line.
        Some(host.lane(self.port.id, LaneScope::Partition, |host| chain.start(host)))
    }

    fn push(&self, lane: &mut Self::Lane, visit: &mut Visit<'_>, item: T) -> Result<(), Failure> {
        if let Some(queue) = lane {
            queue.take(visit, self.port.id, item);
        }
        Ok(())
    }

    async fn room(&self, lane: &mut Self::Lane) {
        if let Some(queue) = lane {
            queue.room().await;
        }
    }
}
