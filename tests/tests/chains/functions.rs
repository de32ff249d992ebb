//! Functions of users that take and give parts of a pipeline.

use healer::{Chain, Healed, Json, Link, Port, Sink, Source, Stream, prelude::*};

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

#[stage(batch)]
fn saves(rows: &Batch<u64>) {
    assert!(!rows.is_empty());
}

fn source() -> Source<u64, Json> {
    kafka::json("numbers")
}

fn sink() -> Sink<u64, Json> {
    kafka::to_json("sums")
}

fn numbers() -> Stream<impl Link<Out = u64>> {
    source().stream("numbers")
}

fn small(numbers: Stream<impl Link<Out = u64>>) -> Stream<impl Link<Out = u64>> {
    numbers.filter(|number| *number < 1_000).reason("large").then(adds::stage()).then(waits::stage())
}

fn any<C: Link>(values: Stream<C>) -> Stream<impl Link<Out = C::Out>> {
    values.map(|value| value).named("any")
}

fn sent(numbers: Stream<impl Link<Out = u64>>) -> Healed<impl Chain> {
    numbers.then(sink()).heal()
}

fn saved(numbers: Stream<impl Link<Out = u64>>) -> Healed<impl Chain> {
    numbers.batch(5).within("10ms").then(saves::stage()).heal()
}

fn joined(numbers: Stream<impl Link<Out = u64>>, port: &Port<u64>) -> Healed<impl Chain> {
    small(numbers).to(port)
}

fn whole(name: &str) -> Healed<impl Chain> {
    sent(any(small(source().stream(name))))
}

#[test]
fn functions_give_sources_streams_sinks_chains_and_apps() {
    fn app() -> App {
        App::new("functions").chain(sent(any(small(numbers()))))
    }
    heals_all(app());
    heals_all(App::new("functions").chain(whole("numbers")));
}

#[test]
fn the_same_functions_serve_whole_chains_and_branches() {
    heals_all(App::new("functions").chain(saved(small(numbers()))));
    let ways = small(numbers()).fan_out(sent).and(|way| saved(small(way))).and(|way| sent(any(any(way))));
    heals_all(App::new("functions").chain(ways));
}

#[test]
fn a_function_may_end_a_stream_in_a_port() {
    let (into, all) = union("all");
    let app = App::new("functions").chain(joined(numbers(), &into)).chain(sent(all));
    assert!(app.describe().to_string().contains("sums"), "{}", app.describe());
}

#[test]
fn two_hundred_stages_in_a_generic_function() {
    macro_rules! second {
        ($first:tt $second:expr) => {
            $second
        };
    }
    macro_rules! then {
        ($stream:expr; $([$($arrow:tt)*])*) => { $stream $($( .then(second!($arrow adds::stage())) )*)* };
    }
    fn long(numbers: Stream<impl Link<Out = u64>>) -> Stream<impl Link<Out = u64>> {
        two_hundred!(then! { numbers; })
    }
    heals_all(App::new("functions").chain(long(long(numbers())).heal()));
}

#[test]
fn a_branch_that_gives_another_chain_is_refused() {
    let config = healer::Config::builder().brokers("localhost:1").build().unwrap();
    let app = App::new("stray").chain(numbers().fan_out(|way| way.heal()).and(|_| whole("other")));
    let error = app.build(&config).err().unwrap().to_string();
    assert!(error.contains("a chain that begins elsewhere"), "{error}");

    let mut kept = None;
    let ways = numbers().fan_out(|way| {
        kept = Some(way.heal());
        whole("other")
    });
    let error = App::new("stray").chain(ways).chain(kept.unwrap()).build(&config).err().unwrap().to_string();
    assert!(error.contains("a chain that begins elsewhere"), "{error}");
    assert!(error.contains("belongs to a branch"), "{error}");
}
