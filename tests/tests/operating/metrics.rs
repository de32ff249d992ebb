//! The metrics of a run add up.

use super::http::Page;
use super::lines::that_say;
use super::orders::{DEAD, Kind};
use super::shop::all_at;
use super::whole::{EACH, PARTITIONS, Whole, count};

/// The counts that are exported of a node.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    taken: i64,
    given: i64,
    skipped: i64,
    failed: i64,
    retried: i64,
    dead: i64,
}

impl Counts {
    fn of(page: &Page, stage: &str) -> Self {
        let count = |name: &str| page.count(&format!("healer_stage_{name}_total"), &[("path", stage)]);
        Self {
            taken: count("records_in"),
            given: count("records_out"),
            skipped: count("records_skipped"),
            failed: count("records_failed"),
            retried: count("retries"),
            dead: count("dead_letters"),
        }
    }
}

const VALIDATE: &str = "orders.validate";
const CHARGE: &str = "orders.validate.charge";
const WEIGH: &str = "orders.validate.charge.weigh";
const PARTITION: &str = "orders.validate.charge.weigh.batch";
const SAVE: &str = "orders.validate.charge.weigh.batch.save";
const SHIP: &str = "orders.validate.charge.weigh.ship";

#[test]
fn the_counts_of_all_stages_add_up_to_what_was_produced() {
    let Some(whole) = Whole::seen() else { return };
    let page = &whole.page;
    let produced = i64::from(PARTITIONS) * EACH;
    let (blank, twice, bad) = (count(Kind::Blank), count(Kind::Twice), count(Kind::Bad));
    let charged = produced - blank - bad;
    let (passed, panicked) = (charged - 1, 1);
    for (stage, counts) in [
        ("orders", Counts { taken: produced, given: produced, ..Counts::default() }),
        (VALIDATE, Counts { taken: produced, given: produced - blank, skipped: blank, ..Counts::default() }),
        (
            CHARGE,
            Counts {
                taken: produced - blank,
                given: charged,
                failed: bad,
                // Each is tried three times, with success or without.
                retried: 2 * (twice + bad),
                dead: bad,
                ..Counts::default()
            },
        ),
        (
            WEIGH,
            Counts {
                taken: charged,
                given: passed,
                skipped: panicked,
                failed: panicked,
                ..Counts::default()
            },
        ),
        (PARTITION, Counts { taken: passed, given: passed, ..Counts::default() }),
        (SAVE, Counts { taken: passed, given: passed, ..Counts::default() }),
        (SHIP, Counts { taken: passed, given: passed, ..Counts::default() }),
    ] {
        assert_eq!(Counts::of(page, stage), counts, "{stage}");
        assert_eq!(page.float("healer_stage_in_flight_records", &[("path", stage)]), Some(0.0), "{stage}");
    }
    let skipped = |stage, reason| {
        page.count("healer_stage_records_skipped_total", &[("path", stage), ("reason", reason)])
    };
    assert_eq!((skipped(VALIDATE, "blank"), skipped(WEIGH, "failed")), (blank, panicked));
    let failed =
        |stage, kind| page.count("healer_stage_records_failed_total", &[("path", stage), ("kind", kind)]);
    assert_eq!((failed(CHARGE, "error"), failed(WEIGH, "panic")), (bad, panicked));
}

#[test]
fn the_counts_of_the_pipeline_are_what_the_broker_has() {
    let Some(whole) = Whole::seen() else { return };
    let page = &whole.page;
    let count_of = |name: &str| page.count(name, &[("pipeline", "orders")]);
    let skipped =
        |reason| page.count("healer_records_skipped_total", &[("pipeline", "orders"), ("reason", reason)]);
    let (blank, bad) = (count(Kind::Blank), count(Kind::Bad));
    let healed = i64::from(PARTITIONS) * EACH - blank - bad - 1;
    assert_eq!(count_of("healer_records_healed_total"), healed);
    assert_eq!(whole.shop.shipped(), healed);
    assert_eq!((skipped("blank"), skipped("failed")), (blank, 1));
    assert_eq!(count_of("healer_records_dead_lettered_total"), bad);
    let letters = whole.shop.kafka.read_all(DEAD).unwrap().into_iter().filter(|letter| {
        let from = ("healer-topic".to_owned(), Some(whole.shop.orders.clone().into_bytes()));
        letter.headers.contains(&from)
    });
    assert_eq!(i64::try_from(letters.count()), Ok(bad));
    assert_eq!(count_of("healer_failure_reports_total"), i64::try_from(whole.reports.len()).unwrap());
    for none in [
        "healer_failure_reports_dropped_total",
        "healer_commit_failures_total",
        "healer_data_loss_events_total",
        "healer_lost_offsets_total",
        "healer_fenced_results_total",
    ] {
        assert_eq!(page.float(none, &[("pipeline", "orders")]), Some(0.0), "{none}");
    }
    assert!(count_of("healer_commits_total") > 0);
    assert!(count_of("healer_rebalances_total") > 0);
    assert_eq!(count_of("healer_assigned_partitions"), i64::from(PARTITIONS));
    assert_eq!(count_of("healer_starts_total"), 1);
}

