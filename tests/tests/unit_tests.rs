//! Users test their functions alone: contexts, rows and batches are made by hand.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use healer::{
    prelude::*,
    testing::{self, Transformed},
};

#[derive(Clone, Debug, PartialEq)]
struct Order {
    id: u64,
    cents: i64,
}

const ORDER: Order = Order { id: 7, cents: 99 };

struct Prices(i64);

#[stage(retry(3))]
fn charge(order: Order, ctx: &Context) -> Result<String, String> {
    if ctx.attempt() < 2 {
        return Err(format!("{} is busy", ctx.stage_path()));
    }
    let key = String::from_utf8_lossy(ctx.key().unwrap_or_default());
    let trace = String::from_utf8_lossy(ctx.headers().get("trace").unwrap_or_default());
    let place = format!("{}[{}]@{}", ctx.topic(), ctx.partition(), ctx.offset());
    Ok(format!("{place} {key} {trace} {:?}: {} cents", ctx.timestamp_millis(), order.cents))
}

#[stage(batch)]
fn save(rows: &Batch<Order>) -> Result<(), String> {
    match rows.iter().find(|(_, order)| order.cents < 0) {
        Some((ctx, order)) => {
            Err(format!("{}@{}: order {} is negative", ctx.topic(), ctx.offset(), order.id))
        }
        None => Ok(()),
    }
}

#[stage(batch)]
fn shout(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.filter("empty", |line| !line.is_empty()).map(|line| line.to_uppercase())
}

#[stage(batch)]
fn parse(rows: BatchMut<'_, String>) -> Result<BatchMut<'_, i64>, std::num::ParseIntError> {
    rows.try_map(|line| line.parse())
}

#[stage(batch)]
async fn priced<'b>(rows: BatchMut<'b, Order>, #[state] prices: &Prices) -> BatchMut<'b, i64> {
    tokio::task::yield_now().await;
    rows.map(|order| order.cents * prices.0)
}

#[stage(batch)]
async fn saved(rows: BatchMut<'_, Order>) -> Result<BatchMut<'_, u64>, String> {
    tokio::task::yield_now().await;
    rows.try_map(|order| if order.cents < 0 { Err(format!("order {}", order.id)) } else { Ok(order.id) })
}

#[stage(batch)]
fn count(_: &Batch<&'static str>) {}

fn lines<const N: usize>(lines: [&str; N]) -> [String; N] {
    lines.map(str::to_owned)
}

#[test]
fn a_plain_function_is_given_a_context_that_says_what_a_test_says() {
    let ctx = testing::context("orders", 3, 7)
        .key("N12345")
        .header("trace", Some("a1"))
        .header("trace", Some("a2"))
        .timestamp(1_700_000_000_000)
        .stage("billing.orders.charge");
    assert_eq!(charge(ORDER, &ctx.clone().build()), Err("billing.orders.charge is busy".to_owned()));
    let told = charge(ORDER, &ctx.attempt(2).build()).unwrap();
    assert_eq!(told, "orders[3]@7 N12345 a2 Some(1700000000000): 99 cents");

    let bare = testing::context("t", 0, 0).build();
    assert_eq!((bare.key(), bare.timestamp(), bare.attempt(), bare.stage_path()), (None, None, 1, ""));
    assert!(bare.headers().is_empty());
    // The same record has the same identity, as after a replay.
    assert_eq!(bare.emit_id(), testing::context("t", 0, 0).build().emit_id());
    assert_ne!(bare.emit_id(), testing::context("t", 0, 1).build().emit_id());
}

#[test]
fn a_function_of_rows_is_given_rows() {
    assert_eq!(save(&testing::batch([ORDER])), Ok(()));
    let negative = Order { id: 8, cents: -1 };
    let error = save(&testing::batch([ORDER, negative.clone()])).unwrap_err();
    assert_eq!(error, "rows@1: order 8 is negative");
    let at = |offset| testing::context("orders", 0, offset).build();
    let error = save(&testing::batch_of([(at(40), ORDER), (at(41), negative)])).unwrap_err();
    assert_eq!(error, "orders@41: order 8 is negative");
}

#[test]
fn a_function_of_a_batch_is_lent_one_and_what_became_of_each_row_is_told() {
    let ended = testing::batch_mut(lines(["a", "", "b", ""])).run(shout);
    assert_eq!(ended.values, ["A", "B"]);
    assert_eq!(ended.made_of, [vec![0], vec![2]]);
    assert_eq!(ended.skipped, [(1, "empty".to_owned()), (3, "empty".to_owned())]);
    assert!(ended.missing.is_empty());

    // Several of one, one of several, in two ways.
    let ended = testing::batch_mut([1_u32, 2, 0, 3]).run(|rows| {
        rows.flat_map("none", |n| vec![n; n as usize]).route(
            |n| *n < 3,
            |small| small,
            |large| large.reduce(|all| all.iter().sum()),
        )
    });
    assert_eq!(ended.values, [1, 2, 2, 9]);
    assert_eq!(ended.made_of, [vec![0], vec![1], vec![1], vec![3, 3, 3]]);
    assert_eq!(ended.skipped, [(2, "none".to_owned())]);
    let all = testing::batch_mut([1, 2, 3]).run(|rows| rows.reduce(|all| all.len()));
    assert_eq!((all.values, all.made_of), (vec![3], vec![vec![0, 1, 2]]));
    let none = testing::batch_mut([1, 2]).run(|rows| rows.filter("all of them", |_| false));
    assert_eq!((none.values.len(), none.skipped.len()), (0, 2));
}

#[test]
fn rows_that_are_routed_come_back_in_their_order() {
    let ended = testing::batch_mut([1_u32, 2, 3, 4, 5]).run(|rows| {
        rows.route(
            |n| n % 2 == 0,
            |even| even.map(|n| n * 10),
            |odd| odd.flat_map("none", |n| vec![n; n as usize]),
        )
    });
    assert_eq!(ended.values, [1, 20, 3, 3, 3, 40, 5, 5, 5, 5, 5]);
    assert_eq!(
        ended.made_of.iter().map(|rows| rows[0]).collect::<Vec<_>>(),
        [0, 1, 2, 2, 2, 3, 4, 4, 4, 4, 4]
    );
}

#[test]
fn rows_that_a_function_loses_are_told() {
    // Nothing but a panic that is caught can lose some.
    let ended = testing::batch_mut([1, 2, 3]).run(|rows| {
        let mut kept = None;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let route = |even| {
                kept = Some(even);
                panic!("the others are gone")
            };
            rows.route(|n| n % 2 == 0, route, |odd| odd)
        }));
        assert!(caught.is_err());
        kept.expect("the even one was seen")
    });
    assert_eq!((ended.values, ended.made_of, ended.missing), (vec![2], vec![vec![1]], vec![0, 2]));
}

