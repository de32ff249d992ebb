//! Work that is still to be done when a value gets to where it counts as done: at `heal`, a sink, a checkpoint or in a
//! batch. `pipeline!` asks the compiler (`typed`), `App::build` reads the type's name (`named`).

mod named;
mod plain;
pub mod typed;

pub(crate) use named::{fault, list_fault};
pub use plain::Plain;
