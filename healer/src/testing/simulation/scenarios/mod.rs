//! Hard scenarios of a consumer group, told by hand, one test each: the events that must happen, and those that must not.

mod claims;
mod commits;
mod dead_letters;
mod deltas;
mod evicted;
mod frontier;
mod gaps;
mod held_back;
mod late;
mod poison;
mod recreated;
mod reset;
mod revoke;
mod sinks;
mod slow;
mod state;
mod statics;
mod truncated;
pub(super) mod works;

use std::time::Duration;

use super::{
    cluster::{Accepted, CommitFault, Protocol},
    storm::Fault,
    world::{Ground, Play},
};
use crate::{OutOfRange, engine::PartitionState, error::Error};

const SECOND: Duration = Duration::from_secs(1);

/// The client tells a member of these at once that the log is another one.
const CLASSIC: [Protocol; 2] = [Protocol::Eager, Protocol::Cooperative];
