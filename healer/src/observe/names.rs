//! Descriptions of the metrics, for the recorder that is there.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes all metrics.
pub(super) fn describe() {
    of_stages();
    of_pipelines();
    of_partitions();
}

fn of_stages() {
    let records = Unit::Count;
    describe_counter!("healer_stage_records_in_total", records, "Records that came to a stage");
    describe_counter!("healer_stage_records_out_total", records, "Records that a stage passed on");
    describe_counter!(
        "healer_stage_records_skipped_total",
        records,
        "Records that a stage skipped, by reason"
    );
    describe_counter!(
        "healer_stage_records_failed_total",
        records,
        "Records that failed at a stage for good, by kind of failure"
    );
    describe_counter!("healer_stage_retries_total", records, "Attempts of a stage after the first one");
    describe_counter!(
        "healer_stage_dead_letters_total",
        records,
        "Records that failed at a stage and whose dead letter the broker has"
    );
    describe_gauge!(
        "healer_stage_in_flight_records",
        records,
        "Records that left the poll thread and are at a stage now"
    );
    describe_gauge!(
        "healer_stage_calls_at_work",
        records,
        "Calls of a parallel stage that have begun and not ended"
    );
    describe_gauge!(
        "healer_stage_calls_waiting_for_key",
        records,
        "Records at a parallel stage that wait for another one of their key"
    );
    describe_gauge!(
        "healer_stage_circuit_open",
        records,
        "1 while a stage rests since it fails on everything, else 0"
    );
    describe_counter!(
        "healer_stage_circuit_openings_total",
        records,
        "How often a stage began to rest since it failed on everything"
    );
    describe_histogram!(
        "healer_stage_duration_seconds",
        Unit::Seconds,
        "How long a call of a stage's function took, of up to a hundred records a second, and of every batch"
    );
    describe_histogram!(
        "healer_stage_input_bytes",
        Unit::Bytes,
        "How large what came in was, of up to a hundred records a second: a record's value at a source, JSON at a stage"
    );
    describe_histogram!(
        "healer_stage_output_bytes",
        Unit::Bytes,
        "How large what went out was, of up to a hundred records a second: JSON at a stage, what was sent at a sink"
    );
}

fn of_pipelines() {
    let count = Unit::Count;
    describe_counter!("healer_records_healed_total", count, "Records that reached the end of a pipeline");
    describe_counter!("healer_records_skipped_total", count, "Records that were skipped, by reason");
    describe_counter!(
        "healer_records_dead_lettered_total",
        count,
        "Records whose dead letter the broker has"
    );
    describe_counter!(
        "healer_fenced_results_total",
        count,
        "Results for partitions that had been taken away: they changed nothing"
    );
    describe_counter!("healer_commits_total", count, "Commits that the broker acknowledged");
    describe_counter!("healer_commit_failures_total", count, "Commits that failed and were tried again");
    describe_counter!(
        "healer_save_failures_total",
        count,
        "Writes to the local store that failed and were tried again"
    );
    describe_gauge!(
        "healer_save_failing_seconds",
        Unit::Seconds,
        "How long the local store has taken nothing"
    );
    describe_counter!(
        "healer_data_loss_events_total",
        count,
        "How often records vanished from a log before they were done"
    );
    describe_counter!(
        "healer_lost_offsets_total",
        count,
        "Offsets that vanished from a log before they were done"
    );
    describe_counter!("healer_stalls_total", count, "How often a record held its partition for too long");
    describe_counter!(
        "healer_rebalances_total",
        count,
        "How often the group gave partitions to this member, or took some"
    );
    describe_counter!("healer_starts_total", count, "How often a pipeline was started in this process");
    describe_counter!("healer_failure_reports_total", count, "Failure reports that the reporter took");
    describe_counter!(
        "healer_failure_reports_dropped_total",
        count,
        "Failure reports that did not fit into the queue, or that the reporter did not take"
    );
    describe_gauge!(
        "healer_memory_bytes",
        Unit::Bytes,
        "What records hold that are in flight, are kept for dead letters, are with sinks or wait, and what failure reports hold"
    );
    describe_gauge!("healer_assigned_partitions", count, "Partitions of this member");
    describe_gauge!(
        "healer_last_poll_timestamp_seconds",
        Unit::Seconds,
        "When the broker was polled last, in seconds since 1970"
    );
}

fn of_partitions() {
    let count = Unit::Count;
    describe_counter!(
        "healer_partition_assignments_total",
        count,
        "How often the partition was given to this member"
    );
    describe_counter!(
        "healer_partition_commits_total",
        count,
        "Commits of the partition that the broker acknowledged"
    );
    describe_counter!(
        "healer_partition_commit_failures_total",
        count,
        "Commits of the partition that failed"
    );
    describe_counter!(
        "healer_partition_fenced_results_total",
        count,
        "Results for the partition after it had been taken away: they changed nothing"
    );
    describe_gauge!("healer_partition_position", count, "The offset that is expected next");
    describe_gauge!(
        "healer_partition_committed_offset",
        count,
        "The offset that the broker has acknowledged"
    );
    describe_gauge!(
        "healer_partition_end_offset",
        count,
        "The end of the partition's log, its high watermark, looked up every three seconds"
    );
    describe_gauge!("healer_partition_lag_records", count, "Offsets from what is committed to the end");
    describe_gauge!("healer_partition_pending_records", count, "Records in flight");
    describe_gauge!(
        "healer_partition_done_above_frontier_records",
        count,
        "Records that are done and cannot be committed yet, since one below them is not"
    );
    describe_gauge!(
        "healer_partition_blocked_seconds",
        Unit::Seconds,
        "How long the same record has held what can be committed"
    );
    describe_gauge!(
        "healer_partition_held_back_seconds",
        Unit::Seconds,
        "How long a producer's open transaction has held back what comes behind all that is done"
    );
    describe_gauge!("healer_partition_state", count, "1 for the state that a partition is in, else 0");
}
