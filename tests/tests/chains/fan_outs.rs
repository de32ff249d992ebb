//! Fan-outs with many ways, and many of them below each other.

use healer::{Branch, Link, Stream, prelude::*};

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

macro_rules! second {
    ($first:tt $second:expr) => {
        $second
    };
}

#[test]
fn two_hundred_ways() {
    macro_rules! ways {
        ($fan_out:expr; $([$($arrow:tt)*])*) => {
            $fan_out $($( .and(second!($arrow |way| way.then(adds::stage()).then(waits::stage()).heal())) )*)*
        };
    }
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    let fan_out = stream.fan_out(|way| way.then(waits::stage()).heal());
    heals_all(App::new("chain").chain(two_hundred!(ways! { fan_out; })));
}

#[test]
fn sixty_fan_outs_below_each_other() {
    macro_rules! below {
        ($stream:expr;) => { $stream.then(adds::stage()).heal() };
        ($stream:expr; $first:tt $($rest:tt)*) => {
            $stream
                .then(adds::stage())
                .fan_out(|way| below!(way; $($rest)*))
                .and(|way| way.then(waits::stage()).heal())
                .and(|way| way.filter(|number| *number < 100).reason("large").heal())
        };
    }
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    let chain = below!(stream;
        1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10
        1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10
    );
    heals_all(App::new("chain").chain(chain));
}

#[test]
fn forty_fan_outs_of_eight_ways_without_a_node_between() {
    macro_rules! below {
        ($stream:expr;) => { $stream.heal() };
        ($stream:expr; $first:tt $($rest:tt)*) => {
            $stream
                .fan_out(|way| below!(way; $($rest)*))
                .and(|way| way.heal())
                .and(|way| way.heal())
                .and(|way| way.heal())
                .and(|way| way.heal())
                .and(|way| way.heal())
                .and(|way| way.heal())
                .and(|way| way.heal())
        };
    }
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    let chain = below!(stream;
        1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10
    );
    heals_all(App::new("chain").chain(chain));
}

#[test]
fn a_fan_out_in_a_function() {
    fn ways(numbers: Stream<impl Link<Out = u64>>) -> impl Branch {
        numbers
            .then(adds::stage())
            .fan_out(|way| way.then(waits::stage()).heal())
            .and(|way| way.map(|number| number + 1).heal())
    }
    let stream = kafka::json::<u64>("numbers").stream("numbers");
    heals_all(App::new("chain").chain(stream.fan_out(ways).and(|way| ways(way.then(adds::stage())))));
}
