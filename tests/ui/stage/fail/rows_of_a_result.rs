//! A `Result` for the list of rows that are made of one: its `Err` would be skipped.

use healer::prelude::*;

fn save(order: String) -> Result<u64, String> {
    Err(order)
}

#[stage(batch)]
fn saved(rows: BatchMut<'_, String>) -> BatchMut<'_, u64> {
    rows.flat_map("nothing", save)
}

#[stage(batch)]
fn saved_by_hand(rows: BatchMut<'_, String>) -> BatchMut<'_, u64> {
    rows.flat_map("nothing", |order| save(order).into_iter())
}

fn main() {}
