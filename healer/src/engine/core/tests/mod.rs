//! The core in virtual time: events in, actions out, no broker, no thread.

mod commits;
mod ending;
mod epochs;
mod lending;
mod many;
mod memory;
mod metadata;
mod random;
mod records;
mod revoking;
mod rig;
mod saves;
mod stalls;
mod transactions;
mod until_end;
