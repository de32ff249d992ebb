//! The work of a pipeline's nodes: how much, how long, how large.

mod counts;
mod measures;
mod meters;

pub(crate) use counts::{LaneCounts, Rare, StageCounts};
pub(crate) use measures::{Measures, Watch};
pub(super) use meters::StageMeters;
