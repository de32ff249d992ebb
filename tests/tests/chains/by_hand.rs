//! The same by the fluent calls.

use healer::prelude::*;

use super::heals_all;
use crate::two_hundred;

#[stage]
fn adds(number: u64) -> u64 {
    number + 1
}

#[stage]
async fn waits(number: u64) -> u64 {
    number + 1
}

/// The second of two.
macro_rules! second {
    ($first:tt $second:expr) => {
        $second
    };
}

/// Calls `then` over and over.
macro_rules! then {
    ($stream:expr, $stage:ident $([$($arrow:tt)*])*) => { $stream $($( .then(second!($arrow $stage::stage())) )*)* };
}

#[test]
fn two_hundred_synchronous_stages() {
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    heals_all(App::new("chain").chain(two_hundred!(then! { stream, adds }).heal()));
}

#[test]
fn two_hundred_asynchronous_stages() {
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    heals_all(App::new("chain").chain(two_hundred!(then! { stream, waits }).heal()));
}

#[test]
fn two_hundred_stages_in_a_branch() {
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    let both = stream
        .then(adds::stage())
        .fan_out(|all| two_hundred!(then! { all, adds }).heal())
        .and(|all| two_hundred!(then! { all, waits }).heal());
    heals_all(App::new("chain").chain(both));
}

#[test]
fn two_hundred_stages_behind_a_union() {
    let (into, both) = union("both");
    let first = kafka::json::<u64>("numbers").stream("first").then(adds::stage()).to(&into);
    let second = kafka::json::<u64>("others").stream("second").then(waits::stage()).to(&into);
    let both = two_hundred!(then! { both, waits }).then(adds::stage()).heal();
    let app = App::new("chain").chain(first).chain(second).chain(both);
    assert!(app.describe().to_string().contains("waits#200"));
}

#[test]
fn a_thousand_stages() {
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    let stream = two_hundred!(then! { stream, adds });
    let stream = two_hundred!(then! { stream, waits });
    let stream = two_hundred!(then! { stream, adds });
    let stream = two_hundred!(then! { stream, waits });
    heals_all(App::new("chain").chain(two_hundred!(then! { stream, adds }).heal()));
}
