//! Shortens the script of a failing seed: events are left out as long as the same promise is broken.

use std::sync::atomic::Ordering;

use super::{Plan, SimulationFailure, oracle::Broken, storm::Script, world::World};

/// How many shorter scripts are tried.
const TRIES: usize = 400;

pub(super) fn shrink<S: 'static>(plan: &Plan<S>, seed: u64, script: Script) -> SimulationFailure {
    let run = |script: &Script| World::run(plan, seed, script).broken;
    let Some(mut broken) = run(&script) else {
        let words = "it broke once and not when it was replayed: something in the pipeline depends on more than the seed \
                     (a thread, a clock, a random number or a static of its own)";
        return SimulationFailure::new(
            seed,
            "the same seed is the same history",
            words.to_owned(),
            &script,
            &plan.topics,
        );
    };
    let events = script.len();
    let mut script = script;
    let mut tries = 0;
    let mut size = script.len().div_ceil(2);
    while size > 0 && tries < TRIES {
        let mut at = 0;
        let mut shorter = false;
        while at < script.len() && tries < TRIES {
            let mut without = script.clone();
            without.drain(at..(at + size).min(without.len()));
            tries += 1;
            match run(&without) {
                Some(Broken { promise, words }) if promise == broken.promise => {
                    (script, shorter) = (without, true);
                    broken.words = words;
                }
                _ => at += size,
            }
        }
        if !shorter || size > script.len() {
            size /= 2;
        }
    }
    if std::env::var_os(super::SEED).is_some() {
        // A reader wants to see the history of the shortest script.
        plan.told.store(true, Ordering::Relaxed);
        run(&script);
    }
    let failure = SimulationFailure::new(seed, broken.promise, broken.words, &script, &plan.topics);
    SimulationFailure { events, ..failure }
}
