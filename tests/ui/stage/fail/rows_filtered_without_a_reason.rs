//! The reason of a skip is missing where the closure's types are not written.

use healer::prelude::*;

struct Order {
    cents: u64,
}

#[stage(batch)]
fn paid(rows: Batch<'_, Order>) -> Batch<'_, Order> {
    rows.filter(|order| order.cents > 0)
}

#[stage(batch)]
fn cents(rows: Batch<'_, Order>) -> Result<Batch<'_, u64>, String> {
    let rows = rows.try_map(|order| Ok::<_, String>(order.cents))?.filter(move |cents| *cents > 0);
    Ok(rows)
}

fn main() {}
