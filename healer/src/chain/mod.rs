//! The parts of a chain: its links as they are written, the checks that its types go through, and its nodes as they run.
//!
//! A stream is written from its source to its end and built from its end to its source. `Stream<C>` holds a `Link` (the nodes as
//! written) and a `Draft` (names, kinds, needs). `heal` freezes the draft into paths and calls `attach` from the end upwards, so
//! that every `Consumer` owns the nodes below it. A run of synchronous nodes is thus one statically dispatched call, and a
//! boundary can keep its lower part in an `Arc` for its task. A chain is erased as an `Entry`, one dynamic call a chunk, and
//! where it is cut.
//!
//! - **Cuts** (`chain/reach`, `chain/erased`). Each node makes the chain's type deeper, and the compiler follows types 128 levels
//!   only. So a link counts, in its type, how many nodes it may still take (`Reach`): twelve from a source, a port or a cut on.
//!   The thirteenth node finds the chain before it as a `Cut<In, Out>`, a boxed link that has forgotten all but its two ends, and
//!   the nodes below as an `Erased` consumer: a dynamic call a record for each cut, and `Below` is a value instead of a constant.
//!   Up to twelve nodes nothing is erased. A branch may take as many nodes as the chain above has left, less two; six ways are
//!   one type, and more are erased six by six. The lane behind a cut owns its nodes, so nothing is cast. A new node is one
//!   projection (`Link::Then<O>`), not a type written out: in a user's generic function the chain before it would else be
//!   mentioned twice, and types would double with every node.
//! - **Functions of users** take and give `Stream<impl Link<Out = T>>`, `Healed<impl Chain>` and `impl Branch`; these traits are
//!   sealed. The beginning of a chain is not in these types, so that the same function serves a source and a branch. That is why
//!   the number of the branching travels with the stream: a branch that gives a chain of another beginning is refused by
//!   `App::build`, and so is a branch that was given to `App::chain`.
//! - `Accepts<T>` (the check that users meet) is apart from `Operator` (the work), so that a mismatch is reported once, at the
//!   stage. Between the two stands `Checked`, whose cast is folded away; it stands above each branch as well. In the same way
//!   `fan_out` alone asks for `Clone` and `checkpoint` alone for `Serialize`: they keep a function pointer as proof.
//! - A branch is a stream with a draft of its own; `fan_out(|s| …).and(|s| …)` asks that each ends in something healed.
//! - **Nodes are immutable and `Sync`**; their state lives in `Consumer::Lane`, a type of their own, made when a partition is
//!   assigned and dropped when it is given back.

mod accepts;
mod batch;
mod consumer;
mod erased;
mod healed;
mod link;
mod reach;
mod stream;

pub use accepts::{
    Accepts, Branch, CopiesToReport, Filters, Gathers, Here, Keeps, Operator, Repeats, Root, Shows, Splits,
};
pub use batch::{Batch, Unbatches};
pub(crate) use batch::{List, refuse_rows, refuse_rows_of_rows};
pub use consumer::{Below, Checked, Consumer, Raw};
pub use erased::{Cut, Erased};
pub use healed::{Chain, Healed, Nodes};
pub use link::{Link, Start, Then};
pub use reach::{Reach, Whole};
pub use stream::Stream;

pub(crate) use sealed::Sealed;

/// A trait that users cannot implement, nor the traits that require it.
mod sealed {
    /// A type of healer's own.
    pub trait Sealed {}
}
