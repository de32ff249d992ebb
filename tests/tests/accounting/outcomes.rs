//! Records that go several ways, batches that are taken apart: each record ends once, as the highest of its parts.

use std::error::Error as _;

use super::*;

#[tokio::test]
async fn a_record_that_went_several_ways_counts_once_and_as_the_highest() {
    let kafka = numbers(100);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .fan_out(|all| all.filter(|n| n.is_multiple_of(3)).reason("by three").heal())
        .and(|all| all.then(even_later::stage()).heal());
    let report = heals(App::new("a").chain(chain), &kafka).await;
    // Skipped in both ways: neither by two nor by three.
    assert_eq!(report.healed, 67);
    assert_eq!(report.skipped.values().sum::<u64>(), 33);
}

#[tokio::test]
async fn one_way_that_fails_holds_the_record_that_another_healed() {
    let kafka = numbers(20);
    let seen = Seen::<usize>::default();
    let saw = Arc::clone(&seen);
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .fan_out(move |all| all.map(move |n| saw.lock().expect("no panic").push(n)).heal())
        .and(|all| all.then(panic_at_7_later::stage()).heal());
    let error = fails_at(App::new("a").chain(chain), &kafka, 7).await;
    assert_eq!(error.stage, "in.parse.panic_at_7_later");
    assert!(seen.lock().expect("no panic").contains(&7));
}

#[tokio::test]
async fn no_children_are_a_skip_in_both_kinds_of_flat() {
    let kafka = numbers(40);
    let fused = kafka::text("t").stream("in").then(parse::stage()).then(as_often::stage()).heal();
    let report = heals(App::new("a").chain(fused), &kafka).await;
    assert_eq!((report.healed, report.skipped.get("none")), (30, Some(&10)));

    let kafka = numbers(40);
    let queued =
        kafka::text("t").stream("in").then(parse::stage()).then(as_often::stage()).then(rest::stage()).heal();
    let report = heals(App::new("a").chain(queued), &kafka).await;
    assert_eq!((report.healed, report.skipped.get("none")), (30, Some(&10)));
}

#[tokio::test]
async fn an_error_in_the_middle_of_many_holds_the_record_also_where_children_healed() {
    for queued in [false, true] {
        let kafka = numbers(20);
        let flat = kafka::text("t").stream("in").then(parse::stage()).then(half_then_error::stage());
        let app = if queued {
            App::new("a").chain(flat.then(rest::stage()).heal())
        } else {
            App::new("a").chain(flat.heal())
        };
        let error = fails_at(app, &kafka, 7).await;
        assert_eq!(error.stage, "in.parse.half_then_error", "{error}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the third is wrong"));
    }
}

#[tokio::test]
async fn a_batch_stage_may_skip_merge_and_multiply_rows() {
    let kafka = over(4, 400);
    let seen = Seen::<usize>::default();
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .batch(50)
        .within("50ms")
        .then(reduce_the_odd::stage())
        .then(repeat::stage())
        .then(read_later::stage())
        .heal();
    let app = App::new("a").chain(chain).with_arc(Arc::clone(&seen));
    let report = heals(app, &kafka).await;
    assert!(report.skipped["by four"] == 100, "{report:?}");
    assert!(report.healed > 0 && report.skipped.contains_key("none"), "{report:?}");
}

#[tokio::test]
async fn two_gatherings_in_one_pipeline_account_for_every_row() {
    let kafka = over(4, 300);
    let seen = Seen::<usize>::default();
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .fan_out(|all| all.batch(50).within("50ms").then(read::stage()).heal())
        .and(|all| {
            all.filter(|n| n.is_multiple_of(2)).batch(7).within("20ms").then(read_later::stage()).heal()
        });
    let app = App::new("a").chain(chain).with_arc(Arc::clone(&seen));
    let report = heals(app, &kafka).await;
    assert_eq!((report.healed, seen.lock().expect("no panic").len()), (300, 450));
}

#[tokio::test]
async fn a_batch_that_goes_two_ways_heals_when_both_have() {
    let kafka = over(4, 300);
    let seen = Seen::<usize>::default();
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .batch(50)
        .within("50ms")
        .fan_out(|rows| rows.then(read::stage()).heal())
        .and(|rows| rows.then(reduce_the_odd::stage()).then(read_later::stage()).heal());
    let app = App::new("a").chain(chain).with_arc(Arc::clone(&seen));
    let report = heals(app, &kafka).await;
    assert_eq!(report.healed, 300, "what one way skipped the other healed: {report:?}");
}

#[tokio::test]
async fn both_branches_of_a_diamond_count_as_one_record() {
    let kafka = over(4, 200);
    let seen = Seen::<(i32, usize)>::default();
    let saw = Arc::clone(&seen);
    let (port, both) = union::<usize>("both");
    let source = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .fan_out(|all| all.filter(|n| n.is_multiple_of(2)).reason("odd").to(&port))
        .and(|all| all.then(rest::stage()).to(&port));
    let both = both.then(rest::stage()).map(move |n| saw.lock().expect("no panic").push((0, n))).heal();
    let report = heals(App::new("a").chain(source).chain(both), &kafka).await;
    assert_eq!((report.healed, seen.lock().expect("no panic").len()), (200, 300));
}

#[tokio::test]
async fn with_room_for_one_record_everything_still_flows() {
    let kafka = over(2, 60);
    kafka.create_topic("out", 1).expect("a topic");
    let seen = Seen::<usize>::default();
    let chain = kafka::text("t")
        .stream("in")
        .then(parse::stage())
        .then(rest::stage())
        .fan_out(|all| {
            all.map(|n: usize| n.to_string()).then(kafka::to_text("out")).then(count::stage()).heal()
        })
        .and(|all| all.then(as_often::stage()).batch(1).within("30s").then(read::stage()).heal());
    let app = App::new("a").chain(chain).with_arc(Arc::clone(&seen));
    let config = builder(&kafka).in_flight(1).build().expect("right");
    let report = heals_with(app, &kafka, config).await;
    assert_eq!(report.healed, 60);
    assert_eq!(kafka.end_offsets("out").expect("ends")[&0], 60);
    assert_eq!(seen.lock().expect("no panic").len(), 90);
}