#[test]
fn each_partition_is_at_its_end() {
    let Some(whole) = Whole::seen() else { return };
    for partition in 0..PARTITIONS {
        let number = partition.to_string();
        let labels = [("pipeline", "orders"), ("topic", &whole.shop.orders), ("partition", &number)];
        let value = |name: &str| {
            let name = format!("healer_partition_{name}");
            assert!(whole.page.float(&name, &labels).is_some(), "{name} of partition {number}");
            whole.page.count(&name, &labels)
        };
        for name in ["position", "committed_offset", "end_offset"] {
            assert_eq!(value(name), EACH, "{name} of partition {number}");
        }
        let rest = ["lag_records", "pending_records", "done_above_frontier_records", "blocked_seconds"];
        for name in rest.into_iter().chain(["commit_failures_total", "fenced_results_total"]) {
            assert_eq!(value(name), 0, "{name} of partition {number}");
        }
        assert_eq!(value("assignments_total"), 1, "partition {number}");
        assert!(value("commits_total") > 0, "partition {number}");
        let state = |state| {
            let labels = labels.into_iter().chain([("state", state)]).collect::<Vec<_>>();
            whole.page.count("healer_partition_state", &labels)
        };
        assert_eq!((state("running"), value("state")), (1, 1), "partition {number} runs, and nothing else");
    }
    assert_eq!(whole.shop.committed(), all_at(EACH), "the broker says the same");
    assert_eq!(whole.code, Some(0));
}

#[test]
fn what_calls_take_and_how_large_values_are_is_measured() {
    let Some(whole) = Whole::seen() else { return };
    let page = &whole.page;
    let samples = |name: &str, stage: &str| page.count(&format!("{name}_count"), &[("path", stage)]);
    for (name, stages) in [
        ("healer_stage_duration_seconds", &[VALIDATE, CHARGE, WEIGH, SAVE][..]),
        ("healer_stage_input_bytes", &["orders", VALIDATE, CHARGE, WEIGH]),
        ("healer_stage_output_bytes", &[VALIDATE, CHARGE, WEIGH, SHIP]),
    ] {
        for stage in stages {
            let count = samples(name, stage);
            assert!(count > 0, "{name} of {stage}");
            let all = [("path", *stage), ("le", "+Inf")];
            assert_eq!(page.count(&format!("{name}_bucket"), &all), count, "{name} of {stage}");
            let sum = page.float(&format!("{name}_sum"), &[("path", stage)]);
            assert!(sum > Some(0.0), "{name} of {stage}: {sum:?}");
        }
    }
    let batches = that_say(&whole.lines, "saved").len();
    assert_eq!(samples("healer_stage_duration_seconds", SAVE), i64::try_from(batches).unwrap(), "each batch");
    // Nothing that grows without a bound is a label.
    for label in ["offset", "key", "emit_id"] {
        assert!(page.names().all(|name| page.values(name, label).is_empty()), "{label}");
    }
}

#[test]
fn the_time_of_the_last_poll_moves_on_when_there_is_nothing_to_do() {
    let Some(whole) = Whole::seen() else { return };
    let of_all = |name: &str| {
        [&whole.page, &whole.later].map(|page| page.float(name, &[("pipeline", "orders")]).expect(name))
    };
    let [before, after] = of_all("healer_last_poll_timestamp_seconds");
    assert!(after >= before + 1.0, "{before} {after}");
    let [before, after] = of_all("healer_records_healed_total");
    assert!(after - before < 0.5, "{before} {after}");
}
