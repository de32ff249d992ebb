//! The parts of a chain: its links as they are written, the checks that its types go through, and its nodes as they run.

mod accepts;
mod consumer;
mod erased;
mod healed;
mod link;
mod reach;
mod rows;
mod stream;

pub use accepts::{
    Accepts, Branch, CopiesToReport, Filters, Gathers, Here, Keeps, Operator, Repeats, Root, Shows, Splits,
};
pub use consumer::{Below, Checked, Consumer, Raw};
pub use erased::{Cut, Erased};
pub use healed::{Chain, Healed, Nodes};
pub use link::{Link, Start, Then};
pub use reach::{Reach, Whole};
pub use rows::{Batch, Unbatches};
pub(crate) use rows::{List, refuse_rows, refuse_rows_of_rows};
pub use stream::Stream;

pub(crate) use sealed::Sealed;

/// A trait that users cannot implement, nor the traits that require it.
mod sealed {
    /// A type of healer's own.
    pub trait Sealed {}
}