#[test]
fn a_function_of_a_batch_that_fails_gives_its_error() {
    let ended: Transformed<i64> = testing::batch_mut(lines(["1", "2"])).try_run(parse).unwrap();
    assert_eq!(ended.values, [1, 2]);
    let error = testing::batch_mut(lines(["1", "x"])).try_run(parse).unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
    let short = testing::batch_mut([1, 2]).try_run(|rows| rows.try_map_all(|_| vec![0])).unwrap_err();
    assert!(short.to_string().contains("a batch of 2 rows became 1"), "{short}");
}

#[tokio::test]
async fn asynchronous_functions_of_batches_are_awaited_with_all_that_they_take() {
    let prices = Prices(3);
    let ended = testing::batch_mut([ORDER]).run_async(async |rows| priced(rows, &prices).await).await;
    assert_eq!(ended.values, [297]);
    let negative = Order { id: 8, cents: -1 };
    assert_eq!(testing::batch_mut([ORDER]).try_run_async(saved).await.unwrap().values, [7]);
    assert_eq!(testing::batch_mut([ORDER, negative]).try_run_async(saved).await.unwrap_err(), "order 8");
}

#[test]
fn rows_of_a_test_are_none_that_a_pipeline_passes_on() {
    let app = || {
        App::new("forged").chain(
            kafka::text("t")
                .stream("t")
                .batch(2)
                .map(|_: Batch<String>| testing::batch(["x"]))
                .then(count::stage())
                .heal(),
        )
    };
    let Err(healer::Error::Build(error)) = testing::InMemory::new("t", 1, ["a", "b"]).run_once(app()) else {
        panic!("these rows came from nowhere")
    };
    assert!(error.to_string().contains("rows"), "{error}");
}

#[test]
#[should_panic(expected = "a stage never gets a batch without rows")]
fn a_batch_without_rows_is_refused_as_no_stage_gets_one() {
    drop(testing::batch::<u8>([]));
}
