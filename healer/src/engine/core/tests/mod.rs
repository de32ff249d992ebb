//! The core in virtual time: events in, actions out, no broker, no thread.

mod commits;
mod ending;
mod epochs;
mod lending;
mod random;
mod records;
mod revoking;
mod rig;
mod until_end;
