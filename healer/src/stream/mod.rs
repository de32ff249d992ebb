//! The typed DSL: streams of records, written down node by node.

mod accepts;
mod consumer;
mod erased;
mod fan_out;
mod healed;
mod link;
mod reach;
pub(crate) mod stack;
#[allow(clippy::module_inception)]
mod stream;

pub use accepts::{
    Accepts, Branch, CopiesToReport, Filters, Gathers, Here, Keeps, Operator, Repeats, Root, Shows, Splits,
};
pub use consumer::{Below, Checked, Consumer, Raw};
pub use erased::{Cut, Erased};
pub use fan_out::FanOut;
pub use healed::{Chain, Healed};
pub use link::{Link, Start, Then};
pub use reach::{Reach, Whole};
pub use stream::Stream;

pub(crate) use sealed::Sealed;

/// What users cannot implement.
mod sealed {
    /// A type of healer's own.
    pub trait Sealed {}
}
