//! Names are bound once, and before they are used.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use syn::Ident;

use super::{Graph, Use, is_mentioned_in_broken, used};
use crate::pipeline::{fault::Faults, model::Pipeline, nearest::nearest};

const RESERVED: [&str; 4] = ["heal", "checkpoint", "union", "crate"];

pub(super) fn check(pipeline: &Pipeline, graph: &mut Graph, faults: &mut Faults) {
    let mut bound: BTreeMap<String, usize> = BTreeMap::new();
    for (index, statement) in pipeline.statements.iter().enumerate() {
        let Some(name) = &statement.bound else { continue };
        if RESERVED.iter().any(|word| name == word) {
            let about = format!("`{name}` is a word of the pipeline's own");
            faults.at(name, about, "bind the stream to another name");
            bound.insert(name.to_string(), index);
            continue;
        }
        match bound.entry(name.to_string()) {
            Entry::Vacant(entry) => {
                entry.insert(index);
            }
            Entry::Occupied(_) => {
                let about = format!(
                    "`{name}` is bound a second time: it would be unclear which records a use of it means"
                );
                faults.at(name, about, "give this stream a name of its own");
            }
        }
    }
    for (index, statement) in pipeline.statements.iter().enumerate() {
        for used in used(statement, index) {
            let name = used.name();
            match bound.get(&name.to_string()) {
                Some(at) if *at < index => {}
                Some(at) if *at == index => {
                    let about = format!("`{name}` flows into itself: its records would never be done");
                    faults.at(name, about, "start it with a source, or with another stream");
                }
                Some(at) => late(pipeline, &bound, name, (*at, index), faults),
                None => unknown(pipeline, &bound, graph, &used, faults),
            }
        }
    }
}

/// A use before the binding.
fn late(
    pipeline: &Pipeline,
    bound: &BTreeMap<String, usize>,
    name: &Ident,
    (at, index): (usize, usize),
    faults: &mut Faults,
) {
    let mut seen = BTreeSet::new();
    if reaches(pipeline, bound, at, index, &mut seen) {
        let about =
            format!("`{name}` flows into itself through the lines below: its records would never be done");
        faults.at(name, about, "break the circle: start one of its streams with a source");
    } else {
        let help = format!("move the line that binds `{name}` above this one");
        faults.at(name, format!("`{name}` is used before it is bound"), help);
    }
}

/// Whether the stream of `from` comes from the statement `to`, directly or through others.
fn reaches(
    pipeline: &Pipeline,
    bound: &BTreeMap<String, usize>,
    from: usize,
    to: usize,
    seen: &mut BTreeSet<usize>,
) -> bool {
    from == to
        || seen.insert(from)
            && used(&pipeline.statements[from], from)
                .iter()
                .filter_map(|used| bound.get(&used.name().to_string()))
                .any(|before| reaches(pipeline, bound, *before, to, seen))
}

fn unknown(
    pipeline: &Pipeline,
    bound: &BTreeMap<String, usize>,
    graph: &mut Graph,
    used: &Use,
    faults: &mut Faults,
) {
    let name = used.name();
    if is_mentioned_in_broken(pipeline, name) {
        return;
    }
    if name == "heal" || name == "checkpoint" {
        let help = "start the line with a source or with a bound name";
        faults.at(name, format!("nothing flows into this `{name}`"), help);
        return;
    }
    let before = bound.iter().filter(|(_, at)| **at < used.index()).map(|(name, _)| name.as_str());
    let meant = nearest(&name.to_string(), before);
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "bind it first, as in `{name} = kafka::json::<Flight>(\"{name}\");`; a source that is kept in a variable is written `({name})`"
        ),
    };
    faults.at(name, format!("no stream is called `{name}`"), help);
    if let Some(statement) = meant.and_then(|meant| bound.get(meant)).map(|at| &pipeline.statements[*at])
        && let Some(meant) = &statement.bound
    {
        // The stream that was meant counts as used: one fault, not two.
        graph
            .0
            .entry(meant.clone())
            .or_default()
            .push(Use::Statement { index: used.index(), name: name.clone() });
    }
}
