//! The graph of a pipeline as data.

mod describe;
mod draft;
mod node;
mod nodes;
mod on_error;
mod state;

pub use describe::Description;
pub(crate) use describe::{Called, Graph};
pub use draft::{Draft, Plan};
pub use node::{Most, Node, NodeDraft, NodeKind, Order, Parallel, Requirement, Runs};
pub(crate) use nodes::{Copies, Nodes};
pub use on_error::OnError;
pub(crate) use state::States;
pub use state::{Found, Need};
