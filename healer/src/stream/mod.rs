//! The typed DSL: streams of records, written down node by node.

mod fan_out;
#[allow(clippy::module_inception)]
mod stream;

pub use fan_out::FanOut;
