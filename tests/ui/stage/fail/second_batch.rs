//! Two batches: one flows in at a time.

use healer::prelude::*;

#[stage(batch)]
fn both(rows: BatchMut<'_, String>, more: BatchMut<'_, u64>) -> BatchMut<'_, String> {
    rows
}

#[stage(batch)]
fn read(rows: &Batch<String>, more: &Batch<u64>) {}

#[stage(batch)]
async fn mixed(rows: BatchMut<'_, String>, more: &Batch<u64>) -> BatchMut<'_, String> {
    rows
}

fn main() {}
