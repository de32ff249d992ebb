//! Rows that are results: each has to be opened.

use healer::prelude::*;

#[stage(batch)]
fn parsed(rows: BatchMut<'_, String>) -> BatchMut<'_, Result<u64, std::num::ParseIntError>> {
    rows.map(|row| row.parse())
}

#[stage(batch)]
fn known(rows: BatchMut<'_, String>) -> Result<BatchMut<'_, Option<u64>>, String> {
    Ok(rows.map(|row| row.parse().ok()))
}

fn main() {
    let _ = pipeline! { name "rows"; kafka::text("rows") => batch(3) => parsed => known => heal; };
}
