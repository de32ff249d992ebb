//! The metrics of pipelines and their partitions, told a few times a second.
//!
//! **An unknown value** is `None`, and in a gauge NaN, which our own page leaves out; never 0.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use metrics::{Counter, Gauge, counter, gauge};

use super::{StageCounts, names, stages::StageMeters};
use crate::{
    broker::TopicPartition,
    engine::{PartitionState, PartitionStatus, Tally},
    envelope::Reason,
    topology::Graph,
};

/// The state of a pipeline that the metrics show.
pub(crate) struct Sight<'a> {
    pub(crate) tally: &'a Tally,
    pub(crate) partitions: &'a [PartitionStatus],
    pub(crate) stages: &'a StageCounts,
    /// How many records are at each node.
    pub(crate) in_flight: &'a BTreeMap<u32, u64>,
    /// The nodes that rest.
    pub(crate) open_circuits: &'a BTreeSet<u32>,
    /// Seconds since 1970.
    pub(crate) polled: f64,
    /// Failure reports that the reporter took, and those that were dropped.
    pub(crate) reports: (u64, u64),
    /// Saves that failed, and how long the store has taken nothing.
    pub(crate) saves: (u64, Duration),
    /// Bytes that are held, in the order of [`USES`].
    pub(crate) memory: [u64; USES.len()],
}

/// The uses of memory.
pub(crate) const USES: [&str; 5] = ["in_flight", "letters", "sends", "waiting", "reports"];

/// The metrics of one pipeline, looked up once: by name a lookup costs twenty times a recording.
pub(crate) struct Meters {
    pipeline: String,
    healed: Counter,
    dead_lettered: Counter,
    stale: Counter,
    commits: Counter,
    commit_failures: Counter,
    data_losses: Counter,
    lost_offsets: Counter,
    stalls: Counter,
    rebalances: Counter,
    reports: Counter,
    reports_dropped: Counter,
    save_failures: Counter,
    save_failing: Gauge,
    memory: [Gauge; USES.len()],
    assigned: Gauge,
    polled: Gauge,
    skipped: BTreeMap<Reason, Counter>,
    partitions: BTreeMap<TopicPartition, PartitionMeters>,
    counted: BTreeMap<u32, PartitionCounters>,
    stages: StageMeters,
}

struct PartitionMeters {
    committed: Gauge,
    position: Gauge,
    end: Gauge,
    lag: Gauge,
    pending: Gauge,
    done_above: Gauge,
    blocked: Gauge,
    held_back: Gauge,
    states: [(PartitionState, Gauge); PartitionState::ALL.len()],
}

struct PartitionCounters {
    assignments: Counter,
    commits: Counter,
    commit_failures: Counter,
    stale: Counter,
}

impl Meters {
    pub(crate) fn new(pipeline: &str, graph: &Graph) -> Self {
        names::describe();
        let labels = [("pipeline", pipeline.to_owned())];
        counter!("healer_starts_total", &labels).increment(1);
        Self {
            healed: counter!("healer_records_healed_total", &labels),
            dead_lettered: counter!("healer_records_dead_lettered_total", &labels),
            stale: counter!("healer_fenced_results_total", &labels),
            commits: counter!("healer_commits_total", &labels),
            commit_failures: counter!("healer_commit_failures_total", &labels),
            data_losses: counter!("healer_data_loss_events_total", &labels),
            lost_offsets: counter!("healer_lost_offsets_total", &labels),
            stalls: counter!("healer_stalls_total", &labels),
            rebalances: counter!("healer_rebalances_total", &labels),
            reports: counter!("healer_failure_reports_total", &labels),
            reports_dropped: counter!("healer_failure_reports_dropped_total", &labels),
            save_failures: counter!("healer_save_failures_total", &labels),
            save_failing: gauge!("healer_save_failing_seconds", &labels),
            memory: USES
                .map(|held| gauge!("healer_memory_bytes", "pipeline" => pipeline.to_owned(), "use" => held)),
            assigned: gauge!("healer_assigned_partitions", &labels),
            polled: gauge!("healer_last_poll_timestamp_seconds", &labels),
            skipped: BTreeMap::new(),
            partitions: BTreeMap::new(),
            counted: BTreeMap::new(),
            stages: StageMeters::new(pipeline, graph),
            pipeline: pipeline.to_owned(),
        }
    }

