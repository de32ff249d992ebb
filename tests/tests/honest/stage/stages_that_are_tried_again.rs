//! Failures: more attempts, time limits, records that are given up.

use healer::{Transient, prelude::*};

#[derive(Debug, thiserror::Error)]
#[error("busy")]
struct Busy;

impl Transient for Busy {
    fn is_transient(&self) -> bool {
        true
    }
}

/// It can't be cloned.
struct Order(String);

fn is_short(error: &String) -> bool {
    error.len() < 10
}

#[stage(retry(5, backoff = "100ms..10s", jitter = false), timeout = "2s", on_error = skip)]
async fn lent(order: &Order) -> Result<Order, Busy> {
    Ok(Order(order.0.clone()))
}

#[stage(retry(2), skip = "empty")]
fn in_a_thread(order: &Order, #[state] suffix: &String) -> Result<Option<String>, Busy> {
    Ok((!order.0.is_empty()).then(|| order.0.clone() + suffix))
}

#[stage(parallel = 8, retry(3, backoff = "1s"), retry_if = is_short, on_error = stop)]
async fn owned<T: Clone + Send + 'static>(value: T, ctx: &Context) -> Result<T, String> {
    if ctx.attempt() > 1 { Ok(value) } else { Err("not yet".to_owned()) }
}

/// Nothing but a panic is tried again.
#[stage(retry(2))]
#[checkpoint]
async fn without_a_result(value: String) -> String {
    value
}

#[stage(on_error = skip)]
fn fused(value: String) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok(value)
}

pub fn main() {
    let app = pipeline! {
        name "tried";
        kafka::text("t") => map(Order) => lent => in_a_thread => owned::<String> => without_a_result => fused => heal;
    };
    drop(app.with(String::new()));
}
