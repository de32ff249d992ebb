//! The typed DSL: streams of records, written down node by node.

mod accepts;
mod consumer;
mod fan_out;
mod link;
#[allow(clippy::module_inception)]
mod stream;

pub use accepts::{Accepts, Branch, CopiesToReport, Here, Keeps, Operator, Repeats, Root, Shows, Splits};
pub use consumer::{Consumer, Raw};
pub use fan_out::FanOut;
pub use link::{Link, Start, Then};
pub use stream::{Healed, Stream};