    /// Records how far everything is; called a few times a second, never per record.
    pub(crate) fn record(&mut self, sight: &Sight<'_>) {
        let Sight { tally, partitions, stages, in_flight, open_circuits, polled, reports, saves, memory } =
            sight;
        self.healed.absolute(tally.healed);
        self.dead_lettered.absolute(tally.dead_lettered);
        self.stale.absolute(tally.stale);
        self.commits.absolute(tally.commits);
        self.commit_failures.absolute(tally.commit_failures);
        self.data_losses.absolute(tally.data_losses);
        self.lost_offsets.absolute(tally.lost_offsets);
        self.stalls.absolute(tally.stalls);
        self.rebalances.absolute(tally.rebalances);
        self.reports.absolute(reports.0);
        self.reports_dropped.absolute(reports.1);
        self.save_failures.absolute(saves.0);
        self.save_failing.set(saves.1.as_secs_f64());
        for (gauge, bytes) in self.memory.iter().zip(memory) {
            gauge.set(float(*bytes));
        }
        self.assigned.set(float(partitions.len()));
        self.polled.set(*polled);
        for (reason, count) in &tally.skipped {
            let counter = self.skipped.entry(*reason).or_insert_with(|| {
                let reason = reason.text().to_string();
                counter!("healer_records_skipped_total", "pipeline" => self.pipeline.clone(), "reason" => reason)
            });
            counter.absolute(*count);
        }
        for (slot, tally) in &tally.partitions {
            let counters = self
                .counted
                .entry(*slot)
                .or_insert_with(|| PartitionCounters::new(&self.pipeline, &tally.partition));
            counters.assignments.absolute(tally.assignments);
            counters.commits.absolute(tally.commits);
            counters.commit_failures.absolute(tally.commit_failures);
            counters.stale.absolute(tally.stale);
        }
        self.record_partitions(partitions);
        self.stages.record(stages, in_flight, open_circuits);
    }

    fn record_partitions(&mut self, partitions: &[PartitionStatus]) {
        let mut here = BTreeSet::new();
        for status in partitions {
            let key = TopicPartition { topic: status.topic.clone(), partition: status.partition };
            let meters = self
                .partitions
                .entry(key.clone())
                .or_insert_with(|| PartitionMeters::new(&self.pipeline, &key));
            meters.record(status);
            here.insert(key);
        }
        // Partitions that are not this member's any more are another member's to tell.
        self.partitions.retain(|key, meters| {
            let stays = here.contains(key);
            if !stays {
                meters.leave();
            }
            stays
        });
    }
}

/// An unknown value is no number: a gauge that is made and not set would say 0.
const UNKNOWN: f64 = f64::NAN;

// Gauges are floats; offsets and counts are exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or(i64::MAX) as f64
}

fn labels(
    pipeline: &str,
    TopicPartition { topic, partition }: &TopicPartition,
) -> [(&'static str, String); 3] {
    [("pipeline", pipeline.to_owned()), ("topic", topic.to_string()), ("partition", partition.to_string())]
}

impl PartitionCounters {
    fn new(pipeline: &str, partition: &TopicPartition) -> Self {
        let labels = labels(pipeline, partition);
        Self {
            assignments: counter!("healer_partition_assignments_total", &labels),
            commits: counter!("healer_partition_commits_total", &labels),
            commit_failures: counter!("healer_partition_commit_failures_total", &labels),
            stale: counter!("healer_partition_fenced_results_total", &labels),
        }
    }
}

impl PartitionMeters {
    fn new(pipeline: &str, partition: &TopicPartition) -> Self {
        let labels = labels(pipeline, partition);
        let state = |state: PartitionState| {
            let with_state = labels.iter().cloned().chain([("state", state.text().to_owned())]);
            (state, gauge!("healer_partition_state", &with_state.collect::<Vec<_>>()))
        };
        Self {
            committed: gauge!("healer_partition_committed_offset", &labels),
            position: gauge!("healer_partition_position", &labels),
            end: gauge!("healer_partition_end_offset", &labels),
            lag: gauge!("healer_partition_lag_records", &labels),
            pending: gauge!("healer_partition_pending_records", &labels),
            done_above: gauge!("healer_partition_done_above_frontier_records", &labels),
            blocked: gauge!("healer_partition_blocked_seconds", &labels),
            held_back: gauge!("healer_partition_held_back_seconds", &labels),
            states: PartitionState::ALL.map(state),
        }
    }

    fn record(&self, status: &PartitionStatus) {
        self.committed.set(status.committed.map_or(UNKNOWN, float));
        self.end.set(status.end.map_or(UNKNOWN, float));
        self.lag.set(status.lag().map_or(UNKNOWN, float));
        self.position.set(float(status.position));
        self.pending.set(float(status.pending));
        self.done_above.set(float(status.done_above));
        self.blocked.set(status.blocked.as_ref().map_or(0.0, |blocked| blocked.lasting.as_secs_f64()));
        self.held_back.set(status.held_back.map_or(0.0, |held| held.lasting.as_secs_f64()));
        for (state, gauge) in &self.states {
            gauge.set(f64::from(u8::from(*state == status.state)));
        }
    }

    /// The partition is not this member's any more.
    fn leave(&self) {
        let Self { lag, pending, done_above, blocked, held_back, states, .. } = self;
        lag.set(UNKNOWN);
        for gauge in
            [pending, done_above, blocked, held_back].into_iter().chain(states.iter().map(|(_, gauge)| gauge))
        {
            gauge.set(0.0);
        }
    }
}
