//! The state that all lanes of a running pipeline share.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::{Checkpoints, Circuits, Runtime, Sends, scope::WideLanes};
use crate::{
    broker::Producer,
    envelope::Desk,
    observe::{AllGivenUp, Measures, Named, StageCounts, Tracing},
    reports::Reports,
    topology::{Nodes, States},
};

/// The state that all lanes of a running pipeline share.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) states: Arc<States>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    /// There whenever the pipeline has a sink or may send dead letters.
    pub(crate) producer: Option<Arc<dyn Producer>>,
    pub(crate) sends: Arc<Sends>,
    pub(crate) in_flight: usize,
    pub(crate) nodes: Nodes,
    pub(crate) counts: StageCounts,
    pub(crate) measures: Measures,
    pub(crate) reports: Reports,
    pub(crate) traces: Tracing,
    pub(crate) given_up: AllGivenUp,
    pub(crate) circuits: Arc<Circuits>,
    /// The pipeline's name.
    pub(crate) pipeline: String,
    _named: Named,
    /// `true` once nothing more is expected, so that nothing waits for company.
    pub(crate) flush: watch::Receiver<bool>,
    /// Records wait for memory that is held by records which wait for company.
    pub(crate) starved: Notify,
    /// Lanes that serve more than one partition.
    pub(super) wide_lanes: WideLanes,
}

/// The parts of which `Shared` is made.
pub(crate) struct Sharing {
    pub(crate) pipeline: String,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) states: States,
    pub(crate) desk: Arc<Desk>,
    pub(crate) producer: Option<Arc<dyn Producer>>,
    pub(crate) sends: Arc<Sends>,
    pub(crate) in_flight: usize,
    pub(crate) flush: watch::Receiver<bool>,
    pub(crate) nodes: Nodes,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) measures: Measures,
    pub(crate) reports: Reports,
    pub(crate) traces: Tracing,
}

impl Shared {
    pub(crate) fn new(sharing: Sharing) -> Self {
        let Sharing {
            pipeline,
            runtime,
            states,
            desk,
            producer,
            sends,
            in_flight,
            flush,
            nodes,
            checkpoints,
            measures,
            reports,
            traces,
        } = sharing;
        Self {
            runtime,
            states: Arc::new(states),
            desk,
            checkpoints: Arc::new(checkpoints),
            producer,
            sends,
            in_flight,
            counts: StageCounts::new(nodes.graph()),
            measures,
            reports,
            traces,
            given_up: AllGivenUp::default(),
            circuits: Arc::default(),
            pipeline,
            _named: Named::new(nodes.graph()),
            nodes,
            flush,
            starved: Notify::new(),
            wide_lanes: WideLanes::default(),
        }
    }

    pub(crate) fn producer(&self) -> &Arc<dyn Producer> {
        self.producer.as_ref().expect("a pipeline that sends is started with a producer")
    }

    /// Cancels the tasks of nodes that mix partitions; their receipts are returned.
    pub(crate) fn abort(&self) {
        self.wide_lanes.abort();
    }
}
