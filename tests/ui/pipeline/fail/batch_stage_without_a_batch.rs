//! A stage of batches where single values flow, or other rows.

use healer::prelude::*;

#[stage(batch)]
fn saved(rows: &Batch<String>) {}

#[stage(batch)]
async fn passed(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows
}

fn main() {
    let _ = pipeline! {
        name "lines";
        kafka::text("lines") => saved => heal;
        kafka::text("more") => passed => heal;
        kafka::text("lengths") => map(|line| line.len()) => batch(3) => saved => heal;
    };
}
