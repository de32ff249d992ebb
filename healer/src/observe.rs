//! Metrics: their names, and the only use of the `metrics` facade. Nothing is recorded until the user's program installs a
//! recorder, and none is ever installed here.

use std::collections::BTreeMap;

use metrics::{Counter, Gauge, counter, gauge};

use crate::{broker::TopicPartition, engine::PartitionStatus, envelope::Reason};

/// What was done since the start, by whole records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) healed: u64,
    pub(crate) skipped: BTreeMap<Reason, u64>,
    pub(crate) dead_lettered: u64,
    /// Outcomes of fenced generations: they changed nothing.
    pub(crate) stale: u64,
    pub(crate) commits: u64,
    pub(crate) commit_failures: u64,
    /// How often records vanished from a log before they were done.
    pub(crate) data_losses: u64,
    /// How often a record held its partition for too long.
    pub(crate) stalls: u64,
    /// The offsets that vanished.
    pub(crate) lost_offsets: u64,
}

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
    skipped: BTreeMap<Reason, Counter>,
    partitions: BTreeMap<TopicPartition, PartitionMeters>,
}

struct PartitionMeters {
    committed: Gauge,
    position: Gauge,
    pending: Gauge,
    blocked: Gauge,
}

impl Meters {
    pub(crate) fn new(pipeline: &str) -> Self {
        let pipeline = pipeline.to_owned();
        Self {
            healed: counter!("healer_records_healed_total", "pipeline" => pipeline.clone()),
            dead_lettered: counter!("healer_records_dead_lettered_total", "pipeline" => pipeline.clone()),
            stale: counter!("healer_fenced_results_total", "pipeline" => pipeline.clone()),
            commits: counter!("healer_commits_total", "pipeline" => pipeline.clone()),
            commit_failures: counter!("healer_commit_failures_total", "pipeline" => pipeline.clone()),
            data_losses: counter!("healer_data_loss_events_total", "pipeline" => pipeline.clone()),
            lost_offsets: counter!("healer_lost_offsets_total", "pipeline" => pipeline.clone()),
            stalls: counter!("healer_stalls_total", "pipeline" => pipeline.clone()),
            skipped: BTreeMap::new(),
            partitions: BTreeMap::new(),
            pipeline,
        }
    }

    /// Records how far everything is; called a few times a second, never per record.
    pub(crate) fn record(&mut self, tally: &Tally, partitions: &[PartitionStatus]) {
        self.healed.absolute(tally.healed);
        self.dead_lettered.absolute(tally.dead_lettered);
        self.stale.absolute(tally.stale);
        self.commits.absolute(tally.commits);
        self.commit_failures.absolute(tally.commit_failures);
        self.data_losses.absolute(tally.data_losses);
        self.lost_offsets.absolute(tally.lost_offsets);
        self.stalls.absolute(tally.stalls);
        for (reason, count) in &tally.skipped {
            let counter = self.skipped.entry(*reason).or_insert_with(|| {
                let reason = reason.text().to_string();
                counter!("healer_records_skipped_total", "pipeline" => self.pipeline.clone(), "reason" => reason)
            });
            counter.absolute(*count);
        }
        for status in partitions {
            self.record_partition(status);
        }
    }

    // Gauges are floats; offsets are exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    fn record_partition(&mut self, status: &PartitionStatus) {
        let key = TopicPartition { topic: status.topic.clone(), partition: status.partition };
        let meters =
            self.partitions.entry(key).or_insert_with(|| PartitionMeters::new(&self.pipeline, status));
        if let Some(committed) = status.committed {
            meters.committed.set(committed as f64);
        }
        meters.position.set(status.position as f64);
        meters.pending.set(status.pending as f64);
        meters.blocked.set(status.blocked.as_ref().map_or(0.0, |blocked| blocked.lasting.as_secs_f64()));
    }
}

impl PartitionMeters {
    fn new(pipeline: &str, status: &PartitionStatus) -> Self {
        let labels = [
            ("pipeline", pipeline.to_owned()),
            ("topic", status.topic.to_string()),
            ("partition", status.partition.to_string()),
        ];
        Self {
            committed: gauge!("healer_partition_committed_offset", &labels),
            position: gauge!("healer_partition_position", &labels),
            pending: gauge!("healer_partition_pending_records", &labels),
            blocked: gauge!("healer_partition_blocked_seconds", &labels),
        }
    }
}
