//! After the last action: leave the group, wait for the store, and make the report.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{Message, control::Control, poll::Poller, saver};
use crate::{
    broker::{Broker, Remote, TopicPartition},
    engine::{
        PartitionReport, Report,
        core::{Goal, Part},
    },
    error::Error,
};

/// How long the report may wait for the broker to say where partitions end.
const LOOK_UP: Duration = Duration::from_secs(2);

/// How long the last snapshot may take.
const SAVE: Duration = Duration::from_secs(10);

/// How long failure reports that still wait may take.
const REPORTS: Duration = Duration::from_secs(5);

pub(super) fn finish<B: Broker>(mut poller: Poller<B>, panic: Option<Error>) -> Result<Report, Error> {
    poller.tell_commits();
    poller.record();
    poller.shared.given_up.tell_rest(poller.control.now(), true);
    let Poller { mut broker, remote, control, shared, lanes, saver, answers, config, goals, memory, .. } =
        poller;
    drop(lanes);
    shared.abort();
    // Handles may outlive it by far.
    memory.close();
    let closed = saver.finish(SAVE);
    shared.reports.finish(REPORTS);
    if let Some(producer) = &shared.producer {
        // Lanes have waited for all that they sent, as long as they may.
        producer.flush(Duration::ZERO);
    }
    let mut failure = panic.or_else(|| control.core().failure.clone());
    // Nobody asks for answers any more, so an error of the store may still be among them.
    let unheard = answers.try_iter().filter_map(|answer| match answer {
        Message::Store(error) => Some(Err(error)),
        _ => None,
    });
    for error in unheard.chain([closed]).filter_map(Result::err) {
        if failure.is_some() {
            saver::tell(Err(error));
        } else {
            tracing::error!(%error, "the store did not take the last rows, so the pipeline ends with its error; the commits stand");
            failure = Some(error.into());
        }
    }
    let report = failure.is_none().then(|| {
        let duration = control.now();
        // A fetch that waits for records would hold up every look-up behind it.
        let _ = broker.pause(&control.core().partitions());
        report(&control, &*remote, goals.as_ref(), duration)
    });
    broker.close(config.drain_budget());
    match (failure, report) {
        (None, Some(report)) => Ok(report),
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::Engine("it ended without a report".to_owned())),
    }
}

fn report(
    control: &Control,
    remote: &dyn Remote,
    goals: Option<&BTreeMap<TopicPartition, Goal>>,
    duration: Duration,
) -> Report {
    let core = control.core();
    let tally = core.tally.clone();
    let own: Vec<_> = core.partitions();
    let mut partitions: BTreeMap<TopicPartition, Where> = core.parts().map(Where::of_part).collect();
    for (partition, offset) in &core.acknowledged {
        let at = partitions.entry(partition.clone()).or_insert(Where { start: *offset, ..Where::default() });
        at.committed = at.committed.max(Some(*offset));
    }
    drop(core);
    match goals {
        Some(goals) => reach(goals, &own, remote, &mut partitions),
        None => find_ends(remote, &mut partitions),
    }
    let partitions: Vec<_> = partitions
        .into_iter()
        .map(|(partition, at)| PartitionReport {
            topic: partition.topic.to_string(),
            partition: partition.partition,
            start: at.start,
            committed: at.committed,
            end: at.end,
        })
        .collect();
    let skipped: BTreeMap<_, _> =
        tally.skipped.iter().map(|(reason, count)| (reason.text().to_string(), *count)).collect();
    Report {
        records: tally.healed + skipped.values().sum::<u64>() + tally.dead_lettered,
        healed: tally.healed,
        skipped,
        dead_lettered: tally.dead_lettered,
        commits: tally.commits,
        // Of partitions that were never this member's nothing is known.
        lag: if partitions.is_empty() && goals.is_none() {
            None
        } else {
            partitions.iter().map(PartitionReport::lag).sum()
        },
        partitions,
        fenced: tally.stale,
        duration,
    }
}

/// How far a partition is.
#[derive(Default)]
struct Where {
    start: i64,
    committed: Option<i64>,
    end: Option<i64>,
}

impl Where {
    fn of_part(part: &Part) -> (TopicPartition, Self) {
        let at = Self { start: part.start(), committed: part.committed(), end: None };
        (part.home.partition.clone(), at)
    }
}

/// The ends are those of the beginning; for partitions of others the group's committed offsets are looked up.
fn reach(
    goals: &BTreeMap<TopicPartition, Goal>,
    own: &[TopicPartition],
    remote: &dyn Remote,
    partitions: &mut BTreeMap<TopicPartition, Where>,
) {
    partitions.retain(|partition, _| goals.contains_key(partition));
    let foreign: Vec<_> = goals.keys().filter(|partition| !own.contains(partition)).cloned().collect();
    let committed = if foreign.is_empty() { Ok(Vec::new()) } else { remote.committed(&foreign, LOOK_UP) };
    for (partition, goal) in goals {
        let at = partitions.entry(partition.clone()).or_default();
        at.end = Some(goal.end);
        at.start = goal.start;
    }
    for (partition, committed) in foreign.iter().zip(committed.into_iter().flatten()) {
        if let Some(at) = partitions.get_mut(partition) {
            at.committed = committed.map(|committed| committed.offset);
        }
    }
}

fn find_ends(remote: &dyn Remote, partitions: &mut BTreeMap<TopicPartition, Where>) {
    let until = Instant::now() + LOOK_UP;
    for (partition, at) in partitions {
        let left = until.saturating_duration_since(Instant::now());
        at.end = remote.watermarks_of(partition, left).ok().map(|marks| marks.end);
    }
}
