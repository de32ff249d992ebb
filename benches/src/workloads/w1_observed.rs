//! W1, and the cost of metrics that are scraped, and of logs.

use super::{Bar, Workload, w1::W1};
use crate::task::Side;

pub(super) const W1_OBSERVED: Workload = Workload {
    name: "W1-observed",
    about: "W1, with metrics that are scraped every second, and with logs as JSON at the level INFO",
    sides: &[Side::Healer, Side::HealerMetrics, Side::HealerLogs],
    absent: &[],
    bars: &[Bar::Metrics(0.95), Bar::Logs(0.95)],
    ..W1
};
