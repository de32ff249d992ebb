//! The health of a program: whether it may be given work, and whether it is sick.

use serde_json::Value;

use super::child::{Running, done};
use super::guard::assert_guarded;
use super::lines::that_begin;
use super::orders::Kind;
use super::shop::{Shop, all_at, good};

const DRAINS: &str = "it takes no more records, and finishes those in flight";

#[test]
fn it_is_ready_while_it_runs_and_has_partitions() {
    let Some(shop) = Shop::open(1) else { return };
    let mut first = Running::start(&shop, &[]);
    let before = first.until_verdict("/readyz", 503);
    assert_eq!(before.body["reason"], "no pipeline is watched yet");
    assert_eq!(first.until_verdict("/healthz", 200).body["healthy"], true);
    first.say("start");
    first.say("guard");
    let ready = first.until_verdict("/readyz", 200);
    assert_eq!((&ready.body["ready"], &ready.of("orders")["ready"]), (&true.into(), &true.into()));

    // A member more than there are partitions.
    let mut second = Running::guarded(&shop, &[("HEALER_DRAIN_BUDGET", "1min")]);
    second.until("it has joined the group", |_| {
        (shop.kafka.group_log(&shop.group).unwrap().members == 2).then_some(())
    });
    let unready = second.until_verdict("/readyz", 503);
    let reason = unready.of("orders")["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|text| text.starts_with("no partition is assigned to it, for ")),
        "{reason}"
    );
    assert_eq!(second.until_verdict("/healthz", 200).of("orders")["healthy"], true);

    assert_eq!(first.stop().status.code(), Some(0));
    second.until_verdict("/readyz", 200);
    shop.order([(0, Kind::Good), (0, Kind::Waits)]);
    second.until_page("one order is done, and one is at work", |page| {
        let charge = [("stage", "charge"), ("path", "orders.validate.charge")];
        done(page) == 1 && page.count("healer_stage_in_flight_records", &charge) == 1
    });
    second.say("stop");
    let draining = second.until_verdict("/readyz", 503);
    assert_eq!(draining.of("orders")["reason"], DRAINS);
    assert_eq!(second.until_verdict("/healthz", 200).of("orders")["healthy"], true);
    second.until_page("the metrics say the same", |page| {
        page.count("healer_partition_state", &[("topic", &shop.orders), ("state", "draining")]) == 1
    });
    second.say("open");
    let ended = second.end();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(that_begin(&ended.lines, "nothing left to guard").len(), 1);
    assert_eq!(shop.committed(), [(0, 2)].into(), "what it waited for is committed");
}

#[test]
fn it_is_sick_while_no_broker_answers_and_well_again_after() {
    let Some(shop) = Shop::alone(4) else { return };
    shop.order(good(0..4, 5));
    let patient = [("HEALER_UNREACHABLE_AFTER", "1s"), ("HEALING_GOT_DASK", "no")];
    let mut program = Running::guarded(&shop, &patient);
    program.until("all is committed", |_| (shop.committed() == all_at(5)).then_some(()));
    assert_eq!(program.until_verdict("/healthz", 200).of("orders")["healthy"], true);
    shop.kafka.kill();
    let sick = program.until_verdict("/healthz", 503);
    let faults = sick.of("orders")["faults"].as_array().expect("a list");
    let says =
        |said: &Value| said.as_str().is_some_and(|said| said.starts_with("no broker has answered for "));
    assert!(faults.len() == 1 && says(&faults[0]), "{faults:?}");
    shop.kafka.restart().unwrap();
    program.until_verdict("/healthz", 200);
    shop.order(good(0..4, 1));
    program.until("all is committed", |_| (shop.committed() == all_at(6)).then_some(()));
    assert_eq!(program.stop().status.code(), Some(0));
}

#[test]
fn a_guard_ends_the_process_with_1_where_no_broker_answers() {
    let Some(shop) = Shop::alone(4) else { return };
    let mut program =
        Running::guarded(&shop, &[("HEALER_UNREACHABLE_AFTER", "1s"), ("HEALER_DRAIN_BUDGET", "1s")]);
    program.until_verdict("/readyz", 200);
    shop.kafka.kill();
    assert_guarded(&program.end(), 1, "pipeline `orders` has reached no broker for ");
}
