//! The nodes of a pipeline as data: their names, their needs and the links between them.

use std::{
    any::TypeId,
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{broker::Topics, topology::OnError};

/// The kind of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    Source {
        topics: Topics,
        codec: &'static str,
        /// Whether records without a value are values here.
        tombstones: bool,
    },
    Stage {
        runs: Runs,
        parallel: Option<Parallel>,
    },
    Flat,
    BatchStage,
    Map,
    Filter {
        reason: Option<String>,
    },
    Batch {
        rows: usize,
        within: Duration,
    },
    Unbatch,
    Sink {
        topic: Option<Arc<str>>,
        codec: &'static str,
    },
    Checkpoint,
    Port,
    /// The end of a stream that flows into a port.
    ToPort,
    Heal,
}

impl NodeKind {
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Source { topics: Topics::Named(names), codec, .. } => {
                format!("source: {codec} from {}", names.join(", "))
            }
            Self::Source { topics: Topics::Pattern(pattern), codec, .. } => {
                format!("source: {codec} from {pattern}")
            }
            Self::Stage { runs, parallel: None } => runs.label().to_owned(),
            Self::Stage { runs, parallel: Some(parallel) } => {
                format!("{}, {} at once {}", runs.label(), parallel.most.label(), parallel.order.label())
            }
            Self::Flat => "flat stage".to_owned(),
            Self::BatchStage => "batch stage".to_owned(),
            Self::Map => "map".to_owned(),
            Self::Filter { .. } => "filter".to_owned(),
            Self::Batch { rows, within } => {
                format!("up to {rows} rows within {}", humantime::format_duration(*within))
            }
            Self::Unbatch => "row by row".to_owned(),
            Self::Sink { topic: Some(topic), codec } => format!("sink: {codec} to {topic}"),
            Self::Sink { topic: None, codec } => format!("sink: {codec} to a topic chosen by record"),
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::Port => "union".to_owned(),
            Self::ToPort => "into a union".to_owned(),
            Self::Heal => "heal".to_owned(),
        }
    }
}

/// Where a stage's function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Where the record is.
    Fused,
    /// In a task.
    Awaited,
    /// Where it may block.
    Blocking,
}

impl Runs {
    fn label(self) -> &'static str {
        match self {
            Self::Fused => "stage",
            Self::Awaited => "async stage",
            Self::Blocking => "blocking stage",
        }
    }
}

/// How many calls of a stage run at once, and which of them one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parallel {
    /// In the whole process.
    pub most: Most,
    /// The order that it keeps.
    pub order: Order,
}

/// How many calls run at once; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    /// As many.
    Fixed(usize),
    /// As many as make calls no slower, within these bounds.
    Auto {
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
}

impl Most {
    /// The most there can ever be.
    pub const fn bound(self) -> usize {
        match self {
            Self::Fixed(most) | Self::Auto { most, .. } => most,
        }
    }

    /// Whether some record is worked on at all.
    pub const fn is_sound(self) -> bool {
        match self {
            Self::Fixed(most) => most > 0,
            Self::Auto { least, most } => least > 0 && least <= most,
        }
    }

    fn label(self) -> String {
        match self {
            Self::Fixed(most) => most.to_string(),
            Self::Auto { least, most } => format!("{least} to {most}"),
        }
    }
}

/// The order that a parallel stage keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Calls for records of a key run one after the other; for those without a key as well, in their partition.
    Key,
    /// As `Key`, by a key that this function of the user's makes of the value; each record has one.
    KeyOf(&'static str),
    /// As `Key`, but records without a key have no order.
    KeyIfAny,
    /// Calls overlap, results leave a partition in the order of its records.
    Partition,
    /// Nothing.
    None,
}

impl Order {
    fn label(self) -> Cow<'static, str> {
        match self {
            Self::Key => "by key".into(),
            Self::KeyOf(function) => format!("by the key of `{function}`").into(),
            Self::KeyIfAny => "by key, without one in any order".into(),
            Self::Partition => "in the order of the partition".into(),
            Self::None => "in any order".into(),
        }
    }
}

/// A piece of state that a stage asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
    /// Whether its size is known, so that it can be given by value.
    pub(crate) is_sized: bool,
}

/// A node, as its consumer, the engine and `describe` know it.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub struct Node {
    /// Unique in the process, so that a number is enough to name a node after a panic.
    pub(crate) id: u32,
    pub(crate) path: Arc<str>,
    /// The last part of the path; a second use of a name in a chain has `#2` behind it.
    pub(crate) name: Arc<str>,
    pub(crate) kind: NodeKind,
    pub(crate) needs: Vec<Requirement>,
    /// The node before it; `None` for a source and a port.
    pub(crate) parent: Option<u32>,
    /// The port that this end feeds.
    pub(crate) feeds: Option<u32>,
    /// Whether it keeps something in the store under its name.
    pub(crate) stores: bool,
    /// Whether it keeps rows there that it goes on with after a restart.
    pub(crate) keeps: bool,
    /// Whether it rests when it fails on everything.
    pub(crate) breaks: bool,
    /// Whether it writes each value under the key of the value's record.
    pub(crate) copies_key: bool,
    /// Its policy for records that fail; `None`: the pipeline's policy counts.
    pub(crate) on_error: Option<OnError>,
    /// Faults of its settings; `build` reports them.
    pub(crate) faults: Vec<String>,
}

/// A node in the making: its name may still change.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub struct NodeDraft {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) kind: NodeKind,
    pub(crate) needs: Vec<Requirement>,
    pub(crate) feeds: Option<u32>,
    pub(crate) stores: bool,
    pub(crate) keeps: bool,
    pub(crate) breaks: bool,
    pub(crate) copies_key: bool,
    pub(crate) on_error: Option<OnError>,
    pub(crate) faults: Vec<String>,
}

/// A number that nothing else has.
pub(super) fn node_id() -> u32 {
    static IDS: AtomicU32 = AtomicU32::new(1);
    IDS.fetch_add(1, Ordering::Relaxed)
}

impl NodeDraft {
    pub(crate) fn new(name: impl Into<String>, kind: NodeKind) -> Self {
        Self {
            id: node_id(),
            name: name.into(),
            kind,
            needs: Vec::new(),
            feeds: None,
            stores: false,
            keeps: false,
            breaks: false,
            copies_key: false,
            on_error: None,
            faults: Vec::new(),
        }
    }
}
