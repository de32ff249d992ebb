//! Where dead letters go: the configuration names the topics that the program leaves open, and no letter may come in again.

use std::sync::Arc;

use super::circles::reads;
use crate::{
    config::{Config, dead_letter_variable},
    topology::{Graph, Node, NodeKind, OnError},
};

/// Gives nodes, and the pipeline, the topics of dead letters that the configuration names.
///
/// # Errors
/// A fault for each that names none itself and finds none there.
pub(crate) fn settle(graph: &mut Graph, on_error: &mut OnError, config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    for node in &mut graph.nodes {
        let own = node.on_error.as_ref();
        let is_open = own == Some(&OnError::ConfiguredDeadLetter);
        if !own.unwrap_or(on_error).buries() {
            continue;
        }
        let of_stage = config.dead_letter_topic_of(&node.name);
        let topic = of_stage.or(config.dead_letter_topic().filter(|_| is_open));
        match topic {
            Some(topic) => {
                let on_error = Some(OnError::dead_letter(topic));
                *node = Arc::new(Node { on_error, ..Node::clone(node) });
            }
            None if is_open => faults.push(missing(&node.path, Some(&node.name))),
            None => {}
        }
    }
    if *on_error == OnError::ConfiguredDeadLetter {
        match config.dead_letter_topic() {
            Some(topic) => *on_error = OnError::dead_letter(topic),
            None => faults.push(missing("the pipeline", None)),
        }
    }
    faults
}

fn missing(path: &str, stage: Option<&str>) -> String {
    let for_stage = stage.map_or_else(String::new, |stage| {
        let variable = dead_letter_variable(stage);
        format!(", or for this stage alone `dead_letter_topic_of(\"{stage}\", …)` ({variable})")
    });
    format!(
        "`{path}` sends what fails to the dead-letter topic of the configuration, which names none: set `dead_letter_topic` \
         (HEALER_DEAD_LETTER_TOPIC){for_stage}"
    )
}

/// Warns of topics for stages that have no dead letters here: of a slip of the pen, or of another pipeline's stages.
pub(super) fn warn_of_strangers(pipeline: &str, graph: &Graph, on_error: &OnError, config: &Config) {
    let buries = graph.nodes.iter().filter(|node| node.on_error.as_ref().unwrap_or(on_error).buries());
    for stage in config.dead_letter_stages_beside(buries.map(|node| &*node.name)) {
        tracing::warn!(
            pipeline,
            stage,
            "the configuration names a topic for the dead letters of a stage that has none in this pipeline: if it is not \
             another pipeline's, correct the name"
        );
    }
}

/// Dead letters that would come in again.
pub(super) fn that_come_again(graph: &Graph, on_error: &OnError) -> Vec<String> {
    let reader = |topic: &Arc<str>| {
        let is =
            |node: &&Arc<Node>| matches!(&node.kind, NodeKind::Source { topics, .. } if reads(topics, topic));
        graph.nodes.iter().find(is)
    };
    let own = graph.nodes.iter().filter_map(|node| Some((&*node.path, node.on_error.as_ref()?)));
    let all = own.chain([("the pipeline", on_error)]);
    let topics = all.filter_map(|(path, on_error)| Some((path, on_error.dead_letter_topic()?)));
    let mut faults = Vec::new();
    for (path, topic) in topics {
        if topic.is_empty() {
            faults.push(format!("`{path}`: the topic of dead letters has no name"));
        } else if let Some(source) = reader(topic) {
            faults.push(format!(
                "`{path}` sends dead letters to `{topic}`, which `{}` reads: they would fail again and again; choose \
                 another topic",
                source.path
            ));
        }
    }
    faults
}
