//! The guard ends the process when it must, with the right exit code, and not before all records that are done are committed.

use std::time::{Duration, Instant};

use healer_tests::kafka::Record;

use super::child::{Ended, Running, done};
use super::lines::{taken, that_begin};
use super::orders::Kind;
use super::shop::{Shop, all_at, good};

/// Nothing is committed but at the end.
const AT_THE_END: (&str, &str) = ("HEALER_COMMIT_INTERVAL", "1h");

/// Asserts that the guard ended the process with this exit code, and logged so.
pub fn assert_guarded(ended: &Ended, code: i32, why: &str) {
    let said = that_begin(&ended.lines, "the guard stops all pipelines, then the process ends: ");
    let [said] = said[..] else { panic!("the guard speaks once: {said:?}") };
    assert!(said["msg"].as_str().is_some_and(|said| said.contains(why)), "{said}");
    assert_eq!(said["level"], if code == 0 { "INFO" } else { "ERROR" }, "{said}");
    assert_eq!((said["fields"]["exit_code"].as_i64(), ended.status.code()), (Some(code.into()), Some(code)));
}

#[test]
fn an_error_that_ends_a_pipeline_ends_the_process_with_1() {
    let Some(shop) = Shop::open(4) else { return };
    shop.order(good(0..4, 5));
    let mut program = Running::guarded(&shop, &[AT_THE_END]);
    program.until_done(20);
    assert_eq!(shop.committed(), [].into());
    shop.kafka.produce(&shop.orders, [Record::value("no order").partition(0)]).unwrap();
    let ended = program.end();
    assert_guarded(
        &ended,
        1,
        &format!("an error ended pipeline `orders`: record {}[0]@5 failed", shop.orders),
    );
    assert_eq!(shop.committed(), all_at(5));
}

#[test]
fn nothing_committed_while_an_order_is_stuck_ends_the_process_with_1() {
    let Some(shop) = Shop::open(4) else { return };
    shop.order(good(0..4, 5));
    let mut program = Running::guarded(
        &shop,
        &[
            ("HEALING_GRACEFUL_OFFSET", "2"),
            ("HEALING_SLEEP_BEFORE_SHUTDOWN", "3"),
            ("HEALER_STALL_AFTER", "1s"),
            ("HEALER_DRAIN_BUDGET", "300ms"),
        ],
    );
    program.until("all is committed", |_| (shop.committed() == all_at(5)).then_some(()));
    // A pipeline that has nothing to commit may rest for as long as it likes.
    program.let_poll_for(Duration::from_millis(2_500));
    assert_eq!(program.until_verdict("/healthz", 200).of("orders")["healthy"], true);

    let more = [(1, Kind::Good), (1, Kind::Waits), (1, Kind::Good), (2, Kind::Good)];
    shop.order(more);
    let sick = program.until_verdict("/healthz", 503);
    let fault = format!("record {}[1]@6 has held its partition at `orders.validate.charge`", shop.orders);
    let faults = sick.of("orders")["faults"].as_array().expect("a list");
    assert!(
        faults.len() == 1 && faults[0].as_str().is_some_and(|said| said.starts_with(&fault)),
        "{faults:?}"
    );
    assert_eq!((&sick.body["healthy"], &sick.of("orders")["healthy"]), (&false.into(), &false.into()));
    program.until_page("the metrics say the same", |page| {
        let charge = [("stage", "charge"), ("path", "orders.validate.charge")];
        let of_partition = |name: &str| {
            let labels = [("topic", &*shop.orders), ("partition", "1")];
            page.count(&format!("healer_partition_{name}"), &labels)
        };
        page.count("healer_stalls_total", &[("pipeline", "orders")]) == 1
            && page.count("healer_stage_in_flight_records", &charge) == 1
            && ["committed_offset", "position", "lag_records"].map(of_partition) == [6, 8, 2]
            && ["pending_records", "done_above_frontier_records"].map(of_partition) == [1, 1]
            && of_partition("blocked_seconds") >= 1
    });
    let ended = program.end();
    assert_guarded(&ended, 1, "pipeline `orders` has committed nothing for ");
    assert_eq!(shop.committed(), [(0, 5), (1, 6), (2, 6), (3, 5)].into());
}

#[test]
fn nothing_polled_ends_the_process_with_1() {
    let Some(shop) = Shop::open(4) else { return };
    // With nothing to do it asks the broker once a minute.
    let rare = [("HEALING_GRACEFUL_POLLING", "2"), ("HEALER_POLL_BUDGET", "1min")];
    let program = Running::guarded(&shop, &rare);
    assert_guarded(&program.end(), 1, "pipeline `orders` has not polled for ");
}

#[test]
fn it_expires_with_0_when_what_is_done_is_committed() {
    let Some(shop) = Shop::open(4) else { return };
    shop.order(good(0..4, 5));
    let mut program = Running::start(&shop, &[AT_THE_END, ("HEALING_AUTO_EXPIRED", "2")]);
    program.say("start");
    program.until_done(20);
    assert_eq!(shop.committed(), [].into());
    let began = Instant::now();
    program.say("guard");
    let ended = program.end();
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_guarded(&ended, 0, "the time after which it is to end is over");
    assert_eq!(shop.committed(), all_at(5));
}

#[test]
fn after_its_last_commit_it_ends_with_0_when_what_is_done_is_committed() {
    let Some(shop) = Shop::open(4) else { return };
    let variables = [("HEALING_MAX_TOTAL_COMMIT", "1"), ("HEALER_COMMIT_INTERVAL", "200ms")];
    let program = Running::guarded(&shop, &variables);
    shop.order(good(0..4, 5));
    let ended = program.end();
    assert_guarded(&ended, 0, "pipeline `orders` has made the ");
    let taken = taken(&ended.lines);
    assert!(!taken.is_empty());
    assert_eq!(shop.committed(), taken);
}

#[test]
fn what_is_0_or_no_ends_nothing() {
    let Some(shop) = Shop::open(4) else { return };
    shop.order([(0, Kind::Good), (1, Kind::Waits)]);
    let mut program = Running::guarded(
        &shop,
        &[
            ("HEALING_GOT_ERROR", "no"),
            ("HEALING_GOT_DASK", "off"),
            ("HEALING_GRACEFUL_OFFSET", "0"),
            ("HEALING_GRACEFUL_POLLING", "0"),
            ("HEALING_AUTO_EXPIRED", "0"),
            ("HEALING_MAX_TOTAL_COMMIT", "0"),
            ("HEALER_STALL_AFTER", "500ms"),
            ("HEALER_DRAIN_BUDGET", "300ms"),
        ],
    );
    // One order is committed, another one is stuck, and the guard has looked a dozen times.
    program.until_verdict("/healthz", 503);
    let page = program.let_poll_for(Duration::from_millis(1_200));
    assert_eq!(done(&page), 1);
    assert!(page.count("healer_commits_total", &[("pipeline", "orders")]) > 0);
    shop.kafka.produce(&shop.orders, [Record::value("no order").partition(2)]).unwrap();
    let ended = program.end();
    let said = that_begin(&ended.lines, "an error ended a pipeline: ");
    assert!(said.len() == 1 && said[0]["fields"]["pipeline"] == "orders", "{said:?}");
    let end = that_begin(&ended.lines, "nothing left to guard");
    assert_eq!((end.len(), ended.status.code()), (1, Some(0)), "it is nobody's fault");
}
