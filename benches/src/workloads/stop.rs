//! How long a side takes to end when it is asked to while records flow, and that it commits no more than it did.

use super::{Workload, w1::W1};
use crate::task::Side;

/// Why the ones in Java are not asked.
const NO_HANDLER: &str = "its program here has no handler of signals";

pub(super) const STOP: Workload = Workload {
    name: "stop",
    about: "W1, and SIGTERM while records flow",
    stops: true,
    sides: &[Side::Raw, Side::Healer],
    absent: &[
        (Side::Arroyo, NO_HANDLER),
        (Side::Ruststream, NO_HANDLER),
        (Side::RuststreamTracked, NO_HANDLER),
        (Side::Streams, NO_HANDLER),
        (Side::ParallelConsumer, NO_HANDLER),
    ],
    bars: &[],
    ..W1
};
