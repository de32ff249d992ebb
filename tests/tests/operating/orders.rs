//! The pipelines that are operated. Each record tells the stages its fate, so that tests know the output to expect of it.

use std::error::Error;

use healer::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::common::Door;

/// Where orders go that nobody can charge. The topic of all programs: which of them a letter is from is in its headers.
pub const DEAD: &str = "dead-orders";

/// The fate of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All goes well.
    Good,
    /// It is skipped.
    Blank,
    /// It is charged at the third attempt.
    Twice,
    /// It is never charged, and becomes a dead letter.
    Bad,
    /// A stage panics at it.
    Panics,
    /// It is charged when the door is opened.
    Waits,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub kind: Kind,
    /// A text that no log must show unasked.
    pub note: String,
    /// A text that no log must show at all.
    pub card: String,
}

/// The card that orders are paid with.
pub const CARD: &str = "4111 1111 1111 1111";

/// The text that is shown in place of a card.
pub const HIDDEN: &str = "hidden";

/// Takes cards out of data that is logged.
pub fn hide_card(_: &str, order: &mut Value) {
    if let Some(card) = order.get_mut("card") {
        *card = Value::from(HIDDEN);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the order was not charged")]
pub struct NotCharged(#[source] Refused);

#[derive(Debug, thiserror::Error)]
#[error("the bank refuses")]
pub struct Refused;

/// The text of the panic.
pub const BROKEN: &str = "the scales broke";

#[stage(skip = "blank")]
fn validate(order: Order, ctx: &Context) -> Option<Order> {
    tracing::info!(expected = %ctx.emit_id(), "validated");
    log::info!("validated, by log");
    (order.kind != Kind::Blank).then_some(order)
}

#[stage(parallel = 4, retry(3, backoff = "1ms"), on_error = dead_letter(DEAD))]
async fn charge(order: Order, ctx: &Context, #[state] door: &Door) -> Result<Order, NotCharged> {
    // The lines below may be logged on another thread, and between those of other records.
    tokio::task::yield_now().await;
    tracing::info!(expected = %ctx.emit_id(), attempt = ctx.attempt(), "charging");
    log::info!("charging, by log");
    let refused = match order.kind {
        Kind::Waits => {
            door.pass().await;
            false
        }
        Kind::Twice => ctx.attempt() < 3,
        Kind::Bad => true,
        Kind::Good | Kind::Blank | Kind::Panics => false,
    };
    if !refused {
        return Ok(order);
    }
    let error = NotCharged(Refused);
    tracing::warn!(error = &error as &dyn Error, "refused");
    Err(error)
}

#[stage(report, on_error = skip)]
pub fn weigh(order: Order) -> Order {
    assert!(order.kind != Kind::Panics, "{BROKEN}");
    order
}

#[stage(batch)]
fn save(rows: &Batch<Order>) {
    tracing::info!(rows = rows.len(), "saved");
    log::info!("saved, by log");
}

/// The pipeline that most of the tests are about.
pub fn orders(topic: &str, shipped: &str) -> App {
    pipeline! {
        name "orders";
        orders = kafka::json::<Order>(topic) => validate => charge => weigh;
        orders => batch(4, within = "20ms") => save => heal;
        orders => kafka::to_json(shipped) as "ship" => heal;
    }
}

#[stage]
fn tally(bill: String) -> Result<String, String> {
    if bill == "torn" { Err("nobody can read it".to_owned()) } else { Ok(bill) }
}

/// Another pipeline of the same process, which ends at a bill that is torn.
pub fn bills(topic: &str) -> App {
    pipeline! { name "bills"; bills = kafka::text(topic) => tally; bills => heal; }
}
