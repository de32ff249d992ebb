//! How long a side takes to end when it is asked to while records flow, and that it commits no more than it did.

use super::{Workload, w1::W1};

pub(super) const STOP: Workload =
    Workload { name: "stop", about: "W1, and SIGTERM while records flow", stops: true, bars: &[], ..W1 };
