//! Rows that are results: each has to be opened.

use healer::prelude::*;

#[stage(batch)]
fn parsed(rows: Batch<'_, String>) -> Batch<'_, Result<u64, std::num::ParseIntError>> {
    rows.map(|row| row.parse())
}

#[stage(batch)]
fn known(rows: Batch<'_, String>) -> Result<Batch<'_, Option<u64>>, String> {
    Ok(rows.map(|row| row.parse().ok()))
}

fn main() {
    let _ = pipeline! { name "rows"; kafka::string("rows") => partition(3) => parsed => known => heal; };
}
