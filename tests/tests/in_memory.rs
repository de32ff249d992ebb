//! `InMemory` as a user has it: it shows the records of sinks and dead letters, and a run that cannot end is an error.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

use healer::{
    Error, Headers, OnError,
    prelude::*,
    testing::{InMemory, Received, TestRecord},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u64,
    cents: i64,
}

#[stage(skip = "free")]
fn bill(order: Order) -> Result<Option<Order>, String> {
    match order.cents {
        ..0 => Err(format!("order {} is negative", order.id)),
        0 => Ok(None),
        cents => Ok(Some(Order { cents: cents * 2, ..order })),
    }
}

#[stage(retry(3, backoff = "10s..10s", jitter = false))]
fn third_time(line: String, ctx: &Context) -> Result<String, String> {
    if ctx.attempt() < 3 { Err("busy".to_owned()) } else { Ok(format!("{line} after {}", ctx.attempt())) }
}

#[stage]
fn place(line: String, ctx: &Context) -> String {
    format!("{line} {}", ctx.partition())
}

fn order(id: u64, cents: i64) -> TestRecord {
    TestRecord::new()
        .key(format!("k{id}"))
        .value(format!(r#"{{"id":{id},"cents":{cents}}}"#))
        .header("trace", Some(format!("t{id}")))
        .timestamp(1_700_000_000_000 + i64::try_from(id).unwrap())
}

fn bills() -> App {
    pipeline! {
        name "bills";
        orders = kafka::json::<Order>("orders");
        orders => bill => kafka::to_json("bills") => heal;
    }
}

fn texts(records: &[Received]) -> Vec<&str> {
    records.iter().map(|record| record.text().unwrap()).collect()
}

fn build_error(result: Result<healer::Report, Error>) -> String {
    match result {
        Err(Error::Build(error)) => error.to_string(),
        other => panic!("it is no pipeline that can run: {other:?}"),
    }
}

#[test]
fn what_sinks_and_dead_letters_got_is_shown_in_order() {
    let orders = InMemory::new("orders", 1, [order(0, 10), order(1, -1), order(2, 0), order(3, 30)]);
    let report = orders.run_once(bills().on_error(OnError::dead_letter("bad-orders"))).unwrap();
    assert_eq!((report.healed, report.skipped["free"], report.dead_lettered), (2, 1, 1));

    let sent = orders.sent("bills");
    let bills: Vec<Order> = sent.iter().map(|record| record.json().unwrap()).collect();
    assert_eq!(bills, [Order { id: 0, cents: 20 }, Order { id: 3, cents: 60 }]);
    assert_eq!(sent[1].key.as_deref(), Some(b"k3".as_slice()));
    assert_eq!(sent[1].headers.get("trace"), Some(b"t3".as_slice()));
    assert_eq!(sent.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1]);

    let [letter] = &orders.sent("bad-orders")[..] else { panic!("{:?}", orders.sent("bad-orders")) };
    assert_eq!(letter.text().unwrap(), r#"{"id":1,"cents":-1}"#);
    let header =
        |headers: &Headers, name| headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    assert_eq!(header(&letter.headers, "healer-error").as_deref(), Some("order 1 is negative"));
    assert_eq!(header(&letter.headers, "trace").as_deref(), Some("t1"));
}

#[test]
fn what_was_sent_before_a_failure_is_shown_as_well() {
    let orders = InMemory::new("orders", 1, [order(0, 10), order(1, -1), order(2, 10)]);
    let Err(Error::Record(error)) = orders.run_once(bills()) else { panic!("order 1 is negative") };
    assert_eq!((error.topic.as_str(), error.offset), ("orders", 1));
    assert_eq!(orders.sent("bills").len(), 1);
    // The next run begins anew.
    orders.run_once(bills().on_error(OnError::Skip)).unwrap();
    assert_eq!(orders.sent("bills").len(), 2);
}

#[test]
fn each_record_runs_once_where_it_belongs() {
    let lines = (0..20).map(|n| TestRecord::new().key(format!("k{n}")).value(n.to_string()));
    let special = [TestRecord::new().value("here").partition(2), "there".into(), "and there".into()];
    let memory = InMemory::new("t", 3, lines.chain(special));
    let app = || pipeline! { name "places"; lines = kafka::text("t") => place => kafka::to_text("out"); lines => heal; };
    let report = memory.run_once(app()).unwrap();
    assert_eq!(report.healed, 23);
    let sent = memory.sent("out");
    assert!(texts(&sent).contains(&"here 2"), "{:?}", texts(&sent));
    assert_eq!(report.partitions.len(), 3);
    assert!(report.partitions.iter().all(|part| part.committed.is_some_and(|committed| committed > 1)));
    // And each time alike.
    memory.run_once(app()).unwrap();
    assert_eq!(texts(&memory.sent("out")), texts(&sent));
}

#[test]
fn a_pause_of_ten_seconds_costs_no_time() {
    let memory = InMemory::new("t", 1, ["a", "b"]);
    let app = pipeline! { name "patient"; kafka::text("t") => third_time => kafka::to_text("out") => heal; };
    let report = memory.run_once(app).unwrap();
    assert_eq!(texts(&memory.sent("out")), ["a after 3", "b after 3"]);
    assert_eq!(report.duration.as_secs(), 40);
}

#[test]
fn several_topics_are_read_and_one_that_is_not_given_has_no_records() {
    let app = || {
        App::new("both")
            .chain(kafka::text("a").stream("a").then(kafka::to_text("out")).heal())
            .chain(kafka::text(["b", "c"]).stream("b").then(kafka::to_text("out")).heal())
    };
    let memory = InMemory::new("a", 2, ["1", "2"]).topic("c", 1, ["3"]).topic("b", 4, ["4"]);
    assert_eq!(memory.run_once(app()).unwrap().healed, 4);
    let mut sent =
        memory.sent("out").iter().map(|record| record.text().unwrap().to_owned()).collect::<Vec<_>>();
    sent.sort();
    assert_eq!(sent, ["1", "2", "3", "4"]);
    assert_eq!(memory.run(app(), 700).unwrap().healed, 700);
    assert_eq!(InMemory::new("a", 1, ["1"]).run_once(app()).unwrap().healed, 1);
    let none: [&str; 0] = [];
    let memory = InMemory::new("a", 1, ["1"]).topic("b", 2, none);
    assert_eq!(memory.run_once(app()).unwrap().healed, 1);
    assert_eq!(memory.run(app(), 9).unwrap().healed, 9);
}

#[test]
fn a_topic_that_nothing_reads_is_an_error_that_says_what_is_read() {
    let one = || App::new("one").chain(kafka::text("orders").stream("orders").heal());
    for memory in
        [InMemory::new("order", 1, ["1"]), InMemory::new("orders", 1, ["1"]).topic("order", 3, ["2"])]
    {
        for text in [build_error(memory.run(one(), 10)), build_error(memory.run_once(one()))] {
            assert!(
                text.contains("nothing in the pipeline reads topic `order`; it reads `orders`"),
                "{text}"
            );
        }
    }
    let pattern = App::new("all").chain(kafka::text("^orders-.*").stream("all").heal());
    let memory = InMemory::new("orders-1", 1, ["1"]).topic("orders-2", 2, ["2"]);
    assert_eq!(memory.run_once(pattern).unwrap().healed, 2);
}

#[test]
fn a_batch_larger_than_the_default_bound_is_run() {
    let memory = InMemory::new("t", 2, (0..5_000).map(|n| n.to_string()));
    let app = || App::new("large").chain(kafka::text("t").stream("t").batch(2_000).heal());
    assert_eq!(memory.run_once(app()).unwrap().healed, 5_000);
    assert_eq!(memory.run(app(), 10_000).unwrap().healed, 10_000);
    let wrong = App::new("none").chain(kafka::text("t").stream("t").batch(0).heal());
    assert!(build_error(memory.run_once(wrong)).contains("gathers 0 rows"));
}

#[test]
#[should_panic(expected = "does not write to topic `bill`: it writes to `bills`")]
fn a_topic_that_nothing_writes_to_is_no_empty_answer() {
    let orders = InMemory::new("orders", 1, [order(0, 0)]);
    orders.run_once(bills()).unwrap();
    assert!(orders.sent("bills").is_empty());
    orders.sent("bill");
}

#[test]
fn topics_chosen_by_record_are_shown_by_name() {
    let app = pipeline! { name "by name"; kafka::text("t") => kafka::to_text("a").topic(|line: &String| line.clone()) => heal; };
    let memory = InMemory::new("t", 1, ["a", "b", "a"]);
    memory.run_once(app).unwrap();
    assert_eq!((memory.sent("a").len(), memory.sent("b").len(), memory.sent("c").len()), (2, 1, 0));
}
