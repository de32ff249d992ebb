//! The graph of a pipeline as data.

mod describe;
mod draft;
mod node;
mod nodes;
mod state;

pub use describe::Description;
pub(crate) use describe::{Called, Graph};
pub use draft::{Draft, Plan};
pub use node::{Most, Node, NodeDraft, NodeKind, Order, Parallel, Requirement, Runs};
pub(crate) use nodes::Nodes;
pub(crate) use state::States;
pub use state::{Found, Need};
