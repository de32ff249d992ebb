//! Two batches: one flows in at a time.

use healer::prelude::*;

#[stage(batch)]
fn both(rows: Batch<'_, String>, more: Batch<'_, u64>) -> Batch<'_, String> {
    rows
}

#[stage(batch)]
fn read(rows: &Rows<String>, more: &Rows<u64>) {}

#[stage(batch)]
async fn mixed(rows: Batch<'_, String>, more: &Rows<u64>) -> Batch<'_, String> {
    rows
}

fn main() {}
