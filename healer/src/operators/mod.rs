//! The nodes; one file a family.

mod batch;
mod batching;
mod boundary;
mod checkpoint;
mod entry;
mod failing;
mod filter;
mod heal;
mod map;
mod port;
mod queue;
mod serve;
mod sink;
mod source;
mod stage;
mod step;

pub use batch::{BatchKind, BatchMut, BatchMutKind, BatchMutStage, BatchStage, Unbatch, WrongLength};
#[cfg(feature = "testing")]
pub(crate) use batch::{Fates, fates, lent};
pub use batching::Batching;
pub(crate) use boundary::push_guarded;
pub use checkpoint::Checkpoint;
pub(crate) use entry::MakeEntry;
pub use filter::Filter;
pub use heal::HealNode;
pub use map::{Map, TryMap};
pub use port::{Port, ToPort, union};
pub use sink::Sink;
pub use source::Source;
pub use stage::{
    Again, AgainStage, Asked, AsyncStage, Awaited, Blocking, Checkpointed, CheckpointedStage, FlatKind,
    FlatStage, Function, Gathered, Gives, HasJson, HasNone, IsBatch, IsBatchMut, IsOption, IsResult, IsStage,
    Kept, Kind, LastResort, Lends, MayLend, Outlet, ParallelKind, ParallelStage, PlainShape, Policy,
    Reporting, RetryingKind, SaysNothing, SaysSo, Shape, Shown, Stage, SyncKind, SyncStage, TaskKind,
    Transient, Verdict, copy_to_report, name_of_list, order_key, report_input, report_rows,
};

#[cfg(all(test, feature = "testing"))]
mod tests;
