//! 200 nodes of each kind, by the macro.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use healer::prelude::*;

use super::heals_all;
use crate::two_hundred;

/// The values that came out at the end of a chain.
type Ends = Mutex<BTreeSet<u64>>;

#[stage]
fn ends(number: u64, #[state] ends: &Ends) {
    ends.lock().unwrap().insert(number);
}

#[stage]
fn adds(number: u64) -> u64 {
    number + 1
}

#[stage]
fn looks(number: &u64, ctx: &Context) -> Result<u64, String> {
    if ctx.partition() < 4 { Ok(number + 1) } else { Err("no such partition".to_owned()) }
}

#[stage(retry(3, backoff = "1ms"))]
fn tries(number: &u64) -> Result<u64, String> {
    Ok(number + 1)
}

#[stage]
async fn waits(number: u64) -> u64 {
    number + 1
}

#[stage(retry(3, backoff = "1ms"), timeout = "30s")]
async fn waits_and_tries(number: &u64) -> Result<u64, String> {
    Ok(number + 1)
}

#[stage(parallel = 8)]
async fn at_once(number: u64) -> u64 {
    number + 1
}

#[stage(blocking)]
fn blocks(number: u64) -> u64 {
    number + 1
}

#[stage(flat)]
fn gives(number: u64) -> Vec<u64> {
    vec![number + 1]
}

#[stage(flat)]
async fn waits_and_gives(number: u64) -> Vec<u64> {
    vec![number + 1]
}

#[checkpoint]
#[stage]
fn kept(number: u64) -> u64 {
    number + 1
}

#[stage(batch)]
fn saves(rows: &Batch<u64>) {
    assert!(!rows.is_empty());
}

/// A chain of one node over and over.
macro_rules! repeated {
    (($($step:tt)*) $([$($arrow:tt)*])*) => { repeated! { @ ($($step)*) $($($arrow)*)* } };
    (@ ($step:tt) $($arrow:tt)*) => {
        pipeline! { name "chain"; kafka::json::<u64>("numbers") $($arrow $step)* => ends => heal; }
    };
    (@ ($word:tt $arguments:tt) $($arrow:tt)*) => {
        pipeline! { name "chain"; kafka::json::<u64>("numbers") $($arrow $word $arguments)* => ends => heal; }
    };
}

/// Runs a chain that adds one at each of 200 nodes, or nothing at any.
fn comes_to(app: App, added: u64) {
    let ends = Arc::new(Ends::default());
    heals_all(app.with_arc(Arc::clone(&ends)));
    assert_eq!(*ends.lock().unwrap(), (added..40 + added).collect());
}

#[test]
fn two_hundred_synchronous_stages() {
    comes_to(two_hundred!(repeated! { (adds) }), 200);
}

#[test]
fn two_hundred_synchronous_stages_that_may_fail_and_look_at_the_record() {
    comes_to(two_hundred!(repeated! { (looks) }), 200);
}

#[test]
fn two_hundred_synchronous_stages_that_are_tried_again() {
    comes_to(two_hundred!(repeated! { (tries) }), 200);
}

#[test]
fn two_hundred_asynchronous_stages() {
    comes_to(two_hundred!(repeated! { (waits) }), 200);
}

#[test]
fn two_hundred_asynchronous_stages_that_are_tried_again() {
    comes_to(two_hundred!(repeated! { (waits_and_tries) }), 200);
}

#[test]
fn two_hundred_parallel_stages() {
    comes_to(two_hundred!(repeated! { (at_once) }), 200);
}

#[test]
fn two_hundred_blocking_stages() {
    comes_to(two_hundred!(repeated! { (blocks) }), 200);
}

#[test]
fn two_hundred_flat_stages() {
    comes_to(two_hundred!(repeated! { (gives) }), 200);
}

#[test]
fn two_hundred_asynchronous_flat_stages() {
    comes_to(two_hundred!(repeated! { (waits_and_gives) }), 200);
}

#[test]
fn two_hundred_closures() {
    comes_to(two_hundred!(repeated! { (map(|number: u64| number + 1)) }), 200);
}

#[test]
fn two_hundred_filters() {
    comes_to(two_hundred!(repeated! { (filter(|number: &u64| *number < 40, reason = "large")) }), 0);
}

#[test]
fn two_hundred_sinks() {
    comes_to(two_hundred!(repeated! { ((kafka::to_json("out"))) }), 0);
}

#[test]
fn two_hundred_stages_with_checkpoints_build() {
    // Names of checkpoints must differ, so this one is not run.
    let nodes = two_hundred!(repeated! { (kept) }).describe().to_string();
    assert!(nodes.contains("kept#200"), "{nodes}");
}

#[test]
fn two_hundred_batches_and_what_takes_them_apart() {
    macro_rules! batches {
        ($([$($arrow:tt)*])*) => {
            pipeline! {
                name "chain";
                kafka::json::<u64>("numbers") $($(
                    $arrow batch(1, within = "1s") => saves => flat_of
                )*)* => ends => heal;
            }
        };
    }
    #[stage(flat)]
    fn flat_of(rows: Batch<u64>) -> Vec<u64> {
        rows.iter().map(|(_, number)| *number).collect()
    }
    comes_to(two_hundred!(batches! {}), 0);
}

#[test]
fn two_hundred_nodes_of_all_kinds() {
    macro_rules! mixed {
        ($([$arrow:tt $($more:tt)*])*) => {
            pipeline! {
                name "chain";
                kafka::json::<u64>("numbers") $(
                    $arrow adds => looks => tries => waits => at_once => blocks => gives => waits_and_gives
                    => map(|number| number + 1) => filter(|number| *number < 240, reason = "large")
                    => (kafka::to_json("out"))
                )* => ends => heal;
            }
        };
    }
    comes_to(two_hundred!(mixed! {}), 180);
}
