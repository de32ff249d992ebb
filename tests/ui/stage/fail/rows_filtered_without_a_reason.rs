//! The reason of a skip is missing where the closure's types are not written.

use healer::prelude::*;

struct Order {
    cents: u64,
}

#[stage(batch)]
fn paid(rows: BatchMut<'_, Order>) -> BatchMut<'_, Order> {
    rows.filter(|order| order.cents > 0)
}

#[stage(batch)]
fn cents(rows: BatchMut<'_, Order>) -> Result<BatchMut<'_, u64>, String> {
    let rows = rows.try_map(|order| Ok::<_, String>(order.cents))?.filter(move |cents| *cents > 0);
    Ok(rows)
}

fn main() {}
