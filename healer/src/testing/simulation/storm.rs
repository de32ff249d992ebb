//! Faults, each at its step: a script out of a seed, so that it can be shortened and told.

use std::time::Duration;

use super::{
    cluster::{CommitFault, Rng},
    store::DiskFate,
};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// So many more of the user's records are produced.
    Produce(usize),
    /// A transaction ends, or so many records of one are aborted.
    Transaction {
        at: usize,
        aborted: usize,
    },
    /// A transaction begins with so many records, which will be aborted; it stays open for a while.
    Open {
        at: usize,
        records: usize,
    },
    Close {
        at: usize,
    },
    /// Every so-manyth record is compacted away.
    Compact {
        at: usize,
        every: i64,
    },
    /// So many of the oldest records are deleted, in percent.
    Delete {
        at: usize,
        percent: i64,
    },
    /// An unclean leader election loses so many of the newest records.
    Truncate {
        at: usize,
        records: i64,
    },
    /// Another broker becomes a partition's leader, and nothing is lost.
    Elect {
        at: usize,
    },
    /// A topic is deleted and made anew.
    Recreate {
        topic: usize,
    },
    /// A topic is deleted, until it is there again.
    DeleteTopic {
        topic: usize,
    },
    CreateTopic {
        topic: usize,
    },
    /// Somebody sets the group's offset, in percent of the log, with text of another client.
    Reset {
        at: usize,
        percent: i64,
    },
    Rebalance,
    /// The coordinator throws a member out.
    Lose {
        seat: usize,
    },
    /// A member's next commit goes wrong.
    Commit {
        seat: usize,
        fault: CommitFault,
    },
    /// The cluster cannot be reached, until it can be again.
    Down,
    Up,
    /// A process is killed.
    Kill {
        seat: usize,
        disk: DiskFate,
    },
    /// A process is asked to end, and started again.
    Stop {
        seat: usize,
    },
    /// A process stands still, until it goes on.
    Freeze {
        seat: usize,
    },
    Thaw {
        seat: usize,
    },
    /// So many of a process's next writes to its store fail, and then there is room; with none, the next one fails for good.
    DiskFull {
        seat: usize,
        writes: u32,
    },
    /// So many of the records that sinks have sent fail, though perhaps they were written.
    FailSends {
        records: usize,
        written: bool,
    },
    /// Everybody is slow for so long.
    Stall(Duration),
}

impl Fault {
    /// It in words, with names out of these topics and their numbers of partitions.
    pub(super) fn in_words(&self, topics: &[(String, usize)]) -> String {
        match self {
            Self::Produce(records) => format!("{records} more records are produced"),
            Self::Transaction { at, aborted: 0 } => {
                format!("a transaction ends in {}", partition(topics, *at))
            }
            Self::Transaction { at, aborted } => {
                format!("a transaction of {aborted} records is aborted in {}", partition(topics, *at))
            }
            Self::Open { at, records } => {
                format!("a transaction of {records} records stays open in {}", partition(topics, *at))
            }
            Self::Close { at } => format!("the open transaction in {} ends", partition(topics, *at)),
            Self::Compact { at, every } => {
                let partition = partition(topics, *at);
                format!("{partition} is compacted: every {every}th offset goes")
            }
            Self::Delete { at, percent } => {
                format!("the oldest {percent}% of {} are deleted", partition(topics, *at))
            }
            Self::Truncate { at, records } => {
                let partition = partition(topics, *at);
                format!("an unclean leader election loses the last {records} offsets of {partition}")
            }
            Self::Elect { at } => format!("{} gets another leader", partition(topics, *at)),
            Self::Recreate { topic } => format!("topic {} is deleted and made anew", topics[*topic].0),
            Self::DeleteTopic { topic } => format!("topic {} is deleted", topics[*topic].0),
            Self::CreateTopic { topic } => format!("topic {} is there again, empty", topics[*topic].0),
            Self::Reset { at, percent } => {
                let partition = partition(topics, *at);
                format!("an admin sets the group's offset of {partition} to {percent}% of its log")
            }
            Self::Rebalance => "the group shares its partitions out anew".to_owned(),
            Self::Lose { seat } => format!("the coordinator throws process {seat} out of the group"),
            Self::Commit { seat, fault } => {
                format!("the next commit of process {seat} goes wrong: {}", commit_in_words(*fault))
            }
            Self::Down => "the cluster goes down".to_owned(),
            Self::Up => "the cluster is back".to_owned(),
            Self::Kill { seat, disk } => format!("process {seat} is killed; its disk {}", disk.in_words()),
            Self::Stop { seat } => format!("process {seat} is asked to end"),
            Self::Freeze { seat } => format!("process {seat} stands still"),
            Self::Thaw { seat } => format!("process {seat} goes on"),
            Self::DiskFull { seat, writes: 0 } => format!("the disk of process {seat} fails for good"),
            Self::DiskFull { seat, writes } => {
                format!("the disk of process {seat} is full for {writes} writes")
            }
            Self::FailSends { records, written } => {
                let though = if *written { ", though they were written" } else { "" };
                format!("{records} records that sinks have sent fail{though}")
            }
            Self::Stall(time) => format!("nothing happens for {time:?}"),
        }
    }
}

