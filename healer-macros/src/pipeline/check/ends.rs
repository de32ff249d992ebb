//! Every stream gets to `heal`, and nothing comes after it.

use syn::Ident;

use super::{Graph, is_mentioned_in_broken};
use crate::pipeline::{
    fault::Faults,
    model::{Head, Kind, Pipeline, Statement},
};

const LOST: &str = "the offsets of its records would never be committed";

pub(super) fn check(pipeline: &Pipeline, graph: &Graph, faults: &mut Faults) {
    for statement in &pipeline.statements {
        if let (Head::Stream(name), Some(first)) = (&statement.head, statement.nodes.first())
            && let Kind::Checkpoint(word) = &first.kind
        {
            let help = format!("write it where `{name}` is bound, after its last node");
            faults.at(word, "a checkpoint keeps what the node before it gives, and this line has none", help);
        }
        if !after_heal(statement, faults) && !statement.broken {
            match &statement.bound {
                Some(name) => bound(pipeline, graph, statement, name, faults),
                None if !statement.is_healed() => open(statement, faults),
                None => {}
            }
        }
    }
}

/// Nodes after `heal`.
fn after_heal(statement: &Statement, faults: &mut Faults) -> bool {
    let healed = statement.nodes.iter().position(|node| matches!(node.kind, Kind::Heal(_)));
    let Some(node) = healed.and_then(|at| statement.nodes.get(at + 1)) else {
        return false;
    };
    let help = "put it before `heal`, or let it start a line of its own from a bound name";
    faults.at(
        &node.tokens,
        "this node stands after `heal`: the offsets are settled there and no record flows on",
        help,
    );
    true
}

fn bound(pipeline: &Pipeline, graph: &Graph, statement: &Statement, name: &Ident, faults: &mut Faults) {
    if statement.is_healed() {
        for used in graph.uses(name) {
            let help =
                format!("leave out `heal` where `{name}` is bound, and heal each line that starts with it");
            faults.at(used.name(), format!("`{name}` ends in `heal`: nothing of it flows on"), help);
        }
    } else if graph.uses(name).is_empty() && !is_mentioned_in_broken(pipeline, name) {
        let help =
            format!("end its line with `=> heal`, without `{name} =`, or add the line `{name} => heal;`");
        faults.at(name, format!("`{name}` never reaches `heal`: {LOST}"), help);
    }
}

/// A line that neither heals nor binds.
fn open(statement: &Statement, faults: &mut Faults) {
    let Some(last) = statement.nodes.last() else {
        let (about, help) = match &statement.head {
            Head::Stream(name) => (
                format!("`{name}` flows nowhere here: {LOST}"),
                format!("write `{name} => … => heal;`, or leave out the line"),
            ),
            _ => (
                "this source flows nowhere: the offsets of its records would never be committed".to_owned(),
                "end the line with `=> heal`, or bind it: `name = …;`".to_owned(),
            ),
        };
        faults.at(&statement.tokens, about, help);
        return;
    };
    let help = "put `=> heal` behind it, or bind the line, as in `name = …;`, and use the name";
    faults.at(&last.tokens, format!("this line ends without `heal`: {LOST}"), help);
}
