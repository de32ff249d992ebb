//! Pipelines over records in memory, in which the command `instructions` counts the cost of a record.

use std::{future::ready, process::ExitCode};

use healer::{
    prelude::*,
    testing::{InMemory, TestRecord},
};
use serde::{Deserialize, Serialize};

/// A value as a program of today reads it: a few numbers, a few short texts.
#[derive(Deserialize)]
struct Order {
    id: u64,
    customer: String,
    product: String,
    cents: i64,
    paid: bool,
}

#[stage]
fn length(value: &[u8]) -> usize {
    value.len()
}

#[stage(skip = "unpaid")]
fn paid(order: &Order) -> Option<u64> {
    let known = !order.customer.is_empty() && !order.product.is_empty() && order.cents > 0;
    (order.paid && known).then_some(order.id)
}

/// A value as a program of today sends it on.
#[derive(Serialize)]
struct Invoice {
    order: u64,
    customer: String,
    cents: i64,
}

#[stage]
fn invoice(order: Order) -> Invoice {
    Invoice { order: order.id, customer: order.customer, cents: order.cents }
}

#[stage]
async fn one_at_a_time(value: Vec<u8>) -> usize {
    ready(value.len()).await
}

#[stage(parallel = 64)]
async fn many_at_once(value: Vec<u8>) -> usize {
    ready(value.len()).await
}

#[stage]
fn adds(value: usize) -> usize {
    value ^ 1
}

/// A chain of one cheap stage, so many times eleven.
macro_rules! chain {
    ($($eleven:tt)*) => {
        pipeline! {
            name "chain";
            kafka::bytes("t") => length $(
                $eleven adds => adds => adds => adds => adds => adds => adds => adds => adds => adds => adds
            )* => heal;
        }
    };
}

fn app(name: &str) -> Option<App> {
    let app = match name {
        "bytes" => pipeline! { name "bytes"; all = kafka::bytes("t") => length; all => heal; },
        "json" => pipeline! { name "json"; all = kafka::json::<Order>("t") => paid; all => heal; },
        "sink" => pipeline! {
            name "sink"; all = kafka::json::<Order>("t") => invoice => kafka::to_json("out"); all => heal;
        },
        "async" => pipeline! { name "async"; all = kafka::bytes("t") => one_at_a_time; all => heal; },
        "apart" => pipeline! {
            name "apart"; all = kafka::bytes("t") => batch(500) => unbatch() => one_at_a_time; all => heal;
        },
        "parallel" => pipeline! { name "parallel"; all = kafka::bytes("t") => many_at_once; all => heal; },
        "chain0" => chain!(),
        "chain11" => chain!(=>),
        "chain99" => chain!(=> => => => => => => => =>),
        _ => return None,
    };
    Some(app)
}

/// A thousand orders of a hundred customers.
fn orders() -> impl Iterator<Item = TestRecord> {
    (0..1_000).map(|id| {
        let customer = id * 7 % 100;
        let order = format!(
            r#"{{"id":{id},"customer":"customer {customer:02}","product":"product {:03}","cents":{},"paid":{}}}"#,
            id % 500,
            100 + id,
            id % 10 > 0
        );
        TestRecord::new().key(format!("customer {customer:02}")).value(order)
    })
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [name, count] = &arguments[..] else { return usage() };
    let (Some(app), Ok(count)) = (app(name), count.parse::<u64>()) else { return usage() };
    match InMemory::new("t", 4, orders()).run(app, count) {
        Ok(report) if report.records == count => ExitCode::SUCCESS,
        other => {
            eprintln!("not all were done: {other:?}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: in_memory bytes|json|sink|async|apart|parallel|chain0|chain11|chain99 COUNT");
    ExitCode::FAILURE
}