fn commit_in_words(fault: CommitFault) -> String {
    match fault {
        CommitFault::Unavailable => "the coordinator moves".to_owned(),
        CommitFault::AnswerLost => "it is stored, and the answer is lost".to_owned(),
        CommitFault::Partial(entries) => format!("only {entries} of its entries are stored"),
        CommitFault::Rebalancing => "a rebalance begins".to_owned(),
        CommitFault::IllegalGeneration => "its generation is over".to_owned(),
        CommitFault::UnknownMember => "the coordinator does not know it any more".to_owned(),
        CommitFault::Forbidden => "it has no right to".to_owned(),
    }
}

/// The name of a partition, counted over all topics.
fn partition(topics: &[(String, usize)], mut at: usize) -> String {
    for (topic, partitions) in topics {
        if at < *partitions {
            return format!("{topic}[{at}]");
        }
        at -= partitions;
    }
    format!("partition #{at}")
}

/// Faults, each with its step.
pub(super) type Script = Vec<(u64, Fault)>;

/// How large the world is.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) steps: u64,
    pub(super) seats: usize,
    pub(super) partitions: usize,
    pub(super) topics: usize,
    pub(super) records: usize,
}

/// Draws a script.
pub(super) fn script(seed: u64, size: Size, changes_logs: bool) -> Script {
    let mut rng = Rng::new(seed ^ 0x5707_4d00);
    let mut script = Script::new();
    let mut produced = 0;
    // Some worlds are calm, so that nothing hides behind a storm.
    let faults = [2, 6, 12, 24][rng.below(4)];
    for _ in 0..4 {
        let some = size.records / 5;
        produced += some;
        script.push((step(&mut rng, size), Fault::Produce(some)));
    }
    let _ = produced;
    for _ in 0..faults {
        let at = step(&mut rng, size);
        let fault = fault(&mut rng, size, changes_logs);
        let later = at + 1 + rng.below(120) as u64;
        match &fault {
            Fault::Down => script.push((later, Fault::Up)),
            Fault::DeleteTopic { topic } => script.push((later, Fault::CreateTopic { topic: *topic })),
            Fault::Freeze { seat } => script.push((later, Fault::Thaw { seat: *seat })),
            Fault::Open { at, .. } => script.push((later, Fault::Close { at: *at })),
            _ => {}
        }
        script.push((at, fault));
    }
    script.sort_by_key(|(step, _)| *step);
    script
}

fn step(rng: &mut Rng, size: Size) -> u64 {
    rng.below(usize::try_from(size.steps).unwrap_or(usize::MAX)) as u64
}

fn percent(rng: &mut Rng) -> i64 {
    i64::try_from(rng.below(101)).unwrap_or(0)
}

fn few(rng: &mut Rng, most: usize) -> i64 {
    i64::try_from(1 + rng.below(most)).unwrap_or(1)
}

fn fault(rng: &mut Rng, size: Size, changes_logs: bool) -> Fault {
    let (seat, at) = (rng.below(size.seats), rng.below(size.partitions));
    let disk = [DiskFate::Kept, DiskFate::Kept, DiskFate::Torn, DiskFate::Old, DiskFate::Gone][rng.below(5)];
    let commit = [
        CommitFault::Unavailable,
        CommitFault::AnswerLost,
        CommitFault::Partial(1),
        CommitFault::Rebalancing,
        CommitFault::IllegalGeneration,
        CommitFault::UnknownMember,
        CommitFault::Forbidden,
    ][rng.below(7)];
    match rng.below(if changes_logs { 27 } else { 20 }) {
        0..=3 => Fault::Kill { seat, disk },
        4 | 5 => Fault::Stop { seat },
        6 | 7 => Fault::Rebalance,
        8 | 9 => Fault::Lose { seat },
        10..=12 => Fault::Commit { seat, fault: commit },
        13 => Fault::Down,
        14 => Fault::Freeze { seat },
        15 => Fault::DiskFull { seat, writes: [0, 1, 1, 2, 5][rng.below(5)] },
        16 => Fault::Stall(Duration::from_millis(200 * rng.below(100) as u64)),
        17 => match rng.below(3) {
            2 => Fault::Open { at, records: 2 },
            aborted => Fault::Transaction { at, aborted },
        },
        18 => Fault::FailSends { records: 1 + rng.below(4), written: rng.chance(500) },
        19 => Fault::Elect { at },
        20 => Fault::Compact { at, every: few(rng, 4) + 1 },
        21 | 22 => Fault::Delete { at, percent: percent(rng) },
        23 => Fault::Truncate { at, records: few(rng, 10) },
        24 => Fault::Recreate { topic: rng.below(size.topics) },
        25 => Fault::DeleteTopic { topic: rng.below(size.topics) },
        _ => Fault::Reset { at, percent: percent(rng) },
    }
}
