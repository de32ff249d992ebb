//! Two pipelines in one process: one that lives hides none that died.

use std::time::Duration;

use healer_tests::kafka::Record;

use super::child::Running;
use super::guard::assert_guarded;
use super::orders::Kind;
use super::program::BILLS;
use super::shop::Shop;

const BOTH: [&str; 2] = ["orders", "bills"];

/// A shop, and the topic of its bills, which is their group as well.
fn with_bills() -> Option<(Shop, String)> {
    let shop = Shop::open(1)?;
    let bills = shop.kafka.unique("bills");
    shop.kafka.create_topic(&bills, 1, &[]).unwrap();
    Some((shop, bills))
}

#[test]
fn a_second_pipeline_that_dies_is_not_hidden_by_the_first_that_lives() {
    let Some((shop, bills)) = with_bills() else { return };
    let mut program = Running::guarded(
        &shop,
        &[
            (BILLS, &bills),
            // Each pipeline makes one, which are not two of anybody's.
            ("HEALING_MAX_TOTAL_COMMIT", "2"),
            ("HEALING_SLEEP_BEFORE_SHUTDOWN", "3"),
        ],
    );
    shop.order([(0, Kind::Good)]);
    shop.kafka.produce(&bills, [Record::value("whole")]).unwrap();
    program.until_page("each has made a commit", |page| {
        BOTH.map(|pipeline| page.count("healer_commits_total", &[("pipeline", pipeline)])) == [1, 1]
    });
    program.let_poll_for(Duration::from_secs(1));
    assert_eq!(program.until_verdict("/readyz", 200).body["ready"], true);
    let well = program.until_verdict("/healthz", 200);
    assert_eq!(BOTH.map(|pipeline| &well.of(pipeline)["healthy"]), [true, true]);

    shop.kafka.produce(&bills, [Record::value("torn")]).unwrap();
    let sick = program.until_verdict("/healthz", 503);
    assert_eq!(BOTH.map(|pipeline| &sick.of(pipeline)["healthy"]), [true, false]);
    let faults = sick.of("bills")["faults"].to_string();
    assert!(
        faults.contains(&format!("an error ended it: record {bills}[0]@1 failed at `bills.tally`")),
        "{faults}"
    );
    let unready = program.until_verdict("/readyz", 503);
    assert_eq!(BOTH.map(|pipeline| &unready.of(pipeline)["ready"]), [true, false]);
    let ended = program.end();
    assert_guarded(&ended, 1, "an error ended pipeline `bills`");
    assert_eq!(shop.committed(), [(0, 1)].into());
    assert_eq!(shop.kafka.committed(&bills, &bills).unwrap(), [(0, 1)].into());
}

#[test]
fn where_an_error_is_to_end_nothing_the_other_pipeline_goes_on() {
    let Some((shop, bills)) = with_bills() else { return };
    let variables = [(BILLS, &*bills), ("HEALING_GOT_ERROR", "0"), ("HEALING_AUTO_EXPIRED", "0")];
    let mut program = Running::guarded(&shop, &variables);
    shop.kafka.produce(&bills, [Record::value("torn")]).unwrap();
    program.until_verdict("/healthz", 503);
    // It is not hidden, and it ends nobody.
    program.let_poll_for(Duration::from_secs(1));
    shop.order([(0, Kind::Good), (0, Kind::Good)]);
    program.until("the other one goes on", |_| (shop.committed() == [(0, 2)].into()).then_some(()));
    assert_eq!(program.until_verdict("/healthz", 503).of("orders")["healthy"], true);
    let ended = program.stop();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(shop.kafka.committed(&bills, &bills).unwrap(), [].into());
}
