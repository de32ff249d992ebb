//! The metrics of nodes.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use metrics::{Counter, Gauge, counter, gauge};

use super::{Rare, StageCounts};
use crate::{
    envelope::Reason,
    topology::{Called, Graph, Node, NodeKind},
};

/// The metrics of all nodes.
pub(in crate::observe) struct StageMeters {
    pipeline: String,
    nodes: BTreeMap<u32, NodeMeters>,
}

struct NodeMeters {
    called: Called,
    taken: Counter,
    given: Counter,
    in_flight: Gauge,
    /// Of a parallel stage: calls at work, and records that wait for their key.
    calls: Option<(Gauge, Gauge)>,
    /// Of a stage with a circuit breaker.
    circuit: Option<Gauge>,
    /// Made when there is something to count.
    rare: BTreeMap<Rare, Counter>,
}

impl StageMeters {
    pub(in crate::observe) fn new(pipeline: &str, graph: &Graph) -> Self {
        let counted = graph
            .nodes
            .iter()
            .filter(|node| !matches!(node.kind, NodeKind::Heal | NodeKind::Port | NodeKind::ToPort));
        let calls = graph.calls();
        let meters = |node: &Node| {
            let called = calls[&node.id].clone();
            let labels = called.labels(pipeline);
            NodeMeters {
                called,
                taken: counter!("healer_stage_records_in_total", &labels),
                given: counter!("healer_stage_records_out_total", &labels),
                in_flight: gauge!("healer_stage_in_flight_records", &labels),
                calls: matches!(node.kind, NodeKind::Stage { parallel: Some(_), .. }).then(|| {
                    let at_work = gauge!("healer_stage_calls_at_work", &labels);
                    (at_work, gauge!("healer_stage_calls_waiting_for_key", &labels))
                }),
                circuit: node.breaks.then(|| gauge!("healer_stage_circuit_open", &labels)),
                rare: BTreeMap::new(),
            }
        };
        let nodes = counted.map(|node| (node.id, meters(node))).collect();
        Self { pipeline: pipeline.to_owned(), nodes }
    }

    /// Records the counts of the nodes, and how many records are at each.
    // Gauges are floats; counts are exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    pub(in crate::observe) fn record(
        &mut self,
        counts: &StageCounts,
        in_flight: &BTreeMap<u32, u64>,
        open_circuits: &BTreeSet<u32>,
    ) {
        let mut rare = counts.all_rare();
        for (id, sum) in counts.sums() {
            let Some(node) = self.nodes.get(&id) else { continue };
            node.taken.absolute(sum.taken);
            node.given.absolute(sum.given);
            node.in_flight.set(in_flight.get(&id).copied().unwrap_or(0) as f64);
            if let Some((at_work, waiting)) = &node.calls {
                at_work.set(sum.at_work as f64);
                waiting.set(sum.behind as f64);
            }
            if let Some(circuit) = &node.circuit {
                circuit.set(f64::from(u8::from(open_circuits.contains(&id))));
            }
            if let Some((reason, skipped)) = sum.skipped {
                *rare.entry((id, Rare::Skipped(reason))).or_default() += skipped;
            }
        }
        for ((id, what), count) in rare {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            let counter = match node.rare.entry(what) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(what.counter(&self.pipeline, &node.called)),
            };
            counter.absolute(count);
        }
    }
}

impl Rare {
    fn counter(self, pipeline: &str, called: &Called) -> Counter {
        let labels = |more: Option<(&'static str, String)>| {
            called.labels(pipeline).into_iter().chain(more).collect::<Vec<_>>()
        };
        match self {
            Self::Failed(kind) => {
                counter!("healer_stage_records_failed_total", &labels(Some(("kind", kind.to_owned()))))
            }
            Self::Skipped(reason) => {
                counter!("healer_stage_records_skipped_total", &labels(Some(("reason", text(reason)))))
            }
            Self::Retried => counter!("healer_stage_retries_total", &labels(None)),
            Self::DeadLettered => counter!("healer_stage_dead_letters_total", &labels(None)),
            Self::CircuitOpened => counter!("healer_stage_circuit_openings_total", &labels(None)),
        }
    }
}

fn text(reason: Reason) -> String {
    reason.text().to_string()
}
